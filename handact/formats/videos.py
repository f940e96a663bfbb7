"""videos.csv: the videos of a dataset."""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from handact.formats.text import (
    Problem,
    Report,
    parse_numbers,
    parse_whole_numbers,
    raise_problem,
    read_table,
    show_path,
)

__all__ = ["SPLITS", "VIDEO_COLUMNS", "Video", "read_videos"]

SPLITS = ("train", "val", "test")
VIDEO_COLUMNS = ("video", "path", "split", "fps", "frames", "width", "height")


@dataclass(frozen=True, slots=True)
class Video:
    """A video of a dataset, as videos.csv describes it.

    Attributes:
        name: Short and unique; what the other tables call it.
        path: Absolute; a video file, or a folder of pictures.
        split: "train", "val" or "test".
        fps: Frames per second, the mean where it varies.
        frames: Number of frames, counted by decoding.
        width: Of the upright picture, in pixels.
        height: Likewise.
    """

    name: str
    path: Path
    split: str
    fps: float
    frames: int
    width: int
    height: int


def read_videos(path: str | Path, report: Report = raise_problem) -> dict[str, Video]:
    """Read videos.csv; rows with a problem that makes them useless are left out.

    Args:
        path: The table; relative paths in it start at its folder.
        report: Called with each problem.

    Returns:
        The videos by name, in the order of the table.

    Raises:
        LabelError: It is no table, or has not the columns VIDEO_COLUMNS.
    """
    root = Path(path).parent
    file = show_path(path)
    table = read_table(path, VIDEO_COLUMNS)
    found: list[Problem] = []
    whole = {
        column: parse_whole_numbers(table, column, file, found.append)
        for column in ("frames", "width", "height")
    }
    fps = parse_numbers(table, "fps", file, found.append)
    names: dict[str, int] = {}
    videos = {}
    for row, cells in zip(table.index, table.to_dict("records"), strict=True):
        numbers = {column: whole[column][row] for column in whole}
        reasons = [p.reason for p in found if p.row == row]
        reasons += _find_video_problems(cells, fps[row], numbers, names, root)
        for reason in reasons:
            report(Problem(file, int(row), cells["video"], reason, _video_hint(reason)))
        names.setdefault(cells["video"].casefold(), int(row))
        if all(numbers.values()) and fps[row] > 0 and cells["video"] not in videos:
            videos[cells["video"]] = Video(
                name=cells["video"],
                path=Path(os.path.abspath(root / cells["path"])),
                split=cells["split"],
                fps=float(fps[row]),
                **numbers,
            )
    return videos


def _find_video_problems(
    cells: Mapping[str, str],
    fps: float,
    numbers: Mapping[str, int | None],
    names: Mapping[str, int],
    root: Path,
) -> Iterator[str]:
    name = cells["video"]
    if not name or name in (".", "..") or set(name) & set('/\\:*?"<>|'):
        yield f"video {name!r} is not a name: it must be usable as the name of a file"
    elif name.casefold() in names:
        yield f"video {name!r} stands in row {names[name.casefold()]} already"
    if cells["split"] not in SPLITS:
        yield f"unknown split {cells['split']!r}: it must be train, val or test"
    if fps <= 0 or (fps != fps and not cells["fps"]):
        yield f"fps is not above 0: {cells['fps']!r}"
    for column, number in numbers.items():
        if number is not None and number <= 0:
            yield f"{column} is not above 0: {number}"
    if not cells["path"]:
        yield "path is empty"
    elif not (root / cells["path"]).exists():
        yield f"no file {show_path(root / cells['path'])}"


def _video_hint(reason: str) -> str | None:
    if reason.startswith("no file"):
        encoding = sys.getfilesystemencoding()
        if encoding != "utf-8" and not reason.isascii():
            return f"this locale names files in {encoding}: set LC_ALL=C.UTF-8, or PYTHONUTF8=1"
        return "correct the column path; relative paths start at the dataset folder"
    return None
