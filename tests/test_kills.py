"""A command that is killed at any moment leaves whole files, and ends as usual when given again."""

import csv
import io
import json
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from conftest import TINY_ACTION, TINY_ALIGN, TINY_HANDS

from handact.bench import write_dataset
from handact.config import format_toml

pytestmark = pytest.mark.slow

NUM_KILLS = int(os.environ.get("HANDACT_KILLS", "200"))
SEED = int(os.environ.get("HANDACT_SEED", "0"))

_CONTEXT = multiprocessing.get_context("forkserver")

# Commands, in the order of their work, as they are typed in the dataset folder.
COMMANDS = {
    "import actions": ("import", "actions", "actions.csv.in"),
    "import hands": ("import", "hands", "hands.csv.in"),
    "train-hands": ("train-hands", "--config", "tiny.toml"),
    "align": ("align", "--config", "tiny.toml"),
    "train-action": ("train-action", "--config", "tiny.toml"),
    "segment": ("segment", "--overlay"),
}


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, float]]:
    """The folder that each command starts from, and how many seconds it takes unbroken.

    Last comes the folder where all is done.
    """
    where = tmp_path_factory.mktemp("stages")
    folder = where / next(iter(COMMANDS))
    write_dataset(folder, seed=1, train=1, val=1, test=1, seconds=4, width=160, height=90)
    settings = {"hands": TINY_HANDS, "align": TINY_ALIGN, "action": TINY_ACTION}
    (folder / "tiny.toml").write_text(format_toml(settings))
    for name in ("actions.csv", "hands.csv"):
        (folder / name).rename(folder / f"{name}.in")
    _start_server()
    stages = {}
    for name, following in zip(COMMANDS, [*COMMANDS, "done"][1:], strict=True):
        done = Path(shutil.copytree(folder, where / following))
        start = time.perf_counter()
        process = _start(name, done)
        process.join()
        stages[name] = folder, time.perf_counter() - start
        assert process.exitcode == 0, (done / "output.txt").read_text()
        folder = done
    return {**stages, "done": (folder, 0.0)}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_killed_command_is_given_again(
    name: str, stages: dict[str, tuple[Path, float]], tmp_path: Path
) -> None:
    names = list(stages)
    folder, seconds = stages[name]
    expected = _contents(stages[names[names.index(name) + 1]][0])
    number = len(range(names.index(name), NUM_KILLS, len(COMMANDS)))
    rng = np.random.default_rng((SEED, names.index(name)))
    killed, unfinished = 0, 0
    while killed < number:
        work = Path(shutil.copytree(folder, tmp_path / "work"))
        process = _start(name, work)
        process.join(rng.uniform(0, seconds))
        if process.exitcode is None:
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            killed += 1
            unfinished += _contents(work) != expected
        process = _start(name, work)
        process.join()
        assert process.exitcode == 0, (work / "output.txt").read_text()
        now = _contents(work)
        assert now.keys() == expected.keys()
        assert [path for path in now if now[path] != expected[path]] == []
        shutil.rmtree(work)
    print(f"{name}: {killed} kills in {seconds:.1f} s, {unfinished} left work undone")
    assert unfinished > 0


def _start_server() -> None:
    """Let a server import everything; its children need not, and their time is that of the work."""
    _CONTEXT.set_forkserver_preload(["handact.cli", "handact.segment", "handact.training.action"])
    process = _CONTEXT.Process(target=os.getpid)
    process.start()
    process.join()


def _start(name: str, folder: Path) -> multiprocessing.Process:
    process = _CONTEXT.Process(target=_run, args=(COMMANDS[name], folder))
    process.start()
    return process


def _run(arguments: tuple[str, ...], folder: Path) -> None:
    from handact.cli import app

    os.chdir(folder)
    output = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    app(list(arguments))


def _contents(folder: Path) -> dict[str, object]:
    """Read every file of a dataset folder as a whole; one that is only half there raises.

    Temporary files count only in that they must be gone in the end.
    """
    left_out = ("output.txt", "run.json")
    contents = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_dir() or path.name in left_out or name.startswith("videos"):
            continue
        read = _READERS.get(path.suffix, Path.read_bytes)
        contents[name] = None if path.name.startswith(".handact-") else read(path)
    return contents


def _read_arrays(path: Path) -> object:
    with np.load(path) as arrays:
        return {name: (x.shape, x.dtype.str, x.tobytes()) for name, x in arrays.items()}


def _read_checkpoint(path: Path) -> object:
    return _plain(torch.load(path, weights_only=True))


def _plain(value: object) -> object:
    if isinstance(value, torch.Tensor):
        return value.shape, value.numpy().tobytes()
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _read_table(path: Path) -> object:
    text = path.read_text()
    assert text.endswith("\n")
    rows = list(csv.reader(io.StringIO(text)))
    assert len({len(row) for row in rows}) == 1
    return rows


def _read_picture(path: Path) -> object:
    picture = cv2.imread(str(path))
    assert picture is not None
    return picture.tobytes()


def _read_video(path: Path) -> object:
    from handact.video import scan_video

    index = scan_video(path)
    assert index.problem() is None
    return index.num_frames, index.ticks.tolist()


_READERS: dict[str, Callable[[Path], object]] = {
    ".npz": _read_arrays,
    ".npy": lambda path: np.load(path).tobytes(),
    ".pt": _read_checkpoint,
    ".csv": _read_table,
    ".json": lambda path: json.loads(path.read_text()),
    ".png": _read_picture,
    ".mp4": _read_video,
}
