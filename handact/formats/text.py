"""Tables as a spreadsheet saves them, read and written as text.

Read: UTF-8 with or without a byte order mark, UTF-16, Windows-1252; commas, semicolons or tabs;
decimal commas; any line ends; blank rows; padded cells; rows whose empty tail was cut off. What
else is wrong is a `Problem` with file and row, where row is the line as an editor numbers it.
"""

import csv
import io
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from handact.errors import LabelError
from handact.files import write_text

__all__ = [
    "MAX_BYTES",
    "Problem",
    "Report",
    "decode_text",
    "format_cell",
    "merge_rows",
    "parse_numbers",
    "parse_whole_numbers",
    "raise_problem",
    "read_table",
    "read_text",
    "show_path",
    "table_text",
    "update_rows",
    "write_table",
]

MAX_BYTES = 256 << 20  # of a file of labels; read as a whole, it takes several times as much

_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_NUMBER = r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?"
_LONGEST_NUMBER = 40
# `12.0` is how some programs save 12; `1,000` may mean a thousand or one, and is refused.
_WHOLE_NUMBER = r"-?\d{1,15}(?:[.,]0)?"
_EMPTY_WORDS = ("nan", "na", "n/a")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a label file, or may well be.

    Attributes:
        file: The file, as a person would name it.
        row: Line of the file, 1-based and counting the header; None where the whole file is meant.
        video: The video concerned, if any.
        reason: What is wrong, without a full stop.
        hint: What to do about it.
        level: "warning" where no rule is broken, but a person should look.
    """

    file: str
    row: int | None
    video: str | None
    reason: str
    hint: str | None = None
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = self.file if self.row is None else f"{self.file}:{self.row}"
        return f"{place}: {self.reason}"


Report = Callable[[Problem], None]
"""Called with each problem found: `raise_problem`, or the `append` of a list."""


def raise_problem(problem: Problem) -> None:
    """Raise the problem as a LabelError."""
    raise LabelError(str(problem), problem.hint)


def show_path(path: str | Path) -> str:
    """Return `path` as a person would name it: relative where it lies below the current folder."""
    absolute = Path(os.path.abspath(path))
    here = Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(path)


def read_table(
    path: str | Path, columns: Sequence[str], optional: Sequence[str] = (), *, first: str = ""
) -> pd.DataFrame:
    """Read a table as text.

    Args:
        path: A file with a header line.
        columns: Columns that must be there, in lower case; letter case in the file is ignored.
        optional: Further columns that mean something; they help to tell the separator.
        first: What to call the first column where the header leaves it without a name, as that of
            an index. Further columns without a name are left out.

    Returns:
        Every column of the file, cells as stripped text ("" where empty). The index holds the row
        of each record in the file. Columns of `columns` and `optional` have exactly those names,
        others theirs.

    Raises:
        LabelError: No such file, not a text table, a column is missing or doubled, a row has too
            many cells.
    """
    file = show_path(path)
    text = read_text(path)
    records = _read_records(text, (*columns, *optional), file)
    if not records:
        hint = f"its first line must be: {','.join(columns)}" if columns else None
        raise LabelError(f"{file}: is empty", hint)
    _, header = records.pop(0)
    header[0] = header[0] or first
    header = _name_columns(header, (*columns, *optional))
    _check_header(header, columns, file)
    if records and len(records[-1][1]) < len(header) and not text.endswith("\n"):
        raise LabelError(f"{file}:{records[-1][0]}: the file ends in the middle of a row")
    cells = [_fit_record(row, record, len(header), file) for row, record in records]
    table = pd.DataFrame(cells, columns=header, dtype=object)
    table.index = pd.Index([row for row, _ in records], dtype=np.int64, name="row")
    return table.drop(columns="", errors="ignore")


def parse_numbers(
    table: pd.DataFrame, column: str, file: str, report: Report = raise_problem
) -> pd.Series:
    """Return a column of numbers as float64; empty cells and bad ones are NaN."""
    text = table[column].astype("str").str.replace(",", ".", regex=False)
    text = text.mask(text.str.lower().isin(_EMPTY_WORDS), "")
    is_number = text.str.fullmatch(_NUMBER) & (text.str.len() <= _LONGEST_NUMBER)
    for row in table.index[(text != "") & ~is_number]:
        reason = f"{column} is not a number: {table[column][row][:60]!r}"
        report(Problem(file, int(row), table["video"][row], reason))
    return pd.to_numeric(text.where(is_number, None)).astype("float64")


def parse_whole_numbers(
    table: pd.DataFrame, column: str, file: str, report: Report = raise_problem
) -> dict[int, int | None]:
    """Return the number of each row of the file; None where it is none and was reported."""
    numbers: dict[int, int | None] = {}
    is_number = table[column].astype("str").str.fullmatch(_WHOLE_NUMBER)
    for row, cell, good in zip(table.index, table[column], is_number, strict=True):
        numbers[row] = int(cell.replace(",", ".").partition(".")[0]) if good else None
        if not good:
            wrong = f"{column} is not a whole number: {cell!r}" if cell else f"{column} is empty"
            report(Problem(file, int(row), table["video"][row], wrong))
    return numbers


def write_table(path: str | Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table, whole or not at all; floats get six digits, None and NaN an empty cell.

    A byte order mark is written only where a name is not ASCII: spreadsheets need it there.
    """
    text = table_text(columns, rows)
    write_text(path, text if text.isascii() else "\ufeff" + text)


def table_text(
    columns: Sequence[str], rows: Iterable[Sequence[object]], separator: str = ","
) -> str:
    """Return a table as text, cells as `format_cell` gives them."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([format_cell(value) for value in row] for row in rows)
    return out.getvalue()


def merge_rows(
    path: str | Path,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    replaced: Collection[str] = (),
) -> None:
    """Add rows at the end of a table; the rows and further columns that are there stay.

    Args:
        path: The table; made if it is not there.
        columns: Of `rows`; the table has at least these, one of them "video".
        rows: To be added.
        replaced: Videos whose present rows go.
    """
    if not Path(path).exists():
        return write_table(path, columns, rows)
    table = read_table(path, columns)
    kept = table[~table["video"].isin(list(replaced))]
    cells = [[format_cell(value) for value in row] for row in rows]
    added = pd.DataFrame(cells, columns=list(columns))
    merged = pd.concat([kept, added.astype(object)]).reindex(columns=table.columns).fillna("")
    return write_table(path, list(table.columns), merged.itertuples(index=False, name=None))


def update_rows(
    path: str | Path,
    columns: Sequence[str],
    rows: Mapping[str, Collection[tuple[object, ...]]],
    read_row: Callable[[Mapping[str, str]], tuple[object, ...]],
) -> None:
    """Put rows in the place of all rows of some videos; a row that stays, stays as it is written.

    Args:
        path: The table; made if it is not there.
        columns: Of the rows; the first one is "video".
        rows: By video, without the cell of the video: all that there is to be of it.
        read_row: Returns what a record of the file means, as it would stand in `rows`.
    """
    if not Path(path).exists():
        return write_table(path, columns, ((v, *row) for v, its in rows.items() for row in its))
    table = read_table(path, columns)
    is_touched = table["video"].isin(list(rows))
    kept, new = [table[~is_touched]], {video: dict.fromkeys(its) for video, its in rows.items()}
    stays = []
    for record in table[is_touched].to_dict("records"):
        row = read_row(record)
        if row in new[record["video"]]:
            del new[record["video"]][row]
            stays.append(record)
    added = [
        dict(zip(columns, (video, *map(format_cell, row)), strict=True))
        for video, its in new.items()
        for row in its
    ]
    kept += [pd.DataFrame(part, columns=table.columns, dtype=object) for part in (stays, added)]
    merged = pd.concat(kept).fillna("")
    place = {video: i for i, video in enumerate(dict.fromkeys((*table["video"], *rows)))}
    ordered = merged.iloc[merged["video"].map(place).argsort(kind="stable")]
    return write_table(path, list(table.columns), ordered.itertuples(index=False, name=None))


def format_cell(value: object) -> str:
    """Return the text of a value in a table; "" for None and NaN."""
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:.6g}"
    return "" if value is None else str(value)


def read_text(path: str | Path) -> str:
    """Return the text of a file, with line ends as "\\n" and without a byte order mark.

    Raises:
        LabelError: No such file, a folder, not a text, or larger than `MAX_BYTES`.
    """
    path, file = Path(path), show_path(path)
    if path.is_dir():
        raise LabelError(f"{file}: is a folder, not a file")
    if not path.is_file():
        raise LabelError(f"{file}: no such file")
    if path.stat().st_size > MAX_BYTES:
        raise LabelError(f"{file}: is larger than {MAX_BYTES >> 20} MiB: labels are not as large")
    return decode_text(path.read_bytes(), file)


def decode_text(data: bytes, file: str) -> str:
    """Return the text that bytes are, with line ends as "\\n" and without a byte order mark.

    Args:
        data: What a file holds.
        file: As a person would name it, for messages.

    Raises:
        LabelError: It is not a text.
    """
    encoding = next((name for bom, name in _BOMS.items() if data.startswith(bom)), "utf-8")
    if data[1:2] == b"\0" != data[:1]:
        encoding = "utf-16-le"  # without a mark
    if encoding.startswith("utf-8") and b"\0" in data:
        raise LabelError(f"{file}: is not a text", "save it as CSV from the spreadsheet")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        # What spreadsheets on Windows save as plain "CSV".
        text = _decode_windows(data, file)
    if "\0" in text:
        raise LabelError(f"{file}: is not a text", "save it as CSV from the spreadsheet")
    text = text.removeprefix("\ufeff")  # a second mark, from a file that was saved twice
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decode_windows(data: bytes, file: str) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise LabelError(
            f"{file}: its letters are neither UTF-8 nor those of Windows in western Europe",
            "save it as UTF-8",
        ) from error


def _read_records(text: str, wanted: Sequence[str], file: str) -> list[tuple[int, list[str]]]:
    """Split the text into records that are not blank, each with the line it begins at."""
    lines = text.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip(" ;,\t")), 0)
    named = lines[first : first + 1] and lines[first].strip().strip('"').lower()
    if named and named.startswith("sep=") and len(named) == 5:
        lines[first] = ""  # what Excel takes as a word about the separator, not as data
        first += 1
    separator = _find_separator(lines[first] if first < len(lines) else "", wanted)
    text = "\n".join(lines)
    reader = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=separator != "\t")
    records, begins_at = [], 1
    try:
        for record in reader:
            cells = [cell.strip() for cell in record]
            if "".join(cells).strip(";,\t"):
                records.append((begins_at, cells))
            begins_at = reader.line_num + 1
    except csv.Error as error:
        raise LabelError(f"{file}:{begins_at}: {error}") from error
    return records


def _find_separator(header: str, wanted: Sequence[str]) -> str:
    def rank(separator: str) -> tuple[int, int]:
        names = {name.strip().strip('"').strip().lower() for name in header.split(separator)}
        return len(names.intersection(wanted)), header.count(separator)

    return max(",;\t", key=rank)


def _name_columns(header: list[str], known: Sequence[str]) -> list[str]:
    names = [" ".join(name.split()) for name in header]  # spreadsheets break long ones
    return [name.lower() if name.lower() in known else name for name in names]


def _check_header(header: list[str], columns: Sequence[str], file: str) -> None:
    missing = [name for name in columns if name not in header]
    if missing:
        names = ", ".join(name for name in header if name)
        raise LabelError(
            f"{file}: has no column {', '.join(missing)}; its columns are: {names}",
            f"the first line must name the columns: {','.join(columns)}",
        )
    number = Counter(header)
    doubled = next((name for name in header if name and number[name] > 1), None)
    if doubled:
        raise LabelError(f"{file}: has two columns {doubled}", "remove or rename one of them")


def _fit_record(row: int, record: list[str], width: int, file: str) -> list[str]:
    """Fill up what a spreadsheet cut off; extra cells may only be empty."""
    if any(record[width:]):
        raise LabelError(
            f"{file}:{row}: has {len(record)} cells where the header has {width}",
            "put cells that hold the separator, such as a decimal comma, into quotes",
        )
    return record[:width] + [""] * (width - len(record))
