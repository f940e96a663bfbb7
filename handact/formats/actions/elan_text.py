"""What ELAN exports as tab-delimited text: a row for each annotation, or a column for each tier.

Which columns of times there are and how they are printed, a person ticks in ELAN; their names are
in the language of its windows, or missing. So they are told by what is in them: begin, end, and the
duration that lies between.

Source: ELAN's manual, "Exporting a document as a tab-delimited text file", and its exporter.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import isnan, nan
from pathlib import Path, PureWindowsPath

from handact.errors import LabelError
from handact.formats.actions.elan import Medium, choose_medium
from handact.formats.intervals import ActionOptions, Interval, IntervalFile
from handact.formats.reading import VIDEO_SUFFIXES
from handact.formats.text import read_text, show_path

__all__ = ["looks_like_export", "read"]

_CLOCK = re.compile(r"(\d{1,3}):(\d\d):(\d\d[.,]\d{3})")
_SECONDS = re.compile(r"\d{1,9}[.,]\d{1,3}")
_WHOLE = re.compile(r"\d{1,12}")
# Also those that are not read: SMPTE, and hh:mm:ss.ms after a spreadsheet has made mm:ss.0 of it.
_ANY_TIME = re.compile(r"\d+:[\d:;.,]+|\d+[.,]\d+")
# In the header of a file with a column for each tier; the words before it are translated.
_HEADER = re.compile(r" - (?:hh:mm:ss\.ms|ss\.msec|msec)$")
_MEDIUM = re.compile(r"(.*\S) -- offset: (-?\d{1,12})")
# Rows that must agree on where the times are.
_LOOKED_AT = 20
_MOST_LEADING = 8
_MOST_FORMATS = 4
_ROUNDING_SECONDS = 0.0015
_MORE_CELLS = "there are cells after the annotations, such as descriptions: they are left out"

_Row = tuple[int, list[str]]
"""Line of the file, cells."""

_Parse = Callable[[str], float]
"""Makes seconds of a cell; NaN where it is no time."""


@dataclass(slots=True)
class _Block:
    """Rows about one document; an export of several documents has as many.

    Attributes:
        media: Of the document, where the file lists them.
        document: Its name; "" if the file does not say it.
        rows: Of annotations.
    """

    media: list[Medium] = field(default_factory=list)
    document: str = ""
    rows: list[_Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things are in a row.

    Attributes:
        begin: Column.
        end: Column.
        value: The first column after those of times.
        is_named: Whether the first column names the tier.
        parse: Makes seconds of a cell.
    """

    begin: int
    end: int
    value: int
    is_named: bool
    parse: _Parse


def looks_like_export(text: str) -> bool:
    """Tell whether a text is such an export; one in milliseconds could be anything."""
    try:
        header, rows = _take_header(_split_rows("\n".join(text.split("\n")[:_LOOKED_AT]), ""))
    except LabelError:
        return False
    annotations = [row for block in _gather(rows) for row in block.rows]
    return header is not None or _find_triple(annotations, (_clock, _seconds)) is not None


def read(path: Path, options: ActionOptions) -> IntervalFile:
    """Read the annotations of all tiers; those without a value are left out.

    Args:
        path: As ELAN or a spreadsheet saved it, with tabs, semicolons or commas.
        options: `video` chooses among several media files that one document is about; `offset`
            is asked for if the video has an offset in ELAN that times may include.

    Raises:
        LabelError: It is no such text, or leaves open what would shift labels.
    """
    file = show_path(path)
    header, rows = _take_header(_split_rows(read_text(path), file))
    blocks = _gather(rows)
    found = IntervalFile(file=file, format="ELAN text", unit="seconds", stem=path.stem)
    layout = _find_layout([row for block in blocks for row in block.rows], found)
    tiers = None if header is None or layout.is_named else header[layout.value :]
    for block in blocks:
        video = _find_video(block, found, options) if block.rows else Medium("", 0.0)
        for row in block.rows:
            _add_annotations(row, tiers, layout, video, found)
    return found


def _split_rows(text: str, file: str) -> list[_Row]:
    lines = text.split("\n")
    # ELAN quotes nothing between tabs, so that a quote there is one.
    separator, quoting = "\t", csv.QUOTE_NONE
    if "\t" not in text:
        separator = max(";,", key=lambda mark: sum(line.count(mark) > 1 for line in lines))
        quoting = csv.QUOTE_MINIMAL
    reader = csv.reader(io.StringIO(text), delimiter=separator, quoting=quoting)
    rows, begins_at = [], 1
    try:
        for record in reader:
            cells = [cell.strip() for cell in record]
            if any(cells):
                rows.append((begins_at, cells))
            begins_at = reader.line_num + 1
    except csv.Error as error:
        raise LabelError(f"{file}:{begins_at}: {error}") from error
    return rows


def _take_header(rows: list[_Row]) -> tuple[list[str] | None, list[_Row]]:
    """Return the names of the columns, if the file has them, and the other rows."""
    for i, (_, cells) in enumerate(rows[:_LOOKED_AT]):
        if any(map(_HEADER.search, cells)):
            return cells, rows[:i] + rows[i + 1 :]
    return None, rows


def _gather(rows: list[_Row]) -> list[_Block]:
    blocks = [_Block()]
    for row, cells in rows:
        texts = [cell.strip('"') for cell in cells if cell]
        if len(texts) > 1 and not texts[0].startswith("#"):
            blocks[-1].rows.append((row, cells))
            continue
        if blocks[-1].rows:
            blocks.append(_Block())
        _add_remark(texts[0].removeprefix("#"), blocks[-1])
    return blocks


def _add_remark(text: str, block: _Block) -> None:
    """Take in a line above the annotations: a media file with its offset, or the document."""
    match = _MEDIUM.fullmatch(text)
    if match:
        block.media.append(Medium(match[1], int(match[2]) / 1000))
    elif PureWindowsPath(text).suffix.lower() in VIDEO_SUFFIXES:
        block.media.append(Medium(text, 0.0))
    elif _is_document(text):
        block.document = PureWindowsPath(text).stem


def _is_document(text: str) -> bool:
    return text.lower().endswith(".eaf")


def _find_video(block: _Block, found: IntervalFile, options: ActionOptions) -> Medium:
    """Return what the rows are about, and what is to be added to their times.

    Raises:
        LabelError: The time line begins later than the video, and the times may begin with either.
    """
    if not block.media:
        return Medium(block.document or found.stem or "", 0.0)
    chosen = choose_medium(block.media, found, options)
    master = block.media[0].offset
    if not master:
        return chosen
    if options.offset is None:
        raise LabelError(
            f"{found.file}: ELAN's time line begins at {master:g} s of the video, and the file "
            "does not tell whether its times include that",
            f"`--offset {master - chosen.offset:g}` if the export was told to add the master media "
            f"time offset, `--offset {-chosen.offset:g}` if not; or import the .eaf file",
        )
    return Medium(chosen.name, 0.0)


def _add_annotations(
    row: _Row, tiers: list[str] | None, layout: _Layout, video: Medium, found: IntervalFile
) -> None:
    number, cells = row
    found.rows += 1
    start, end = _parse_times(cells, layout, f"{found.file}:{number}")
    texts = cells[layout.value :]
    values = [text for text in texts if not _is_document(text)]
    documents = [PureWindowsPath(text).stem for text in texts if _is_document(text)]
    if tiers is None:
        tiers = [cells[0] if layout.is_named else ""]
        if any(values[1:]) and _MORE_CELLS not in found.notes:
            found.notes.append(_MORE_CELLS)
    labels = [(tier, value) for tier, value in zip(tiers, values, strict=False) if value]
    if not labels:
        found.drop(number, "has no value")
    for tier, label in labels:
        name = (documents or [video.name])[0]
        times = (start + video.offset, end + video.offset)
        found.intervals.append(Interval(number, name, *times, label, tier))


def _parse_times(cells: Sequence[str], layout: _Layout, place: str) -> tuple[float, float]:
    start, end = (layout.parse(_cell(cells, i)) for i in (layout.begin, layout.end))
    if isnan(start) or isnan(end):
        raise LabelError(f"{place}: has no times where other rows have them")
    return start, end


# ------------------------------------------------------------------------------------------ columns


def _find_layout(rows: Sequence[_Row], found: IntervalFile) -> _Layout:
    layout = _find_triple(rows, (_clock, _seconds, _milliseconds))
    if layout is None:
        layout = _find_pair(rows, (_clock, _seconds, _milliseconds))
        found.notes.append("has no durations: the second column of times is taken for the end")
    if layout is None:
        raise LabelError(
            f"{found.file}: has no columns that could be begin, end and duration of annotations",
            "tick these three in ELAN, and hh:mm:ss.ms or ss.msec; or import the .eaf file",
        )
    return layout


def _find_triple(rows: Sequence[_Row], kinds: Sequence[_Parse]) -> _Layout | None:
    """Find the columns of begin, end and duration: of three equally far apart, the difference."""
    for layout, times in _times_in_columns(rows, kinds, 3):
        if all(abs(end - begin - lasts) <= _ROUNDING_SECONDS for begin, end, lasts in times):
            return layout
    return None


def _find_pair(rows: Sequence[_Row], kinds: Sequence[_Parse]) -> _Layout | None:
    """Find the columns of begin and end where there is no duration."""
    for layout, times in _times_in_columns(rows, kinds, 2):
        values = [_cell(cells, layout.value) for _, cells in rows[:_LOOKED_AT]]
        if all(end >= begin for begin, end in times) and not any(map(_is_time, values)):
            return layout
    return None


def _times_in_columns(
    rows: Sequence[_Row], kinds: Sequence[_Parse], number: int
) -> Iterator[tuple[_Layout, list[list[float]]]]:
    """Give every way in which so many columns, equally far apart, hold times of one kind."""
    sample = [cells for _, cells in rows[:_LOOKED_AT]]
    for parse, begin, step in product(kinds, range(_MOST_LEADING), range(1, _MOST_FORMATS + 1)):
        columns = range(begin, begin + number * step, step)
        texts = [[_cell(cells, column) for column in columns] for cells in sample]
        times = [[parse(text) for text in row] for row in texts]
        # Whole seconds lose their point in a spreadsheet, but hardly all of them.
        is_kind = parse is not _seconds or any(_SECONDS.fullmatch(t) for row in texts for t in row)
        if sample and is_kind and not any(isnan(time) for row in times for time in row):
            first = begin
            while first and all(_is_time(_cell(cells, first - 1)) for cells in sample):
                first -= 1
            yield _Layout(begin, columns[1], first + number * step, first > 0, parse), times


def _cell(cells: Sequence[str], column: int) -> str:
    return cells[column] if column < len(cells) else ""


def _is_time(text: str) -> bool:
    return bool(_ANY_TIME.fullmatch(text))


def _clock(text: str) -> float:
    match = _CLOCK.fullmatch(text)
    if not match:
        return nan
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3].replace(",", "."))


def _seconds(text: str) -> float:
    is_number = _SECONDS.fullmatch(text) or _WHOLE.fullmatch(text)
    return float(text.replace(",", ".")) if is_number else nan


def _milliseconds(text: str) -> float:
    return int(text) / 1000 if _WHOLE.fullmatch(text) else nan
