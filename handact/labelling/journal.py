"""edits.jsonl of a dataset folder: every change that a person made in the browser, in order.

A change is on the disk here before it is anywhere else (a write-ahead file), so that a killed
program loses none. Each line is one JSON object: `do` with an edit, `undo` or `redo` with the edit
that is taken back or done again, or `saved`: the tables hold whatever stands above. The file is
kept, since undo goes back through it; nothing but undo is lost when it is deleted. A change may
have an `id`, by which one that is sent again, because the answer was lost, is known.
"""

import json
import os
from collections.abc import Iterator
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

Kind = Literal["do", "undo", "redo"]


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
        unsaved: How many of these, from the end, the tables may not hold yet.
        ids: Of the changes that have one.

    Raises:
        LabelError: Another process has it open, or it is no such file.
    """

    def __init__(self, path: Path) -> None:
        self.lines: list[tuple[Kind, Edit]] = []
        self.unsaved = 0
        self.ids: set[str] = set()
        self._file = path.open("a+b")
        try:
            self._lock(path)
            for kind, edit in self._read(path):
                if edit is None:
                    self.unsaved = 0
                else:
                    self.lines.append((kind, edit))
                    self.unsaved += 1
        except BaseException:
            self._file.close()
            raise

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

    def _read(self, path: Path) -> Iterator[tuple[Kind, Edit | None]]:
        self._file.seek(0)
        data = self._file.read()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):  # a line that was being written has been promised to nobody
            self._file.truncate(whole)
        for number, line in enumerate(data[:whole].splitlines(), 1):
            try:
                content = json.loads(line)
                self.ids.add(content.pop("id", ""))
                ((kind, value),) = content.items()
                yield kind, None if kind == "saved" else _to_edit(value)
            except (AttributeError, ValueError, KeyError, TypeError) as error:
                raise LabelError(
                    f"{show_path(path)}:{number}: is no line of edits",
                    "move the file away: what it holds but for its end is in the tables",
                ) from error

    def write(self, kind: Kind, edit: Edit, id: str = "") -> None:
        """Append a change; it is on the disk when this returns."""
        self._append({kind: asdict(edit)} | ({"id": id} if id else {}))
        self.ids.add(id)

    def mark_saved(self) -> None:
        """Note that the tables hold whatever was written."""
        self._append({"saved": True})

    def _append(self, value: dict) -> None:
        self._file.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file and let others have it."""
        self._file.close()


def _to_edit(value: dict) -> Edit:
    remove, add = (tuple(tuple(row) for row in value[key]) for key in ("remove", "add"))
    return Edit(value["table"], value["video"], remove, add)
