"""edits.jsonl of a dataset folder: every change that a person made in the browser, in order.

A change is on the disk here before it is anywhere else (a write-ahead file), so that a killed
program loses none. Each line is one JSON object: `do` with an edit; `undo` or `redo` with the edit
that is taken back or done again; `drop` with one that can be neither any more, since other programs
changed its rows; or `saved` with the number of changes, from the first, that the tables hold. The
file is kept, since undo goes back through it; nothing but undo is lost when it is deleted. A change
may have an `id`, by which one that is sent again, because the answer was lost, is known.
"""

import errno
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from handact.errors import LabelError
from handact.formats.text import show_path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

__all__ = ["Edit", "Journal", "Kind", "Row"]

Row = tuple[int | float | str | None, ...]
"""(start_frame, end_frame, action), or (frame, left_x, left_y, right_x, right_y)."""

Kind = Literal["do", "undo", "redo", "drop"]


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of the labels of one video.

    Attributes:
        table: "actions", "hands", "review", or the name of an annotator below "annotators/".
        video: Its name.
        remove: Rows that were there.
        add: Rows that are there now.
    """

    table: str
    video: str
    remove: tuple[Row, ...]
    add: tuple[Row, ...]

    def inverse(self) -> "Edit":
        """Return the edit that takes this one back."""
        return Edit(self.table, self.video, self.add, self.remove)


class Journal:
    """The write-ahead file of a dataset folder, open and locked.

    Attributes:
        lines: What stood in it when it was opened: kinds and edits, in order.
        saved: How many of these, from the first, the tables hold.
        number: Changes that stand in it by now.
        ids: Of the changes that have one.

    Raises:
        LabelError: Another process has it open, or it is no such file.
    """

    def __init__(self, path: Path) -> None:
        self.lines: list[tuple[Kind, Edit]] = []
        self.saved = 0
        self.ids: set[str] = set()
        # Without a buffer: what could not be written must not be written later, by surprise.
        self._file = path.open("a+b", buffering=0)
        try:
            self._lock(path)
            self._read(path)
        except BaseException:
            self._file.close()
            raise
        self.number = len(self.lines)

    def _lock(self, path: Path) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LabelError(
                f"{show_path(path)}: another `handact label` or `review` works on this dataset",
                "use the page that it opened: all views are in it",
            ) from error

    def _read(self, path: Path) -> None:
        self._file.seek(0)
        data = self._file.readall()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):  # a line that was being written has been promised to nobody
            self._file.truncate(whole)
        for number, line in enumerate(data[:whole].splitlines(), 1):
            try:
                self._take(json.loads(line))
            except (AttributeError, ValueError, KeyError, TypeError) as error:
                raise LabelError(
                    f"{show_path(path)}:{number}: is no line of edits",
                    "move the file away: what it holds but for its end is in the tables",
                ) from error

    def _take(self, content: dict) -> None:
        self.ids.add(content.pop("id", ""))
        ((kind, value),) = content.items()
        if kind == "saved":
            self.saved = int(value)
        else:
            self.lines.append((kind, _to_edit(value)))

    def write(self, kind: Kind, edit: Edit, id: str = "") -> None:
        """Append a change; it is on the disk when this returns.

        Raises:
            OSError: It could not be written; nothing of it is there.
        """
        self._append({kind: asdict(edit)} | ({"id": id} if id else {}))
        self.ids.add(id)
        self.number += 1

    def mark_saved(self, number: int) -> None:
        """Note that the tables hold that many changes, from the first."""
        self._append({"saved": number})

    def _append(self, value: dict) -> None:
        line = json.dumps(value, ensure_ascii=False).encode() + b"\n"
        end = self._file.seek(0, os.SEEK_END)
        try:
            written = self._file.write(line)
            if written < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._file.name)
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(end)
            raise

    def close(self) -> None:
        """Close the file and let others have it."""
        self._file.close()


def _to_edit(value: dict) -> Edit:
    remove, add = (tuple(tuple(row) for row in value[key]) for key in ("remove", "add"))
    return Edit(value["table"], value["video"], remove, add)
