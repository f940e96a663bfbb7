"""Repeating a run: what its folder says, what has changed since, and the same weights again."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import TINY_ACTION, TINY_ALIGN, TINY_HANDS
from torchvision.models import mobilenet_v2
from typer.testing import CliRunner, Result

from handact.checkpoint import fingerprint, load_checkpoint
from handact.cli import app
from handact.config import ActionConfig, AlignConfig, read_config
from handact.dataset import read_dataset
from handact.training.action import train_action
from handact.training.hands import train_hands
from handact.training.record import TrainingData, describe_run


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def _reproduce(*arguments: object) -> Result:
    return _run("reproduce", *arguments, "--device", "cpu")


def _record(run: Path) -> dict[str, Any]:
    return json.loads((run / "run.json").read_text(encoding="utf-8"))


def _differing(result: Result) -> list[str]:
    """Return the names of the rows that say `no`."""
    rows = [line.rsplit(maxsplit=1) for line in result.stdout.splitlines() if line.strip()]
    return [row[0].split("  ")[1].strip() for row in rows if row[-1] == "no"]


def test_a_run_says_what_it_was_made_of(run_folder: Path) -> None:
    run = run_folder / "runs" / "action"
    record = _record(run)
    assert (record["kind"], record["seed"], record["starts"]) == ("action", 0, {})
    for video in record["dataset"]["videos"]:
        stat = (run_folder / video["path"]).stat()
        assert (video["size"], video["mtime_ns"]) == (stat.st_size, stat.st_mtime_ns)
    names = [video["video"] for video in record["dataset"]["videos"]]
    assert names == ["train-1", "train-2", "val-1"]
    localizer = run_folder / "runs" / "hands" / "best.pt"
    assert record["hands_run"] == {"path": "runs/hands/best.pt", "sha256": fingerprint(localizer)}
    (session,) = record["sessions"]
    assert session["torch"] == torch.__version__
    assert (session["device"], session["epochs_done"], session["processes"]) == ("cpu", 0, "1")
    assert read_config(ActionConfig, run / "config.toml") == TINY_ACTION
    assert read_config(AlignConfig, run / "config.toml") == TINY_ALIGN


def test_a_run_that_went_on_says_so(run_folder: Path) -> None:
    run = train_hands(run_folder, replace(TINY_HANDS, epochs=3), device="cpu", resume=True)
    sessions = _record(run)["sessions"]
    assert [session["epochs_done"] for session in sessions] == [0, 2]
    assert "epochs = 3" in (run / "config.toml").read_text(encoding="utf-8")


def test_the_commit_of_labels_that_are_kept_in_git(dataset: Path) -> None:
    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        done = subprocess.run(command, cwd=dataset, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def revision() -> str | None:
        record = describe_run("hands", read_dataset(dataset), TrainingData("", []), 0, {})
        return record["dataset"]["revision"]

    git("init")
    assert revision() is None  # it does not track the labels
    git("add", "dataset.toml", "hands.csv")
    git("commit", "-m", "labels")
    assert revision() == git("rev-parse", "HEAD")
    with (dataset / "hands.csv").open("a") as file:
        file.write("\n")
    assert revision().startswith(git("rev-parse", "HEAD") + " + changes ")


@pytest.mark.parametrize("kind", ["hands", "action"])
def test_a_run_is_repeated_bit_by_bit(run_folder: Path, kind: str) -> None:
    run = run_folder / "runs" / kind
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    result = _reproduce(kind, run_folder)
    assert result.exit_code == 0, result.output
    assert _differing(result) == []
    assert "the same to the last digit: 2 epochs" in result.stderr
    assert result.stdout.splitlines()[-1] == f"{run}-again"
    old, new = (load_checkpoint(folder / "last.pt", kind) for folder in (run, Path(f"{run}-again")))
    assert old["training"]["history"] == new["training"]["history"]
    assert all(torch.equal(old["state"][key], new["state"][key]) for key in old["state"])
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before
    # Given again, by its path: nothing is trained twice, nor is another run taken for this one.
    result = _reproduce(run)
    assert "is trained: all 2 epochs" in result.stderr
    assert len(_record(Path(f"{run}-again"))["sessions"]) == 1
    assert "the same to the last digit" in result.stderr
    result = _reproduce(run, run_folder, "--run", kind)
    assert result.exit_code == 1
    assert "is the run itself" in result.stderr


def _change_label(folder: Path) -> None:
    for name in ("actions.csv", "hands.csv"):
        lines = (folder / name).read_text().splitlines(keepends=True)
        lines.remove(next(line for line in lines if line.startswith("train-1,")))
        (folder / name).write_text("".join(lines))


def _change_background(folder: Path) -> None:
    settings = folder / "dataset.toml"
    text = settings.read_text(encoding="utf-8")
    text = text.replace('background = "background"', 'background = "wipe bench"')
    settings.write_text(text, encoding="utf-8")


def _change_video(folder: Path) -> None:
    with (folder / "videos" / "train-2.mp4").open("ab") as file:
        file.write(b"\0" * 8)


def _change_hands_run(folder: Path) -> None:
    best = folder / "runs" / "hands" / "best.pt"
    shutil.copy(best.with_name("last.pt"), best)


def _change_settings(folder: Path) -> None:
    for run in (folder / "runs").iterdir():
        text = (run / "config.toml").read_text(encoding="utf-8")
        (run / "config.toml").write_text(text.replace("flip = 0.5", "flip = 0.25"))


@pytest.mark.parametrize(
    ("change", "kind", "name"),
    [
        (_change_label, "action", "labels"),
        (_change_label, "hands", "labels"),
        (_change_background, "action", "labels"),
        (_change_video, "action", "video train-2"),
        (_change_video, "hands", "video train-2"),
        (_change_hands_run, "action", "hands run runs/hands/best.pt"),
        (_change_settings, "hands", "settings"),
    ],
)
def test_what_has_changed_is_named_and_refused(
    run_folder: Path, change: Any, kind: str, name: str
) -> None:
    change(run_folder)
    result = _reproduce(kind, run_folder)
    assert result.exit_code == 1
    assert f"not what it was: {name}" in result.stderr
    assert name in _differing(result)
    assert not (run_folder / "runs" / f"{kind}-again").exists()


def test_changes_are_trained_with_anyway(run_folder: Path) -> None:
    _change_label(run_folder)
    result = _reproduce("hands", run_folder, "--anyway", "--run", "changed")
    assert result.exit_code == 0, result.output
    assert "NOT THE SAME, see above for what else is" in result.stderr
    assert (run_folder / "runs" / "changed" / "best.pt").exists()


def test_a_check_trains_nothing_and_time_stamps_are_a_note(run_folder: Path) -> None:
    os.utime(run_folder / "videos" / "val-1.mp4", (1e10, 1e10))  # a clock of the year 2286
    before = sorted(run_folder.rglob("*"))
    result = _reproduce("action", run_folder, "--check")
    assert result.exit_code == 0, result.output
    assert _differing(result) == ["time stamps of videos"]
    assert "others: val-1 " in result.stdout
    assert sorted(run_folder.rglob("*")) == before


def test_a_folder_without_a_record(run_folder: Path) -> None:
    result = _reproduce("nowhere", run_folder)
    assert result.exit_code == 1
    assert "run.json: no such file" in result.stderr


def test_weights_keep_their_origin_over_several_runs(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that starts from a run says where that started; a relative path becomes absolute."""
    file = dataset / "imagenet.pt"
    torch.save(mobilenet_v2().state_dict(), file)
    monkeypatch.chdir(dataset)
    config = replace(TINY_HANDS, epochs=1)
    first = train_hands(dataset, replace(config, weights="imagenet.pt"), run="first", device="cpu")
    second = train_hands(dataset, replace(config, weights="first"), run="second", device="cpu")
    monkeypatch.undo()
    assert f'weights = "{file}"' in (first / "config.toml").read_text(encoding="utf-8")
    start = load_checkpoint(second / "best.pt", "hands")["starts"]["localizer"]
    assert start["source"] == str(first / "best.pt")
    assert (start["start"]["source"], start["start"]["sha256"]) == (str(file), fingerprint(file))
    assert _reproduce("first", dataset, "--check").exit_code == 0
    torch.save(mobilenet_v2().state_dict(), file)
    result = _reproduce("first", dataset, "--check")
    assert "not what it was: weights of localizer imagenet.pt" in result.stderr
    assert _reproduce("second", dataset, "--check").exit_code == 0
    (first / "best.pt").unlink()
    result = _reproduce("second", dataset, "--check")
    assert "not what it was: weights of localizer runs/first/best.pt" in result.stderr


def test_without_hands_nothing_is_asked_of_a_hands_run(dataset: Path) -> None:
    config = replace(TINY_ACTION, hands="none", epochs=1)
    train_action(dataset, config, TINY_ALIGN, run="tsm", device="cpu")
    result = _reproduce("tsm", dataset)
    assert "the same to the last digit" in result.stderr, result.output


def test_names_outlive_a_locale_that_lacks_their_letters(bench: Path, tmp_path: Path) -> None:
    """A folder and a video with quotes, spaces and letters beyond ASCII; another day elsewhere."""
    folder = Path(shutil.copytree(bench, tmp_path / "Linie 7 'ß' \"日本\""))
    (folder / "videos" / "train-1.mp4").rename(folder / "videos" / "l'été 1.mp4")
    for table in folder.glob("*.csv"):
        text = table.read_text(encoding="utf-8").replace("train-1", "l'été 1")
        table.write_text(text, encoding="utf-8")

    def handact(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "handact", *arguments],
            cwd=folder,
            env={**os.environ, "LC_ALL": "C", "TZ": "Pacific/Kiritimati", **variables},
            capture_output=True,
            text=True,
        )

    done = handact("train-hands", "--config", "tiny.toml", "--epochs", "1", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert "l'été 1" in (folder / "runs" / "hands" / "run.json").read_text(encoding="utf-8")
    result = _reproduce(folder / "runs" / "hands")
    assert "the same to the last digit" in result.stderr, result.output
    done = handact("split", PYTHONUTF8="0")
    assert done.returncode == 1
    assert "set LC_ALL=C.UTF-8" in done.stderr
