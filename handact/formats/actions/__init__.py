"""Files of actions, a module each: `read`, and `write` where we write the format.

Readers take a path and `ActionOptions`, and return an `IntervalFile`; writers take an
`ActionExport`, and return the text of each file by its name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from handact.formats.actions import mstcn, table
from handact.formats.intervals import ActionOptions, IntervalFile
from handact.formats.outgoing import ActionExport

__all__ = ["FORMATS", "ActionFormat"]


@dataclass(frozen=True)
class ActionFormat:
    """A format.

    Attributes:
        about: What it is, for `--help`.
        read: Its reader.
        write: Its writer, if we write it.
        files: Pattern of its files, where a folder may hold one for each video; None: the reader
            takes the folder itself, or there is only ever one file.
    """

    about: str
    read: Callable[[Path, ActionOptions], IntervalFile]
    write: Callable[[ActionExport], dict[str, str]] | None = None
    files: str | None = None


FORMATS: dict[str, ActionFormat] = {
    "csv": ActionFormat("rows in frames, seconds or time codes", table.read, table.write),
    "clips": ActionFormat("a table with one row a trimmed video", table.read_clips),
    "mstcn": ActionFormat("MS-TCN: a folder with groundTruth/", mstcn.read, mstcn.write),
}
