"""Tables of numbers that pandas wrote into HDF5, read without unpickling what is in them.

pandas and PyTables unpickle attributes of a file, which runs what a hostile file tells them to.
Here h5py gives the numbers, and of pickles only lists of plain words are taken. Two layouts exist:
"fixed", with an array for each level of an index, and "table", with an array of records.

Source: `pandas.io.pytables`, the classes FrameFixed and AppendableFrameTable
"""

import pickle
import pickletools
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from handact.errors import LabelError
from handact.formats.text import MAX_BYTES, show_path

__all__ = ["Frame", "read_frame"]

_MOST_BLOCKS = 100
_MOST_LEVELS = 10
_LARGEST_ATTRIBUTE = 1 << 20
# What writes lists, tuples, words and numbers, and nothing else.
_PLAIN = frozenset((
    "APPEND", "APPENDS", "BINGET", "BININT", "BININT1", "BININT2", "BINPUT", "BINUNICODE",
    "EMPTY_LIST", "EMPTY_TUPLE", "FRAME", "GET", "INT", "LIST", "LONG_BINGET", "LONG_BINPUT",
    "MARK", "MEMOIZE", "PROTO", "PUT", "SHORT_BINSTRING", "SHORT_BINUNICODE", "STOP", "STRING",
    "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "UNICODE",
))  # fmt: skip

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """A table of numbers.

    Attributes:
        columns: The levels of the name of each column.
        index: The same of each row; numbers as text.
        values: (rows, columns) float64.
    """

    columns: list[Key]
    index: list[Key]
    values: np.ndarray


def read_frame(path: Path) -> Frame:
    """Read the one table of a file.

    Raises:
        LabelError: No HDF5, no table of numbers in it or more than one, larger than labels are,
            parts that lie in other files; h5py is not installed.
    """
    file = show_path(path)
    try:
        import h5py
    except ImportError as error:
        hint = "`pip install 'handact[h5]'`, or save it as CSV"
        raise LabelError(f"{file}: h5py is not installed, which reads HDF5", hint) from error
    if not path.is_file():
        raise LabelError(f"{file}: no such file")
    if path.stat().st_size > MAX_BYTES:
        raise LabelError(f"{file}: is larger than {MAX_BYTES >> 20} MiB: labels are not as large")
    try:
        with h5py.File(path, "r") as h5:
            return _Reader(file, h5py).read(h5)
    except (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
        what = str(error).split("\n")[0]
        raise LabelError(f"{file}: is damaged, or no table that pandas wrote: {what}") from error


class _Reader:
    """Reads the parts of one file."""

    def __init__(self, file: str, h5py: Any) -> None:
        self._file = file
        self._h5py = h5py

    def read(self, h5: Any) -> Frame:
        groups = [self._member(h5, name) for name in h5]
        kinds = {g.name: self._text(g, "pandas_type") for g in groups if "pandas_type" in g.attrs}
        if len(kinds) != 1:
            raise LabelError(f"{self._file}: holds {len(kinds)} tables of pandas, not one")
        name, kind = kinds.popitem()
        if kind == "frame":
            return self._read_fixed(h5[name])
        if kind == "frame_table":
            return self._read_table(h5[name])
        raise LabelError(f"{self._file}: holds a {kind!r} of pandas, not a table")

    def _read_fixed(self, group: Any) -> Frame:
        columns: list[Key] = []
        blocks = []
        for i in range(self._count(group, "nblocks", _MOST_BLOCKS)):
            names = self._index(group, f"block{i}_items")
            values = self._numbers(self._array(group, f"block{i}_values"))
            columns += names
            blocks.append(values.reshape(-1, len(names)))
        return self._frame(columns, self._index(group, "axis1"), blocks)

    def _read_table(self, group: Any) -> Frame:
        table = self._member(group, "table")
        records = self._array(group, "table")
        columns: list[Key] = []
        blocks = []
        for field in records.dtype.names or ():
            if field == "index":
                continue
            names = self._names(table, f"{field}_kind")
            values = self._numbers(records[field])
            columns += names
            blocks.append(values.reshape(len(records), len(names)))
        return self._frame(columns, [(word,) for word in _words(records["index"])], blocks)

    def _frame(self, columns: list[Key], index: list[Key], blocks: list[np.ndarray]) -> Frame:
        if not blocks or any(len(block) != len(index) for block in blocks):
            self._refuse("its parts do not fit each other")
        return Frame(columns, index, np.concatenate(blocks, axis=1))

    def _index(self, group: Any, name: str) -> list[Key]:
        if self._text(group, f"{name}_variety") != "multi":
            return [(word,) for word in _words(self._array(group, name))]
        words = []
        for i in range(self._count(group, f"{name}_nlevels", _MOST_LEVELS)):
            level = _words(self._array(group, f"{name}_level{i}"))
            places = self._array(group, f"{name}_label{i}").astype(np.int64).tolist()
            if any(not -1 <= place < len(level) for place in places):
                self._refuse("an index points beyond its words")
            words.append([level[place] if place >= 0 else "" for place in places])
        return list(zip(*words, strict=True))

    def _names(self, table: Any, attribute: str) -> list[Key]:
        names = self._unpickle(self._bytes(table, attribute))
        if not isinstance(names, list):
            self._refuse("the names of columns are no list")
        keys = [name if isinstance(name, tuple) else (name,) for name in names]
        if any(not isinstance(word, str) for key in keys for word in key):
            self._refuse("the names of columns are no words")
        return keys

    def _unpickle(self, data: bytes) -> Any:
        try:
            for opcode, argument, _ in pickletools.genops(data):
                # A place in the memo makes room for all before it.
                far = "PUT" in opcode.name and int(argument) > len(data)
                if opcode.name not in _PLAIN or far:
                    self._refuse(f"the names of columns hold a pickled {opcode.name}")
            return _PlainUnpickler(BytesIO(data), encoding="utf-8").load()
        except (pickle.UnpicklingError, AttributeError, EOFError) as error:
            raise ValueError(f"the names of columns cannot be read: {error}") from error

    def _numbers(self, array: np.ndarray) -> np.ndarray:
        if array.dtype.kind not in "fiu":
            self._refuse("its cells are no numbers")
        return array.astype(np.float64)

    def _array(self, group: Any, name: str) -> np.ndarray:
        dataset = self._member(group, name)
        if not isinstance(dataset, self._h5py.Dataset):
            self._refuse(f"{name} is no array")
        if dataset.is_virtual or dataset.external:
            self._refuse(f"{name} lies in another file")
        if dataset.dtype.hasobject or dataset.size * dataset.dtype.itemsize > MAX_BYTES:
            self._refuse(f"{name} is no array that fits into memory")
        return dataset[()]

    def _member(self, group: Any, name: str) -> Any:
        if not isinstance(group.get(name, getlink=True), self._h5py.HardLink):
            self._refuse(f"{name} is not there, or a link to elsewhere")
        return group[name]

    def _text(self, entry: Any, attribute: str) -> str:
        return self._bytes(entry, attribute).decode()

    def _bytes(self, entry: Any, attribute: str) -> bytes:
        if entry.attrs.get_id(attribute).get_storage_size() > _LARGEST_ATTRIBUTE:
            self._refuse(f"{attribute} is too large")
        value = entry.attrs[attribute]
        return bytes(value) if isinstance(value, bytes) else str(value).encode()

    def _count(self, entry: Any, attribute: str, most: int) -> int:
        count = int(self._text(entry, attribute))
        if not 0 < count <= most:
            self._refuse(f"{attribute} is {count}")
        return count

    def _refuse(self, what: str) -> NoReturn:
        raise LabelError(f"{self._file}: {what}")


class _PlainUnpickler(pickle.Unpickler):
    """Makes lists, tuples, words and numbers; classes and functions it does not find."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"{module}.{name} is not looked up")


def _words(array: np.ndarray) -> list[str]:
    if array.ndim != 1 or array.dtype.kind not in "Siu":
        raise ValueError("an index is neither of words nor of whole numbers")
    return [
        v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in array.tolist()
    ]
