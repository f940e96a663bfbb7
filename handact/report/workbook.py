"""Tables as a workbook for a spreadsheet."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from handact.files import atomic_path

if TYPE_CHECKING:
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["Sheet", "write_workbook"]

_WIDEST = 60  # characters of a column
_LINE = 15  # points
_LONGEST = 32_767  # characters of a cell: what Excel allows


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table.

    Attributes:
        name: Of the sheet.
        columns: Their heads.
        rows: Cells are text, numbers, truth values (written as yes and no), or None.
    """

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


def write_workbook(path: str | Path, sheets: Sequence[Sheet]) -> None:
    """Write an .xlsx file, whole or not at all.

    Numbers are numbers. Text is text, also where it begins like a formula: names of classes and
    videos come from other people's files.
    """
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for sheet in sheets:
        _fill(book.create_sheet(sheet.name), sheet)
    with atomic_path(path) as temporary:
        book.save(temporary)


def _fill(page: "Worksheet", sheet: Sheet) -> None:
    from openpyxl.utils import get_column_letter

    widths = [_width(sheet, k) for k in range(len(sheet.columns))]
    for k, width in enumerate(widths, 1):
        page.column_dimensions[get_column_letter(k)].width = width
    for i, row in enumerate([sheet.columns, *sheet.rows], 1):
        for k, value in enumerate(row, 1):
            _put(page.cell(i, k), value)
        # Not every program finds out by itself how high a row with several lines must be.
        lines = [len(textwrap.wrap(_show(x), int(w) - 2)) for x, w in zip(row, widths, strict=True)]
        if max(lines, default=1) > 1:
            page.row_dimensions[i].height = _LINE * max(lines)
    _style_head(page, sheet)
    page.freeze_panes = "A2"
    if sheet.rows:
        page.auto_filter.ref = page.dimensions
    page.page_setup.orientation = "landscape"
    page.page_setup.fitToHeight = 0  # as many pages as it takes, each as wide as the table
    page.sheet_properties.pageSetUpPr.fitToPage = True
    page.print_title_rows = "1:1"


def _width(sheet: Sheet, k: int) -> int:
    """Return the width of a column: its head may wrap, its cells only where they are long."""
    word = max(map(len, sheet.columns[k].split()), default=0)
    longest = max((len(_show(row[k])) for row in sheet.rows), default=0)
    return min(_WIDEST, max(word, longest, 6) + 3)


def _style_head(page: "Worksheet", sheet: Sheet) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill

    for k, cell in enumerate(page[1]):
        values = [row[k] for row in sheet.rows if row[k] is not None]
        is_text = not values or not all(map(_is_number, values))
        side = {"horizontal": "left", "indent": 1} if is_text else {"horizontal": "right"}
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="E7E7E7")
        cell.alignment = Alignment(wrap_text=True, vertical="top", **side)


def _put(cell: "Cell", value: object) -> None:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Alignment

    if value is None:
        return
    if _is_number(value):
        cell.value = value
        cell.number_format = "0" if isinstance(value, int) else "0.00"
        cell.alignment = Alignment(vertical="top")
        return
    text = ILLEGAL_CHARACTERS_RE.sub("", _show(value))[:_LONGEST]
    cell.value = text
    cell.data_type = "s"  # what begins with = would be a formula otherwise
    cell.quotePrefix = text[:1] in ("=", "+", "-", "@")  # and would become one when edited
    cell.alignment = Alignment(
        horizontal="left", indent=1, vertical="top", wrap_text=len(text) > _WIDEST - 3
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _show(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}"
    return "" if value is None else str(value)
