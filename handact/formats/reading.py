"""What the readers of foreign label files share: what they understood, and which video is meant."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from handact.formats.tables import ActionRow
from handact.formats.text import Problem
from handact.formats.videos import Video
from handact.video import VideoIndex

__all__ = ["VIDEO_SUFFIXES", "ActionLabels", "HandLabels", "IndexOf", "VideoNames"]

# fmt: off
VIDEO_SUFFIXES = frozenset((
    ".3gp", ".asf", ".avi", ".flv", ".h264", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg",
    ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv",
))
# fmt: on

IndexOf = Callable[[str], VideoIndex]
"""Gives the index of a video by its name; called only where time stamps are needed."""


@dataclass(slots=True, kw_only=True)
class _Labels:
    """What a reader understood of a file.

    Attributes:
        file: The file or folder, as a person would name it.
        format: The format, in words.
        units: What positions or times are counted in, in words.
        rows: How many rows (or lines, annotations, ...) were read.
        labelled: The videos that the file has labels for, also where these say "background" or
            "no hand" alone.
        dropped: Rows that were left out, and why.
        notes: Further things a person should know, each one sentence.
    """

    file: str
    format: str
    units: str
    rows: int = 0
    labelled: set[str] = field(default_factory=set)
    dropped: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def drop(self, row: int | None, video: str | None, reason: str) -> None:
        """Note that a row was left out."""
        self.dropped.append(Problem(self.file, row, video, reason))


@dataclass(slots=True, kw_only=True)
class ActionLabels(_Labels):
    """Segments that were read, with the rows they stand in, and what else the file says.

    Attributes:
        segments: In the order of the file.
        classes: Names in the order in which the file lists them, where it has such a list.
        splits: The split of videos, where the file has one.
    """

    segments: list[ActionRow] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    splits: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class HandLabels(_Labels):
    """Hand positions that were read: HAND_COLUMNS, the index holding rows where there are such."""

    hands: pd.DataFrame = field(default_factory=pd.DataFrame)


class VideoNames:
    """Finds the video of a dataset that a label file means by a name, a file name or a path.

    Args:
        videos: The dataset's videos. What fits two of them fits none.
    """

    def __init__(self, videos: Mapping[str, Video]) -> None:
        self._names: dict[str, str | None] = {}
        for video in videos.values():
            for key in set(_path_tails(video.path.as_posix())):
                self._names[key] = None if key in self._names else video.name
        self._names |= {_fold(name): name for name in videos}

    def find(self, text: str) -> str | None:
        """Return the name of the video, or None if there is none or more than one."""
        tails = _path_tails(text.replace("\\", "/"))
        return next((name for name in map(self._names.get, tails) if name), None)


def _path_tails(path: str) -> Iterable[str]:
    """Give `a/b/c.mp4`, `b/c.mp4`, `c.mp4`, then the same without a video's suffix."""
    parts = [part for part in path.split("/") if part]
    tails = ["/".join(parts[i:]) for i in range(len(parts))]
    short = [tail[: -len(Path(tail).suffix)] for tail in tails if _has_video_suffix(tail)]
    return [_fold(tail) for tail in tails + short]


def _has_video_suffix(name: str) -> bool:
    return Path(name).suffix.lower() in VIDEO_SUFFIXES


def _fold(name: str) -> str:
    return re.sub(r"\s+", " ", name).strip().casefold()
