"""`export actions` and `export hands`: labels and predictions for other tools."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from folders import make_dataset
from typer.testing import CliRunner, Result
from videos import make_video

from handact.cli import app
from handact.dataset import action_export, create_dataset, hand_export, read_dataset
from handact.errors import LabelError
from handact.labels import Segment

ACTIONS = "v1,0,10,take\nv1,12,20,turn screw\nlate,3,9,take\n"
HANDS = "v1,0,0.5,0.5,0.25,0.75\nv1,3,,,0.1,0.2\n"
SEGMENTS = "video,start_frame,end_frame,start_seconds,end_seconds,action,confidence\n"


def _run(*args: object) -> Result:
    result = CliRunner().invoke(app, list(map(str, args)))
    assert result.exit_code == 0, result.output
    return result


def _error(*args: object) -> str:
    result = CliRunner().invoke(app, list(map(str, args)))
    assert result.exit_code == 1, result.output
    return result.stderr


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_dataset(tmp_path, actions=ACTIONS, hands=HANDS)


def test_files_go_below_the_dataset_and_are_not_written_over(root: Path) -> None:
    shown = _run("export", "actions", root, "--format", "mstcn")
    folder = root / "export" / "mstcn"
    assert [Path(line) for line in shown.stdout.split()] == [
        folder / "mapping.txt",
        folder / "groundTruth" / "late.txt",
        folder / "groundTruth" / "v1.txt",
        folder / "splits" / "train.split1.bundle",
    ]
    assert "blanks in labels became `_`: turn screw" in shown.stderr
    assert (folder / "groundTruth" / "v1.txt").read_text().split()[9:13] == [
        "take", "background", "background", "turn_screw",
    ]  # fmt: skip
    (folder / "mapping.txt").write_text("mine")
    (folder / "groundTruth" / "v1.txt").unlink()
    assert "mapping.txt: is there already" in _error("export", "actions", root, "--format", "mstcn")
    assert not (folder / "groundTruth" / "v1.txt").exists()
    _run("export", "actions", root, "--format", "mstcn", "--overwrite")
    assert (folder / "mapping.txt").read_text() != "mine"


def test_files_of_another_export_are_not_left_beside(root: Path, tmp_path: Path) -> None:
    """Imported as one folder, they would be mixed."""
    _run("export", "actions", root, "--format", "mstcn", "-o", tmp_path / "out")
    (tmp_path / "out" / "old.txt").write_text("take\n")
    args = ("export", "actions", root, "--format", "mstcn", "--overwrite", "-o", tmp_path / "out")
    assert "old.txt: is there from another export" in _error(*args)
    assert "is the dataset's own folder" in _error(
        "export", "actions", root, "--overwrite", "-o", root
    )


def test_classes_with_blanks_survive_a_format_without(root: Path) -> None:
    _run("export", "actions", root, "--format", "mstcn")
    shown = _run("import", "actions", root / "export" / "mstcn", root).stderr
    assert "the format holds no blanks: turn_screw = 'turn screw'" in shown
    assert "2 videos with the same labels already" in shown
    assert read_dataset(root).classes == ("background", "take", "turn screw")


def test_one_file_may_be_named(root: Path, tmp_path: Path) -> None:
    _run("export", "hands", root, "--format", "coco", "-o", tmp_path / "mine.json")
    assert len(json.loads((tmp_path / "mine.json").read_text())["images"]) == 2
    _run("export", "actions", root, "-o", tmp_path / "out")
    assert (tmp_path / "out" / "actions.csv").read_text().split("\n")[1] == (
        "late,3,9,0.120000,0.600000,take,"
    )


def test_predictions_are_exported_with_their_confidence(root: Path) -> None:
    folder = root / "runs" / "action" / "segments"
    folder.mkdir(parents=True)
    row = "v1,0,8,0,0.4,take,0.75\nv1,8,40,0.4,2,background,0.5\n"
    (folder / "v1.segments.csv").write_text(SEGMENTS + row)
    export = action_export(read_dataset(root), folder)
    assert export.actions == {"v1": [Segment(0, 8, "take"), Segment(8, 40, "background")]}
    assert export.confidence == {"v1": [0.75, 0.5]}
    _run("export", "actions", root, "--predicted", folder)
    assert (
        "v1,0,8,0.000000,0.400000,take,0.75"
        in (root / "export" / "csv-predicted" / "actions.csv").read_text()
    )
    (folder / "again.segments.csv").write_text(SEGMENTS + row)
    with pytest.raises(LabelError, match="video 'v1' is in another file already"):
        action_export(read_dataset(root), folder)


def test_tracks_are_exported_where_a_hand_is_present(root: Path) -> None:
    folder = root / "runs" / "align"
    folder.mkdir(parents=True)
    header = "video,frame,left_p,left_x,left_y,right_p,right_x,right_y\n"
    rows = "v1,0,0.9,-0.01,0.5,0.4,0.3,0.3\nv1,1,0.1,,,0.5,0.2,0.2\n"
    (folder / "v1.csv").write_text(header + rows)
    hands = hand_export(read_dataset(root), folder).hands
    assert hands["left_x"].tolist()[0] == 0
    assert hands["left_x"].isna().tolist() == [False, True]
    assert hands["right_x"].isna().all()


def test_times_of_a_video_that_begins_late_are_told(tmp_path: Path) -> None:
    """Some tools show 0.5 s at its first frame, others 0: nobody can know which."""
    video = tmp_path / "late.mkv"
    ticks = [500 + 50 * i for i in range(20)]
    make_video(video, 20, fps=20, ticks=ticks, time_base=Fraction(1, 1000))
    root = tmp_path / "line"
    create_dataset(root, [video], classes=["take"])
    (root / "actions.csv").write_text("video,start_frame,end_frame,action\nlate,4,9,take\n")
    shown = _run("export", "actions", root, "--format", "webvtt")
    assert "times of 'late' count from its first frame, which has 0.500 s" in shown.stderr
    vtt = root / "export" / "webvtt" / "late.vtt"
    assert "--offset 0" in _error("import", "actions", vtt, root)
    assert "same labels already" in _run("import", "actions", vtt, root, "--offset", 0).stderr
    vtt.write_text(vtt.read_text().replace("00.200", "00.700").replace("00.450", "00.950"))
    assert "same labels already" in _run("import", "actions", vtt, root, "--offset", 0.5).stderr


def test_what_cannot_be_exported_is_said(root: Path, tmp_path: Path) -> None:
    for args, message in (
        (("actions", root, "--format", "elanx"), "--format elanx: is not known"),
        (("actions", root, "--format", "clips"), "--format clips: is only read"),
        (("actions", root, "--split", "test"), "has nothing to export in the split 'test'"),
        (("actions", root, "--predicted", tmp_path / "no"), "no: no such file"),
        (("hands", root, "--predicted", root / "videos"), "no *.csv in this folder"),
    ):
        assert message in _error("export", *args)
