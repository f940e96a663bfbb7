"""Actions in the files of datasets and of other networks."""

import json
import random
from itertools import pairwise
from pathlib import Path

import pytest
from folders import VIDEOS, make_dataset
from labels import named, plan_text, write_file

from handact.dataset import (
    Dataset,
    action_export,
    export_actions,
    import_actions,
    plan_actions,
    read_dataset,
    video_index,
)
from handact.errors import LabelError
from handact.formats.guess import guess_format
from handact.formats.intervals import ActionOptions
from handact.formats.outgoing import ActionExport
from handact.labels import Segment, frame_edges

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return read_dataset(make_dataset(tmp_path))


# ------------------------------------------------------------------------------------- DeepEthogram


def _table(*columns: str, values: list[tuple[int, ...]]) -> str:
    rows = "".join(f"{i},{','.join(map(str, row))}\n" for i, row in enumerate(values))
    return f",{','.join(columns)}\n{rows}"


@pytest.mark.trap("deepethogram: several behaviours in one frame are tiers")
def test_a_deepethogram_table(dataset: Dataset) -> None:
    path = SAMPLES / "deepethogram" / "v2.cam_labels.csv"
    assert guess_format(path, "actions") == "deepethogram"
    with pytest.raises(
        LabelError, match=r"csv:12: 'rear' \[10, 20\) .* overlaps 'groom' \[5, 12\)"
    ):
        plan_actions(dataset, path)
    plan = plan_actions(dataset, path, overlap="first")
    assert named(plan, "v2.cam") == [(5, 12, "groom"), (12, 20, "rear")]
    plan = plan_actions(dataset, path, options=ActionOptions(tier="rear"))
    assert named(plan, "v2.cam") == [(10, 20, "rear")]
    assert plan.labels.classes == ["groom", "rear"]
    assert plan.labels.rows == 30


@pytest.mark.trap("deepethogram: lightning-action writes the same without _labels")
def test_a_lightning_action_table(dataset: Dataset) -> None:
    path = SAMPLES / "deepethogram" / "late.csv"
    assert guess_format(path, "actions") == "deepethogram"
    plan = plan_actions(dataset, path)
    assert named(plan, "late") == [(4, 9, "still"), (9, 20, "walk")]
    assert plan.labels.notes == []


@pytest.mark.trap("deepethogram: -1 is not background")
def test_unlabelled_frames_are_no_background(dataset: Dataset) -> None:
    values = [(1, 0)] * 10 + [(0, 1)] * 10 + [(-1, -1)] * 20
    text = _table("background", "groom", values=values)
    message = r"v1_labels\.csv:22: frame 20 is not labelled \(-1\), and so are 19 others"
    with pytest.raises(LabelError, match=message) as caught:
        plan_text(dataset, text, "v1_labels.csv")
    assert "--allow-length-mismatch" in (caught.value.hint or "")
    plan = plan_text(dataset, text, "v1_labels.csv", allow_length_mismatch=True)
    assert named(plan) == [(10, 20, "groom")]
    assert plan.labels.notes == ["20 frames without a label (-1) are taken for background"]


def test_a_frame_with_a_behaviour_is_labelled(dataset: Dataset) -> None:
    """One behaviour was marked, and of the others nobody said anything."""
    values = [(0, 1, -1)] * 10 + [(1, 0, 0)] * 30
    plan = plan_text(dataset, _table("background", "groom", "rear", values=values), "v1_labels.csv")
    assert named(plan) == [(0, 10, "groom")]


@pytest.mark.trap("deepethogram: the column of background is no action")
def test_background_is_no_action(dataset: Dataset) -> None:
    values = [(1, 1)] * 3 + [(0, 1)] * 7 + [(0, 0)] * 10 + [(1, 0)] * 20
    plan = plan_text(dataset, _table("background", "groom", values=values), "v1_labels.csv")
    assert named(plan) == [(0, 10, "groom")]
    assert plan.new_classes == ("groom",)
    assert plan.labels.notes == ["3 frames are background and something else: taken for the latter"]


@pytest.mark.trap("deepethogram: the first column holds frames, and may begin later")
def test_frames_of_a_deepethogram_table(dataset: Dataset) -> None:
    rows = "".join(f"{i},{int(i < 20)},{int(i >= 20)}\n" for i in range(10, 30))
    text = f"frame,background,groom\n{rows}"
    with pytest.raises(LabelError, match="has 20 labels, but video 'v1' has 40 frames"):
        plan_text(dataset, text, "v1.csv")
    plan = plan_text(dataset, text, "v1.csv", allow_length_mismatch=True)
    assert named(plan) == [(20, 30, "groom")]
    from_one = "".join(f"{i},{int(i < 21)},{int(i >= 21)}\n" for i in range(1, 41))
    plan = plan_text(dataset, f"frame,background,groom\n{from_one}", "v1.csv")
    assert named(plan) == [(20, 40, "groom")]
    with pytest.raises(LabelError, match=r"v1\.csv:4: is frame '13' where 12 should follow"):
        plan_text(dataset, text.replace("12,1,0\n", ""), "v1.csv")


@pytest.mark.trap("deepethogram: a video without any behaviour is labelled all the same")
def test_a_table_of_background_alone(dataset: Dataset) -> None:
    plan = plan_text(dataset, _table("background", "take", values=[(1, 0)] * 40), "v1_labels.csv")
    assert plan.actions == {}
    assert plan.labels.labelled == {"v1"}


def test_what_is_no_deepethogram_table_is_said(dataset: Dataset, tmp_path: Path) -> None:
    path = write_file(tmp_path / "v1.csv", _table("background", "groom", values=[(1, 0), (1, 2)]))
    with pytest.raises(LabelError, match=r"v1\.csv:3: groom is not 1, 0 or -1: '2'"):
        plan_actions(dataset, path)
    write_file(path, ",background,groom\n0,0.7,0.3\n")
    assert guess_format(path, "actions") == "csv"
    with pytest.raises(LabelError, match=r"v1\.csv:2: background is not 1") as caught:
        plan_actions(dataset, path, format="deepethogram")
    assert "probabilities" in (caught.value.hint or "")


# -------------------------------------------------------------------------------------- Assembly101


@pytest.mark.trap("assembly101: frames count 30 a second whatever the video does")
def test_a_coarse_file(dataset: Dataset) -> None:
    path = SAMPLES / "assembly101" / "coarse_labels" / "assembly_v1.txt"
    assert guess_format(path, "actions") == "assembly101"
    plan = plan_actions(dataset, path)
    # Frames 6, 15, 30 at 30 a second are 4, 10, 20 at 20.
    assert named(plan) == [
        (4, 10, "attach cabin to chassis"),
        (10, 20, "attempt to screw chassis"),
    ]
    assert plan.labels.units == "frames at 30 a second, 0-based, end excluded"
    plan = plan_actions(dataset, path, options=ActionOptions(fps="video"))
    assert named(plan)[0][:2] == (6, 15)


@pytest.mark.trap("assembly101: labels hold blanks, and a column may follow them")
def test_coarse_labels_hold_blanks(dataset: Dataset) -> None:
    text = "000000000\t000000030\tput on  lid\tx\t\n\n000000030\t000000060\ta b\n"
    plan = plan_text(dataset, text, "disassembly_v1.txt")
    assert named(plan) == [(0, 20, "put on  lid"), (20, 40, "a b")]


@pytest.mark.trap("assembly101: assembly and disassembly are of one video")
def test_coarse_files_of_one_video(dataset: Dataset) -> None:
    for path in (SAMPLES / "assembly101", SAMPLES / "assembly101" / "coarse_labels"):
        assert guess_format(path, "actions") == "assembly101"
        plan = plan_actions(dataset, path)
        assert named(plan)[2] == (24, 30, "unscrew chassis")
        assert plan.labels.splits == {"v1": "train", "v2.cam": "test"}


@pytest.mark.trap("assembly101: labels of the test split are withheld")
def test_withheld_labels(dataset: Dataset) -> None:
    plan = plan_actions(dataset, SAMPLES / "assembly101")
    assert "v2.cam" not in plan.labels.labelled
    assert [(p.row, p.reason) for p in plan.labels.dropped] == [
        (row, "assembly_v2.cam.txt: its label is withheld, as in the test split") for row in (1, 2)
    ]


@pytest.mark.trap("assembly101: whether the end of fine actions is included is open")
def test_a_table_of_fine_actions(dataset: Dataset) -> None:
    path = SAMPLES / "assembly101" / "validation.csv"
    assert guess_format(path, "actions") == "assembly101"
    with pytest.raises(LabelError, match="whether the last frame of an interval belongs") as caught:
        plan_actions(dataset, path)
    assert "--end included" in (caught.value.hint or "")
    plan = plan_actions(dataset, path, options=ActionOptions(end="excluded"))
    assert [s[:2] for s in named(plan)] == [(4, 7), (8, 17), (22, 23)]
    plan = plan_actions(dataset, path, options=ActionOptions(end="included", column="verb_cls"))
    assert named(plan) == [(4, 8, "pick up"), (8, 18, "position"), (22, 24, "screw")]
    reason = "no video 'session_1/C10404_rgb.mp4' in the dataset"
    assert [(p.row, p.reason) for p in plan.labels.dropped] == [(5, reason)]
    with pytest.raises(LabelError, match="has no column tool; its columns are: id, video"):
        plan_actions(dataset, path, options=ActionOptions(column="tool"))


@pytest.mark.trap("assembly101: all sessions have files of the same names")
def test_views_of_other_sessions_are_others(dataset: Dataset) -> None:
    header = "id,video,start_frame,end_frame,action_id,verb_id,noun_id,action_cls\n"
    text = f"{header}1,videos/v1.mp4,0,30,1,1,1,a\n2,session_2/v1.mp4,30,60,1,1,1,b\n"
    plan = plan_text(dataset, text, "train.csv", end="excluded")
    assert named(plan) == [(0, 20, "a")]
    assert [p.row for p in plan.labels.dropped] == [3]


def test_bad_coarse_files_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    path = write_file(tmp_path / "assembly_v1.txt", "000000000\t000000030\ta\n30 60 b\n")
    with pytest.raises(LabelError, match=r"assembly_v1\.txt:2: is not start, end and action"):
        plan_actions(dataset, path)
    write_file(path, "000000000\t000000030\ta\n-30\t60\tb\n")
    with pytest.raises(LabelError, match=r"txt:2: is not the number of a frame: '-30'"):
        plan_actions(dataset, path)
    folder = tmp_path / "a"
    write_file(folder / "coarse_labels" / "assembly_v1.txt", "000000000\t000000030\ta\n")
    write_file(folder / "coarse_splits" / "train_coarse_assembly.txt", "assembly_v1.txt\tshared\n")
    write_file(folder / "coarse_splits" / "validation_coarse_assembly.txt", "assembly_v1.txt\n")
    with pytest.raises(LabelError, match="'v1' is in train already"):
        plan_actions(dataset, folder)


# ------------------------------------------------------------------------------------ EPIC-KITCHENS


@pytest.mark.trap("epic: time stamps are taken, not the frames beside them")
def test_an_epic_table(dataset: Dataset) -> None:
    path = SAMPLES / "epic" / "EPIC_100_train.csv"
    assert guess_format(path, "actions") == "epic"
    plan = plan_actions(dataset, path)
    assert named(plan) == [(2, 17, "take the screw"), (18, 32, "put down screw and nut")]
    assert plan.labels.units == "seconds, by the time stamps of the videos"
    assert [(p.row, p.reason) for p in plan.labels.dropped] == [(4, "no video 'v9' in the dataset")]


@pytest.mark.trap("epic: which column holds the labels is a choice")
@pytest.mark.parametrize(
    ("column", "labels"),
    [
        ("narration", ["take the screw", "put down screw and nut"]),
        ("verb", ["take", "put-down"]),
        ("NOUN", ["screw", "screw"]),
        ("verb_class", ["0", "1"]),
        ("all_nouns", ["['screw']", "['screw', 'nut']"]),
    ],
)
def test_columns_of_an_epic_table(dataset: Dataset, column: str, labels: list[str]) -> None:
    options = ActionOptions(column=column)
    plan = plan_actions(dataset, SAMPLES / "epic" / "EPIC_100_train.csv", options=options)
    assert [label for _, _, label in named(plan)] == labels


def _epic(*rows: str) -> str:
    return "narration_id,video_id,start_timestamp,stop_timestamp,verb\n" + "".join(
        f"v1_{i},v1,{row}\n" for i, row in enumerate(rows)
    )


@pytest.mark.trap("epic: two or three decimals")
def test_decimals_of_epic_times(dataset: Dataset) -> None:
    text = _epic("00:00:00.50,00:00:00.999,take", "00:00:01.00,00:00:01.6,put")
    plan = plan_text(dataset, text, "e.csv", column="verb")
    assert named(plan) == [(10, 20, "take"), (20, 32, "put")]


@pytest.mark.trap("epic: segments overlap")
def test_overlaps_of_an_epic_table(dataset: Dataset, tmp_path: Path) -> None:
    text = _epic("00:00:00.50,00:00:01.00,take", "00:00:00.75,00:00:01.60,put")
    path = write_file(tmp_path / "e.csv", text)
    options = ActionOptions(column="verb")
    with pytest.raises(LabelError, match="'put' .* overlaps 'take'"):
        plan_actions(dataset, path, options=options)
    plan = plan_actions(dataset, path, options=options, overlap="last")
    assert named(plan) == [(10, 15, "take"), (15, 32, "put")]


@pytest.mark.trap("epic: tables of the test set have no labels")
def test_an_epic_table_without_labels(dataset: Dataset) -> None:
    text = "narration_id,video_id,start_timestamp,stop_timestamp\nv1_0,v1,00:00:00.5,00:00:01\n"
    with pytest.raises(LabelError, match="has no column narration; its columns are") as caught:
        plan_text(dataset, text, "EPIC_100_test_timestamps.csv")
    assert "--column" in (caught.value.hint or "")
    with pytest.raises(LabelError, match=r"e\.csv:2: start_timestamp is not a time"):
        plan_text(dataset, _epic("x,00:00:01,take"), "e.csv", column="verb")


# -------------------------------------------------------------------------------------- ActivityNet


@pytest.mark.trap("activitynet: what OpenTAD leaves out: twice the same, Ambiguous, no length")
def test_an_opentad_file(dataset: Dataset) -> None:
    path = SAMPLES / "activitynet" / "opentad.json"
    assert guess_format(path, "actions") == "activitynet"
    plan = plan_actions(dataset, path)
    assert named(plan) == [(5, 15, "take screw"), (20, 40, "turn screw")]
    assert named(plan, "v2.cam") == [(3, 15, "turn screw")]
    assert plan.labels.rows == 7
    assert [(p.row, p.reason) for p in plan.labels.dropped] == [
        (2, "is the same as annotation 1"),
        (3, "is ambiguous"),
        (4, "does not end after it starts: 1 to 1"),
        (5, "does not end after it starts: 1.5 to 1.2"),
        (None, "video 'late' has no annotations"),
    ]


@pytest.mark.trap("activitynet: subsets are splits")
def test_subsets_are_splits(dataset: Dataset) -> None:
    plan = plan_actions(dataset, SAMPLES / "activitynet" / "opentad.json")
    assert plan.labels.splits == {"v1": "train", "v2.cam": "val", "late": "test"}
    import_actions(dataset, plan)
    videos = read_dataset(dataset.root).videos
    assert {name: video.split for name, video in videos.items()} == plan.labels.splits


@pytest.mark.trap("activitynet: MMAction2 has no database, and other names of fields")
@pytest.mark.trap("activitynet: v_ before the names of videos, or not")
def test_an_mmaction2_file(dataset: Dataset) -> None:
    path = SAMPLES / "activitynet" / "mmaction2.json"
    assert guess_format(path, "actions") == "activitynet"
    plan = plan_actions(dataset, path)
    assert named(plan) == [(6, 12, "Rock climbing")]
    assert named(plan, "late") == [(4, 8, "Drinking beer")]
    videos = (dataset.root / "videos.csv").read_text().replace("v1,videos", "v_v1,videos")
    (dataset.root / "videos.csv").write_text(videos)
    (dataset.root / "videos" / "v1.mp4").rename(dataset.root / "videos" / "v_v1.mp4")
    (dataset.root / "videos.csv").write_text(videos.replace("/v1.mp4", "/v_v1.mp4"))
    renamed = read_dataset(dataset.root)
    for name in ("mmaction2", "opentad"):
        plan = plan_actions(renamed, SAMPLES / "activitynet" / f"{name}.json")
        assert plan.actions["v_v1"]


@pytest.mark.trap("activitynet: a frame rate that is not the video's is pointed out")
def test_another_frame_rate_is_pointed_out(dataset: Dataset) -> None:
    entry = {"duration_second": 2, "annotations": [{"segment": [0.5, 1], "label": "a"}]}
    for fps, is_same in ((20.01, True), (20.03, False), (24, False)):
        plan = plan_text(dataset, json.dumps({"v1": entry | {"fps": fps}}), "a.json")
        assert named(plan) == [(10, 20, "a")]
        assert plan.labels.notes == (
            []
            if is_same
            else [
                f"video 'v1' has {fps:g} frames a second by the file, 20 by itself: is it the "
                "version that was labelled?"
            ]
        )


@pytest.mark.trap("activitynet: results have scores")
def test_results(dataset: Dataset) -> None:
    path = SAMPLES / "activitynet" / "results.json"
    assert guess_format(path, "actions") == "activitynet"
    plan = plan_actions(dataset, path)
    assert named(plan) == [(2, 12, "take screw"), (20, 32, "turn screw")]
    assert plan.labels.notes == ["segments are taken whatever their score is"]


def test_the_same_segment_of_two_labels_is_two(dataset: Dataset) -> None:
    annotations = [{"segment": [0.5, 1], "label": name} for name in ("a", "b", "a")]
    data = {"database": {"v1": {"subset": "other", "annotations": annotations}}}
    with pytest.raises(LabelError, match="'b' .* overlaps 'a'"):
        plan_text(dataset, json.dumps(data), "a.json")
    data["database"]["v1"]["annotations"] = annotations[::2]
    plan = plan_text(dataset, json.dumps(data), "a.json")
    assert named(plan) == [(10, 20, "a")]
    assert plan.labels.splits == {}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"database": {"v1": {}}}, "video 'v1': has no 'annotations'"),
        ({"database": {"v1": {"annotations": [3]}}}, "annotation 1, of v1: is not an object"),
        ({"database": {"v1": {"annotations": [{}]}}}, "annotation 1, of v1: has no 'segment'"),
        ({"results": {"v1": [{"segment": [1]}]}}, "of v1: segment is not a start and an end"),
        ({"results": {"v1": [{"segment": [1, "x"]}]}}, "of v1: segment is not a number: 'x'"),
        ({"results": {"v1": [{"segment": [0, 1]}]}}, "annotation 1, of v1: has no 'label'"),
        ({"results": {"v1": {}}}, "results: v1 is not a list"),
        ({"database": {}}, "has no labels in it"),
    ],
)
def test_bad_activitynet_files_are_refused(
    dataset: Dataset, data: dict[str, object], message: str
) -> None:
    with pytest.raises(LabelError, match=message):
        plan_text(dataset, json.dumps(data), "a.json")


def test_written_annotations_come_back(dataset: Dataset, tmp_path: Path) -> None:
    rng = random.Random(3)
    for i in range(20):
        actions = {}
        for video, frames in VIDEOS.items():
            cuts = sorted(rng.sample(range(frames + 1), 6))
            spans = list(pairwise(cuts))[:: rng.choice((1, 2))]
            actions[video] = [Segment(a, b, rng.choice(("take", "löse <x>"))) for a, b in spans]
        confidence = {name: [0.5] * len(rows) for name, rows in actions.items()}
        export = ActionExport(
            videos=dataset.videos,
            actions=actions,
            confidence=confidence if i % 2 else None,
            edges=lambda name: frame_edges(
                video_index(dataset, dataset.videos[name]).seconds, dataset.videos[name].fps
            ),
            classes=("background", "take", "löse <x>"),
            background="background",
        )
        files = export_actions(export, "activitynet")
        for name, text in files.items():
            write_file(tmp_path / str(i) / name, text)
        plan = plan_actions(dataset, tmp_path / str(i), format="activitynet")
        assert plan.actions == actions
        assert set(files) == (
            {"results.json"}
            if i % 2
            else {"annotations.json", "category_idx.txt", "missing_files.txt"}
        )


@pytest.mark.trap("activitynet: OpenTAD asks for a list of classes and for missing_files.txt")
def test_files_that_opentad_asks_for(tmp_path: Path) -> None:
    rows = "v1,0,10,background\nv1,10,20,turn screw\n"
    files = export_actions(
        action_export(read_dataset(make_dataset(tmp_path, actions=rows))), "activitynet"
    )
    assert files["category_idx.txt"] == "take\nturn screw\n"
    assert files["missing_files.txt"] == ""
    entry = json.loads(files["annotations.json"])["database"]["v1"]
    assert entry == {
        "subset": "training",
        "duration": 2.0,
        "frame": 40,
        "annotations": [{"segment": [0.5, 1.0], "label": "turn screw", "label_id": 1}],
    }


@pytest.mark.trap("activitynet: a duration that is not the video's is told")
def test_another_duration_is_noted(dataset: Dataset) -> None:
    text = (
        '{"database": {"v1": {"subset": "training", "duration": 4.0, '
        '"annotations": [{"segment": [0.5, 1.0], "label": "take"}]}}}'
    )
    plan = plan_text(dataset, text, "a.json")
    assert named(plan) == [(10, 20, "take")]
    assert (
        "video 'v1' lasts 4 s by the file, 2 s by itself: is it the version that was labelled?"
        in (plan.labels.notes)
    )
