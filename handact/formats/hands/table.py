"""Tables of hand positions: one row a frame (our own columns), or one row a hand.

Frames count from 0; in tables of boxes, which are not ours, the numbers must prove it. Positions
are fractions of the picture, unless `--pixels` says otherwise.
"""

from collections.abc import Mapping
from math import isnan
from pathlib import Path

import pandas as pd

from handact.errors import LabelError
from handact.formats.marks import HandOptions, Mark, MarkFile, Picture
from handact.formats.outgoing import HandExport
from handact.formats.text import (
    parse_numbers,
    parse_whole_numbers,
    read_table,
    show_path,
    table_text,
)
from handact.labels import HAND_COLUMNS

__all__ = ["read", "write"]

_POSITIONS = (
    ("x", "y"), ("cx", "cy"), ("x1", "y1", "x2", "y2"), ("xmin", "ymin", "xmax", "ymax"),
)  # fmt: skip
_SIZES = ("w", "h", "width", "height")
_SIDES = {"left": "left", "l": "left", "right": "right", "r": "right"}
_PRESENT = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_NAMES = (
    "side", "present", *HAND_COLUMNS, *_SIZES, *(name for names in _POSITIONS for name in names),
)  # fmt: skip
# Beyond this no hand is just outside the picture: the number is of pixels.
_LARGEST_FRACTION = 1.5


def read(path: Path, options: HandOptions) -> MarkFile:
    """Read video,frame,left_x,left_y,right_x,right_y or video,frame,side[,present],x,y.

    In the latter, `cx,cy` may stand for the position, or a box `x1,y1,x2,y2`; a hand without a row
    is absent. Sides are left, right, L, R, or what `--map` says.

    Args:
        path: The table.
        options: `pixels` says that positions are in pixels; `video` stands in for its column;
            `sides` for words of the column side.

    Raises:
        LabelError: Names file and row of the first thing wrong.
    """
    file = show_path(path)
    table = read_table(path, (), _NAMES)
    if options.video is not None and "video" not in table.columns:
        table = table.assign(video=options.video)
    columns = set(table.columns)
    is_long = "side" in columns
    _require(table, ("video", "frame") if is_long else HAND_COLUMNS, file)
    found = MarkFile(
        file=file,
        format=f"table of hands, one row a {'hand' if is_long else 'frame'}",
        rule="centres of boxes" if columns & {"x2", "xmax"} else "positions as they are",
        first_frame=0 if set(HAND_COLUMNS) <= columns or "x" in columns else None,
        sided=not is_long or not options.sides,
        rows=len(table),
    )
    rows = _read_hands(table, options, file) if is_long else _read_frames(table, file)
    _check_units(rows, options, file)
    size = None if options.pixels else 1.0
    found.pictures = _gather(rows, size, found)
    return found


def write(export: HandExport) -> dict[str, str]:
    """Return hands.csv, our own table."""
    columns = list(export.hands.columns)
    return {"hands.csv": table_text(columns, export.hands.itertuples(index=False, name=None))}


_Row = tuple[int, str, int, str, tuple[float, float] | None]
"""Line, video, frame, side, position; None: the hand is absent."""


def _require(table: pd.DataFrame, columns: tuple[str, ...], file: str) -> None:
    missing = [name for name in columns if name not in table.columns]
    if missing:
        hint = "say which video: `--video NAME`" if missing == ["video"] else None
        raise LabelError(
            f"{file}: has no column {', '.join(missing)}; its columns are: "
            + ", ".join(table.columns),
            hint or f"the first line must name the columns: {','.join(columns)}",
        )


def _read_frames(table: pd.DataFrame, file: str) -> list[_Row]:
    frames = parse_whole_numbers(table, "frame", file)
    numbers = {name: parse_numbers(table, name, file) for name in HAND_COLUMNS[2:]}
    rows: list[_Row] = []
    for row, video in zip(table.index, table["video"], strict=True):
        for side in ("left", "right"):
            x, y = numbers[f"{side}_x"][row], numbers[f"{side}_y"][row]
            if isnan(x) != isnan(y):
                raise LabelError(f"{file}:{row}: only one of {side}_x and {side}_y is there")
            rows.append((int(row), video, frames[row], side, None if isnan(x) else (x, y)))
    return rows


def _read_hands(table: pd.DataFrame, options: HandOptions, file: str) -> list[_Row]:
    names = _find_position(table, file)
    frames = parse_whole_numbers(table, "frame", file)
    numbers = {name: parse_numbers(table, name, file) for name in names}
    rows: list[_Row] = []
    for row, cells in zip(table.index, table.to_dict("records"), strict=True):
        side = _read_side(cells["side"], options, f"{file}:{row}")
        values = [float(numbers[name][row]) for name in names]
        position = (values[0], values[1])
        if len(names) == 4:
            if values[2] < values[0] or values[3] < values[1]:
                raise LabelError(
                    f"{file}:{row}: {names[2]} or {names[3]} is before {names[0]}, {names[1]}",
                    "boxes are two corners, not a corner and a size",
                )
            position = ((values[0] + values[2]) / 2, (values[1] + values[3]) / 2)
        is_there = _read_present(cells, position, side, f"{file}:{row}")
        rows.append((int(row), cells["video"], frames[row], side, position if is_there else None))
    return rows


def _find_position(table: pd.DataFrame, file: str) -> tuple[str, ...]:
    names = next((names for names in _POSITIONS if set(names) <= set(table.columns)), None)
    if names is None:
        _require(table, ("video", "frame", "side", "x", "y"), file)
    sizes = [name for name in _SIZES if name in table.columns]
    if names == ("x", "y") and sizes:
        raise LabelError(
            f"{file}: has columns x, y and {', '.join(sizes)}: x, y may be the corner of a box or "
            "its centre",
            "rename x, y to cx, cy if they are the centre; else write boxes as x1,y1,x2,y2",
        )
    return names


def _read_side(cell: str, options: HandOptions, place: str) -> str:
    if options.sides:
        return cell
    side = _SIDES.get(cell.lower().removesuffix("hand").strip(" _-"))
    if side is None:
        raise LabelError(
            f"{place}: side is neither left nor right: {cell!r}",
            'say which is which: `--map "0=left,1=right"`',
        )
    return side


def _read_present(
    cells: Mapping[str, str], position: tuple[float, float], side: str, place: str
) -> bool:
    present = cells.get("present", "").lower()
    if present and present not in _PRESENT:
        raise LabelError(f"{place}: present is neither 1 nor 0: {cells['present']!r}")
    if present and not _PRESENT[present]:
        return False
    missing = [isnan(value) for value in position]
    if any(missing) and (present or not all(missing)):
        raise LabelError(f"{place}: the {side} hand is present, but x or y is empty")
    return not any(missing)


def _check_units(rows: list[_Row], options: HandOptions, file: str) -> None:
    """Refuse pixels without the option, and fractions with it."""
    largest = max((max(position) for *_, position in rows if position), default=None)
    if options.pixels and largest is not None and largest <= 1:
        raise LabelError(
            f"{file}: all positions are within 0..1: these are fractions, not pixels",
            "leave `--pixels` out",
        )
    if options.pixels:
        return
    for row, _, _, side, position in rows:
        for axis, value in zip("xy", position or (), strict=False):
            if value > _LARGEST_FRACTION:
                raise LabelError(
                    f"{file}:{row}: {side}_{axis} {value:g} looks like pixels, not like a fraction "
                    "of the picture",
                    "`handact import hands FILE --pixels` turns pixels into fractions",
                )


def _gather(rows: list[_Row], size: float | None, found: MarkFile) -> list[Picture]:
    """Put the hands of a frame together; what the file says of one hand, it says of both."""
    pictures: dict[tuple[str, int], Picture] = {}
    sides: dict[tuple[str, int], set[str]] = {}
    for row, video, frame, side, position in rows:
        key = (video, frame)
        picture = pictures.setdefault(key, Picture(row, "", video, frame, size, size))
        if side in sides.setdefault(key, set()):
            raise LabelError(
                f"{found.file}:{row}: frame {frame} of video {video!r} has two {side} hands"
            )
        sides[key].add(side)
        if position is not None:
            picture.marks.append(Mark(row, (side,), *position))
    single = sum(len(there) == 1 for there in sides.values())
    if single:
        found.notes.append(f"{single} frames have a row for one hand only: the other is absent")
    return list(pictures.values())
