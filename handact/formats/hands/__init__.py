"""Files of hand positions, a module each: `read`, and `write` where we write the format.

Readers take a path and `HandOptions`, and return a `MarkFile`; writers take a `HandExport`, and
return the text of each file by its name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from handact.formats.hands import coco, table
from handact.formats.marks import HandOptions, MarkFile
from handact.formats.outgoing import HandExport

__all__ = ["FORMATS", "HandFormat"]


@dataclass(frozen=True)
class HandFormat:
    """A format.

    Attributes:
        about: What it is, for `--help`.
        read: Its reader.
        write: Its writer, if we write it.
        files: Pattern of its files, where a folder may hold one for each video; None: the reader
            takes the folder itself, or there is only ever one file.
    """

    about: str
    read: Callable[[Path, HandOptions], MarkFile]
    write: Callable[[HandExport], dict[str, str]] | None = None
    files: str | None = None


FORMATS: dict[str, HandFormat] = {
    "csv": HandFormat("our columns, or video,frame,side,x,y", table.read, table.write),
    "coco": HandFormat("COCO and COCO-WholeBody JSON", coco.read, coco.write),
}
