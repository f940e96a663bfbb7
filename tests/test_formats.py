"""Label files of spreadsheets and of other tools."""

import json
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from folders import LATE_TICKS, make_dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from handact.dataset import Dataset, plan_actions, plan_hands, read_dataset, video_index
from handact.dataset.importing import import_actions, import_hands
from handact.errors import LabelError
from handact.formats.intervals import ActionOptions
from handact.formats.marks import HandOptions
from handact.formats.settings import Settings, add_classes, read_settings, write_settings
from handact.formats.tables import (
    read_actions,
    read_hands,
    read_table,
    read_tracks,
    write_actions,
    write_hands,
    write_table,
)
from handact.formats.text import merge_rows, show_path
from handact.formats.validate import resolve_overlaps
from handact.labels import HAND_COLUMNS, Segment

SHARED = Path(os.environ.get("HANDACT_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return read_dataset(make_dataset(tmp_path))


def _write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


# Tables as spreadsheets save them


@pytest.mark.parametrize(
    "text",
    [
        "video,frame,left_x,left_y,right_x,right_y\nv1,3,0.25,0.5,,\n",
        "\ufeffvideo,frame,left_x,left_y,right_x,right_y\r\nv1,3,0.25,0.5,,\r\n",
        "video;frame;left_x;left_y;right_x;right_y\nv1;3;0,25;0,5;;\n",
        "sep=;\nvideo;frame;left_x;left_y;right_x;right_y\nv1;3;0,25;0,5;;\n",
        "video\tframe\tleft_x\tleft_y\tright_x\tright_y\nv1\t3\t,25\t5e-1\t\t\n",
        ' Video , "Frame",left_x,LEFT_Y,right_x,right_y,,\n,,,,,\nv1, 3 ,"0,25",0.50,,,,\n\n',
        "video,frame,left_x,left_y,right_x,right_y,note\nv1,3.0,0.25,0.5,nan,NaN,x\n",
        "video,frame,left_x,left_y,right_x,right_y\rv1,3,0.25,0.5\r",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_what_a_spreadsheet_saves_reads_the_same(tmp_path: Path, text: str, encoding: str) -> None:
    hands = read_hands(_write(tmp_path / "hands.csv", text.encode(encoding)))
    assert list(hands.columns) == list(HAND_COLUMNS)
    assert hands.iloc[0, :4].tolist() == ["v1", 3, 0.25, 0.5]
    assert hands.iloc[0, 4:].isna().all()


def test_windows_letters_are_read(tmp_path: Path) -> None:
    text = "video;start_frame;end_frame;action\nv1;0;5;Schraube lösen\n"
    for encoding in ("cp1252", "utf-8", "utf-8-sig", "utf-16"):
        path = _write(tmp_path / "a.csv", text.encode(encoding))
        assert read_actions(path) == {"v1": [Segment(0, 5, "Schraube lösen")]}


def test_rows_are_lines_of_the_file(tmp_path: Path) -> None:
    path = _write(tmp_path / "t.csv", 'video,note\n\nv1,"two\nlines"\n,\nv2,x\n')
    assert read_table(path, ("video",)).index.tolist() == [3, 6]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.csv: is empty"),
        ("\n;;\n", "t.csv: is empty"),
        ("video,start\nv1,2\n", "t.csv: has no column frame; its columns are: video, start"),
        ("video,frame,frame\n", "t.csv: has two columns frame"),
        ("video,frame\nv1,0,5\n", "t.csv:2: has 3 cells where the header has 2"),
        ("video,frame\nv1,5\nv", "t.csv:3: the file ends in the middle of a row"),
        (b"video,frame\n\0\0", "t.csv: is not a text"),
    ],
)
def test_what_is_no_table_is_said(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(LabelError, match=message):
        read_table(_write(tmp_path / "t.csv", text), ("video", "frame"))


def test_paths_are_shown_as_a_person_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert show_path(tmp_path / "line" / "a.csv") == str(Path("line/a.csv"))
    assert show_path("../b.csv") == "../b.csv"
    with pytest.raises(LabelError, match=r"^none\.csv: no such file"):
        read_table("none.csv", ())
    with pytest.raises(LabelError, match="is a folder"):
        read_table(tmp_path, ())


def test_a_thousand_is_not_taken_for_one(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.csv", 'video,start_frame,end_frame,action\nv,0,"1,000",a\n')
    with pytest.raises(LabelError, match=r"a\.csv:2: end_frame is not a whole number: '1,000'"):
        read_actions(path)


def test_the_outputs_of_segment_read_as_actions(tmp_path: Path) -> None:
    text = (
        "video,start_frame,end_frame,start_seconds,end_seconds,action,confidence\n"
        "v1,10,20,0.5,1.0,take,0.9\nv1,0,10,0,0.5,background,0.8\n"
    )
    assert read_actions(_write(tmp_path / "v1.segments.csv", text)) == {
        "v1": [Segment(0, 10, "background"), Segment(10, 20, "take")]
    }


def test_tracks_have_probabilities_and_may_leave_the_picture(tmp_path: Path) -> None:
    header = "video,frame,left_p,left_x,left_y,right_p,right_x,right_y\n"
    path = _write(tmp_path / "t.csv", header + "v,0,0.9,-0.02,0.5,0.1,,\n")
    assert read_tracks(path)["left_x"].tolist() == [-0.02]
    for row, message in (
        ("v,0,1.2,0.1,0.5,0,,", r"left_p 1\.2 is outside 0\.\.1"),
        ("v,0,,0.1,0.5,0,,", "left_p is empty"),
        ("v,0,0.9,640,0.5,0,,", "left_x 640 looks like pixels"),
    ):
        with pytest.raises(LabelError, match=rf"t\.csv:2: {message}"):
            read_tracks(_write(path, header + row + "\n"))


_names = st.text(
    st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=("C", "Z")),
    min_size=1,
)


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(st.tuples(_names, st.integers(0, 9), st.integers(1, 9), _names), max_size=5))
def test_written_actions_read_back(tmp_path_factory, rows: list) -> None:  # noqa: ANN001
    actions: dict[str, list[Segment]] = {}
    for video, start, length, action in rows:
        actions.setdefault(video, []).append(Segment(start, start + length, action))
    path = tmp_path_factory.mktemp("actions") / "actions.csv"
    write_actions(path, actions)
    assert read_actions(path) == {video: sorted(actions[video]) for video in sorted(actions)}


def test_written_hands_read_back_and_are_the_same_bytes(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((20, 4)).round(6)
    values[::3, :2] = np.nan
    hands = pd.DataFrame(values, columns=list(HAND_COLUMNS[2:]))
    hands.insert(0, "frame", np.arange(20))
    hands.insert(0, "video", ["a", "b"] * 10)
    path = tmp_path / "hands.csv"
    write_hands(path, hands)
    first = path.read_bytes()
    back = read_hands(path)
    write_hands(path, back.sample(frac=1, random_state=1))
    assert path.read_bytes() == first
    expected = hands.sort_values(["video", "frame"], ignore_index=True)
    pd.testing.assert_frame_equal(back, expected, check_dtype=False, rtol=1e-5)


def test_merging_keeps_rows_and_further_columns(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.csv", "video;Who;n\nb;Ann;1\na;Bob;2\n")
    merge_rows(path, ("video", "n"), [("c", 3.0), ("b", None)], replaced=["b"])
    assert path.read_text() == "video,Who,n\na,Bob,2\nc,,3\nb,,\n"


def test_a_byte_order_mark_is_written_only_where_letters_need_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_table(path, ("video",), [("a",)])
    assert path.read_bytes() == b"video\na\n"
    write_table(path, ("video",), [("ä",)])
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")


# dataset.toml


@given(name=_names, classes=st.lists(_names, min_size=1, unique=True), notes=st.text())
@settings(max_examples=50, deadline=None)
def test_settings_read_back(tmp_path_factory, name: str, classes: list, notes: str) -> None:  # noqa: ANN001
    path = tmp_path_factory.mktemp("toml") / "dataset.toml"
    notes = notes.encode("utf-8", "replace").decode()
    wanted = Settings(name, tuple(classes), classes[-1], notes)
    write_settings(path, wanted)
    assert read_settings(path) == wanted


def test_adding_classes_leaves_all_else_as_it_is(tmp_path: Path) -> None:
    text = '# mine\nbackground = "a"\nclasses = ["a", # first ]\n  "b]c",\n]\nnotes = "x ] y"\n'
    path = _write(tmp_path / "dataset.toml", text)
    add_classes(path, ["d"])
    assert read_settings(path).classes == ("a", "b]c", "d")
    assert path.read_text().startswith('# mine\nbackground = "a"\nclasses = [\n')
    assert path.read_text().endswith('notes = "x ] y"\n')


# Actions


def test_clips_are_whole_videos(dataset: Dataset, tmp_path: Path) -> None:
    text = "file,Gesture,place\nv1.mp4,take,3\nsome/where/v2.cam.mp4,put,3\nother.mp4,take,4\n"
    plan = plan_actions(dataset, _write(tmp_path / "clips.csv", text))
    assert plan.actions == {"v1": [Segment(0, 40, "take")], "v2.cam": [Segment(0, 30, "put")]}
    assert plan.new_classes == ("put",)
    assert [str(p.row) for p in plan.labels.dropped] == ["4"]
    assert plan.labels.format == "table of trimmed clips"
    plan = plan_actions(dataset, tmp_path / "clips.csv", options=ActionOptions(column="place"))
    assert plan.new_classes == ("3",)


def test_classes_that_differ_in_capitals_are_pointed_out(dataset: Dataset, tmp_path: Path) -> None:
    text = "video,start_frame,end_frame,action\nv1,0,9,Take\nv1,9,12,put\nv1,12,20,Put\n"
    notes = plan_actions(dataset, _write(tmp_path / "a.csv", text)).labels.notes
    assert notes == [
        "new class 'Take' differs from 'take' in capitals only: two classes",
        "new class 'Put' differs from 'put' in capitals only: two classes",
    ]


def test_names_are_found_by_other_suffixes_and_paths(dataset: Dataset, tmp_path: Path) -> None:
    text = "video,label\nC:\\videos\\V1.AVI,take\nv2.cam,take\nlate.mov,take\n"
    plan = plan_actions(dataset, _write(tmp_path / "clips.csv", text))
    assert sorted(plan.actions) == ["late", "v1", "v2.cam"]


def test_seconds_go_through_the_time_stamps(dataset: Dataset, tmp_path: Path) -> None:
    ends = [*LATE_TICKS, LATE_TICKS[-1] + 100]
    segments = {"late": [Segment(0, 4, "take"), Segment(4, 9, "put"), Segment(9, 20, "take")]}
    for digits in (2, 3, 6):
        rows = [
            f"late,{ends[s.start_frame] / 1000:.{digits}f},"
            f"{ends[s.end_frame] / 1000:.{digits}f},{s.action}\n"
            for s in segments["late"]
        ]
        for header in ("video,start_seconds,end_seconds,action\n", "video,start,end,label\n"):
            plan = plan_actions(dataset, _write(tmp_path / "s.csv", header + "".join(rows)))
            assert plan.actions == segments
    assert "time stamps" in plan.labels.units


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(1, 29), unique=True, max_size=8), offset=st.floats(-0.004, 0.004))
def test_exported_seconds_come_back_to_the_frame(
    tmp_path_factory,  # noqa: ANN001
    cuts: list[int],
    offset: float,
) -> None:
    folder = _session_dataset(tmp_path_factory)
    dataset = read_dataset(folder / "line")
    seconds = video_index(dataset, dataset.videos["v2.cam"]).seconds
    edges = [0, *sorted(cuts), 30]
    times = [max(0.0, float(t) + offset) for t in [*seconds[edges[:-1]], 1.0]]
    rows = "".join(f"v2.cam,{a:.9f},{b:.9f},c{i}\n" for i, (a, b) in enumerate(pairwise(times)))
    path = _write(folder / "s.csv", "video,start_seconds,end_seconds,action\n" + rows)
    expected = [Segment(a, b, f"c{i}") for i, (a, b) in enumerate(pairwise(edges))]
    assert plan_actions(dataset, path).actions["v2.cam"] == expected


_SESSION: list[Path] = []


def _session_dataset(factory) -> Path:  # noqa: ANN001
    if not _SESSION:
        _SESSION.append(factory.mktemp("session"))
        make_dataset(_SESSION[0])
    return _SESSION[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("video,start,end,action\nv1,0:00:01.5,90,take\n", r"s\.csv:2: end 90 s is beyond the end"),
        ("video,start,end,action\nv1,1.5,1.0,take\n", r"s\.csv:2: end 1 s is before start 1\.5 s"),
        ("video,start,end,action\nv1,a,1,take\n", r"s\.csv:2: start is not a time"),
        ("video,start,end,action\nv1,0,1.5,\n", r"s\.csv:2: the label is empty"),
        ("video,start,end,action\nv1,0,1,a\n", r"its times may be whole seconds, or frames"),
        ("video,start_frame,end_frame,action\nv1,0,41,x\n", r"s\.csv:2: end_frame 41 is beyond"),
        (
            "video,start_frame,end_frame,action\nv1,0,9,x\nv1,8,12,y\n",
            r"s\.csv:3: 'y' .* overlaps 'x' \[0, 9\) in row 2",
        ),
        ("video,action\nv1,x\nv1,y\n", r"s\.csv:3: 'y' .* overlaps 'x'"),
        ("video,action\nv9,x\n", r"s\.csv:2: no video 'v9'"),
        ("start,end,action\n0,1,x\n", "does not name its video, and no video .* is called 's'"),
        ("video,start,end\nv1,0,1\n", "has no label column"),
        ("video,action\n", "has no labels in it"),
    ],
)
def test_bad_action_tables_are_refused(
    dataset: Dataset, tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(LabelError, match=message):
        plan_actions(dataset, _write(tmp_path / "s.csv", text))


def test_segments_without_a_frame_are_dropped_and_timecodes_read(
    dataset: Dataset, tmp_path: Path
) -> None:
    text = "video;start;end;action\nv1;0:00:00,5;00:01,0;take\nv1;1,01;1,02;blink\n"
    plan = plan_actions(dataset, _write(tmp_path / "s.csv", text))
    assert plan.actions == {"v1": [Segment(10, 20, "take")]}
    assert [p.row for p in plan.labels.dropped] == [3]
    text = "video,start_frame,end_frame,action\nv1,3,3,point\nv1,3,9,take\n"
    plan = plan_actions(dataset, _write(tmp_path / "s.csv", text))
    assert plan.actions == {"v1": [Segment(3, 9, "take")]}
    assert [p.row for p in plan.labels.dropped] == [2]


@settings(max_examples=100, deadline=None)
@given(
    segments=st.lists(
        st.tuples(st.integers(0, 20), st.integers(1, 9), st.sampled_from("abc")), max_size=6
    )
)
def test_resolved_overlaps_cover_the_same_frames_once(segments: list) -> None:
    given_segments = [Segment(start, start + length, name) for start, length, name in segments]
    covered = {i for s in given_segments for i in range(s.start_frame, s.end_frame)}
    for policy in ("first", "last"):
        resolved = resolve_overlaps(given_segments, policy)
        frames = [i for s in resolved for i in range(s.start_frame, s.end_frame)]
        assert sorted(frames) == sorted(covered)


def _mstcn(folder: Path, **labels: str) -> Path:
    (folder / "groundTruth").mkdir(parents=True)
    for name, text in labels.items():
        (folder / "groundTruth" / f"{name.replace('_', '.')}.txt").write_text(text)
    return folder


def test_mstcn_keeps_the_last_line_and_names_with_dots(dataset: Dataset, tmp_path: Path) -> None:
    v1 = "take\n" * 10 + "background\n" * 5 + "put it\n" * 24 + "take"
    folder = _mstcn(tmp_path / "m", v1=v1, v2_cam="background\r\n" * 30 + "\r\n", other="a\n")
    (folder / "mapping.txt").write_text("1 put it\n0 take\n2 background")
    (folder / "splits").mkdir()
    (folder / "splits" / "train.split1.bundle").write_text("v1.txt\n")
    (folder / "splits" / "test.split1.bundle").write_text("v2.cam.txt")
    plan = plan_actions(dataset, folder, options=ActionOptions(split=1))
    assert plan.actions == {
        "v1": [Segment(0, 10, "take"), Segment(15, 39, "put it"), Segment(39, 40, "take")]
    }
    assert plan.labels.labelled == {"v1", "v2.cam"}
    assert plan.labels.splits == {"v1": "train", "v2.cam": "test"}
    assert plan.new_classes == ("put it",)
    assert [p.reason for p in plan.labels.dropped] == ["no video 'other' in the dataset"]
    import_actions(dataset, plan)
    assert read_dataset(dataset.root).videos["v2.cam"].split == "test"
    with pytest.raises(LabelError, match=r"no bundle of split 2; bundles there: test\.split1"):
        plan_actions(dataset, folder, options=ActionOptions(split=2))


def test_mstcn_lengths_must_agree_unless_allowed(dataset: Dataset, tmp_path: Path) -> None:
    folder = _mstcn(tmp_path / "m", v1="take\n" * 38, late="take\n" * 25)
    (folder / "mapping.txt").write_text("take 0\n")
    message = "has 25 labels, but video 'late' has 20 frames"
    with pytest.raises(LabelError, match=message):
        plan_actions(dataset, folder)
    plan = plan_actions(dataset, folder, options=ActionOptions(allow_length_mismatch=True))
    assert plan.actions == {"v1": [Segment(0, 38, "take")], "late": [Segment(0, 20, "take")]}
    assert len(plan.labels.notes) == 2


def test_bad_mstcn_folders_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="has no folder groundTruth"):
        plan_actions(dataset, tmp_path, format="mstcn")
    folder = _mstcn(tmp_path / "m", late="take\n" * 10 + "\n" + "take\n" * 9)
    with pytest.raises(LabelError, match=r"late\.txt:11: is blank"):
        plan_actions(dataset, folder)
    (folder / "groundTruth" / "late.txt").write_text("take\n" * 20)
    (folder / "mapping.txt").write_text("zero take\n")
    with pytest.raises(LabelError, match=r"mapping\.txt:1: is not a number and a class"):
        plan_actions(dataset, folder)


def test_json_is_no_file_of_actions(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="is of no format of actions"):
        plan_actions(dataset, _write(tmp_path / "coco.json", "{}"))


# Hands


def test_hands_in_pixels_need_the_flag(dataset: Dataset, tmp_path: Path) -> None:
    text = "video,frame,left_x,left_y,right_x,right_y\nv1,3,80,48,,\nv2.cam,4,,,160,0\n"
    path = _write(tmp_path / "h.csv", text)
    with pytest.raises(LabelError, match=r"h\.csv:2: left_x 80 looks like pixels") as caught:
        plan_hands(dataset, path)
    assert "--pixels" in (caught.value.hint or "")
    hands = plan_hands(dataset, path, options=HandOptions(pixels=True)).hands
    assert hands.iloc[0, :4].tolist() == ["v1", 3, 0.5, 0.5]
    assert hands.iloc[1, [0, 1, 4, 5]].tolist() == ["v2.cam", 4, 1.0, 0.0]
    _write(path, text.replace("160", "170"))
    with pytest.raises(
        LabelError,
        match=r"h\.csv:3: the centre of the right hand \(170, 0\) is outside the picture",
    ):
        plan_hands(dataset, path, options=HandOptions(pixels=True))


def test_fractions_called_pixels_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    text = "video,frame,left_x,left_y,right_x,right_y\nv1,3,0.4,0.5,,\n"
    with pytest.raises(LabelError, match="these are fractions, not pixels"):
        plan_hands(dataset, _write(tmp_path / "h.csv", text), options=HandOptions(pixels=True))


@pytest.mark.parametrize(("x", "scale"), [("1.01", 1), ("-0.01", 1), ("161", 160)])
def test_hands_just_outside_are_moved_to_the_edge(
    dataset: Dataset, tmp_path: Path, x: str, scale: int
) -> None:
    text = f"video,frame,left_x,left_y,right_x,right_y\nv1,3,{x},{0.5 * scale:g},,\n"
    plan = plan_hands(
        dataset, _write(tmp_path / "h.csv", text), options=HandOptions(pixels=scale > 1)
    )
    assert plan.hands["left_x"].tolist() == [0.0 if x.startswith("-") else 1.0]
    assert plan.labels.notes == ["1 coordinate just outside the picture was moved to its edge"]


def test_hands_one_a_row(dataset: Dataset, tmp_path: Path) -> None:
    text = (
        "video,frame,side,present,x,y\nv1.mp4,3,left,1,80,48\nv1.mp4,3,Right_hand,0,,\n"
        "v1.mp4,5,R,true,16,24\nnope,5,R,true,16,24\n"
    )
    plan = plan_hands(dataset, _write(tmp_path / "h.csv", text), options=HandOptions(pixels=True))
    assert plan.hands["frame"].tolist() == [3, 5]
    assert plan.hands.iloc[0, 2:4].tolist() == [0.5, 0.5]
    assert plan.hands.iloc[1, 4:].tolist() == [0.1, 0.25]
    assert plan.hands["right_x"].isna().tolist() == [True, False]
    assert plan.labels.notes == ["2 frames have a row for one hand only: the other is absent"]
    assert [p.row for p in plan.labels.dropped] == [5]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("v1,3,middle,1,0.5,0.5", "side is neither left nor right: 'middle'"),
        ("v1,3,left,2,0.5,0.5", "present is neither 1 nor 0: '2'"),
        ("v1,3,left,1,,", "the left hand is present, but x or y is empty"),
        ("v1,3,left,1,0.5,0.5\nv1,3,L,1,0.5,0.5", "frame 3 of video 'v1' has two left hands"),
        ("v1,40,left,1,0.5,0.5", "video 'v1' has no frame 40, it has 40 from 0"),
        ("v1,x,left,1,0.5,0.5", "frame is not a whole number: 'x'"),
    ],
)
def test_bad_rows_of_hands_are_refused(
    dataset: Dataset, tmp_path: Path, row: str, message: str
) -> None:
    path = _write(tmp_path / "h.csv", f"video,frame,side,present,x,y\n{row}\n")
    with pytest.raises(LabelError, match=rf"h\.csv:[23]: {message}"):
        plan_hands(dataset, path)


def _coco(path: Path, annotations: list[dict], **changes: object) -> Path:
    data = {
        "images": [
            {"id": 7, "file_name": "v1_000003.jpg", "width": 320, "height": 192},
            {"id": 8, "file_name": "frames/v2.cam/frame_000004.png", "width": 160, "height": 96},
            {"id": 9, "file_name": "elsewhere_000001.jpg", "width": 10, "height": 10},
        ],
        "categories": [
            {"id": 3, "name": "left_hand"},
            {"id": 5, "name": "RightHand"},
            {"id": 6, "name": "screw"},
        ],
        "annotations": [
            {"id": i, "image_id": 7, "category_id": 3, **entry}
            for i, entry in enumerate(annotations)
        ],
    }
    return _write(path, json.dumps(data | changes))


def test_coco_boxes_and_key_points(dataset: Dataset, tmp_path: Path) -> None:
    path = _coco(
        tmp_path / "c.json",
        [
            {"bbox": [140, 76, 40, 40]},
            {"category_id": 5, "keypoints": [0, 0, 0, 32, 20, 2, 64, 28, 1], "bbox": [0, 0, 9, 9]},
            {"category_id": 5, "iscrowd": 1, "bbox": [0, 0, 5, 5]},
            {"category_id": 6, "bbox": [0, 0, 5, 5]},
        ],
    )
    with pytest.raises(LabelError, match="whether frames count from 0 or from 1") as caught:
        plan_hands(dataset, path)
    assert "--first-frame" in (caught.value.hint or "")
    plan = plan_hands(dataset, path, options=HandOptions(first_frame=0))
    assert plan.hands["video"].tolist() == ["v1", "v2.cam"]
    assert plan.hands["frame"].tolist() == [3, 4]
    assert plan.hands.iloc[0, 2:].tolist() == [0.5, 0.5, 0.15, 0.125]
    assert plan.hands.iloc[1, 2:].isna().all()
    assert len(plan.labels.dropped) == 3
    assert "left_hand = left, RightHand = right, screw = not a side" in plan.labels.notes[0]


def test_coco_frames_may_count_from_one(dataset: Dataset, tmp_path: Path) -> None:
    images = [{"id": 7, "file_name": "ab12cd34-v1-40.jpg", "width": 320, "height": 192}]
    path = _coco(tmp_path / "c.json", [{"bbox": [140, 76, 40, 40]}], images=images)
    with pytest.raises(LabelError, match="video 'v1' has no frame 40, it has 40") as caught:
        plan_hands(dataset, path, options=HandOptions(first_frame=0))
    assert "--first-frame 1" in (caught.value.hint or "")
    # That there is a frame 40 of 40 proves it.
    assert plan_hands(dataset, path).hands["frame"].tolist() == [39]


def test_coco_categories_can_be_said(dataset: Dataset, tmp_path: Path) -> None:
    categories = [{"id": 3, "name": "A"}, {"id": 5, "name": "B"}]
    path = _coco(tmp_path / "c.json", [{"bbox": [140, 76, 40, 40]}], categories=categories)
    with pytest.raises(LabelError, match="not found among its labels: A, B") as caught:
        plan_hands(dataset, path)
    assert "--map" in (caught.value.hint or "")
    hands = plan_hands(
        dataset, path, options=HandOptions(sides={"A": "right", "B": "left"}, first_frame=0)
    ).hands
    assert hands.iloc[0, 4:].tolist() == [0.5, 0.5]
    with pytest.raises(LabelError, match="has no label 'C'"):
        plan_hands(dataset, path, options=HandOptions(sides={"C": "right"}))


def test_coco_images_that_say_two_things_are_left_out(dataset: Dataset, tmp_path: Path) -> None:
    boxes = [{"bbox": [140, 76, 40, 40]}, {"bbox": [100, 76, 40, 40]}]
    path = _coco(tmp_path / "c.json", boxes)
    plan = plan_hands(dataset, path, options=HandOptions(first_frame=0))
    assert plan.hands["video"].tolist() == ["v2.cam"]
    assert "a second left hand" in plan.labels.dropped[-1].reason


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"c\.json:1: is not JSON"),
        ("[]", "is of no format of hands"),
        ('{"images": []}', "is not a COCO file: it has no list 'annotations'"),
        (
            '{"images": [{}], "annotations": [], "categories": []}',
            r"images\[0\] has no 'id'",
        ),
    ],
)
def test_what_is_no_coco_file_is_said(
    dataset: Dataset, tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(LabelError, match=message):
        plan_hands(dataset, _write(tmp_path / "c.json", text))


def test_a_box_of_corners_is_noticed(dataset: Dataset, tmp_path: Path) -> None:
    path = _coco(tmp_path / "c.json", [{"bbox": [240, 76, 300, 140]}])
    with pytest.raises(LabelError, match=r"annotation 0: .* looks like two corners"):
        plan_hands(dataset, path, options=HandOptions(first_frame=0))


# Into the dataset


def test_labels_that_are_there_are_replaced_only_when_asked_for(
    dataset: Dataset, tmp_path: Path
) -> None:
    path = _write(tmp_path / "c.csv", "video,action\nv1,take\nlate,put\n")
    import_actions(dataset, plan_actions(dataset, path))
    table = dataset.root / "actions.csv"
    before = table.read_bytes(), (dataset.root / "dataset.toml").read_bytes()
    _write(path, "video,action\nv2.cam,more\nlate,take\n")
    with pytest.raises(LabelError, match="has other labels of 'late' already") as caught:
        import_actions(dataset, plan_actions(dataset, path))
    assert "--replace" in (caught.value.hint or "")
    assert (table.read_bytes(), (dataset.root / "dataset.toml").read_bytes()) == before
    import_actions(dataset, plan_actions(dataset, path), replace=True)
    after = read_dataset(dataset.root)
    assert after.actions["late"] == [Segment(0, 20, "take")]
    assert after.actions["v1"] == [Segment(0, 40, "take")]
    assert after.classes == ("background", "take", "turn screw", "put", "more")


def test_the_same_labels_may_be_given_twice(dataset: Dataset, tmp_path: Path) -> None:
    """As after an import that was stopped; what a person noted beside them stays."""
    path = _write(tmp_path / "c.csv", "video,action\nv1,take\nlate,put\n")
    import_actions(dataset, plan_actions(dataset, path))
    table = dataset.root / "actions.csv"
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([f"{header},note", *(f"{row},seen" for row in rows)]) + "\n")
    before = table.read_bytes()
    plan = plan_actions(dataset, path)
    import_actions(dataset, plan)
    assert (plan.same, plan.present) == (("late", "v1"), ())
    assert table.read_bytes() == before


def test_hands_are_merged_by_video(dataset: Dataset, tmp_path: Path) -> None:
    header = "video,frame,left_x,left_y,right_x,right_y\n"
    path = _write(tmp_path / "h.csv", header + "v1,3,0.5,0.5,,\nv1,2,,,,\n")
    import_hands(dataset, plan_hands(dataset, path))
    _write(path, header + "v1,3,0.5,0.6,,\n")
    with pytest.raises(LabelError, match="has other labels of 'v1' already"):
        import_hands(dataset, plan_hands(dataset, path))
    import_hands(dataset, plan_hands(dataset, _write(path, header + "late,1,,,0.1,0.2\n")))
    hands = read_dataset(dataset.root).hands
    assert hands[["video", "frame"]].values.tolist() == [["late", 1], ["v1", 2], ["v1", 3]]


def test_the_real_tables_are_read() -> None:
    folder = SHARED / "data" / "egocentric_gestures"
    if not folder.exists():
        pytest.skip(f"no real data at {folder}")
    hands = read_hands(folder / "hands_mediapipe.csv")
    assert len(hands) == 1427
    assert len(read_table(folder / "clips.csv", ("file", "gesture", "environment"))) == 163


# What a person who tried it found


@pytest.mark.parametrize("columns", ["von,bis", "time,note", "start,duration", "start_frame,x"])
def test_times_that_are_not_understood_make_no_labels_of_whole_videos(
    dataset: Dataset, tmp_path: Path, columns: str
) -> None:
    path = _write(tmp_path / "a.csv", f"video,{columns},action\nv1,1,2,take\n")
    with pytest.raises(LabelError, match="are not a start and an end that are known") as caught:
        plan_actions(dataset, path)
    assert "--format clips" in (caught.value.hint or "")
    plan = plan_actions(dataset, path, format="clips")
    assert plan.actions == {"v1": [Segment(0, 40, "take")]}
    assert "has no times: each row labels the whole of its video" in plan.labels.notes


def test_columns_are_known_whatever_their_blanks(dataset: Dataset, tmp_path: Path) -> None:
    path = _write(tmp_path / "a.csv", "Video,Start Time,End Time,Label\nv1,0.5,1.5,take\n")
    assert plan_actions(dataset, path).actions == {"v1": [Segment(10, 30, "take")]}


def test_what_resolving_overlaps_changes_is_told(dataset: Dataset, tmp_path: Path) -> None:
    text = "video,start_frame,end_frame,action\nv1,0,20,big\nv1,5,9,small\nv1,18,30,late\n"
    path = _write(tmp_path / "a.csv", text)
    plan = plan_actions(dataset, path, overlap="first")
    assert plan.actions == {"v1": [Segment(0, 20, "big"), Segment(20, 30, "late")]}
    assert plan.new_classes == ("big", "late")
    assert plan.labels.notes[-1] == (
        "overlaps: cut, divided or covered as a whole are the segments of rows 3, 4"
    )
    text = "video,start_frame,end_frame,action,hand\nv1,0,20,hold,left\nv1,5,9,take,right\n"
    with pytest.raises(LabelError, match="overlaps") as caught:
        plan_actions(dataset, _write(path, text))
    assert "`--tier NAME` takes one tier: left, right" in (caught.value.hint or "")


def test_options_that_say_nothing_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    path = _write(tmp_path / "a.csv", "video,start_seconds,end_seconds,action\nv1,0.5,1.5,take\n")
    with pytest.raises(LabelError, match="its times are seconds, of which --first-frame says"):
        plan_actions(dataset, path, options=ActionOptions(first_frame=1))


def test_frames_without_a_hand_are_counted(dataset: Dataset, tmp_path: Path) -> None:
    path = _coco(tmp_path / "c.json", [{"bbox": [140, 76, 40, 40]}])
    notes = plan_hands(dataset, path, options=HandOptions(first_frame=0)).labels.notes
    assert "in 1 of 2 frames no hand is marked: taken as both hands absent" in notes


def test_labels_are_added_beside_those_that_are_there(dataset: Dataset, tmp_path: Path) -> None:
    """As of two jobs of one video; what is there already is not added twice."""
    header = "video,start_frame,end_frame,action\n"
    path = _write(tmp_path / "a.csv", header + "v1,0,9,take\n")
    import_actions(dataset, plan_actions(dataset, path))
    path = _write(tmp_path / "b.csv", header + "v1,0,9,take\nv1,9,20,put\n")
    assert import_actions(dataset, plan_actions(dataset, path), add=True)
    dataset = read_dataset(dataset.root)
    assert dataset.actions["v1"] == [Segment(0, 9, "take"), Segment(9, 20, "put")]
    assert not import_actions(dataset, plan_actions(dataset, path), add=True)
    path = _write(tmp_path / "c.csv", header + "v1,19,25,take\n")
    before = (dataset.root / "actions.csv").read_bytes()
    with pytest.raises(LabelError, match=r"'take' \[19, 25\) of video 'v1' overlaps 'put'"):
        import_actions(dataset, plan_actions(dataset, path), add=True)
    assert (dataset.root / "actions.csv").read_bytes() == before
    header = "video,frame,left_x,left_y,right_x,right_y\n"
    import_hands(dataset, plan_hands(dataset, _write(path, header + "v1,3,0.5,0.5,,\n")))
    plan = plan_hands(dataset, _write(path, header + "v1,3,0.5,0.5,,\nv1,4,0.5,0.5,,\n"))
    assert import_hands(dataset, plan, add=True)
    assert read_dataset(dataset.root).hands["frame"].tolist() == [3, 4]
    plan = plan_hands(dataset, _write(path, header + "v1,4,0.6,0.5,,\n"))
    with pytest.raises(LabelError, match="frame 4 of video 'v1' has others already"):
        import_hands(dataset, plan, add=True)
