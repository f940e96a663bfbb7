"""Tables of actions: one row a segment in frames, seconds or time codes, or one row a trimmed clip.

`start_frame,end_frame` is our own convention, 0-based and half-open. Of other names of columns the
unit, the first frame and whether the end is included must be proven by the numbers, or be said.
"""

import re
from collections.abc import Callable, Sequence
from itertools import product
from math import inf
from pathlib import Path

import pandas as pd

from handact.errors import LabelError
from handact.formats.clock import parse_clock
from handact.formats.intervals import ActionOptions, Interval, IntervalFile
from handact.formats.outgoing import ActionExport
from handact.formats.text import format_cell, read_table, show_path, table_text

__all__ = ["read", "read_clips", "write"]

_VIDEOS = (
    "video", "file", "filename", "file_name", "path", "clip", "video_id", "video_name", "videoid",
    "recording",
)  # fmt: skip
_ACTIONS = (
    "action", "label", "class", "step", "gesture", "behavior", "behaviour", "annotation",
)  # fmt: skip
_TIERS = ("hand", "tier", "track")
_OWN = ("start_frame", "end_frame")
_STARTS, _ENDS = ("start", "begin", "onset"), ("end", "stop", "offset")


def _pairs(*patterns: str) -> tuple[tuple[str, str], ...]:
    """Return every name of a start with every name of an end, in each of the patterns."""
    return tuple(
        (pattern.format(start), pattern.format(end))
        for pattern in patterns
        for start, end in product(_STARTS, _ENDS)
    )


_FRAMES = (*_pairs("{}_frame", "frame_{}", "{}frame"), ("first_frame", "last_frame"))
_MILLISECONDS = _pairs("{}_ms")
_SECONDS = _pairs("{}_seconds", "{}_s", "{}_sec", "{}_time", "{}_timestamp")
_BARE = tuple(product(("start", "begin", "onset", "from"), ("end", "stop", "offset", "to")))
_PAIRS = (*_FRAMES, *_MILLISECONDS, *_SECONDS, *_BARE)
_NAMES = (*_VIDEOS, *_ACTIONS, *_TIERS, *dict.fromkeys(name for pair in _PAIRS for name in pair))

# Words of columns that say when: a table that has one and is not understood is no list of clips.
_TIME_WORDS = frozenset((
    "start", "begin", "beginn", "onset", "from", "von", "end", "ende", "stop", "offset", "to",
    "bis", "time", "times", "timestamp", "frame",
))  # fmt: skip

_TIME_CODE = re.compile(r"([0-9]{1,6})[:;]([0-9]{2})[:;]([0-9]{2})([:;])([0-9]{2,3})")
_WHOLE = re.compile(r"[0-9]{1,12}(?:[.,]0)?")
# May mean a thousand and some, or one and some.
_THOUSAND = re.compile(r"-?[1-9][0-9]{0,2}[.,][0-9]{3}")


def read(path: Path, options: ActionOptions) -> IntervalFile:
    """Read a table of segments, or one of clips that each show one action.

    Times are frames, seconds, milliseconds, h:mm:ss.sss or time codes h:mm:ss:ff. A table without
    times has one row a video; one without videos is about the video it is named after. Background
    rows are segments like others.

    Args:
        path: The table.
        options: `column` is that of the labels; by default the first of action, label, class, ...
            that is there.

    Raises:
        LabelError: Names file and row of the first thing wrong.
    """
    file = show_path(path)
    wanted = (options.column.lower(),) if options.column else ()
    table = _fold_columns(read_table(path, (), (*_NAMES, *wanted)))
    times = next((pair for pair in _PAIRS if set(pair) <= set(table.columns)), None)
    if times is None:
        _refuse_times(table, file)
        return _take_clips(_name_columns(table, file, options), file)
    if set(_VIDEOS) & set(table.columns):
        return _take_segments(_name_columns(table, file, options), file, times, options)
    table = _name_columns(table.assign(video=""), file, options)
    found = _take_segments(table, file, times, options)
    found.stem = path.stem
    return found


def read_clips(path: Path, options: ActionOptions) -> IntervalFile:
    """Read a table of trimmed clips, one row a video; columns of times are passed over.

    Raises:
        LabelError: It has no column of videos or labels.
    """
    file = show_path(path)
    wanted = (options.column.lower(),) if options.column else ()
    return _take_clips(_name_columns(read_table(path, (), (*_NAMES, *wanted)), file, options), file)


def write(export: ActionExport) -> dict[str, str]:
    """Return actions.csv: our columns, seconds and confidence beside them."""
    rows = []
    for name in export.videos:
        edges = export.edges(name)
        for i, s in enumerate(export.actions[name]):
            sure = export.confidence[name][i] if export.confidence else None
            times = (f"{edges[s.start_frame]:.6f}", f"{edges[s.end_frame]:.6f}")
            rows.append((name, s.start_frame, s.end_frame, *times, s.action, format_cell(sure)))
    columns = ("video", *_OWN, "start_seconds", "end_seconds", "action", "confidence")
    return {"actions.csv": table_text(columns, rows)}


def _fold_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Give columns such as `Start Time` and `End (s)` the names that they are known by."""
    folded = {name: re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") for name in table.columns}
    known = {n: f for n, f in folded.items() if f in _NAMES and f not in table.columns}
    # Of two that fold to one name, neither is meant for sure.
    names = list(known.values())
    return table.rename(columns={n: f for n, f in known.items() if names.count(f) == 1})


def _refuse_times(table: pd.DataFrame, file: str) -> None:
    """Refuse what would make labels of whole videos of segments whose times are not understood."""
    spoken = {name: set(re.split(r"[^a-z]+", name.lower())) for name in table.columns}
    times = [name for name, words in spoken.items() if words & _TIME_WORDS]
    if times:
        raise LabelError(
            f"{file}: its columns {', '.join(times)} are not a start and an end that are known",
            "name them start_frame,end_frame or start_seconds,end_seconds; `--format clips` if a "
            "row labels a whole video",
        )


def _name_columns(table: pd.DataFrame, file: str, options: ActionOptions) -> pd.DataFrame:
    """Rename the columns that say which video, which action and which hand."""
    wanted = (options.column.lower(), options.column) if options.column else _ACTIONS
    if options.video is not None and not set(_VIDEOS) & set(table.columns):
        table = table.assign(video=options.video)
    table = _name_column(table, "video", _VIDEOS, file, "video", "say which video: `--video NAME`")
    hint = "name the column with `--column NAME`"
    table = _name_column(table, "action", wanted, file, "label", hint)
    tier = next((name for name in _TIERS if name in table.columns), None)
    return table.assign(tier=table[tier] if tier else "")


def _name_column(
    table: pd.DataFrame, name: str, wanted: Sequence[str], file: str, what: str, hint: str
) -> pd.DataFrame:
    found = next((column for column in wanted if column in table.columns), None)
    if found is None:
        raise LabelError(
            f"{file}: has no {what} column ({', '.join(dict.fromkeys(wanted))}); its columns are: "
            + ", ".join(table.columns),
            hint,
        )
    others = table.drop(columns=name) if name in table.columns and found != name else table
    return others.rename(columns={found: name})


def _take_clips(table: pd.DataFrame, file: str) -> IntervalFile:
    found = IntervalFile(file=file, format="table of trimmed clips", unit="frames", rows=len(table))
    found.notes.append("has no times: each row labels the whole of its video")
    for row, cells in zip(table.index, table.to_dict("records"), strict=True):
        found.intervals.append(Interval(int(row), cells["video"], 0, inf, cells["action"]))
    return found


def _take_segments(
    table: pd.DataFrame, file: str, times: tuple[str, str], options: ActionOptions
) -> IntervalFile:
    found = IntervalFile(file=file, format="table of segments", unit=None, rows=len(table))
    read_time = _choose_unit(found, table, times, options)
    for row, cells in zip(table.index, table.to_dict("records"), strict=True):
        start, end = (read_time(cells[name], name, f"{file}:{row}") for name in times)
        found.intervals.append(
            Interval(int(row), cells["video"], start, end, cells["action"], cells["tier"])
        )
    return found


def _choose_unit(
    found: IntervalFile, table: pd.DataFrame, times: tuple[str, str], options: ActionOptions
) -> Callable[[str, str, str], float]:
    """Set how the table counts, and return the reader of its cells."""
    cells = pd.concat([table[name] for name in times])
    if times != _OWN:
        found.first_frame, found.end_included = None, None
    if options.unit != "seconds" and cells.map(lambda cell: bool(_TIME_CODE.fullmatch(cell))).any():
        if not isinstance(options.fps, float | int):
            raise LabelError(
                f"{found.file}: its times are time codes that end in a number of frames",
                "say at how many frames a second they count: `--fps 25`, `--fps 29.97`",
            )
        found.unit, found.rate, found.first_frame = "frames", "settled", 0
        return lambda text, name, place: _read_code(text, name, place, round(options.fps))
    if options.unit == "frames" or (times in _FRAMES and options.unit is None):
        found.unit = "frames"
        return _read_frame
    _refuse_thousands(cells, found.file)
    if times in _MILLISECONDS:
        found.unit = "seconds"
        return lambda text, name, place: parse_clock(text, name, place) / 1000
    if times in _SECONDS or cells.map(lambda cell: not _WHOLE.fullmatch(cell)).any():
        found.unit = "seconds"
    return parse_clock


def _refuse_thousands(cells: pd.Series, file: str) -> None:
    """Refuse `1,000` where nothing proves its comma to be that of a decimal.

    Raises:
        LabelError: There are such, beside numbers with a point, or with neither.
    """
    plain = [cell for cell in cells if ":" not in cell]
    commas = [cell for cell in plain if "," in cell]
    points = [cell for cell in plain if "." in cell]
    bare = [cell for cell in plain if not set(cell) & set(",.")]
    doubtful = commas and (points or (bare and all(map(_THOUSAND.fullmatch, commas))))
    if not doubtful and bare and all(map(_THOUSAND.fullmatch, points)):
        # Programs leave zeros at the end of decimals out, if they write 5 for 5.0.
        doubtful = [cell for cell in points if cell.endswith("0")]
    if doubtful:
        other = (points if commas and points else bare)[0]
        raise LabelError(
            f"{file}: {(commas or points)[0]!r} beside {other!r} may mean a thousand, or one",
            "save the numbers without separators of thousands",
        )


def _read_frame(text: str, column: str, place: str) -> float:
    if not _WHOLE.fullmatch(text.removeprefix("-")):
        wrong = f"is not a whole number: {text!r}" if text else "is empty"
        raise LabelError(f"{place}: {column} {wrong}", "`--unit seconds` if these are seconds")
    return float(text.replace(",", "."))


def _read_code(text: str, column: str, place: str, fps: int) -> float:
    """Return the frame that a SMPTE time code numbers; `;` before the frames means drop-frame."""
    match = _TIME_CODE.fullmatch(text)
    hours, minutes, seconds, frames = (int(match[i]) for i in (1, 2, 3, 5)) if match else [99] * 4
    # Two numbers a minute (of 30 a second) are left out, but not in every tenth minute.
    is_drop = match is not None and match[4] == ";"
    left_out = fps // 15 if is_drop else 0
    is_left_out = frames < left_out and seconds == 0 and minutes % 10
    if (is_drop and fps % 30) or frames >= fps or max(minutes, seconds) >= 60 or is_left_out:
        raise LabelError(f"{place}: {column} is not a time code h:mm:ss:ff at {fps}: {text!r}")
    minutes += 60 * hours
    return (minutes * 60 + seconds) * fps + frames - left_out * (minutes - minutes // 10)
