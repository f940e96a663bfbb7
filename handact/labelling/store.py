"""The tables of labels of a dataset folder, changed edit by edit, with undo without limit."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from threading import RLock, Timer

from handact.dataset import Dataset
from handact.errors import LabelError
from handact.formats.tables import ACTION_COLUMNS, parse_actions, parse_hands
from handact.formats.text import raise_problem, read_table, show_path, update_rows
from handact.formats.validate import sound_actions, sound_hands
from handact.labelling.journal import Edit, Journal, Kind, Row
from handact.labels import HAND_COLUMNS, Segment
from handact.progress import Log

__all__ = ["LabelStore", "StaleEdit", "UnreadableTable", "to_rows"]

_SAVE_AFTER = 0.5  # seconds that further edits are waited for
_TRY_AGAIN_AFTER = 5.0  # seconds after a table could not be written


class StaleEdit(LabelError):
    """An edit does not fit what is there by now: somebody else changed it."""


class UnreadableTable(LabelError):
    """A table is not in order while people work on it; they have to mend it before it can go on."""


@dataclass
class _Table:
    """Rows of all videos, and the edits of them that the file does not hold yet."""

    path: Path
    columns: Sequence[str]
    read: Callable[[], dict[str, list[Row]]]
    read_row: Callable[[Mapping[str, str]], Row]
    rows: dict[str, list[Row]] = field(default_factory=dict)
    fingerprint: tuple[int, int] | None = None
    pending: list[Edit] = field(default_factory=list)


@dataclass
class _Stack:
    """What can be taken back, and done again."""

    done: list[Edit] = field(default_factory=list)
    undone: list[Edit] = field(default_factory=list)

    def note(self, kind: Kind, edit: Edit) -> None:
        if kind == "do":
            self.done.append(edit)
            self.undone.clear()
        elif kind == "drop":
            for edits in (self.done, self.undone):
                if edits and edits[-1] == edit:
                    edits.pop()
                    return
        else:
            there, other = self.done, self.undone
            if kind == "redo":
                there, other = other, there
            if there:
                other.append(there.pop())


class LabelStore:
    """The labels of a dataset folder while people work on them.

    An edit is in edits.jsonl before `edit` returns, and in its table half a second later. Tables
    that another program changes meanwhile are read again. Safe to use from several threads.

    Attributes:
        problem: Why a table could not be written when that was tried last; None where it could.

    Args:
        dataset: Read with its labels.
        log: Takes a line for people.

    Raises:
        LabelError: Another process works on the folder, or a table is not in order.
    """

    def __init__(self, dataset: Dataset, log: Log = lambda line: None) -> None:
        self._dataset, self._log = dataset, log
        self._lock = RLock()
        self.problem: str | None = None
        self._timer: Timer | None = None
        self._closed = False
        self._tables: dict[str, _Table] = {}
        self._stacks: dict[tuple[str, str], _Stack] = {}
        self._versions: dict[tuple[str, str], int] = {}
        self._journal = Journal(dataset.root / "edits.jsonl")
        try:
            self._recover()
        except BaseException:
            self._journal.close()
            raise

    # ---------------------------------------------------------------------------------- reading

    def rows(self, table: str, video: str) -> list[Row]:
        """Return the rows of a video, in order.

        Raises:
            UnreadableTable: Another program has left the table in disorder.
        """
        with self._lock:
            return list(self._current(table).rows.get(video, ()))

    def all_rows(self, table: str) -> dict[str, list[Row]]:
        """Return the rows of all videos that have some."""
        with self._lock:
            return {video: list(its) for video, its in self._current(table).rows.items() if its}

    def segments(self, table: str, video: str) -> list[Segment]:
        """Return the rows of a table of actions as segments, in order."""
        return [Segment(*row) for row in self.rows(table, video)]

    def count_steps(self, table: str, video: str) -> tuple[int, int]:
        """Return how many edits can be taken back, and how many done again."""
        with self._lock:
            stack = self._stack(table, video)
            return len(stack.done), len(stack.undone)

    def versions(self) -> dict[tuple[str, str], int]:
        """Return how often each video of each table was changed, those that were."""
        with self._lock:
            for table in list(self._tables):
                with suppress(UnreadableTable):  # whoever asks for its rows will be told
                    self._current(table)
            return dict(self._versions)

    def annotators(self) -> list[str]:
        """Return the names of those who have a table below annotators/."""
        return sorted(path.stem for path in (self._dataset.root / "annotators").glob("*.csv"))

    # ---------------------------------------------------------------------------------- changing

    def edit(self, edit: Edit, id: str = "") -> None:
        """Change labels as one step of undo.

        Args:
            edit: What to change.
            id: Of the change; nothing is done where one with the same id was done before.

        Raises:
            StaleEdit: A row to be removed is not there, or one to be added overlaps another.
            LabelError: A row makes no sense.
        """
        with self._lock:
            if not self.knows(id):
                rows = self._apply(edit)
                self._journal.write("do", edit, id)
                self._take("do", edit, rows)

    def undo(self, table: str, video: str, id: str = "") -> Edit | None:
        """Take the last edit back and return it; None where there is none.

        Hands have one stack over all videos, actions one for each.

        Raises:
            StaleEdit: Another program has changed its rows since: the edit is given up, and the
                next `undo` takes back the one before.
        """
        return self._step("undo", table, video, id)

    def redo(self, table: str, video: str, id: str = "") -> Edit | None:
        """Do again what was taken back last; as `undo`."""
        return self._step("redo", table, video, id)

    def _step(self, kind: Kind, table: str, video: str, id: str) -> Edit | None:
        with self._lock:
            stack = self._stack(table, video)
            edits = stack.done if kind == "undo" else stack.undone
            if not edits or self.knows(id):
                return None
            edit = edits[-1]
            try:
                rows = self._apply(edit.inverse() if kind == "undo" else edit)
            except StaleEdit:
                self._journal.write("drop", edit, id)
                stack.note("drop", edit)
                raise
            self._journal.write(kind, edit, id)
            self._take(kind, edit, rows)
            return edit

    def knows(self, id: str) -> bool:
        """Return whether a change with this id was carried out before."""
        return bool(id) and id in self._journal.ids

    def save(self) -> None:
        """Write the tables that have changed.

        Raises:
            UnreadableTable, OSError: One of them cannot be written; the others were.
        """
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            changed = [name for name, table in self._tables.items() if table.pending]
            errors = [error for name in changed if (error := self._try_to_write(name))]
            if errors:
                raise errors[0]
            if changed:
                self._journal.mark_saved(self._journal.number)

    def close(self) -> None:
        """Save, and let others work on the folder."""
        self._closed = True
        try:
            self.save()
        finally:
            self._journal.close()

    # ---------------------------------------------------------------------------------- inside

    def _recover(self) -> None:
        unsaved = len(self._journal.lines) - self._journal.saved
        for i, (kind, edit) in enumerate(self._journal.lines):
            if edit.video not in self._dataset.videos:
                continue  # it was taken out of the dataset, and its labels with it
            self._stack(edit.table, edit.video).note(kind, edit)
            if i >= self._journal.saved and kind != "drop":
                self._repeat(self._current(edit.table), _effect(kind, edit))
        if unsaved > 0:
            changes = "1 change" if unsaved == 1 else f"{unsaved} changes"
            self._log(f"taking up {changes} that had not been saved yet")
            self.save()

    def _stack(self, table: str, video: str) -> _Stack:
        return self._stacks.setdefault((table, "" if table == "hands" else video), _Stack())

    def _repeat(self, table: _Table, edit: Edit) -> None:
        """Do an edit again that the table may hold already."""
        left = [row for row in table.rows.get(edit.video, ()) if row not in edit.remove]
        rows = _merge(left, [row for row in edit.add if row not in left])
        try:
            self._check(edit.table, edit.video, rows)
        except LabelError as error:
            self._log(f"a change is left out, since the table was changed too: {error.message}")
            return
        table.rows[edit.video] = rows
        table.pending.append(edit)

    def _current(self, name: str) -> _Table:
        """Return a table as its file has it now, with the edits that are not in there yet."""
        if not (self._dataset.root / "dataset.toml").exists():
            raise UnreadableTable(
                f"{show_path(self._dataset.root)}: the dataset folder is gone", "move it back"
            )
        table = self._tables.get(name) or self._open(name)
        now = _fingerprint(table.path)
        if now != table.fingerprint:
            try:
                rows = table.read()
            except LabelError as error:
                raise UnreadableTable(error.message, error.hint) from error
            before, pending = table.rows, table.pending
            table.rows, table.fingerprint, table.pending = rows, now, []
            for edit in pending:
                self._repeat(table, edit)
            for video in before.keys() | table.rows.keys():
                if before.get(video) != table.rows.get(video):
                    self._bump(name, video)
        return table

    def _open(self, name: str) -> _Table:
        path = self._path(name)
        if name == "hands":
            table = _Table(path, HAND_COLUMNS, lambda: self._read_hands(path), _read_hand_record)
        else:
            table = _Table(
                path, ACTION_COLUMNS, lambda: self._read_actions(path), _read_action_record
            )
        table.rows, table.fingerprint = table.read(), _fingerprint(path)
        self._tables[name] = table
        return table

    def _path(self, name: str) -> Path:
        return self._dataset.root / f"{name}.csv"

    def _lengths(self) -> dict[str, int]:
        return {video.name: video.frames for video in self._dataset.videos.values()}

    def _read_actions(self, path: Path) -> dict[str, list[Row]]:
        if not path.exists():
            return {}
        file = show_path(path)
        rows = parse_actions(read_table(path, ACTION_COLUMNS), file)
        found = sound_actions(rows, self._lengths(), None, file=file, report=raise_problem)
        return {v: [(s.start_frame, s.end_frame, s.action) for s in found[v]] for v in found}

    def _read_hands(self, path: Path) -> dict[str, list[Row]]:
        if not path.exists():
            return {}
        file = show_path(path)
        table = parse_hands(read_table(path, HAND_COLUMNS), file)
        hands = sound_hands(table, self._lengths(), file=file, report=raise_problem)
        found: dict[str, list[Row]] = {}
        for video, frame, *places in hands.itertuples(index=False, name=None):
            found.setdefault(video, []).append(_hand_row(frame, *places))
        return found

    def _apply(self, edit: Edit) -> list[Row]:
        """Return the rows of a video after an edit."""
        there = self._current(edit.table).rows.get(edit.video, [])
        gone = set(edit.remove)
        if not gone <= set(there):
            raise StaleEdit(
                f"video {edit.video!r}: what is to be changed is not there any more",
                "it was changed elsewhere; the page shows the present labels now",
            )
        rows = _merge([row for row in there if row not in gone], edit.add)
        self._check(edit.table, edit.video, rows)
        return rows

    def _check(self, table: str, video: str, rows: Sequence[Row]) -> None:
        frames = self._dataset.videos[video].frames
        if table == "hands":
            _check_hands(rows, frames)
        else:
            _check_segments(rows, frames)

    def _take(self, kind: Kind, edit: Edit, rows: list[Row]) -> None:
        table = self._tables[edit.table]
        table.rows[edit.video] = rows
        table.pending.append(_effect(kind, edit))
        self._stack(edit.table, edit.video).note(kind, edit)
        self._bump(edit.table, edit.video)
        self._save_soon(_SAVE_AFTER)

    def _save_later(self) -> None:
        try:
            self.save()
            self.problem = None
        except (OSError, LabelError) as error:
            # Nothing is lost: edits.jsonl has it.
            self.problem = str(error)
            self._log(f"a table cannot be written yet: {error}")
            self._save_soon(_TRY_AGAIN_AFTER)

    def _save_soon(self, seconds: float) -> None:
        with self._lock:
            if self._timer is None and not self._closed:
                self._timer = Timer(seconds, self._save_later)
                self._timer.daemon = True
                self._timer.start()

    def _bump(self, table: str, video: str) -> None:
        self._versions[table, video] = self._versions.get((table, video), 0) + 1

    def _try_to_write(self, name: str) -> OSError | LabelError | None:
        try:
            table = self._current(name)
            videos = dict.fromkeys(edit.video for edit in table.pending)
            rows = {video: table.rows.get(video, []) for video in videos}
            update_rows(table.path, table.columns, rows, table.read_row)
        except (OSError, LabelError) as error:
            return error
        table.pending, table.fingerprint = [], _fingerprint(table.path)
        return None


def _effect(kind: Kind, edit: Edit) -> Edit:
    return edit.inverse() if kind == "undo" else edit


def _fingerprint(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_size, stat.st_mtime_ns


def _merge(rows: Iterable[Row], added: Iterable[Row]) -> list[Row]:
    return sorted((*rows, *added), key=lambda row: row[0])


def _check_segments(rows: Sequence[Row], frames: int) -> None:
    for start, end, action in rows:
        if not 0 <= start < end <= frames:
            raise LabelError(f"[{start}, {end}) is no part of a video of {frames} frames")
        if not action:
            raise LabelError(f"[{start}, {end}) has no class")
    for (start, end, action), (later, _, other) in pairwise(rows):
        if later < end:
            raise StaleEdit(f"{other!r} from frame {later} overlaps {action!r} [{start}, {end})")


def _check_hands(rows: Sequence[Row], frames: int) -> None:
    for frame, *places in rows:
        if not 0 <= frame < frames:
            raise LabelError(f"frame {frame} is no frame of a video of {frames} frames")
        for x, y in (places[:2], places[2:]):
            if (x is None) != (y is None) or (x is not None and not (0 <= x <= 1 and 0 <= y <= 1)):
                raise LabelError(f"frame {frame}: a hand at {x}, {y} is not in the picture")
    for (frame, *_), (other, *_) in pairwise(rows):
        if frame == other:
            raise StaleEdit(f"frame {frame} has labels already")


def _read_action_record(record: Mapping[str, str]) -> Row:
    start, end = (int(_number(record[key])) for key in ("start_frame", "end_frame"))
    return start, end, record["action"]


def _read_hand_record(record: Mapping[str, str]) -> Row:
    places = (_number(record[key]) for key in HAND_COLUMNS[2:])
    return _hand_row(_number(record["frame"]), *places)


def _number(cell: str) -> float:
    """Return the number in a cell of a table that was read without complaint before."""
    try:
        return float(cell.replace(",", "."))
    except ValueError:  # the ways to write that there is none
        return math.nan


def _hand_row(
    frame: int,
    left_x: float | None,
    left_y: float | None,
    right_x: float | None,
    right_y: float | None,
) -> Row:
    """Return a row with positions as a table holds them, and None where a hand is absent."""
    return (int(frame), *(_round(place) for place in (left_x, left_y, right_x, right_y)))


def _round(place: float | None) -> float | None:
    return None if place is None or math.isnan(place) else float(f"{place:.6g}")


def to_rows(table: str, cells: Iterable[Sequence[object]]) -> tuple[Row, ...]:
    """Return what a browser sent as rows of a table.

    Raises:
        LabelError: It is no such thing.
    """
    make, width = (_hand_row, 5) if table == "hands" else (_segment_row, 3)
    try:
        rows = [tuple(row) for row in cells]
        if wrong := [row for row in rows if len(row) != width]:
            raise ValueError(f"{wrong[0]!r} has not {width} values")
        return tuple(make(*row) for row in rows)
    except (TypeError, ValueError, OverflowError) as error:
        raise LabelError(f"no rows of {table}: {error}") from error


def _segment_row(start: int, end: int, action: str) -> Row:
    if not (type(start) is int and type(end) is int and isinstance(action, str)):
        raise ValueError(f"{(start, end, action)!r}")
    return start, end, action
