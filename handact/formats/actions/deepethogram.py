"""Label tables of DeepEthogram: one row a frame, one column a behaviour, 1, 0 or -1 (unlabelled).

lightning-action and daart read and write the same, without -1. The first column is the number of
the frame, from 0, and has no name. `background` is the column that is 1 where no other is.

Source: https://github.com/jbohnslav/deepethogram/blob/master/docs/file_structure.md,
https://github.com/paninski-lab/lightning-action
"""

from pathlib import Path

import numpy as np
import pandas as pd

from handact.errors import LabelError
from handact.formats.intervals import ActionOptions, Interval, IntervalFile, runs
from handact.formats.text import read_table, show_path

__all__ = ["looks_like_labels", "read"]

_INDEX = ("frame", "frames", "index", "unnamed: 0")
_BACKGROUND = "background"
_SUFFIXES = ("_labels", "_predictions")
_VALUES = {"0": 0, "1": 1, "-1": -1, "0.0": 0, "1.0": 1, "-1.0": -1}
_BAD = 9


def looks_like_labels(text: str) -> bool:
    """Tell whether a table has a column of frames, and then nothing but 1, 0 and -1."""
    header, _, rest = text.partition("\n")
    separator = max(",;\t", key=header.count)
    first, *names = [name.strip().strip('"') for name in header.split(separator)]
    _, *values = rest.partition("\n")[0].split(separator)
    is_index = not first or first.lower() in _INDEX
    return is_index and len(names) == len(values) > 0 and set(values) <= _VALUES.keys()


def read(path: Path, options: ActionOptions) -> IntervalFile:
    """Read the labels of a video: those of VIDEO_labels.csv are of VIDEO.

    Where several behaviours are 1 in a frame, each behaviour becomes a tier.

    Args:
        path: The table.
        options: `allow_length_mismatch` takes frames without a label for background.

    Raises:
        LabelError: Anything but 1, 0 and -1, frames out of order, frames without a label.
    """
    file = show_path(path)
    table = read_table(path, (), _INDEX, first=_INDEX[0])
    first = _pop_frames(table, file)
    video = path.stem
    for suffix in _SUFFIXES:
        video = video.removesuffix(suffix)
    found = IntervalFile(file=file, format="DeepEthogram table", unit="frames", rate="unsure")
    found.rows = found.listed[video] = len(table)
    values = _parse(table, file)
    _settle_unlabelled(values, table.index, first, options, found)
    names = list(table.columns)
    actions = [i for i, name in enumerate(names) if name.casefold() != _BACKGROUND]
    found.classes = [names[i] for i in actions]
    is_on = values == 1
    number = is_on[:, actions].sum(axis=1)
    both = int((is_on.sum(axis=1) > number)[number > 0].sum())
    if both:
        found.notes.append(f"{both} frames are background and something else: taken for the latter")
    late = first if first > 1 else 0  # a table from 1 on counts from there
    has_tiers = bool((number > 1).any())
    for i in actions:
        for start, end in runs(np.flatnonzero(is_on[:, i]).tolist()):
            row, tier = int(table.index[start]), names[i] if has_tiers else ""
            found.intervals.append(Interval(row, video, late + start, late + end, names[i], tier))
    found.intervals.sort(key=lambda interval: interval.start)
    return found


def _pop_frames(table: pd.DataFrame, file: str) -> int:
    """Take the column of frame numbers out of the table, if it has one; return the first number."""
    if len(table.columns) == 0 or len(table) == 0 or table.columns[0].lower() not in _INDEX:
        return 0
    frames = table.pop(table.columns[0])
    first = int(frames.iloc[0]) if frames.iloc[0].isdecimal() else 0
    for number, (row, text) in enumerate(frames.items(), first):
        if text not in (str(number), f"{number}.0"):
            raise LabelError(f"{file}:{row}: is frame {text!r} where {number} should follow")
    return first


def _parse(table: pd.DataFrame, file: str) -> np.ndarray:
    """Return the table as (N, K) int8 of 1, 0 and -1."""
    cells = table.to_numpy(dtype=object)
    values = np.fromiter((_VALUES.get(cell, _BAD) for cell in cells.flat), np.int8, cells.size)
    values = values.reshape(cells.shape)
    bad = np.argwhere(values == _BAD)
    if len(bad):
        i, j = bad[0]
        raise LabelError(
            f"{file}:{table.index[i]}: {table.columns[j]} is not 1, 0 or -1: {cells[i, j]!r}",
            "are these probabilities? This format holds labels alone",
        )
    return values


def _settle_unlabelled(
    values: np.ndarray, rows: pd.Index, first: int, options: ActionOptions, found: IntervalFile
) -> None:
    """Refuse frames that nobody labelled, unless they are to be background."""
    unlabelled = np.flatnonzero((values == -1).any(axis=1) & ~(values == 1).any(axis=1))
    if not len(unlabelled):
        return
    if not options.allow_length_mismatch:
        others = f", and so are {len(unlabelled) - 1} others" if len(unlabelled) > 1 else ""
        raise LabelError(
            f"{found.file}:{rows[unlabelled[0]]}: frame {first + unlabelled[0]} is not labelled "
            f"(-1){others}",
            "label them, or `--allow-length-mismatch` takes them for background",
        )
    found.notes.append(f"{len(unlabelled)} frames without a label (-1) are taken for background")
