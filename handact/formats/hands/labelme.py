"""LabelMe: a JSON file for each picture, beside it, with a list of shapes.

Positions are in pixels, counted from the picture's edge, and may lie outside of it. A rectangle is
any two opposite corners. Points with the same `group_id` are of one hand, or of the two of a person
where their labels say so; if there is one box in the group, its label counts where theirs do not
tell the side. A file without shapes says that both hands are absent. `imagePath` is meant from the
folder of the file, which often has the name of the video.

Source: https://github.com/wkentaro/labelme, labelme/_label_file.py
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import nan
from pathlib import Path
from posixpath import normpath
from typing import Any

from handact.errors import LabelError
from handact.formats.loading import list_files, load_json, member, parse_number
from handact.formats.marks import HandOptions, Mark, MarkFile, Picture
from handact.formats.text import show_path

__all__ = ["read"]

_POINT = "point"

_Shape = tuple[str, str, str, list[tuple[float, float]]]
"""Place, label, kind, points."""


def read(path: Path, options: HandOptions) -> MarkFile:
    """Read a file of LabelMe, or all that are in a folder.

    Raises:
        LabelError: There is none, a shape that is none.
    """
    found = MarkFile(
        file=show_path(path),
        format="LabelMe",
        rule="the mean of the points of a hand; else centres of boxes",
    )
    is_folder, root = path.is_dir(), path.resolve()
    base = root.parent if is_folder else root.parent.parent
    for each in list_files(path, "**/*.json") if is_folder else [path]:
        data = load_json(each)
        prefix = f"{each.relative_to(path).as_posix()}: " if is_folder else ""
        if not isinstance(data, dict) or not isinstance(data.get("shapes"), list):
            found.drop(None, f"{prefix}has no list 'shapes'")
            continue
        # People keep the pictures of a video in a folder that is named after it.
        place = each.resolve().relative_to(base).with_suffix(".jpg")
        image = " ".join(str(data.get("imagePath") or place.name).replace("\\", "/").split())
        picture = Picture(f"{prefix}image {image}", normpath(f"{place.parent}/{image}"))
        found.pictures.append(picture)
        _read_shapes(data, prefix, picture, found)
    if not found.pictures:
        raise LabelError(f"{found.file}: is nothing of LabelMe: {found.dropped[0][1]}")
    return found


def _read_shapes(data: Mapping[str, Any], prefix: str, picture: Picture, found: MarkFile) -> None:
    place = f"{found.file}: {picture.place}"
    picture.width, picture.height = (
        parse_number(data[key], key, place) if data.get(key) else None
        for key in ("imageWidth", "imageHeight")
    )
    found.rows += len(data["shapes"])
    groups: dict[str, list[_Shape]] = defaultdict(list)
    for i, shape in enumerate(data["shapes"]):
        group = shape.get("group_id") if isinstance(shape, dict) else None
        shape = _read_shape(shape, f"{prefix}shape {i}", found)
        groups[f"alone {i}" if group is None else f"group {group}"].append(shape)
    for group, shapes in groups.items():
        picture.marks += _marks(shapes, group)


def _read_shape(shape: Any, where: str, found: MarkFile) -> _Shape:
    place = f"{found.file}: {where}"
    points = []
    for point in member(shape, "points", list, place):
        if not isinstance(point, list) or len(point) != 2:
            raise LabelError(f"{place}: a point is not two numbers")
        points.append((parse_number(point[0], "x", place), parse_number(point[1], "y", place)))
    label = shape.get("label")
    kind = shape.get("shape_type") or "polygon"
    return where, "" if label is None else " ".join(str(label).split()), str(kind), points


def _marks(shapes: Sequence[_Shape], group: str) -> Iterator[Mark]:
    """Give the marks of a group; its points may get their side from its box, if it has one box."""
    boxes = [label for _, label, kind, _ in shapes if kind != _POINT]
    for place, label, kind, corners in shapes:
        names = (label, *boxes) if kind == _POINT and len(boxes) == 1 else (label,)
        x, y = _centre(kind, corners)
        yield Mark(place, tuple(filter(None, names)), x, y, kind == _POINT, group)


def _centre(kind: str, points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the centre of the box around a shape; of a circle, that is its first point."""
    if kind == "circle" and points:
        return points[0]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    if not points or (kind == "rectangle" and (min(xs) == max(xs) or min(ys) == max(ys))):
        return nan, nan
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
