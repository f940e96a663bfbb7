"""The dataset folder: dataset.toml, videos.csv, actions.csv, hands.csv and what is kept beside.

`read_dataset` is strict: the first thing wrong is raised.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import pandas as pd

from handact.errors import LabelError
from handact.formats.settings import Settings, read_settings
from handact.formats.tables import ACTION_COLUMNS, parse_actions, parse_hands
from handact.formats.text import (
    Problem,
    Report,
    raise_problem,
    read_table,
    show_path,
)
from handact.formats.validate import Overlap, sound_actions, sound_hands
from handact.formats.videos import SPLITS, Video, read_videos
from handact.labels import HAND_COLUMNS, Segment
from handact.video import VideoIndex, scan_video

__all__ = [
    "Dataset",
    "find_dataset_root",
    "index_path",
    "read_dataset",
    "read_folder",
    "run_folder",
    "video_index",
]

T = TypeVar("T")

_HAND_TYPES = {"video": object, "frame": "int64"} | dict.fromkeys(HAND_COLUMNS[2:], "float64")


@dataclass(frozen=True)
class Dataset:
    """A dataset folder that was read.

    Attributes:
        root: The folder.
        name: Of the dataset.
        classes: Names of the classes; their order gives the indices.
        background: The one of them that means "no action".
        notes: Whatever a person wrote down.
        videos: By name, in the order of videos.csv.
        actions: The segments of every video, in order; an empty list where there are none.
        hands: HAND_COLUMNS, ordered by video and frame; NaN where a hand is absent.
    """

    root: Path
    name: str
    classes: tuple[str, ...]
    background: str
    notes: str
    videos: dict[str, Video]
    actions: dict[str, list[Segment]]
    hands: pd.DataFrame

    def in_split(self, split: str) -> list[Video]:
        """Return the videos of a split, in the order of videos.csv.

        Raises:
            LabelError: There is none.
        """
        videos = [video for video in self.videos.values() if video.split == split]
        if not videos:
            there = sorted({video.split for video in self.videos.values()}, key=SPLITS.index)
            raise LabelError(
                f"{show_path(self.root / 'videos.csv')}: no video is in the split {split!r}, "
                f"only in: {', '.join(there) or 'none'}",
                "set the column split by hand, or draw one: `handact split`",
            )
        return videos

    @property
    def runs(self) -> Path:
        """The folder of what training left."""
        return self.root / "runs"

    def run(self, name: str) -> Path:
        """Return the folder of a run: a name below runs/, or a path like ../other/runs/action."""
        return run_folder(self.root, name)

    @property
    def cache(self) -> Path:
        """The folder of what can be made again."""
        return self.root / "cache"


def read_dataset(
    root: str | Path, *, overlap: Overlap = "error", with_labels: bool = True
) -> Dataset:
    """Read a dataset folder.

    Args:
        root: The folder.
        overlap: What to do about segments that overlap: complain, or let the one that starts
            first or last have the frames.
        with_labels: Whether to read actions.csv and hands.csv.

    Raises:
        LabelError: It is no dataset folder, or something is wrong in it; names file and row of
            the first such thing.
    """
    return read_folder(root, raise_problem, overlap=overlap, with_labels=with_labels)


def read_folder(
    root: str | Path,
    report: Report,
    *,
    overlap: Overlap = "error",
    with_labels: bool = True,
) -> Dataset:
    """Read what can be used of a dataset folder, and report what cannot.

    Raises:
        LabelError: It is no dataset folder, or a table cannot be read at all and `report` raises.
    """
    root = find_dataset_root(root)
    toml, table = root / "dataset.toml", root / "videos.csv"
    unread = Settings(root.name, (), "background")
    settings = _attempt(toml, report, unread, partial(read_settings, toml, report))
    videos = _attempt(table, report, {}, partial(read_videos, table, report))
    lengths = {video.name: video.frames for video in videos.values()}
    actions: dict[str, list[Segment]] = {}
    hands = pd.DataFrame(columns=list(HAND_COLUMNS))
    if with_labels:
        path = root / "actions.csv"
        read = partial(_read_actions, path, lengths, settings.classes, overlap, report)
        actions = _attempt(path, report, actions, read)
        path = root / "hands.csv"
        hands = _attempt(path, report, hands, partial(_read_hands, path, lengths, report))
    return Dataset(
        root=root,
        name=settings.name,
        classes=settings.classes,
        background=settings.background,
        notes=settings.notes,
        videos=videos,
        actions={name: actions.get(name, []) for name in videos},
        hands=hands,
    )


def find_dataset_root(root: str | Path) -> Path:
    """Return the absolute path of a dataset folder.

    Raises:
        LabelError: It is none.
    """
    path = Path(os.path.abspath(root))
    if (path / "dataset.toml").is_file():
        return path
    hint = "make one with `handact init DIR VIDEO...`, or name the folder of one"
    if path.is_dir():
        raise LabelError(f"{show_path(root)}: is not a dataset folder: no dataset.toml in it", hint)
    raise LabelError(
        f"{show_path(root)}: {'is a file' if path.exists() else 'no such folder'}", hint
    )


def video_index(dataset: Dataset, video: Video) -> VideoIndex:
    """Return the index of a video: the kept one, or a new one if the file is another by now.

    Raises:
        VideoError: The video cannot be read.
    """
    path = index_path(dataset.root, video.name)
    index = VideoIndex.load(path, video.path)
    if index is None:
        index = scan_video(video.path, fps=video.fps if video.path.is_dir() else None)
        index.save(path)
    return index


def run_folder(root: Path, name: str) -> Path:
    """Return the folder of a run of a dataset folder: see `Dataset.run`."""
    return Path(name) if len(Path(name).parts) > 1 else root / "runs" / name


def index_path(root: Path, name: str) -> Path:
    """Return where the index of a video is kept."""
    return root / "cache" / "index" / f"{name}.npz"


def _attempt(path: Path, report: Report, empty: T, read: Callable[[], T]) -> T:
    """Return what `read` returns; report a file that cannot be read as a whole."""
    try:
        return read()
    except LabelError as error:
        found = re.fullmatch(r"(.*?)(?::(\d+))?: (.*)", error.message, re.DOTALL)
        if not found or found[1] != show_path(path):
            report(Problem(show_path(path), None, None, error.message, error.hint))
        else:
            row = int(found[2]) if found[2] else None
            report(Problem(found[1], row, None, found[3], error.hint))
        return empty


def _read_actions(
    path: Path,
    lengths: Mapping[str, int],
    classes: tuple[str, ...],
    overlap: Overlap,
    report: Report,
) -> dict[str, list[Segment]]:
    if not path.exists():
        return {}
    file = show_path(path)
    rows = parse_actions(read_table(path, ACTION_COLUMNS), file, report)
    return sound_actions(rows, lengths, classes, file=file, report=report, overlap=overlap)


def _read_hands(path: Path, lengths: Mapping[str, int], report: Report) -> pd.DataFrame:
    if not path.exists():
        return pd.DataFrame({name: [] for name in HAND_COLUMNS}).astype(_HAND_TYPES)
    hands = parse_hands(read_table(path, HAND_COLUMNS), show_path(path), report)
    return sound_hands(hands, lengths, file=show_path(path), report=report)
