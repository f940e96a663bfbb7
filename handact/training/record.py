"""run.json: what a run was made of, and where; with config.toml enough to repeat it.

    kind              hands or action
    dataset           folder, git revision, SHA-256 of the labels that count, and of each video that
                      is read name, path, size in bytes and time stamp (ns)
    hands_run         (action) path and SHA-256 of the localiser, or None
    starts            where the weights of its parts came from, as in a checkpoint
    seed              of everything that is drawn
    sessions          one for each time that it was trained in: epochs done by then, command line,
                      working folder, versions, machine, number of processes

Paths in the dataset folder are relative to it, so that it can be moved. Nothing is read from a
clock but the videos' time stamps, which are only ever compared for being the same.
"""

import hashlib
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import torch
import torchvision

import handact
from handact.checkpoint import fingerprint
from handact.config import Config, format_toml
from handact.dataset import Dataset, Video
from handact.errors import TrainingError
from handact.files import write_json, write_text
from handact.video import file_fingerprint

__all__ = [
    "RECORD",
    "TrainingData",
    "begin_session",
    "describe_machine",
    "describe_run",
    "describe_videos",
    "read_record",
]

RECORD = "run.json"

_GIT_SECONDS = 10  # a checkout on a network drive may take for ever


@dataclass(frozen=True)
class TrainingData:
    """What a training takes from a dataset.

    Attributes:
        labels: SHA-256 of the labels that count.
        videos: Those that are read.
    """

    labels: str
    videos: list[Video]


def describe_run(
    kind: str,
    dataset: Dataset,
    data: TrainingData,
    seed: int,
    starts: Mapping[str, Mapping[str, Any]],
    hands_file: Path | None = None,
) -> dict[str, Any]:
    """Return the record of a run that has not had a session yet.

    Args:
        kind: hands or action.
        dataset: That it is trained on.
        data: What of it.
        seed: Of everything that is drawn.
        starts: Where the weights of its parts come from.
        hands_file: Checkpoint of the localiser, of an action run with hands.
    """
    root = dataset.root
    return {
        "kind": kind,
        "dataset": {
            "folder": str(root),
            "revision": _git_revision(root / "dataset.toml"),
            "labels": data.labels,
            "videos": describe_videos(root, data.videos),
        },
        "hands_run": hands_file
        and {"path": _place(root, hands_file), "sha256": fingerprint(hands_file)},
        "starts": {
            part: {**start, "source": _place(root, start["source"])}
            for part, start in starts.items()
        },
        "seed": seed,
        "sessions": [],
    }


def describe_videos(root: Path, videos: list[Video]) -> list[dict[str, Any]]:
    """Return what tells whether videos are still the same files."""
    stats = [file_fingerprint(video.path) for video in videos]
    return [
        {"video": video.name, "path": _place(root, video.path), "size": size, "mtime_ns": mtime_ns}
        for video, (size, mtime_ns) in zip(videos, stats, strict=True)
    ]


def begin_session(
    run: Path,
    record: dict[str, Any],
    tables: Mapping[str, Config],
    *,
    done: int,
    device: torch.device,
    processes: int,
) -> None:
    """Note in a run folder that it is trained in from now on: its record, and its settings.

    What an earlier run left there goes, unless epochs of it are done; so call it when all else is
    ready.

    Args:
        run: The folder.
        record: Of a run that begins; the record of one that goes on is kept.
        tables: Every setting, by table of config.toml.
        done: Epochs that were trained before.
        device: Where it runs.
        processes: Their number.
    """
    if not done:
        for name in ("last.pt", "best.pt", "log.csv", "curves.png", RECORD):
            (run / name).unlink(missing_ok=True)
    elif (run / RECORD).exists():
        record = read_record(run)
    session = {
        "epochs_done": done,
        "folder": os.getcwd(),
        **describe_machine(device),
        "processes": str(processes),
    }
    write_text(run / "config.toml", format_toml(tables))
    write_json(run / RECORD, record | {"sessions": [*record["sessions"], session]})


def read_record(run: Path) -> dict[str, Any]:
    """Return the record of a run.

    Raises:
        TrainingError: There is none, or it cannot be read.
    """
    path = run / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise TrainingError(
            f"{path}: no such file",
            "name a run of this version of handact, and its dataset folder or its path",
        ) from error
    except ValueError as error:
        raise TrainingError(f"{path}: damaged: {error}") from error
    if not isinstance(record, dict) or record.get("kind") not in ("hands", "action"):
        raise TrainingError(f"{path}: not the record of a run")
    return record


def describe_machine(device: torch.device) -> dict[str, str | None]:
    """Return command line, versions and hardware."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else "none"
    return {
        "command": shlex.join(sys.orig_argv),
        "handact": handact.__version__,
        "revision": _git_revision(Path(handact.__file__)),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "av": av.__version__,
        "platform": platform.platform(),
        "cpus": str(os.cpu_count()),
        "threads": str(torch.get_num_threads()),
        "device": device.type,
        "gpu": gpu,
    }


def _place(root: Path, place: str | Path) -> str:
    """Return an address as it is, a path relative to `root` if it lies in there, else absolute."""
    if "://" in str(place):
        return str(place)
    path = Path(os.path.abspath(place))
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _git_revision(file: Path) -> str | None:
    """Return the commit of the checkout that tracks a file, or None where there is none."""

    def git(*arguments: str) -> str:
        # Without the lock that another git at work in the same checkout would stumble over.
        command = ["git", "--no-optional-locks", "-C", str(file.parent), *arguments]
        done = subprocess.run(command, capture_output=True, check=True, timeout=_GIT_SECONDS)
        return done.stdout.decode().strip()

    try:
        # An installed package may lie in a checkout of something else.
        git("ls-files", "--error-unmatch", file.name)
        commit = git("rev-parse", "HEAD")
        changes = git("diff", "HEAD")
        if not changes:
            return commit
        return f"{commit} + changes {hashlib.sha256(changes.encode()).hexdigest()[:8]}"
    except (OSError, subprocess.SubprocessError):
        return None
