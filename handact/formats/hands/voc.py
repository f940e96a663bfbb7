"""Pascal VOC XML: a file for each picture, with boxes by their first and last pixels.

By the standard a picture's first pixel is number 1, so that a box of xmin 1 and xmax 10 is 10 wide.
LabelImg and most tools after it write corners instead, counted from the picture's edge, which is 0.
Nothing in a file tells which was meant, but that the first pixel is never 0.

100DOH adds to each hand `handside` (0 left, 1 right), whom or what it touches, and where that is. A
file without objects says that both hands are absent.

Source: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf,
https://github.com/ddshan/hand_object_detector, lib/datasets/pascal_voc.py
"""

from dataclasses import dataclass
from math import nan
from pathlib import Path
from xml.etree.ElementTree import Element

from handact.errors import LabelError
from handact.formats.loading import list_files, load_xml, parse_number
from handact.formats.marks import HandOptions, Mark, MarkFile, Picture
from handact.formats.text import show_path

__all__ = ["read"]

_SIDES = {0.0: "left", 1.0: "right"}
_UNSAID = ("", "None")


@dataclass(frozen=True, slots=True)
class _Object:
    """A box of a picture: its numbers as they are in the file; None if it has none."""

    picture: Picture
    place: str
    names: tuple[str, ...]
    box: tuple[float, ...] | None


def read(path: Path, options: HandOptions) -> MarkFile:
    """Read a file of Pascal VOC, or all that are in a folder.

    Args:
        path: The file or folder.
        options: `first_pixel` is 1 by the standard, 0 for corners counted from the edge.

    Raises:
        LabelError: There is none, a box that is none.
    """
    found = MarkFile(file=show_path(path), format="Pascal VOC")
    objects: list[_Object] = []
    touching = 0
    for each in list_files(path, "**/*.xml") if path.is_dir() else [path]:
        root = load_xml(each)
        prefix = f"{each.relative_to(path).as_posix()}: " if path.is_dir() else ""
        if root.tag != "annotation":
            found.drop(None, f"{prefix}begins with <{root.tag}>, not with <annotation>")
            continue
        picture = _read_picture(root, each.stem, prefix, found.file)
        found.pictures.append(picture)
        for i, element in enumerate(root.findall("object"), 1):
            objects.append(_read_object(element, picture, f"{prefix}object {i}", found))
            touching += _text(element, "contactstate") not in _UNSAID
    if not found.pictures:
        raise LabelError(f"{found.file}: is nothing of Pascal VOC: {found.dropped[0][1]}")
    found.rows = len(objects)
    first = _settle_first_pixel(objects, options.first_pixel, found)
    for each in objects:
        each.picture.marks.append(Mark(each.place, each.names, *_centre(each.box, first)))
    if touching:
        found.notes.append(f"what hands touch is not used: {touching} objects say it")
    return found


def _read_picture(root: Element, stem: str, prefix: str, file: str) -> Picture:
    name = _text(root, "filename") or stem
    folder = _text(root, "folder").replace("\\", "/").rstrip("/")
    picture = Picture(f"{prefix}image {name}", f"{folder}/{name}" if folder else name)
    # Some tools write a size of 0 where they did not look.
    picture.width, picture.height = (
        parse_number(_text(root, f"size/{key}") or 0, key, f"{file}: {picture.place}") or None
        for key in ("width", "height")
    )
    return picture


def _read_object(element: Element, picture: Picture, place: str, found: MarkFile) -> _Object:
    where = f"{found.file}: {place}"
    name, side = _text(element, "name"), _text(element, "handside")
    names = (name,) if name else ()
    if side not in _UNSAID:
        number = parse_number(side, "handside", where)
        if number not in _SIDES:
            raise LabelError(f"{where}: handside is neither 0 nor 1: {side!r}")
        names = (_SIDES[number],)
        found.labels = ["left", "right"]
    box = None
    if element.find("bndbox") is not None:
        box = tuple(
            parse_number(_text(element, f"bndbox/{key}"), key, where)
            for key in ("xmin", "ymin", "xmax", "ymax")
        )
    return _Object(picture, place, names, box)


def _text(element: Element, path: str) -> str:
    return " ".join((element.findtext(path) or "").split())


def _settle_first_pixel(objects: list[_Object], said: int | None, found: MarkFile) -> int:
    """Return the number of the first pixel: what is said, else what the numbers prove, else 1."""
    boxes = [each.box for each in objects if each.box]
    lowest = min((value for box in boxes for value in box), default=1)
    first = said if said is not None else int(lowest >= 1)
    if boxes:
        counted = "from 1, as by the standard" if first else "from 0"
        why = ""
        if said is None and not first:
            why = f": there is a pixel {lowest:g}"
        elif said is None:
            why = "; `--first-pixel 0` if the tool counts from 0, as LabelImg does"
        found.notes.append(f"pixels count {counted}{why}")
    return first


def _centre(box: tuple[float, ...] | None, first: int) -> tuple[float, float]:
    if box is None:
        return nan, nan
    left, top, right, bottom = box
    # A pixel's number, counted from 1, is also how far its far edge is from the picture's.
    return (left - first + right) / 2, (top - first + bottom) / 2
