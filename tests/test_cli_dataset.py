"""init, import, check and split as a person types them."""

import json
from pathlib import Path

import pytest
from folders import make_dataset
from typer.testing import CliRunner, Result
from videos import damage, make_video

from handact.cli import app
from handact.dataset import read_dataset


def _run(*args: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    assert result.exit_code == code, result.output
    return result


def _error(*args: object) -> str:
    """Return the one line of the error."""
    lines = _run(*args, code=1).stderr.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1, lines
    return errors[0]


def test_the_whole_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for i in range(4):
        make_video(Path("in") / f"clip{i}.mp4", 10 + i, fps=10)
    rows = "".join(f"clip{i}.mp4,{'up' if i % 2 else 'down'},{i // 2}\n" for i in range(4))
    Path("clips.csv").write_text(f"file,gesture,place\n{rows}")
    Path("hands.csv").write_text(
        "video,frame,left_x,left_y,right_x,right_y\nclip0,3,,,0.5,0.5\nclip1,3,,,,\n"
    )
    result = _run("init", "line", "in")
    assert "clip3" in result.stdout
    assert "160x96" in result.stdout
    assert "4 videos in" in result.stderr
    result = _run("import", "actions", "clips.csv", "line")
    assert result.stdout == ""
    assert "clips.csv: table of trimmed clips" in result.stderr
    assert "new:     2 classes: down, up" in result.stderr
    _run("import", "hands", "hands.csv", "line")
    monkeypatch.chdir(tmp_path / "line")
    result = _run(
        "split", "--val", 0, "--test", 0.5, "--groups", "../clips.csv", "--group-column", "place"
    )
    assert [line.split()[:2] for line in result.stdout.splitlines() if " %" in line] == [
        ["train", "2"],
        ["val", "0"],
        ["test", "2"],
    ]
    assert "nothing wrong. 4 videos, 4 segments in 4 of them" in _run("check").stdout
    dataset = read_dataset(".")
    assert dataset.videos["clip0"].split == dataset.videos["clip1"].split
    assert "2 videos with the same labels" in _run("import", "hands", "../hands.csv").stderr
    table = Path("../hands.csv")
    table.write_text(table.read_text().replace("0.5,0.5", "0.5,0.4"))
    assert "hands.csv: has other labels of 'clip0'" in _error("import", "hands", "../hands.csv")
    result = _run("import", "hands", "../hands.csv", "--replace")
    assert "right hand in 1" in result.stderr


def test_videos_that_are_there_are_skipped(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    before = (root / "videos.csv").read_bytes()
    result = _run("init", root, root / "videos")
    assert result.stdout == ""
    assert "3 videos skipped: in the dataset already" in result.stderr
    assert (root / "videos.csv").read_bytes() == before


def test_a_damaged_video_is_one_line_and_can_be_allowed(tmp_path: Path) -> None:
    video = make_video(tmp_path / "bad.mp4", 40)
    damage(video, [20])
    assert "bad.mp4: 1 damaged packet skipped" in _error("init", tmp_path / "line", video)
    assert not (tmp_path / "line").exists()
    result = _run("init", tmp_path / "line", video, "--allow-damaged", "--split", "test")
    assert "1 damaged packet skipped" in result.stdout
    _run("check", tmp_path / "line")


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    table = tmp_path / "a.csv"
    table.write_text("video,start,end,action\nv1,0,1.0,take\nv9,0,1.5,take\n")
    result = _run("import", "actions", table, root, "--dry-run")
    assert "units:   seconds, by the time stamps of the videos" in result.stderr
    assert "read:    2 rows, 1 dropped" in result.stderr
    assert "a.csv:3: no video 'v9' in the dataset" in result.stderr
    assert "taken:   1 segment of 1 video" in result.stderr
    assert "written: nothing (--dry-run)" in result.stderr
    assert not (root / "actions.csv").exists()


def test_overlaps_in_a_dataset_are_resolved_in_place(tmp_path: Path) -> None:
    root = make_dataset(tmp_path, actions="v1,0,20,take\nv1,10,30,turn screw\nlate,0,5,take\n")
    table = root / "actions.csv"
    assert "actions.csv:3: 'turn screw' [10, 30)" in _error("split", root, "--val", 0)
    _run("import", "actions", table, root, "--replace", "--overlap", "last")
    rows = "late,0,5,take\nv1,0,10,take\nv1,10,30,turn screw\n"
    assert table.read_text() == f"video,start_frame,end_frame,action\n{rows}"


def test_check_shows_everything_and_fails(tmp_path: Path) -> None:
    hands = "".join(f"v1,{i},320,200,,\n" for i in range(30))
    root = make_dataset(tmp_path, actions="v1,0,99,take\nv1,0,9,grab\n", hands=hands)
    result = _run("check", root, code=1)
    assert "end_frame 99 is beyond the end of video 'v1'" in result.stdout
    assert "unknown class 'grab'" in result.stdout
    assert "hands.csv: 40 more; all of them with --json" in result.stderr.replace(f"{root}/", "")
    assert "hint: `handact import hands FILE --pixels`" in result.stderr
    problems = json.loads(_run("check", root, "--json", "--no-decode", code=1).stdout)["problems"]
    assert len(problems) == 62
    assert problems[0]["row"] == 2
    assert problems[0]["video"] == "v1"


def test_what_a_new_user_gets_wrong(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    table = tmp_path / "t.csv"
    table.write_text("file,place\nv1,1\nv2.cam,1\nlate,1\n")
    for args, message in (
        (("check", tmp_path), "is not a dataset folder"),
        (("check", tmp_path / "none"), "no such folder"),
        (("init", tmp_path / "new", tmp_path / "none.mp4"), "no such file or folder"),
        (("init", table, root / "videos"), "is a file, not a folder"),
        (("import", "actions", tmp_path / "none.csv", root), "no such file"),
        (("import", "actions", table, root), "has no label column"),
        (("import", "hands", table, root), "has no column video, frame"),
        (("import", "hands", root / "videos" / "v1.mp4", root), "is not a text"),
        (("import", "hands", table, root, "--map", "a"), "--map is NAME=left,OTHER=right"),
        (("split", root, "--val", 0.6, "--test", 0.6), "more than 1 together"),
        (("split", root, "--groups", table), "--groups and --group-column go together"),
        (("split", root, "--by", "frame"), "--by is video or group, not 'frame'"),
        (("split", root, "--by", "group"), "--by group needs --groups"),
        (("split", root, "--groups", table, "--group-column", "x"), "has no column x"),
        (("split", root, "--groups", table, "--group-column", "place"), "1 groups cannot fill"),
    ):
        assert message in _error(*args)
    for args in (("init",), ("init", tmp_path), ("import", "actions"), ("import", "hands")):
        _run(*args, code=2)
