"""VIA, the VGG Image Annotator: regions of pictures (VIA 2), of still frames of videos (VIA 3).

A project of VIA 2 is JSON with `_via_img_metadata`, which is also saved alone: a picture each, with
its regions, a list or in older files an object. Its table has a row for each region, with cells of
JSON; a picture without regions has one with empty cells. Positions are in pixels of the picture as
it is stored. A picture of the project without a region says that both hands are absent.

In VIA 3 (see `handact.formats.actions.via`) a region of a video has the time of a still frame.

Source: https://gitlab.com/vgg/via, via-2.x.y/CodeDoc.md, via-3.x.y/src/js/_via_file_annotator.js
"""

from collections.abc import Iterator, Mapping, Sequence
from math import isnan, nan
from pathlib import Path
from typing import Any

from handact.errors import LabelError
from handact.formats.actions.via import Attribute, Entry, Project, load_export, load_project
from handact.formats.loading import load_json, member, parse_json, parse_number
from handact.formats.marks import HandOptions, Mark, MarkFile, Picture
from handact.formats.reading import VIDEO_SUFFIXES
from handact.formats.text import read_table, read_text, show_path

__all__ = ["looks_like_project", "looks_like_table", "read"]

_IMAGES = "_via_img_metadata"
_SHAPE, _ATTRIBUTES = "region_shape_attributes", "region_attributes"
_COLUMNS = ("filename", "#filename", _SHAPE, _ATTRIBUTES)

_Centre = tuple[float, float, bool]
"""Position, and whether it is that of a point; NaN where a shape has no extent."""

_NOWHERE: _Centre = (nan, nan, False)


def read(path: Path, options: HandOptions) -> MarkFile:
    """Read the regions of a project of VIA 2 or 3, or of a table that one of them exported.

    Raises:
        LabelError: Not of VIA, a shape that is none.
    """
    file = show_path(path)
    if path.suffix.lower() == ".json":
        data = load_json(path)
        if looks_like_project(data):
            return _read_images(data, file)
        return _read_project(load_project(data, file))
    if looks_like_table(read_text(path)):
        return _read_rows(path, file)
    return _read_project(load_export(path))


def looks_like_project(data: Any) -> bool:
    """Say whether JSON is a project of VIA 2, or the pictures of one."""
    if not isinstance(data, dict):
        return False
    if isinstance(data.get(_IMAGES), dict):
        return True
    return bool(data) and all(
        isinstance(image, dict) and {"filename", "regions"} <= image.keys()
        for image in data.values()
    )


def looks_like_table(text: str) -> bool:
    """Say whether a text is a table that VIA 2 exports."""
    return _SHAPE in text.partition("\n")[0]


# -------------------------------------------------------------------------------------------- VIA 2


def _read_images(data: Mapping[str, Any], file: str) -> MarkFile:
    found = _new_file(file, "VIA 2 project")
    images = data.get(_IMAGES, data)
    known = data.get("_via_attributes") or {}
    attributes = known.get("region", {}) if isinstance(known, dict) else {}
    for number, image in enumerate(images.values(), 1):
        name = member(image, "filename", str, f"{file}: picture {number}")
        picture = Picture(f"image {' '.join(name.split())}", name)
        found.pictures.append(picture)
        regions = image.get("regions") or []
        if isinstance(regions, dict):
            regions = list(regions.values())
        for i, region in enumerate(regions):
            found.rows += 1
            place = f"{picture.place}, region {i}"
            shape = member(region, "shape_attributes", dict, f"{file}: {place}")
            values = region.get("region_attributes") or {}
            _add_mark(
                picture,
                place,
                _names_of_values(values, attributes),
                _centre_of_shape(shape, f"{file}: {place}"),
                found,
            )
    _note_empty(found)
    return found


def _read_rows(path: Path, file: str) -> MarkFile:
    table = read_table(path, (_SHAPE, _ATTRIBUTES), _COLUMNS)
    table = table.rename(columns={"#filename": "filename"})
    if "filename" not in table.columns:
        raise LabelError(f"{file}: has no column filename")
    found = _new_file(file, "VIA 2 CSV")
    found.rows = len(table)
    pictures: dict[str, Picture] = {}
    for row, cells in zip(table.index.tolist(), table.to_dict("records"), strict=True):
        place = f"{file}:{row}"
        name = cells["filename"]
        picture = pictures.setdefault(name, Picture(row, name))
        shape, values = (
            member({key: parse_json(cells[key] or "{}", key, place)}, key, dict, place)
            for key in (_SHAPE, _ATTRIBUTES)
        )
        if shape:
            names = _names_of_values(values, {})
            _add_mark(picture, row, names, _centre_of_shape(shape, place), found)
    found.pictures = list(pictures.values())
    _note_empty(found)
    return found


def _names_of_values(values: Mapping[str, Any], attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the attributes of a region say: what an option is called, then its id."""
    names: list[str] = []
    for attribute, value in values.items():
        known = attributes.get(attribute)
        options = known.get("options") if isinstance(known, dict) else None
        # Of several choices, an object holds those that are true.
        chosen = [key for key, on in value.items() if on] if isinstance(value, dict) else [value]
        for text in (str(part) for part in chosen if part is not None):
            title = options.get(text) if isinstance(options, dict) else None
            names += [str(name).strip() for name in (title, text) if name]
    return tuple(dict.fromkeys(name for name in names if name))


def _centre_of_shape(shape: Mapping[str, Any], place: str) -> _Centre:
    kind = shape.get("name")
    if kind == "rect":
        return _centre_of_box(
            *(member(shape, k, float, place) for k in ("x", "y", "width", "height"))
        )
    if kind in ("point", "circle", "ellipse"):
        return member(shape, "cx", float, place), member(shape, "cy", float, place), kind == "point"
    if kind in ("polygon", "polyline"):
        xs, ys = (
            [parse_number(value, key, place) for value in member(shape, key, list, place)]
            for key in ("all_points_x", "all_points_y")
        )
        return _centre_of_points(xs, ys)
    raise LabelError(f"{place}: is of a kind that is not known: {kind!r}")


# -------------------------------------------------------------------------------------------- VIA 3


def _read_project(project: Project) -> MarkFile:
    found = _new_file(project.file, project.format)
    found.rows, found.dropped = project.rows, list(project.dropped)
    regions = [entry for entry in project.entries if _is_region(entry, found)]
    attributes = _choose_attributes(project, regions)
    found.labels = [
        name for attribute in attributes.values() for name in attribute.options.values()
    ]
    pictures: dict[tuple[str, tuple[float, ...]], Picture] = {
        (name, ()): Picture(f"image {name}", name) for name in project.files if not _is_video(name)
    }
    for entry in regions:
        place = f"metadata {entry.name}"
        picture = _picture_of(entry, place)
        picture = pictures.setdefault((entry.file, entry.z), picture)
        names = tuple(_names_of_entry(entry, attributes))
        centre = _centre_of_numbers(entry.xy, f"{project.file}: {place}")
        _add_mark(picture, place, names, centre, found)
    found.pictures = [p for p in pictures.values() if p.marks or p.seconds is None]
    _note_empty(found)
    return found


def _is_video(name: str) -> bool:
    return Path(name).suffix.lower() in VIDEO_SUFFIXES


def _is_region(entry: Entry, found: MarkFile) -> bool:
    reason = None
    if not entry.xy:
        reason = "marks a time, not a place in the picture"
    elif len(entry.z) > 1:
        reason = "is a region of a segment, not of a frame"
    elif not entry.z and _is_video(entry.file):
        reason = "is a region of the whole video, not of a frame"
    if reason:
        found.drop(entry.row, f"{entry.name}: {reason}")
    return reason is None


def _choose_attributes(project: Project, regions: Sequence[Entry]) -> dict[str, Attribute]:
    """Return the attributes of regions; if none of these was used, all.

    Those of segments are filled in for regions as well, and an action may be to turn left.
    """
    used = {i for entry in regions for i, value in entry.values.items() if value}
    own = {i: a for i, a in project.attributes.items() if i in used and "XY1" in a.anchor}
    return own or project.attributes


def _picture_of(entry: Entry, place: str) -> Picture:
    if entry.z:
        return Picture(place, video=entry.file, seconds=entry.z[0])
    return Picture(place, entry.file)


def _names_of_entry(entry: Entry, attributes: Mapping[str, Attribute]) -> Iterator[str]:
    for i, attribute in attributes.items():
        text = entry.values.get(i, "")
        values = attribute.values(text)
        yield from [text] if values is None else values


def _centre_of_numbers(xy: Sequence[float], place: str) -> _Centre:
    """Return the centre of a shape: its kind, then its numbers."""
    kind, *numbers = xy
    if kind == 1 and len(numbers) == 2:
        return numbers[0], numbers[1], True
    if kind == 2 and len(numbers) == 4:
        return _centre_of_box(*numbers)
    if kind in (3, 4) and len(numbers) in (3, 4):  # circle, ellipse
        return numbers[0], numbers[1], False
    if kind in (5, 6, 7, 8) and len(numbers) >= 4 and len(numbers) % 2 == 0:
        return _centre_of_points(numbers[::2], numbers[1::2])
    if kind == 9:  # a circle by three points at its edge
        return _NOWHERE
    raise LabelError(f"{place}: xy is no shape that is known: {list(xy)[:10]}")


# ------------------------------------------------------------------------------------------- shapes


def _centre_of_box(x: float, y: float, width: float, height: float) -> _Centre:
    return (x + width / 2, y + height / 2, False) if width > 0 and height > 0 else _NOWHERE


def _centre_of_points(xs: Sequence[float], ys: Sequence[float]) -> _Centre:
    """Return the centre of the box around points."""
    if not xs or len(xs) != len(ys):
        return _NOWHERE
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2, False


def _new_file(file: str, format: str) -> MarkFile:
    return MarkFile(
        file=file, format=format, rule="points; else centres of the boxes around shapes"
    )


def _add_mark(
    picture: Picture, place: str | int, names: tuple[str, ...], centre: _Centre, found: MarkFile
) -> None:
    x, y, is_point = centre
    reason = "has neither a size nor a label: a slip of the mouse"
    if names or not isnan(x):
        picture.marks.append(Mark(place, names, x, y, by_points=is_point))
    elif isinstance(place, int):
        found.drop(place, reason)
    else:
        found.drop(None, f"{place}: {reason}")


def _note_empty(found: MarkFile) -> None:
    empty = sum(not picture.marks for picture in found.pictures)
    if empty:
        found.notes.append(
            f"pictures without a region: {empty}; it is taken that no hand is in them, so remove "
            "from the project what was not looked at"
        )
