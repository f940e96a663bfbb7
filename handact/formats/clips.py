"""Tables of actions: one row a segment in frames or seconds, or one row a trimmed clip."""

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from handact.errors import LabelError
from handact.formats.reading import ActionLabels, IndexOf, VideoNames
from handact.formats.tables import ActionRow, parse_actions
from handact.formats.text import raise_problem, read_table, show_path
from handact.formats.videos import Video
from handact.labels import Segment
from handact.video import VideoIndex

__all__ = ["find_times", "read_action_table"]

_VIDEO_COLUMNS = ("video", "file", "filename", "file_name", "path", "clip")
_ACTION_COLUMNS = ("action", "label", "class", "step", "gesture")
_FRAMES = ("start_frame", "end_frame")
_SECONDS = (("start_seconds", "end_seconds"), ("start", "end"))
_KNOWN = (*_VIDEO_COLUMNS, *_ACTION_COLUMNS, *_FRAMES, *_SECONDS[0], *_SECONDS[1])
_SECONDS_TEXT = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d*)?|[.,]\d+)")

# Where tools print times with two or three decimals, a boundary may land just before its frame.
_ROUNDING_SECONDS = 0.0051
# The picture ends a little before the sound in many files, and tools offer the longer of the two.
_TAIL_SECONDS = 0.5


def find_times(columns: pd.Index | list[str]) -> tuple[str, str] | None:
    """Return the columns of start and end; frames are preferred to seconds."""
    pairs = (_FRAMES, *_SECONDS)
    return next((pair for pair in pairs if set(pair) <= set(columns)), None)


def read_action_table(
    path: str | Path,
    videos: Mapping[str, Video],
    index_of: IndexOf,
    *,
    action_column: str | None = None,
    trimmed: bool | None = None,
) -> ActionLabels:
    """Read a table of segments, or of clips that each show one action.

    With columns start_frame and end_frame the rows are in frames; with start_seconds and
    end_seconds, or start and end, in seconds (or hours:minutes:seconds), which become frames
    through the time stamps of the video; with neither, each row is a whole video.

    Args:
        path: The table.
        videos: The dataset's videos.
        index_of: Gives the index of a video, for its time stamps.
        action_column: The column of the labels; by default the first of action, label, class,
            step, gesture that is there.
        trimmed: Whether rows are whole videos; None: if there are no times.

    Raises:
        LabelError: Names file and row of the first thing wrong.
    """
    file = show_path(path)
    table = read_table(path, (), (*_KNOWN, *((action_column.lower(),) if action_column else ())))
    times = find_times(table.columns)
    if trimmed is False and times is None:
        raise LabelError(
            f"{file}: has no start and end; its columns are: {', '.join(table.columns)}",
            "name them start_frame,end_frame or start_seconds,end_seconds, or use --format clips",
        )
    table = _name_labels(table, file, action_column)
    if times is None or trimmed:
        return _read_clips(table, file, videos)
    return _read_segments(table, file, videos, index_of, times)


def _name_labels(table: pd.DataFrame, file: str, action_column: str | None) -> pd.DataFrame:
    """Rename the columns that say which video and which action."""
    wanted = (action_column.lower(), action_column) if action_column else _ACTION_COLUMNS
    return table.pipe(_name_column, "video", _VIDEO_COLUMNS, file, "video").pipe(
        _name_column, "action", wanted, file, "label"
    )


def _name_column(
    table: pd.DataFrame, name: str, wanted: tuple[str, ...], file: str, what: str
) -> pd.DataFrame:
    found = next((column for column in wanted if column in table.columns), None)
    if found is None:
        raise LabelError(
            f"{file}: has no {what} column ({', '.join(dict.fromkeys(wanted))}); its columns are: "
            + ", ".join(table.columns),
            "name the column with `--action-column NAME`" if name == "action" else None,
        )
    others = table.drop(columns=name) if name in table.columns and found != name else table
    return others.rename(columns={found: name})


def _read_clips(table: pd.DataFrame, file: str, videos: Mapping[str, Video]) -> ActionLabels:
    labels = ActionLabels(
        file=file, format="table of trimmed clips", units="whole videos", rows=len(table)
    )
    names = VideoNames(videos)
    for row, text, action in zip(table.index, table["video"], table["action"], strict=True):
        video = names.find(text)
        if video is None:
            labels.drop(int(row), None, f"no video {text!r} in the dataset")
        elif not action:
            raise LabelError(f"{file}:{row}: the label is empty")
        else:
            segment = Segment(0, videos[video].frames, action)
            labels.segments.append(ActionRow(int(row), video, segment))
    labels.labelled = {row.video for row in labels.segments}
    return labels


def _read_segments(
    table: pd.DataFrame,
    file: str,
    videos: Mapping[str, Video],
    index_of: IndexOf,
    times: tuple[str, str],
) -> ActionLabels:
    in_frames = times == _FRAMES
    units = "frames, 0-based, end excluded" if in_frames else "seconds, by the videos' time stamps"
    labels = ActionLabels(file=file, format="table of segments", units=units, rows=len(table))
    names = VideoNames(videos)
    found = pd.Series([names.find(text) for text in table["video"]], table.index, dtype=object)
    for row in table.index[found.isna()]:
        labels.drop(int(row), None, f"no video {table['video'][row]!r} in the dataset")
    table = table.assign(video=found)[found.notna()]
    if in_frames:
        labels.segments = parse_actions(_drop_empty(table, labels), file, raise_problem)
    else:
        _take_seconds(table, labels, videos, index_of, times)
    labels.labelled = {row.video for row in labels.segments}
    return labels


def _drop_empty(table: pd.DataFrame, labels: ActionLabels) -> pd.DataFrame:
    """Leave out segments without a frame, as tools for point events write them."""
    empty = (table["start_frame"] == table["end_frame"]) & (table["start_frame"] != "")
    for row in table.index[empty]:
        labels.drop(int(row), table["video"][row], "holds no frame: start and end are the same")
    return table[~empty]


def _take_seconds(
    table: pd.DataFrame,
    labels: ActionLabels,
    videos: Mapping[str, Video],
    index_of: IndexOf,
    times: tuple[str, str],
) -> None:
    for row, cells in zip(table.index, table.to_dict("records"), strict=True):
        place = f"{labels.file}:{row}"
        start, end = (_seconds(cells[column], column, place) for column in times)
        if not cells["action"]:
            raise LabelError(f"{place}: the label is empty")
        if end < start:
            raise LabelError(f"{place}: end {end:g} s is before start {start:g} s")
        first, stop = _find_frames(
            start, end, videos[cells["video"]], index_of(cells["video"]), place
        )
        if stop <= first:
            labels.drop(int(row), cells["video"], f"holds no frame: {start:g} s to {end:g} s")
        else:
            segment = Segment(first, stop, cells["action"])
            labels.segments.append(ActionRow(int(row), cells["video"], segment))


def _find_frames(
    start: float, end: float, video: Video, index: VideoIndex, place: str
) -> tuple[int, int]:
    """Return first frame and one past the last; both by the same rule, so that neighbours meet."""
    # A quarter of a frame at most, so that the tolerance never decides between two frames.
    rounding = min(_ROUNDING_SECONDS, 0.25 / video.fps)
    if end > index.duration + _TAIL_SECONDS:
        raise LabelError(
            f"{place}: end {end:g} s is beyond the end of video {video.name!r}, "
            f"which lasts {index.duration:.3f} s",
            "are these frames? Then name the columns start_frame,end_frame",
        )
    first, stop = (
        video.frames if time + rounding >= index.duration else index.frame_at(time + rounding)
        for time in (start, end)
    )
    return first, stop


def _seconds(text: str, column: str, place: str) -> float:
    match = _SECONDS_TEXT.fullmatch(text)
    if not match:
        raise LabelError(f"{place}: {column} is not a time in seconds or h:mm:ss: {text!r}")
    hours, minutes, seconds = match.groups(default="0")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))
