"""The command line as a person meets it: help, the way through, and the usual mistakes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import TINY_ACTION, TINY_ALIGN, TINY_HANDS
from typer.testing import CliRunner, Result
from videos import make_audio, make_video

from handact import __version__
from handact.cli import app
from handact.config import format_toml


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def _fails(*arguments: object, code: int = 1) -> str:
    """Run a command that must fail, and return its one line of complaint."""
    result = _run(*arguments)
    assert result.exit_code == code, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.output
    return lines[0]


def test_version_and_help() -> None:
    assert _run("--version").stdout == f"handact {__version__}\n"
    for command in ("init", "check", "split", "train-hands", "align", "train-action", "segment",
                    "report", "demo", "doctor", "import", "bench", "reproduce"):  # fmt: skip
        assert command in _run("--help").stdout
        assert _run(command, "--help").exit_code == 0


def test_the_way_through(dataset: Path) -> None:
    """Each command as in the README, in a dataset folder, with a small configuration."""
    config = dataset / "tiny.toml"
    config.write_text(
        format_toml({"hands": TINY_HANDS, "align": TINY_ALIGN, "action": TINY_ACTION})
    )
    for command in (
        ("check", dataset),
        ("train-hands", dataset, "--config", config, "--epochs", 1),
        ("align", dataset, "--config", config),
        ("train-action", dataset, "--config", config, "--epochs", 1),
        ("segment", dataset / "videos" / "test-1.mp4", "--dataset", dataset),
        ("report", "hands", dataset),
        ("report", "metrics", dataset),
        ("report", "timeline", dataset),
        ("report", "engines", dataset),
    ):
        result = _run(*command)
        assert result.exit_code == 0, (command, result.output)
    report = dataset / "report"
    figures = json.loads((report / "metrics.json").read_text())
    assert {"frame_accuracy", "edit", "f1@10", "f1@25", "f1@50", "per_class", "variant"} <= set(
        figures
    )
    assert json.loads((report / "hands.json").read_text())["0.1"]["f1"] >= 0
    assert (report / "timeline.png").stat().st_size > 1000
    assert (dataset / "runs" / "align" / "test-1.csv").exists()


def test_an_unknown_setting_is_an_error(dataset: Path) -> None:
    assert "unknown key `epocs`" in _fails("train-hands", dataset, "--set", "epocs=3")
    assert "expected one of tsm, causal, none" in _fails("train-action", dataset, "--shift", "both")
    assert "no such file" in _fails("train-hands", dataset, "--config", dataset / "no.toml")


def test_not_a_dataset(tmp_path: Path) -> None:
    for command in ("train-hands", "align", "train-action", "check"):
        assert "not a dataset folder" in _fails(command, tmp_path)


@pytest.mark.parametrize("kind", ["zero bytes", "text", "audio only", "cut off"])
def test_videos_that_are_none(run_folder: Path, tmp_path: Path, kind: str) -> None:
    """Refused in one line that names the file, by `init` and by `segment`; nothing is written."""
    video = tmp_path / "bad.mp4"
    if kind == "zero bytes":
        video.touch()
    elif kind == "text":
        video.write_text("not a video at all\n" * 50)
    elif kind == "audio only":
        make_audio(video)
    else:
        make_video(video, 90)
        video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    assert "bad.mp4" in _fails("init", tmp_path / "new", video)
    assert not (tmp_path / "new" / "videos.csv").exists()
    checkpoint = run_folder / "runs" / "action" / "best.pt"
    output = tmp_path / "out"
    assert "bad" in _fails("segment", video, "--checkpoint", checkpoint, "-o", output)
    if kind != "cut off":
        assert not output.exists()


@pytest.mark.parametrize(
    ("table", "row", "part"),
    [
        ("actions.csv", "test-1,70,9000,take part", "beyond"),
        ("actions.csv", "test-1,0,1,wave", "wave"),
        ("actions.csv", "train-1,0,80,take part", "overlap"),
        ("hands.csv", "test-1,1,200,100,0.5,0.5", "pixels"),
    ],
    ids=["beyond the end", "unknown class", "overlap", "pixels"],
)
def test_labels_that_are_wrong(dataset: Path, table: str, row: str, part: str) -> None:
    path = dataset / table
    text = path.read_text().rstrip("\n") + f"\n{row}\n"
    path.write_text(text)
    line = _fails("train-hands", dataset, "--epochs", 1)
    assert table in line
    assert part in line
    assert _run("check", dataset).exit_code == 1
    assert path.read_text() == text


def test_a_checkpoint_of_the_other_kind(run_folder: Path) -> None:
    hands = run_folder / "runs" / "hands" / "best.pt"
    line = _fails("segment", "test-1", "--dataset", run_folder, "--checkpoint", hands)
    assert "best.pt: a checkpoint of `train-hands`" in line


def test_no_videos_in_a_split(run_folder: Path) -> None:
    table = run_folder / "videos.csv"
    table.write_text(table.read_text().replace(",test,", ",val,"))
    assert "videos.csv" in _fails("report", "metrics", run_folder)
    assert "videos.csv" in _fails("segment", "--dataset", run_folder)
    assert "test split" in _fails("report", "hands", run_folder)


@pytest.mark.slow
def test_reports_say_what_was_trained_on(run_folder: Path) -> None:
    """Also after videos changed their split, by accident or not."""
    assert "none of these frames was trained on" in _run("report", "hands", run_folder).stdout
    told = _run("report", "metrics", run_folder).stdout
    assert "none of these videos was trained on" in told
    table = run_folder / "videos.csv"
    table.write_text(table.read_text().replace(",train,", ",test,"))
    told = " ".join(_run("report", "hands", run_folder).stdout.split())
    assert "32 of these frames were trained on" in told
    told = " ".join(_run("report", "metrics", run_folder).stdout.split())
    assert "but 2 of these videos were trained on" in told


@pytest.mark.skipif(os.geteuid() != 0, reason="a full disk is made with mount, which needs root")
def test_a_full_disk(run_folder: Path, tmp_path: Path) -> None:
    """What was there stays, nothing half-written is left, and the line names the file."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a tmpfs is not allowed here")
    try:
        (disk / "fill").write_bytes(bytes(60_000))
        video = run_folder / "videos" / "test-1.mp4"
        checkpoint = run_folder / "runs" / "action" / "best.pt"
        line = _fails("segment", video, "--checkpoint", checkpoint, "-o", disk / "out")
        assert "no space left" in line
        assert "test-1" in line
        assert [p.name for p in disk.rglob("*") if p.is_file()] == ["fill"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mount needs root")
def test_a_read_only_folder(run_folder: Path, tmp_path: Path) -> None:
    """Root may write anywhere but on a file system that is read-only."""
    locked = tmp_path / "locked"
    locked.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(locked)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a tmpfs is not allowed here")
    try:
        video = run_folder / "videos" / "test-1.mp4"
        checkpoint = run_folder / "runs" / "action" / "best.pt"
        line = _fails("segment", video, "--checkpoint", checkpoint, "-o", locked / "out")
        assert "locked: read-only file system" in line
        assert "locked: read-only file system" in _fails("init", locked / "new", video)
    finally:
        subprocess.run(["umount", str(locked)], check=True)


def test_a_folder_without_write_permission(run_folder: Path) -> None:
    """As a user who is not root, because root may write anywhere."""
    code = f"""
import os, sys
os.setgid(65534); os.setuid(65534)
from handact.cli import app
app(["segment", {str(run_folder / "videos" / "test-1.mp4")!r}, "--checkpoint",
     {str(run_folder / "runs" / "action" / "best.pt")!r}, "-o", {str(run_folder / "locked")!r}])
"""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become nobody")
    locked = run_folder / "locked"
    locked.mkdir(mode=0o755)
    for folder in (run_folder, *run_folder.parents):
        if folder.is_relative_to(Path(os.environ.get("TMPDIR", "/tmp"))):
            folder.chmod(folder.stat().st_mode | 0o055)
    environment = {**os.environ, "HOME": "/tmp", "MPLCONFIGDIR": "/tmp"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    if "ModuleNotFoundError" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip("nobody may not read this Python")
    assert done.returncode == 1, done.stderr
    assert "error: " in done.stderr
    assert "permission denied" in done.stderr
    assert not list(locked.iterdir())


def test_data_goes_to_stdout_and_the_rest_to_stderr(run_folder: Path) -> None:
    result = _run("segment", "test-1", "--dataset", run_folder)
    assert result.stdout.splitlines() == [
        str(run_folder / "runs" / "action" / "segments" / "test-1.segments.csv")
    ]
    assert "test-1: 80 frames" in result.stderr


def test_both_engines_are_compared(run_folder: Path) -> None:
    result = _run("report", "engines", run_folder, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    for engine in ("windows", "stream"):
        assert 0 <= report[engine]["frame_accuracy"] <= 100
        assert report[engine]["frames_per_second"] > 0
    assert 0 <= report["agreement"] <= 100
    assert "windows engine, window stride 1" in report["variant"]["how"]
    assert "stream engine" in report["variant"]["how"]
    assert report["variant"]["num_videos"] == 1
    kept = json.loads((run_folder / "report" / "engines.json").read_text())
    assert kept == report
    assert not (run_folder / "runs" / "action" / "segments").exists()


def test_shares_are_every_nth_video(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["test-1", "train-1", "val-1"]
    found = []
    for i in range(2):
        command = ("segment", *names, "--dataset", run_folder, "--share", f"{i}/2")
        found.append(_run(*command, "--engine", "stream").stdout.split())
    assert [Path(path).name for path in found[0]] == ["test-1.segments.csv", "val-1.segments.csv"]
    assert [Path(path).name for path in found[1]] == ["train-1.segments.csv"]
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("handact.distributed.wait_for_all", lambda: None)
    told = _run("segment", *names, "--dataset", run_folder, "--engine", "stream").stdout.split()
    assert told == found[1]
    for share in ("2/2", "1", "a/b"):
        result = _run("segment", "test-1", "--dataset", run_folder, "--share", share)
        assert result.exit_code == 2


def test_one_broken_video_does_not_stop_the_others(run_folder: Path) -> None:
    (run_folder / "broken.mp4").write_bytes(b"no video")
    command = ("segment", run_folder / "broken.mp4", "val-1", "--dataset", run_folder)
    assert "broken.mp4: not a video" in _fails(*command)
    assert _run(*command).stdout.strip().endswith("val-1.segments.csv")
    assert (run_folder / "runs" / "action" / "segments" / "val-1.segments.csv").exists()
