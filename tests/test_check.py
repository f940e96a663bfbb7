"""`check_dataset` finds all that is wrong, not only the first thing, and what looks odd."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from folders import make_dataset
from typer.testing import CliRunner
from videos import make_video

from handact.cli import app
from handact.dataset import Dataset, Problem, Video, check_dataset
from handact.dataset.doubts import find_action_doubts, find_hand_doubts
from handact.errors import LabelError
from handact.formats.validate import fold_name
from handact.labels import HAND_COLUMNS, Segment


def _short(root: Path, **options: bool) -> list[tuple[str, int | None]]:
    return [(Path(p.file).name, p.row) for p in check_dataset(root, **options)]


def _warnings(root: Path) -> list[Problem]:
    found = check_dataset(root, decode=False)
    assert {p.level for p in found} <= {"warning"}
    return found


def _dataset(
    videos: dict[str, Iterable[tuple[int, int, str]]],
    hands: Iterable[Sequence[object]] = (),
    frames: int = 1000,
) -> Dataset:
    """A dataset of videos at 10 fps, 200 x 100 pixels, without a folder."""
    actions = {name: [Segment(*s) for s in segments] for name, segments in videos.items()}
    classes = dict.fromkeys(["background", *(s.action for a in actions.values() for s in a)])
    return Dataset(
        root=Path("line"),
        name="line",
        classes=tuple(classes),
        background="background",
        notes="",
        videos={v: Video(v, Path(v), "train", 10.0, frames, 200, 100) for v in videos},
        actions=actions,
        hands=pd.DataFrame(list(hands), columns=list(HAND_COLUMNS)),
    )


def _spread(lengths: Iterable[int], gap: int, action: str = "take") -> list[tuple[int, int, str]]:
    """Segments of these lengths with bare frames before each."""
    segments, end = [], 0
    for length in lengths:
        segments.append((end + gap, end + gap + length, action))
        end += gap + length
    return segments


def test_a_sound_dataset_has_no_problem(tmp_path: Path) -> None:
    actions = "v1,0,10,take\nv1,10,20,turn screw\nv2.cam,0,9,take\nlate,0,9,take\n"
    root = make_dataset(tmp_path, actions=actions, hands="v1,1,,,0.5,0.5\n")
    assert check_dataset(root) == []
    assert check_dataset(make_dataset(tmp_path / "bare")) == []  # nothing is labelled yet


def test_all_problems_are_found_in_order(tmp_path: Path) -> None:
    root = make_dataset(
        tmp_path,
        actions="v1,0,10,take\nv1,5,12,grab\nv1,5,99,take\nv1,8,12,take\nlate,x,3,take\n",
        hands="v1,1,320,200,,\nv1,2,,,0.5,\nv1,2,,,,\nnope,1,,,,\nv1,3,0.5,0.5,,\n",
    )
    path = root / "videos.csv"
    path.write_text(path.read_text().replace(",30,160,", ",31,160,").replace(",20,40,", ",25,40,"))
    found = _short(root)
    assert [f for f in found if f[0] == "videos.csv"] == [("videos.csv", 3), ("videos.csv", 4)]
    assert [row for file, row in found if file == "actions.csv"] == [3, 4, 5, 6]
    assert [row for file, row in found if file == "hands.csv"] == [2, 2, 3, 4, 5]
    order = [file for file, _ in found]
    assert order == sorted(order, key=["videos.csv", "actions.csv", "hands.csv"].index)


def test_videos_are_compared_with_what_decoding_gives(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    make_video(root / "videos" / "v1.mp4", 12, fps=20, size=(96, 64))
    reasons = [p.reason for p in check_dataset(root)]
    assert reasons == [
        "frames is 40, but decoding gives 12",
        "size is 160x96, but decoding gives 96x64",
    ]
    assert check_dataset(root, decode=False) == []
    (root / "videos" / "v1.mp4").write_text("no video")
    assert "not a video" in check_dataset(root)[0].reason


def test_a_file_that_cannot_be_read_at_all_is_one_problem(tmp_path: Path) -> None:
    root = make_dataset(tmp_path, actions="v1,0,10,take\n")
    (root / "hands.csv").write_text("video;frame\nv1;2\n")
    (root / "actions.csv").write_bytes(b"\0\1\2")
    (root / "videos" / "late.mkv").unlink()
    found = check_dataset(root)
    assert [Path(p.file).name for p in found] == ["videos.csv", "actions.csv", "hands.csv"]
    assert "no file" in found[0].reason
    assert found[0].row == 2
    assert found[1].reason == "is not a text"
    assert "has no column left_x" in found[2].reason


def test_settings_and_a_missing_table_are_problems_too(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    (root / "dataset.toml").write_text('classes = ["a", "a"]\nbackground = "b"\n')
    (root / "videos.csv").unlink()
    reasons = [p.reason for p in check_dataset(root)]
    assert reasons == [
        "class 'a' is there twice",
        "background 'b' is not one of the classes",
        "no such file",
    ]
    with pytest.raises(LabelError, match="no such folder"):
        check_dataset(tmp_path / "none")


def test_names_that_differ_in_capitals_or_blanks_are_shown(tmp_path: Path) -> None:
    rows = "v1,0,10,take\nv1,10,20,turn screw\nv1,20,30,Turn_screw\nv1,30,35,turn screw\n"
    root = make_dataset(tmp_path, actions=f"{rows}v2.cam,0,9,take\nlate,0,9,take\n")
    problem = check_dataset(root, decode=False)[0]
    assert (problem.row, problem.level) == (4, "error")
    assert problem.hint == "is it 'turn screw'? capitals and blanks count"
    settings = (root / "dataset.toml").read_text()
    more = '"turn screw", "Turn_screw", "Background"'
    (root / "dataset.toml").write_text(settings.replace('"turn screw"', more))
    found = _warnings(root)
    assert [(Path(p.file).name, p.row, p.video) for p in found] == [
        ("dataset.toml", None, None),
        ("dataset.toml", None, None),
        ("actions.csv", 4, "v1"),
    ]
    assert found[0].reason.startswith("classes 'Background' (0 segments) and 'background' (0)")
    assert found[1].reason == "no video has a segment of 'Background'"
    assert found[2].reason == (
        "classes 'Turn_screw' (1 segments) and 'turn screw' (2) differ in capitals or blanks only"
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Take part", "take  part", True),
        ("takepart", "TAKE_PART", True),
        ("Öffnen", "O\u0308ffnen", True),
        ("step 1", "step1", True),
        ("step 1 1", "step 11", False),
        ("step 1  1", "step 11", False),
        ("take-", "take", False),
    ],
)
def test_names_are_compared_without_capitals_and_blanks(one: str, other: str, same: bool) -> None:
    assert (fold_name(one) == fold_name(other)) == same


def test_classes_without_examples_in_a_split_are_shown(tmp_path: Path) -> None:
    actions = "v1,0,10,take\nv1,10,20,turn screw\nlate,0,9,take\n"
    root = make_dataset(tmp_path, actions=actions)
    table = root / "videos.csv"
    table.write_text(table.read_text().replace("late.mkv,train", "late.mkv,test"))
    found = _warnings(root)
    assert [p.reason for p in found] == [
        "no video of the split 'test' has a segment of 'turn screw'",
        "no segment in 1 of 3 videos: 'v2.cam'",
    ]
    assert found[1].video == "v2.cam"
    table.write_text(table.read_text().replace("late.mkv,test", "late.mkv,train"))
    (root / "actions.csv").write_text(
        "video,start_frame,end_frame,action\nv1,0,9,take\nlate,0,9,take\nv2.cam,0,9,take\n"
    )
    assert [p.reason for p in _warnings(root)] == ["no video has a segment of 'turn screw'"]


def test_durations_far_from_those_of_the_class_are_shown() -> None:
    lengths = [20, 22, 18, 25, 21, 19, 20, 23, 2, 24, 17, 20, 90]
    dataset = _dataset({"v1": _spread(lengths, 5)}, frames=400)
    found = [d for d in find_action_doubts(dataset) if "lasts" in d.reason]
    assert [len(d.place) for d in found] == [2, 90]
    assert found[0].reason == (
        "'take' [213, 215) of video 'v1' lasts 0.20 s; half of the 13 segments of this class last "
        "1.90 s to 2.30 s"
    )


def test_durations_are_not_doubted_where_little_is_known_or_much_is_usual() -> None:
    few = _spread([20, 20, 20, 20, 20, 20, 20, 20, 200], 5)  # nine segments
    wide = _spread([5, 8, 13, 20, 30, 45, 60, 6, 10, 25, 90, 150], 5)
    cut = [(0, 1, "take"), *_spread([20] * 12, 10), (999, 1000, "take")]
    for segments in (few, wide, cut):
        doubts = find_action_doubts(_dataset({"v1": segments}))
        assert not [d for d in doubts if "lasts" in d.reason]


def test_bare_stretches_longer_than_usual_are_shown() -> None:
    segments = _spread([20] * 30, 5)
    forgotten = [s for i, s in enumerate(segments) if i not in (10, 11)]
    stopped = [s for s in segments if s[0] < 400]
    dataset = _dataset({"v1": segments, "v2": forgotten, "v3": stopped}, frames=755)
    found = list(find_action_doubts(dataset))
    assert [(d.video, d.place) for d in found] == [
        ("v2", Segment(230, 250, "take")),
        ("v3", Segment(380, 400, "take")),
    ]
    assert found[0].reason == "no label in [250, 305) of video 'v2': 5.50 s after 'take'"
    assert found[1].reason == "no label in [400, 755) of video 'v3': 35.5 s after 'take'"


def test_any_gap_stands_out_where_segments_touch() -> None:
    segments = _spread([20] * 40, 0)
    dataset = _dataset({"v1": segments[:7] + segments[8:], "v2": segments[20:]}, frames=800)
    found = list(find_action_doubts(dataset))
    assert [(d.video, d.place.start_frame) for d in found] == [("v1", 120), ("v2", 400)]
    assert "[0, 400) of video 'v2': 40.0 s before 'take'" in found[1].reason
    labelled = [*segments[:7], (140, 160, "background"), *segments[8:]]
    assert not list(find_action_doubts(_dataset({"v1": labelled}, frames=800)))


@pytest.mark.parametrize("gap", [5, 60])
def test_usual_gaps_are_background(gap: int) -> None:
    gaps = np.random.default_rng(0).lognormal(np.log(gap), 0.6, 30).astype(int)
    ends = np.cumsum(gaps + 20).tolist()
    segments = [(end - 20, end, "take") for end in ends]
    assert not list(find_action_doubts(_dataset({"v1": segments}, frames=ends[-1] + gap)))
    one_each = {f"clip{i}": [(100 + i, 140 + i, "take")] for i in range(12)}
    assert not list(find_action_doubts(_dataset(one_each, frames=400)))


def _work(number: int = 20, every: int = 3) -> list[list[object]]:
    """Hands that work side by side: rows of hands.csv."""
    x = 0.05 * np.sin(np.arange(number))
    return [["v1", every * i, 0.3 + dx, 0.5, 0.7 - dx, 0.6] for i, dx in enumerate(x)]


def _swap(row: list[object]) -> None:
    row[2:] = [*row[4:], *row[2:4]]


def _hand_doubts(rows: list[list[object]]) -> list[tuple[int, str]]:
    doubts = find_hand_doubts(_dataset({"v1": []}, rows))
    return [(d.place, d.reason.partition(" of video")[0]) for d in doubts]


def test_left_and_right_swapped_are_shown() -> None:
    rows = _work()
    assert _hand_doubts(rows) == []
    for i in (4, 5, 6, 15):
        _swap(rows[i])
    assert _hand_doubts(rows) == [
        (12, "left and right are the other way round in frames 12 to 18"),
        (45, "left and right are the other way round in frame 45"),
    ]
    for row in rows:  # whichever way round, these rows differ
        _swap(row)
    assert [frame for frame, _ in _hand_doubts(rows)] == [12, 45]


@pytest.mark.parametrize("swapped", [range(0, 3), range(12, 20), range(10, 20)])
def test_rows_swapped_at_an_end_are_shown(swapped: range) -> None:
    rows = _work()
    for i in swapped:
        _swap(rows[i])
    assert [frame for frame, _ in _hand_doubts(rows)] == [3 * swapped[0]]


def test_hands_that_may_trade_places_are_not_doubted() -> None:
    slow = _work(every=11)  # more than a second apart
    near = [["v1", 3 * i, 0.48, 0.5, 0.52, 0.5] for i in range(20)]
    cross = [["v1", i, 0.3 + i / 50, 0.5, 0.7 - i / 50, 0.6] for i in range(20)]
    for rows in (slow, near):
        for i in (4, 5, 6, 15):
            _swap(rows[i])
    for rows in (slow, near, cross):
        assert _hand_doubts(rows) == []


def test_a_hand_that_jumps_and_comes_back_is_shown() -> None:
    rows = _work(every=1)
    for row in rows[:10]:
        row[2:4] = [np.nan, np.nan]
    rows[5][4:] = rows[5][4], 0.1  # half of the short side up, in a tenth of a second
    assert _hand_doubts(rows) == [(5, "the right hand")]
    rows[5][4:] = rows[5][4], 0.45  # a nod
    assert _hand_doubts(rows) == []
    for row in rows[5:]:
        row[4:] = row[4], 0.1  # it stays there
    assert _hand_doubts(rows) == []
    slowly = _work(every=5)
    slowly[5][4:] = slowly[5][4], 0.1
    assert _hand_doubts(slowly) == []


def test_warnings_name_rows_of_the_file_and_fail_nothing(tmp_path: Path) -> None:
    rows = [f"v1,{i},0.3,0.5,0.7,0.5" for i in range(10)]
    rows[6] = "v1,6,0.7,0.5,0.3,0.5"
    hands = "\n".join(["", *reversed(rows)])  # a blank line, and no order
    root = make_dataset(tmp_path, actions="v1,0,9,take\n", hands=hands + "\n")
    found = _warnings(root)
    assert _short(root, decode=False) == [
        ("dataset.toml", None),
        ("actions.csv", None),
        ("hands.csv", 6),
    ]
    result = CliRunner().invoke(app, ["check", str(root)])
    assert result.exit_code == 0
    assert "what to look at" in result.stdout
    assert "line: nothing wrong, 3 things to look at. 3 videos" in result.stdout
    assert found[2].hint in result.stderr
    result = CliRunner().invoke(app, ["check", str(root), "--json"])
    shown = json.loads(result.stdout)
    assert shown["problems"] == []
    assert shown["warnings"][2]["row"] == 6


def test_labels_beside_errors_are_not_doubted(tmp_path: Path) -> None:
    root = make_dataset(tmp_path, actions="v1,0,99,take\n", hands="v1,99,,,,\n")
    assert {p.level for p in check_dataset(root)} == {"error"}
    (root / "hands.csv").unlink()
    result = CliRunner().invoke(app, ["check", str(root)])
    assert result.exit_code == 1
    assert "what is wrong" in result.stdout
    assert "look at" not in result.stdout
