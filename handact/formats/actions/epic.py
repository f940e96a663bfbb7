"""Tables of EPIC-KITCHENS-100: EPIC_100_train.csv, EPIC_100_validation.csv and their like.

Its frames count at a rate of their own for each video, and whether from 0 or 1 its files do not
agree with its words; so times are taken from the time stamps beside them. Segments may overlap.

Source: Damen et al., "Rescaling Egocentric Vision", IJCV 2022,
https://github.com/epic-kitchens/epic-kitchens-100-annotations
"""

from pathlib import Path

from handact.errors import LabelError
from handact.formats.clock import parse_clock
from handact.formats.intervals import ActionOptions, Interval, IntervalFile
from handact.formats.text import read_table, show_path

__all__ = ["read"]

_VIDEO, _START, _STOP = "video_id", "start_timestamp", "stop_timestamp"
_LABELS = ("narration", "verb", "noun", "verb_class", "noun_class")


def read(path: Path, options: ActionOptions) -> IntervalFile:
    """Read a table of segments.

    Args:
        path: The table.
        options: `column` is that of the labels: narration (the default), verb, noun, verb_class or
            noun_class.

    Raises:
        LabelError: A column is not there, as in tables of the test set; a time is none.
    """
    file, column = show_path(path), (options.column or _LABELS[0]).lower()
    table = read_table(path, (_VIDEO, _START, _STOP), (*_LABELS, column))
    if column not in table.columns:
        raise LabelError(
            f"{file}: has no column {column}; its columns are: {', '.join(table.columns)}",
            f"`--column` names one of: {', '.join(_LABELS)}; tables of the test set have no labels",
        )
    found = IntervalFile(file=file, format="EPIC-KITCHENS table", unit="seconds", rows=len(table))
    for row, cells in zip(table.index, table.to_dict("records"), strict=True):
        start, end = (parse_clock(cells[name], name, f"{file}:{row}") for name in (_START, _STOP))
        found.intervals.append(Interval(int(row), cells[_VIDEO], start, end, cells[column]))
    return found
