"""Files that other programs wrote, loaded so that a hostile or damaged one does no harm.

XML comes without entities, JSON without numbers that are none, nothing larger than `MAX_BYTES`, and
no file outside the folder that was given.
"""

import json
import math
import struct
import zlib
from collections.abc import Iterator, Mapping
from lzma import LZMAError
from pathlib import Path
from typing import Any, TypeVar
from xml.etree.ElementTree import Element, ParseError
from zipfile import BadZipFile, ZipFile

import yaml
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from handact.errors import LabelError
from handact.formats.text import MAX_BYTES, decode_text, read_text, show_path

__all__ = [
    "inside",
    "list_files",
    "load_json",
    "load_xml",
    "load_yaml",
    "member",
    "parse_json",
    "parse_number",
    "xml_number",
]

T = TypeVar("T")

_MOST_FILES = 1_000_000
_LONGEST_YAML = 1_000_000  # it takes seconds
_ZIPPED = "annotations.xml"
_BAD_ZIPS = (BadZipFile, EOFError, LZMAError, OSError, RuntimeError, struct.error, zlib.error)
_LARGEST = 1e12  # no time, frame or pixel is as large
_TYPE_NAMES = {dict: "an object", list: "a list", str: "a text", int: "a whole number"}


def load_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        LabelError: No such file, not JSON, too large, nested too deep.
    """
    file = show_path(path)
    try:
        return json.loads(read_text(path), parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise LabelError(f"{file}:{error.lineno}: is not JSON: {error.msg}") from error
    except (RecursionError, ValueError) as error:
        raise LabelError(f"{file}: is not JSON that can be read: {error}") from error


def load_xml(path: Path) -> Element:
    """Return the root element of an XML file.

    Its encoding is told by the byte order mark, since programs declare another than they write.

    Args:
        path: The file; of a ZIP, the one file annotations.xml in it.

    Raises:
        LabelError: No such file, not XML, too large, entities in it.
    """
    file = show_path(path)
    is_zip = path.suffix.lower() == ".zip" and path.is_file()
    text = decode_text(_read_zipped(path, file), file) if is_zip else read_text(path)
    try:
        return fromstring(text.lstrip())
    except DefusedXmlException as error:
        hint = "annotation tools write none: where does this file come from?"
        raise LabelError(f"{file}: declares XML entities, which are not read", hint) from error
    except ParseError as error:
        raise LabelError(f"{file}:{error.position[0]}: is not XML: {error}") from error
    except ValueError as error:
        raise LabelError(f"{file}: is not XML: {error}") from error


def load_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping that a YAML file holds; its words and numbers are texts.

    Raises:
        LabelError: No such file, no YAML, no mapping, nested too deep, with aliases, too long.
    """
    file, text = show_path(path), read_text(path)
    if len(text) > _LONGEST_YAML:
        raise LabelError(f"{file}: is too long for a file of settings")
    try:
        data = yaml.load(text, Loader=_PlainLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise LabelError(f"{file}: is not YAML: {reason}") from error
    if not isinstance(data, dict):
        raise LabelError(f"{file}: does not hold names and values")
    return data


def list_files(folder: Path, *patterns: str) -> list[Path]:
    """Return the files below `folder` that fit one of the patterns, such as "**/*.json", in order.

    Raises:
        LabelError: There are none, or a link leads out of the folder.
    """
    found = sorted({path for path in _glob(folder, patterns) if path.is_file()})
    if not found:
        raise LabelError(f"{show_path(folder)}: no file {' or '.join(patterns)} in this folder")
    return [inside(folder, path) for path in found]


def inside(folder: Path, path: Path) -> Path:
    """Return `path`.

    Raises:
        LabelError: It is a link that leads out of the folder.
    """
    if not path.resolve().is_relative_to(folder.resolve()):
        raise LabelError(f"{show_path(path)}: is a link to a file outside of the folder")
    return path


def member(entry: Any, key: str, kind: type[T], place: str) -> T:
    """Return `entry[key]` if it is there and of that kind; `float` takes any finite number.

    Args:
        entry: A JSON value, hopefully an object.
        key: Of the object.
        kind: dict, list, str, int or float.
        place: File and place in it, for messages.

    Raises:
        LabelError: It is not.
    """
    if not isinstance(entry, Mapping):
        raise LabelError(f"{place}: is not an object")
    if key not in entry:
        raise LabelError(f"{place}: has no {key!r}")
    value = entry[key]
    if kind is float:
        return parse_number(value, key, place)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise LabelError(f"{place}: {key} is not {_TYPE_NAMES[kind]}: {_shorten(value)}")
    return value


def parse_json(text: str, what: str, place: str) -> Any:
    """Return what a cell of a table holds as JSON.

    Raises:
        LabelError: It is none.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (RecursionError, ValueError) as error:
        raise LabelError(f"{place}: {what} is not JSON: {_shorten(text)}") from error


def parse_number(value: Any, what: str, place: str) -> float:
    """Return a number, or the number that a text holds, as a float.

    Raises:
        LabelError: It is none, not finite, or beyond anything that labels hold.
    """
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not abs(number) <= _LARGEST:
        raise LabelError(f"{place}: {what} is not a number: {_shorten(value)}")
    return number


def xml_number(element: Element, name: str, place: str) -> float:
    """Return an attribute of an element as a number.

    Raises:
        LabelError: It is not there, or no number.
    """
    if name not in element.attrib:
        raise LabelError(f"{place}: <{element.tag}> has no {name}")
    return parse_number(element.attrib[name], name, place)


def _read_zipped(path: Path, file: str) -> bytes:
    """Return annotations.xml of a ZIP; nothing is unpacked, and no other member is read."""
    try:
        with ZipFile(path) as archive:
            names = [n for n in archive.namelist() if n.rpartition("/")[2] == _ZIPPED]
            if len(names) != 1:
                raise LabelError(
                    f"{file}: has {len(names) or 'no'} files {_ZIPPED} in it",
                    "unpack it, and name the file with the labels",
                )
            with archive.open(names[0]) as member:
                # What the archive says of its size need not be true.
                data = member.read(MAX_BYTES + 1)
    except _BAD_ZIPS as error:
        raise LabelError(f"{file}: is not a ZIP that can be read: {error}") from error
    if len(data) > MAX_BYTES:
        raise LabelError(f"{file}: {_ZIPPED} is larger than {MAX_BYTES >> 20} MiB")
    return data


class _PlainLoader(yaml.BaseLoader):
    """Makes texts, lists and mappings, whatever tags a file has."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse aliases: a few of aliases to aliases are a list of more than there is memory."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("has aliases, which are not read")
        return super().compose_node(parent, index)


def _glob(folder: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    for pattern in patterns:
        for i, path in enumerate(folder.glob(pattern)):
            if i >= _MOST_FILES:
                raise LabelError(f"{show_path(folder)}: has more than {_MOST_FILES} files")
            yield path


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not a number")


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
