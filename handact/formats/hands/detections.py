"""Detections of the 100DOH hand detector: ten numbers for each hand.

`x1, y1, x2, y2, score, state, magnitude, dx, dy, side`, in pixels; side 0 is left, 1 is right. The
detector writes no file. People save its rows by picture:

- as a table, `image` or `video,frame` before these columns, with or without a header;
- as JSON, {"VIDEO_000123.jpg": [[...], ...]}, or a list of {"image": ..., "hand_dets": [[...]]};
- as a folder of arrays VIDEO_000123.npy, or of files VIDEO_000123.json, {"hand_dets": [[...]]}.

A picture without rows, or with null or "none" in their place, has no hand. The detections that
EPIC-KITCHENS gives away are pickles, which are never read: a pickle runs what it says.

Source: https://github.com/ddshan/hand_object_detector, demo.py and lib/model/utils/net_utils.py
"""

import csv
import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np

from handact.errors import LabelError
from handact.formats.loading import list_files, load_json, member, parse_number
from handact.formats.marks import HandOptions, Mark, MarkFile, Picture
from handact.formats.text import MAX_BYTES, read_text, show_path

__all__ = ["PICKLES", "looks_like_json", "looks_like_table", "read"]

PICKLES = (".pickle", ".pkl")

_COLUMNS = ("x1", "y1", "x2", "y2", "score", "state", "mag", "dx", "dy", "side")
_NEEDED = ("x1", "y1", "x2", "y2", "score", "side")
_SIDES = {0: "left", 1: "right"}
_HANDS = ("hand_dets", "hand_det", "hands", "detections")
_IMAGES = ("image", "image_name", "image_path", "file", "file_name", "filename", "name")
# No box is as small in pixels: where no position is larger, all are fractions.
_LARGEST_FRACTION = 1.5
# What a header of an array that is none makes NumPy raise.
_NO_ARRAY = (
    ArithmeticError, MemoryError, OSError, RecursionError, SyntaxError, TokenError, TypeError,
    ValueError,
)  # fmt: skip


def read(path: Path, options: HandOptions) -> MarkFile:
    """Read a table, a JSON file, the array of a picture, or a folder with one of these a picture.

    Args:
        path: The file or folder.
        options: `score` is the least of a hand that is taken.

    Raises:
        LabelError: A pickle, or rows that are not such ten numbers.
    """
    file = show_path(path)
    if not path.exists():
        raise LabelError(f"{file}: no such file or folder")
    suffix = path.suffix.lower()
    if suffix in PICKLES:
        raise LabelError(
            f"{file}: is a pickle, which can run any program when it is read, so it is not read",
            f"save its hands as a table with the columns image,{','.join(_COLUMNS)}; those of "
            "EPIC-KITCHENS count frames from 1",
        )
    found = MarkFile(file=file, format="100DOH detections", sided=True)
    if path.is_dir():
        for each in list_files(path, "**/*.npy", "**/*.json"):
            name = each.relative_to(path).as_posix()
            _add_picture(Picture(name, name), _rows_of_file(each), options.score, found)
    elif suffix == ".npy":
        _add_picture(Picture(path.name, path.name), _load_array(path), options.score, found)
    elif suffix == ".json":
        for image, rows in _split_json(load_json(path), path.name, file):
            _add_picture(Picture(f"image {image}", image), rows, options.score, found)
    else:
        _read_table(path, options.score, found)
    _settle_units(found)
    return found


def looks_like_table(header: Sequence[str]) -> bool:
    """Whether these are the columns of such a table."""
    names = {name.strip().strip('"').lower() for name in header}
    return {*_NEEDED, "state"} <= names


def looks_like_json(data: Any) -> bool:
    """Whether a JSON file holds such detections."""
    first = data[0] if isinstance(data, list) and data else data
    if not isinstance(first, dict):
        return False
    inner = next((value for value in first.values() if value), None)
    for entry in (first, inner):
        if isinstance(entry, dict) and {"hand_dets", "hand_det"} & set(entry):
            return True
    return isinstance(inner, list) and isinstance(inner[0], list) and len(inner[0]) == len(_COLUMNS)


def _add_picture(picture: Picture, rows: Any, least: float, found: MarkFile) -> None:
    """Add a picture with the hands in its rows, whatever stands for none."""
    for i, row in enumerate(_list_rows(rows, f"{found.file}: {picture.place}"), 1):
        place = f"{picture.place}, row {i}"
        if not isinstance(row, list) or len(row) != len(_COLUMNS):
            raise LabelError(
                f"{found.file}: {place}: is not a list of {len(_COLUMNS)} numbers",
                f"these are: {', '.join(_COLUMNS)}",
            )
        _add_hand(picture, dict(zip(_COLUMNS, row, strict=True)), place, least, found)
    found.pictures.append(picture)


def _add_hand(
    picture: Picture, cells: Mapping[str, Any], place: str | int, least: float, found: MarkFile
) -> None:
    found.rows += 1
    at = f"{found.file}:{place}" if isinstance(place, int) else f"{found.file}: {place}"
    x1, y1, x2, y2, score, side = (parse_number(cells[name], name, at) for name in _NEEDED)
    if x2 < x1 or y2 < y1:
        raise LabelError(
            f"{at}: ({x2:g}, {y2:g}) is not below and right of ({x1:g}, {y1:g})",
            "a box is x1,y1,x2,y2: two corners, not a corner and a size",
        )
    if side not in _SIDES:
        raise LabelError(f"{at}: side is neither 0, left, nor 1, right: {side:g}")
    if not 0 <= score <= 1:
        raise LabelError(f"{at}: score is not within 0..1: {score:g}")
    if score < least:
        reason = f"the score {score:g} is below {least:g}"
        found.drop(*((place, reason) if isinstance(place, int) else (None, f"{place}: {reason}")))
        return
    picture.marks.append(Mark(place, (_SIDES[int(side)],), (x1 + x2) / 2, (y1 + y2) / 2))


# --------------------------------------------------------------------------------- arrays and JSON


def _rows_of_file(path: Path) -> Any:
    """Return the rows of the one picture that a file in a folder is about."""
    if path.suffix.lower() == ".npy":
        return _load_array(path)
    data = load_json(path)
    return _rows_of_entry(data, show_path(path)) if isinstance(data, dict) else data


def _split_json(data: Any, name: str, file: str) -> Iterator[tuple[str, Any]]:
    """Give each picture of a JSON file and its rows."""
    if isinstance(data, dict) and not set(data) & set(_HANDS):
        for image, rows in data.items():
            is_entry = isinstance(rows, dict)
            yield image, _rows_of_entry(rows, f"{file}: image {image}") if is_entry else rows
        return
    entries = data if isinstance(data, list) else [data]
    if all(isinstance(entry, list) for entry in entries):
        yield name, entries
        return
    for i, entry in enumerate(entries, 1):
        place = f"{file}: entry {i}"
        key = next((key for key in _IMAGES if isinstance(entry, dict) and key in entry), None)
        is_alone = key is None and isinstance(entry, dict) and len(entries) == 1
        image = name if is_alone else member(entry, key or "image", str, place)
        yield image, _rows_of_entry(entry, place)


def _rows_of_entry(entry: Mapping[str, Any], place: str) -> Any:
    key = next((key for key in _HANDS if key in entry), None)
    if key is None:
        raise LabelError(f"{place}: has no list {_HANDS[0]!r}")
    return entry[key]


def _list_rows(rows: Any, place: str) -> list[Any]:
    if rows is None or rows == "none":
        return []
    if not isinstance(rows, list):
        raise LabelError(f"{place}: is not a list of detections")
    return rows


def _load_array(path: Path) -> list[Any]:
    """Return the rows of an array, without reading more than there is in the file."""
    file = show_path(path)
    if path.stat().st_size > MAX_BYTES:
        raise LabelError(f"{file}: is larger than {MAX_BYTES >> 20} MiB: labels are not as large")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of arrays that Python 2 saved
            # A header may promise any size; what is mapped must be there.
            array = np.lib.format.open_memmap(path, mode="r")
    except _NO_ARRAY as error:
        what = str(error).partition("\n")[0]
        raise LabelError(
            f"{file}: is no array of numbers: {what}",
            "pickled objects are not read: save an array of shape (hands, 10), of (0, 10) where "
            "there is no hand",
        ) from error
    if array.dtype.kind not in "fiu" or (array.size and array.ndim != 2):
        raise LabelError(f"{file}: is no array of shape (hands, 10) but of {array.shape}")
    return array.tolist() if array.size else []


# ------------------------------------------------------------------------------------------- tables


def _read_table(path: Path, least: float, found: MarkFile) -> None:
    """Read a table; rows of which only the picture is there say that it has no hand."""
    records = _split_records(read_text(path), found.file)
    names = [name.lower() for name in records[0][1]] if records else []
    if set(_NEEDED) <= set(names):
        records = records[1:]
    else:
        names = _names_without_header(records[0][1] if records else [], found.file)
    image = next((name for name in _IMAGES if name in names), None)
    if image is None and "frame" not in names:
        raise LabelError(
            f"{found.file}: has no column of pictures; its columns are: {', '.join(names)}",
            "add a column image, or the columns video and frame",
        )
    pictures: dict[tuple[str, str, int | None], Picture] = {}
    for row, record in records:
        at = f"{found.file}:{row}"
        if any(record[len(names) :]):
            raise LabelError(f"{at}: has {len(record)} cells where others have {len(names)}")
        cells = dict(zip(names, [*record, *[""] * len(names)], strict=False))
        picture = Picture(row, cells[image] if image else "")
        if image is None:
            picture.video = cells.get("video", path.stem)
            picture.frame = int(parse_number(cells["frame"], "frame", at))
        key = (picture.image, picture.video, picture.frame)
        picture = pictures.setdefault(key, picture)
        if any(cells[name] for name in _NEEDED):
            _add_hand(picture, cells, row, least, found)
    found.pictures = list(pictures.values())


def _split_records(text: str, file: str) -> list[tuple[int, list[str]]]:
    header = text.lstrip().partition("\n")[0]
    separator = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
    try:
        records = [(reader.line_num, [cell.strip() for cell in record]) for record in reader]
    except csv.Error as error:
        raise LabelError(f"{file}:{reader.line_num}: {error}") from error
    if separator == ";":
        records = [(row, [cell.replace(",", ".") for cell in record]) for row, record in records]
    return [(row, record) for row, record in records if any(record)]


def _names_without_header(record: Sequence[str], file: str) -> list[str]:
    """Return the names of the columns of a table that has none: image, or video and frame, first.

    Raises:
        LabelError: It has another number of columns.
    """
    before = {1: ["image"], 2: ["video", "frame"]}.get(len(record) - len(_COLUMNS))
    if before is None or not _is_number(record[-1]):
        raise LabelError(
            f"{file}: has no columns {','.join(_NEEDED)}; its first line is: "
            + " ".join(",".join(record[:12])[:200].split()),
            f"its first line may name the columns: image,{','.join(_COLUMNS)}",
        )
    return [*before, *_COLUMNS]


def _is_number(text: str) -> bool:
    try:
        return float(text) >= 0
    except ValueError:
        return False


def _settle_units(found: MarkFile) -> None:
    places = [value for p in found.pictures for m in p.marks for value in (m.x, m.y)]
    for picture in found.pictures if max(places, default=0) <= _LARGEST_FRACTION else ():
        picture.width = picture.height = 1
