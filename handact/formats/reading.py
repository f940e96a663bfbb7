"""What the readers of foreign label files share: what they understood, and which video is meant."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from unicodedata import normalize

import pandas as pd

from handact.errors import LabelError
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

# No path is as deep, but a hostile one may be, and its tails are long.
_MOST_PARTS = 64

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
        tiers: Names of the tiers that were taken, where the format has such.
    """

    segments: list[ActionRow] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    splits: dict[str, str] = field(default_factory=dict)
    tiers: tuple[str, ...] = ()


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
        self._paths = {video.name: video.path.as_posix() for video in videos.values()}

    def find(self, text: str) -> str | None:
        """Return the name of the video, or None if there is none or more than one."""
        tails = _path_tails(text.replace("\\", "/"))
        return next((name for name in map(self._names.get, tails) if name), None)

    def find_only(self, asked: str, texts: Collection[str], file: str) -> str:
        """Return the name of the video that a person said a file is about.

        Args:
            asked: What `--video` says.
            texts: What the file calls the videos that it is about.
            file: The file, for messages.

        Raises:
            LabelError: There is no such video, or the file is about several.
        """
        name = self.find(asked)
        if name is None:
            raise LabelError(
                f"--video {asked}: no such video in the dataset",
                f"it has: {', '.join(sorted(self._paths))}",
            )
        if len(texts) > 1:
            raise LabelError(
                f"{file}: is about {len(texts)} videos: {', '.join(map(repr, list(texts)[:5]))}",
                "leave `--video` out, and name them as in videos.csv",
            )
        return name

    def find_all(self, texts: Iterable[str], file: str) -> dict[str, str]:
        """Return the name of each video that a file is about, by what it calls it.

        `a/v.mp4` and `b/v.mp4` are two videos: where `videos/a/v.mp4` is in the dataset, the other
        one is not.

        Raises:
            LabelError: Two of these fit a video as well as each other.
        """
        known = {text: name for text in texts if (name := self.find(text))}
        folders = {text: _folders(text) for text in known}
        by_name: dict[str, list[str]] = defaultdict(list)
        for text in known:
            if folders[text]:
                by_name[known[text]].append(text)
        for name, paths in by_name.items():
            own = _folders(self._paths[name])
            fits = {text: _count_shared(own, folders[text]) for text in paths}
            most = max(fits.values())
            best = [text for text in paths if fits[text] == most]
            others = (text for text in best if folders[text] != folders[best[0]])
            doubled = next(others, None)
            if doubled is not None:
                raise LabelError(
                    f"{file}: is about {best[0]!r} and {doubled!r}, and either may be {name!r}",
                    "name videos as in videos.csv",
                )
            for text in set(paths).difference(best):
                del known[text]
        return known


def _folders(path: str) -> list[str]:
    return [_fold(part) for part in path.replace("\\", "/").split("/")[:-1] if part]


def _count_shared(first: list[str], second: list[str]) -> int:
    """Count the folders that two paths have in common, from their end."""
    pairs = zip(reversed(first), reversed(second), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _path_tails(path: str) -> Iterable[str]:
    """Give `a/b/c.mp4`, `b/c.mp4`, `c.mp4`, then the same without a video's suffix."""
    parts = [part for part in path.split("/") if part][-_MOST_PARTS:]
    tails = ["/".join(parts[i:]) for i in range(len(parts))]
    short = [tail[: -len(Path(tail).suffix)] for tail in tails if _has_video_suffix(tail)]
    return [_fold(tail) for tail in tails + short]


def _has_video_suffix(name: str) -> bool:
    return Path(name).suffix.lower() in VIDEO_SUFFIXES


def _fold(name: str) -> str:
    # macOS writes letters and their accents apart.
    return re.sub(r"\s+", " ", normalize("NFC", name)).strip().casefold()
