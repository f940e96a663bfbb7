"""DeepLabCut: CollectedData_NAME.csv or .h5 with labelled pictures, or the tracks of a video.

The columns are named in three lines (scorer, bodyparts, coords), in four with several individuals.
A row is a labelled picture, `labeled-data/VIDEO/img0123.png` in one column or in three, also with
the backslashes of Windows; in the tracks of a video it is the number of a frame. Both count from 0.
Positions are in pixels; blank ones are not labelled. Tracks have a likelihood beside them.

What body parts of one hand are visible gives its position, as their mean.

Source: https://deeplabcut.github.io/DeepLabCut/docs/beginner-guides/labeling.html,
https://github.com/DeepLabCut/DeepLabCut
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path

import numpy as np

from handact.errors import LabelError
from handact.formats.loading import parse_number
from handact.formats.marks import HandOptions, Mark, MarkFile, Picture
from handact.formats.pandas_h5 import Frame, Key, read_frame
from handact.formats.text import read_text, show_path
from handact.formats.to_hands import side_of_name

__all__ = ["H5_SUFFIXES", "looks_like_table", "read"]

H5_SUFFIXES = (".h5", ".hdf5", ".hdf")

_LEVELS = {
    3: ("scorer", "bodyparts", "coords"),
    4: ("scorer", "individuals", "bodyparts", "coords"),
}
_COORDINATES = ("x", "y", "likelihood")
_HAND_WORDS = frozenset((
    "back", "base", "center", "centre", "cmc", "dip", "finger", "fingers", "fingertip", "hand",
    "index", "ip", "knuckle", "knuckles", "little", "mcp", "mid", "middle", "palm", "pinkie",
    "pinky", "pip", "ring", "thumb", "tip", "wrist",
))  # fmt: skip
_SIDE_WORDS = frozenset((
    "handleft", "handright", "l", "left", "lefthand", "lh", "lhand", "r", "rh", "rhand", "right",
    "righthand",
))  # fmt: skip
_MOST_CELLS = 50_000_000


@dataclass(frozen=True, slots=True)
class _Part:
    """A body part, and its columns.

    Attributes:
        name: Of the part.
        individual: Whose it is; "" where there is one only.
        x: Column.
        y: Column.
        likelihood: Column; None in labelled data.
    """

    name: str
    individual: str
    x: int
    y: int
    likelihood: int | None


def read(path: Path, options: HandOptions) -> MarkFile:
    """Read labelled pictures, or the tracks of the video after which the file is named.

    Args:
        path: A file of one of these kinds.
        options: `score` is the likelihood below which a body part is not visible; `sides` names
            the body parts, or the individuals, that are hands.

    Raises:
        LabelError: No such file, or no such columns.
    """
    file = show_path(path)
    is_h5 = path.suffix.lower() in H5_SUFFIXES
    frame, rows = _read_h5(path) if is_h5 else _read_csv(path)
    parts = _find_parts(frame.columns, file)
    found = MarkFile(
        file=file,
        format="DeepLabCut",
        rule="the mean of the visible body parts of a hand",
        first_frame=0,
        rows=len(frame.index),
    )
    hands = _group_parts(parts, options.sides, found)
    is_track = all(len(key) == 1 and key[0].isdecimal() for key in frame.index)
    video = _video_name(path, frame.columns[0][0]) if is_track else ""
    if is_track:
        found.format += ", the tracks of a video"
    values = _hide_unlikely(frame.values, parts, options.score)
    positions = [column for part in parts for column in (part.x, part.y)]
    for row, key, cells in zip(rows, frame.index, values, strict=True):
        if is_track:
            picture = Picture(row, "", video, int(parse_number(key[0], "frame", f"{file}:{row}")))
        elif np.isnan(cells[positions]).all():
            found.drop(row, f"nothing is labelled in {'/'.join(key)!r}")
            continue
        else:
            picture = Picture(row, "/".join(key))
        marks = (_mark(row, name, group, cells) for name, group in hands)
        picture.marks = [mark for mark in marks if mark is not None]
        found.pictures.append(picture)
    return found


def looks_like_table(text: str) -> bool:
    """Whether the first lines are the headers of such a table."""
    first, _, rest = text.lstrip("\ufeff").partition("\n")
    second = rest.partition("\n")[0]
    return first.startswith(("scorer,", "scorer;")) and second.startswith(("bodyparts", "indiv"))


# ---------------------------------------------------------------------------------------- the table


def _read_h5(path: Path) -> tuple[Frame, list[int]]:
    """Return the table and the numbers of its rows."""
    frame = read_frame(path)
    return frame, list(range(1, len(frame.index) + 1))


def _read_csv(path: Path) -> tuple[Frame, list[int]]:
    """Return the table and the line of each row."""
    file, text = show_path(path), read_text(path)
    header = text.partition("\n")[0]
    separator = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    lines: list[tuple[int, list[str]]] = []
    try:
        for record in reader:
            if any(cell.strip() for cell in record):
                lines.append((reader.line_num, [cell.strip() for cell in record]))
    except csv.Error as error:
        raise LabelError(f"{file}:{reader.line_num}: {error}") from error
    known = {name for names in _LEVELS.values() for name in names}
    depth = next((i for i, (_, r) in enumerate(lines) if r[0].lower() not in known), len(lines))
    names = tuple(record[0].lower() for _, record in lines[:depth])
    if names not in _LEVELS.values():
        raise LabelError(
            f"{file}: does not begin with the lines scorer, bodyparts, coords of DeepLabCut"
        )
    headers = [record for _, record in lines[:depth]]
    width = len(headers[-1])
    first = next((i for i in range(1, width) if headers[-1][i]), width)
    if (len(lines) - depth) * width > _MOST_CELLS:
        raise LabelError(f"{file}: has more cells than labels have")
    columns = list(zip(*(_fit(h, width, file, 1)[first:] for h in headers), strict=True))
    index, values, rows = [], np.full((len(lines) - depth, len(columns)), nan), []
    for i, (row, record) in enumerate(lines[depth:]):
        cells = _fit(record, width, file, row)
        index.append(tuple(cells[:first]))
        rows.append(row)
        for j, cell in enumerate(cells[first:]):
            if cell and cell.lower() != "nan":
                text = cell.replace(",", ".") if separator != "," else cell
                values[i, j] = parse_number(text, columns[j][-1] or "a cell", f"{file}:{row}")
    return Frame(columns, index, values), rows


def _fit(record: list[str], width: int, file: str, row: int) -> list[str]:
    if any(record[width:]):
        raise LabelError(f"{file}:{row}: has {len(record)} cells where the header has {width}")
    return record[:width] + [""] * (width - len(record))


def _find_parts(columns: Sequence[Key], file: str) -> list[_Part]:
    """Return the body parts.

    Raises:
        LabelError: Columns that are none of DeepLabCut's, two scorers.
    """
    if not columns or len(columns[0]) not in _LEVELS:
        raise LabelError(f"{file}: has no columns of scorer, bodyparts and coords")
    scorers = list(dict.fromkeys(key[0] for key in columns))
    if len(scorers) > 1:
        raise LabelError(
            f"{file}: has {len(scorers)} scorers: {', '.join(scorers[:5])}",
            "keep the columns of one",
        )
    places: dict[Key, dict[str, int]] = defaultdict(dict)
    for i, key in enumerate(columns):
        if key[-1] not in _COORDINATES or key[-1] in places[key[1:-1]]:
            raise LabelError(f"{file}: does not expect the column {' '.join(key[1:])!r}")
        places[key[1:-1]][key[-1]] = i
    parts = []
    for key, at in places.items():
        if "x" not in at or "y" not in at:
            raise LabelError(f"{file}: the body part {key[-1]!r} has no column x or y")
        individual = key[0] if len(key) == 2 else ""
        parts.append(_Part(key[-1], individual, at["x"], at["y"], at.get("likelihood")))
    return parts


def _hide_unlikely(values: np.ndarray, parts: Iterable[_Part], score: float) -> np.ndarray:
    """Return the values, NaN for body parts that are less likely than `score`."""
    values = values.copy()
    for part in parts:
        if part.likelihood is not None:
            unlikely = ~(values[:, part.likelihood] >= score)
            values[np.ix_(unlikely, [part.x, part.y])] = nan
    return values


# ---------------------------------------------------------------------------------------- the hands


def _group_parts(
    parts: Sequence[_Part], sides: Mapping[str, str] | None, found: MarkFile
) -> list[tuple[str, list[_Part]]]:
    """Return the parts of each hand, with the name that tells its side; fill `found.labels`."""
    hands: dict[tuple[str, str], list[tuple[str, _Part]]] = defaultdict(list)
    others: list[str] = []
    for part in parts:
        name, side = _find_side(part, sides)
        if side is None:
            others.append(part.name)
        else:
            hands[part.individual, side].append((name, part))
    taken = [name for group in hands.values() for name, _ in group]
    if sides or not taken:
        taken = [name for part in parts for name in (part.name, part.individual)]
    elif others:
        listed = ", ".join(dict.fromkeys(others))
        found.notes.append(f"body parts that are none of a hand, left out: {listed}")
    found.labels = list(dict.fromkeys(filter(None, taken)))
    return [(group[0][0], [part for _, part in group]) for group in hands.values()]


def _find_side(part: _Part, sides: Mapping[str, str] | None) -> tuple[str, str | None]:
    """Return what tells the side of a body part, and the side."""
    for name in (part.name, part.individual):
        if sides is not None and name in sides:
            return name, sides[name]
        if sides is None and side_of_name(name) and _is_of_hand(part.name):
            return name, side_of_name(name)
    return part.name, None


def _is_of_hand(name: str) -> bool:
    """Whether a name speaks of nothing but a hand: `left_wrist` does, `left_elbow` does not."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    words = set(re.findall(r"[a-z]+", spaced.lower())) - _SIDE_WORDS
    return words <= _HAND_WORDS


def _mark(row: int, name: str, parts: Sequence[_Part], values: np.ndarray) -> Mark | None:
    points = np.array([(values[part.x], values[part.y]) for part in parts])
    seen = points[~np.isnan(points).any(axis=1)]
    if not len(seen):
        return None
    x, y = seen.mean(axis=0).tolist()
    return Mark(row, (name,), x, y, by_points=True)


# ----------------------------------------------------------------------------------------- pictures


def _video_name(path: Path, scorer: str) -> str:
    """Return the video that tracks are of: their file is `VIDEO` + scorer, perhaps with more."""
    before = path.stem.rpartition(scorer)[0] if scorer else ""
    return before or path.stem.partition("DLC_")[0]
