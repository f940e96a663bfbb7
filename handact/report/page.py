"""One self-contained page: facts, tables and pictures in a single file that needs no network.

The page opens from a disk, works without JavaScript but for sorting, and prints. Whatever it is
given as text is shown as it is: no markup gets through.
"""

import base64
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader

from handact import __version__
from handact.files import write_bytes

__all__ = ["Card", "Gallery", "Picture", "Section", "Table", "Text", "present", "write_page"]

_NO_VALUE = "–"
_NUMBER = re.compile(r"[+\-−]?\d+(\.\d+)?(?=( ?(%|s))?$)")
_CSS_DPI = 96  # what a browser takes an inch for


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column names the rows.

    Attributes:
        caption: What the table shows.
        columns: Their heads.
        rows: Cells are text, numbers (floats get one decimal), or None, which becomes a dash. A
            column that holds nothing but numbers, or text such as "+0.3 s", is set flush right.
        note: Below the table.
        sorts: Whether a click on a column's head sorts the rows.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""
    sorts: bool = True


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, embedded into the page.

    Attributes:
        source: A PNG, JPEG or SVG on disk, or the bytes of one.
        caption: What it shows.
        alt: What a person who cannot see it should know; the caption where it is empty.
    """

    source: Path | bytes
    caption: str
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One thing of a gallery: its title, short statements about it, and small pictures."""

    title: str
    facts: Mapping[str, str]
    pictures: Sequence[Picture] = ()


@dataclass(frozen=True, slots=True)
class Gallery:
    """Things to look at, side by side.

    Attributes:
        caption: What they have in common.
        cards: The things, in the order to show.
        note: Below them.
    """

    caption: str
    cards: Sequence[Card]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page with a heading of its own."""

    title: str
    parts: Sequence[Text | Table | Picture | Gallery]


def present(*tables: Table | None) -> list[Table]:
    """Return the tables that there are, as parts of a section."""
    return [table for table in tables if table is not None]


def write_page(
    path: str | Path, title: str, facts: Mapping[str, str], sections: Sequence[Section]
) -> None:
    """Write a page that is one file.

    Args:
        path: Where to write it.
        title: Its heading.
        facts: Short statements on top: what data, which split, which variant of each figure.
        sections: What follows, in this order.

    Raises:
        OSError: A picture cannot be read, or the page not be written.
        ValueError: A picture is neither PNG, JPEG nor SVG, or a row has not one cell a column.
    """
    # Autoescape: names of videos and classes come from other people's files.
    jinja = Environment(
        loader=PackageLoader("handact", "report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters |= {"kind": lambda part: type(part).__name__, "embed": _embed, "cells": _cells}
    page = jinja.get_template("page.html").render(
        title=title, facts=facts, sections=sections, version=__version__
    )
    # Of a file name that is not UTF-8, what cannot be written becomes a sign for the unreadable.
    write_bytes(path, page.encode(errors="xmlcharrefreplace"))


# ------------------------------------------------------------------------------------------ tables


@dataclass(frozen=True, slots=True)
class _Cell:
    """What a cell shows, by which number it sorts (None: by what it shows), and its side."""

    text: str
    value: float | None
    is_number: bool


def _cells(table: Table) -> list[tuple[_Cell, ...]]:
    for row in table.rows:
        if len(row) != len(table.columns):
            raise ValueError(f"{len(table.columns)} columns, but a row of {len(row)}: {row!r}")
    columns = [_column([row[k] for row in table.rows]) for k in range(len(table.columns))]
    return list(zip(*columns, strict=True))


def _column(cells: Sequence[object]) -> list[_Cell]:
    pairs = [(_text(cell), _value(cell)) for cell in cells]
    are_numbers = all(value is not None or text == _NO_VALUE for text, value in pairs)
    return [_Cell(text, value, are_numbers) for text, value in pairs]


def _text(cell: object) -> str:
    if cell is None or (isinstance(cell, Real) and math.isnan(cell)):
        return _NO_VALUE
    if isinstance(cell, Real) and not isinstance(cell, Integral):
        return f"{cell:.1f}"
    return str(cell)


def _value(cell: object) -> float | None:
    if isinstance(cell, Real):
        return None if math.isnan(cell) else float(cell)
    found = _NUMBER.match(cell) if isinstance(cell, str) else None
    return float(found[0].replace("−", "-")) if found else None


# ---------------------------------------------------------------------------------------- pictures


def _embed(picture: Picture) -> dict[str, Any]:
    """Return the attributes of an <img>: its data, its text, and its size where that is known."""
    data = picture.source if isinstance(picture.source, bytes) else picture.source.read_bytes()
    kind = _media_type(data)
    code = base64.b64encode(data).decode()
    about = {"src": f"data:{kind};base64,{code}", "alt": picture.alt or picture.caption}
    return about if kind == "image/svg+xml" else about | _size(data)


def _media_type(data: bytes) -> str:
    if data.startswith(b"\x89PNG"):
        return "image/png"
    if data.startswith(b"\xff\xd8"):
        return "image/jpeg"
    if b"<svg" in data[:1000]:
        return "image/svg+xml"
    raise ValueError("a picture of a page must be PNG, JPEG or SVG")


def _size(data: bytes) -> dict[str, int]:
    """Return the size to show: a drawing is as large as its inches, a photograph as its pixels."""
    from PIL import Image

    with Image.open(BytesIO(data)) as image:
        dpi = image.info.get("dpi", (_CSS_DPI,))[0]
        scale = _CSS_DPI / dpi if image.format == "PNG" and dpi > 1 else 1
        width, height = image.size
    return {"width": round(width * scale), "height": round(height * scale)}
