"""COCO JSON: boxes or key points of two categories, one for each hand; COCO-WholeBody: of persons.

A box is `[x, y, width, height]` in pixels; some programs write two corners instead, which is
noticed where such boxes would lie outside of their images. Key points are `[x, y, v] * K`, of which
those with v = 0 stand at (0, 0) and are not there. In COCO-WholeBody, whose hands belong to a
person, v is a score. An image without annotations says that both hands are absent. Images are named
VIDEO_000123.jpg or VIDEO/000123.jpg after video and frame; the id of an image says nothing.

Source: https://cocodataset.org/#format-data, https://github.com/jin-s13/COCO-WholeBody
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from math import isnan, nan
from pathlib import Path
from typing import Any

from handact.errors import LabelError
from handact.formats.loading import load_json, member, parse_number
from handact.formats.marks import HandOptions, Mark, MarkFile, Picture, palm_centre
from handact.formats.outgoing import HAND_LABELS, HandExport, image_name
from handact.formats.text import show_path

__all__ = ["read", "write"]

_WHOLE_BODY = ("lefthand", "righthand")
_OURS = "handact"
# Of width or height of the image: no box that is drawn by hand ends as far outside.
_BEYOND = 1.1
_PROOF = 3  # boxes that all begin above and left of their own size


def read(path: Path, options: HandOptions) -> MarkFile:
    """Read the hands of a COCO file.

    Raises:
        LabelError: Not COCO, a box or a key point that is none, boxes of corners, annotations of
            images that are not there.
    """
    file = show_path(path)
    data = load_json(path)
    parts = {}
    for part, keys in {
        "images": ("id", "file_name"),
        "annotations": ("image_id",),
        "categories": ("id",),
    }.items():
        if not isinstance(data, dict) or not isinstance(data.get(part), list):
            raise LabelError(f"{file}: is not a COCO file: it has no list {part!r}")
        parts[part] = data[part]
        for i, entry in enumerate(data[part]):
            for key in keys:
                if not isinstance(entry, dict) or key not in entry:
                    raise LabelError(f"{file}: {part}[{i}] has no {key!r}")
    found = MarkFile(
        file=file,
        format="COCO",
        rule="the mean of the visible key points, of 21 those of the palm; else centres of boxes",
        rows=len(parts["annotations"]),
    )
    if isinstance(data.get("info"), dict) and data["info"].get("contributor") == _OURS:
        found.first_frame = 0
    pictures = {_key(image["id"]): _picture(image, file) for image in parts["images"]}
    if len(pictures) < len(parts["images"]):
        doubled = Counter(_key(image["id"]) for image in parts["images"]).most_common(1)[0][0]
        raise LabelError(f"{file}: two images have the id {doubled}")
    found.pictures = list(pictures.values())
    names = {_key(c["id"]): str(c.get("name", c["id"])) for c in parts["categories"]}
    found.labels = list(names.values())
    for annotation in parts["annotations"]:
        picture = pictures.get(_key(annotation["image_id"]))
        if picture is None:
            # Then the images of others may be wrong ones.
            raise LabelError(
                f"{file}: {_name(annotation)}: is of an image {annotation['image_id']!r} that is "
                "not there",
                "old versions of CVAT numbered images and annotations differently where there was "
                "a frame step: export CVAT for video 1.1 instead",
            )
        picture.marks += _read_annotation(annotation, names, found)
    _mark_crowds(parts["annotations"], pictures, names, found)
    _refuse_corners(parts["annotations"], pictures, file)
    return found


def write(export: HandExport) -> dict[str, str]:
    """Return hands.json: a point and a box for each hand, images without hands among them.

    Images are named as `handact.formats.to_hands` reads them; frames count from 0.
    """
    images, annotations = [], []
    for i, row in enumerate(export.hands.itertuples(index=False), 1):
        video = export.videos[row.video]
        name = image_name(row.video, row.frame)
        images.append({"id": i, "file_name": name, "width": video.width, "height": video.height})
        for category, x, y in ((1, row.left_x, row.left_y), (2, row.right_x, row.right_y)):
            if isnan(x):
                continue
            width, height = export.box_size(video, x, y)
            x, y = x * video.width, y * video.height
            width, height = width * video.width, height * video.height
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": i,
                    "category_id": category,
                    "iscrowd": 0,
                    "area": round(width * height, 3),
                    "bbox": [round(v, 3) for v in (x - width / 2, y - height / 2, width, height)],
                    "num_keypoints": 1,
                    "keypoints": [round(x, 6), round(y, 6), 2],
                }
            )
    categories = [
        {"id": i, "name": name, "keypoints": ["palm"], "skeleton": []}
        for i, name in enumerate(HAND_LABELS.values(), 1)
    ]
    info = {"contributor": _OURS, "description": "frames in the names of images count from 0"}
    data = {
        "info": info, "images": images, "annotations": annotations, "categories": categories,
    }  # fmt: skip
    return {"hands.json": json.dumps(data, indent=1) + "\n"}


def _key(value: Any) -> str:
    return str(value)


def _name(annotation: Mapping[str, Any]) -> str:
    return f"annotation {annotation.get('id', '?')}"


def _picture(image: Mapping[str, Any], file: str) -> Picture:
    name = member(image, "file_name", str, f"{file}: an image")
    place = f"image {name}"
    size = [
        parse_number(image[key], key, f"{file}: {place}") if image.get(key) else None
        for key in ("width", "height")
    ]
    return Picture(place, name, width=size[0], height=size[1])


def _read_annotation(
    annotation: Mapping[str, Any], names: Mapping[str, str], found: MarkFile
) -> Iterator[Mark]:
    """Give the hands of an annotation: one, or in COCO-WholeBody those of a person."""
    place = _name(annotation)
    if annotation.get("iscrowd"):
        return
    if any(f"{hand}_kpts" in annotation or f"{hand}_box" in annotation for hand in _WHOLE_BODY):
        found.format = "COCO-WholeBody"
        found.labels += [hand for hand in _WHOLE_BODY if hand not in found.labels]
        for hand in _WHOLE_BODY:
            points, box = annotation.get(f"{hand}_kpts"), annotation.get(f"{hand}_box")
            mark = _mark(place, hand, points, box, found.file)
            # Without the flag, what is filled with zeros is not there.
            if annotation.get(f"{hand}_valid", not isnan(mark.x)):
                yield mark
        return
    name = names.get(_key(annotation.get("category_id")), "")
    yield _mark(place, name, annotation.get("keypoints"), annotation.get("bbox"), found.file)


def _mark_crowds(
    annotations: Iterable[Mapping[str, Any]],
    pictures: Mapping[str, Picture],
    names: Mapping[str, str],
    found: MarkFile,
) -> None:
    """Leave crowds out; where one is all that is said of a hand, it is there without a place."""
    for annotation in annotations:
        if annotation.get("iscrowd"):
            place, picture = _name(annotation), pictures[_key(annotation["image_id"])]
            name = names.get(_key(annotation.get("category_id")), "")
            if any(name in mark.names for mark in picture.marks):
                found.drop(None, f"{place}: is a crowd")
            else:
                picture.marks.append(Mark(f"{place}, a crowd", (name,), nan, nan))


def _refuse_corners(
    annotations: Iterable[Mapping[str, Any]], pictures: Mapping[str, Picture], file: str
) -> None:
    """Refuse boxes that are two corners: that hardly ever fits sizes of all hands by chance."""
    outside, first, number = None, None, 0
    for annotation in annotations:
        picture = pictures[_key(annotation["image_id"])]
        box = annotation.get("bbox")
        if annotation.get("iscrowd") or not box or not picture.width or not picture.height:
            continue
        x, y, width, height = (*_numbers(box, "bbox", file), 0, 0, 0, 0)[:4]
        if not (x < width <= picture.width + 1 and y < height <= picture.height + 1):
            return
        number, first = number + 1, first or annotation
        if x + width > _BEYOND * picture.width or y + height > _BEYOND * picture.height:
            outside = outside or annotation
    if outside is not None or number >= _PROOF:
        box = (outside or first)["bbox"]
        raise LabelError(
            f"{file}: {_name(outside or first)}: its bbox {box} looks like two corners, and so do "
            "all others",
            "COCO's are [x, y, width, height]: subtract the first corner from the second",
        )


def _mark(place: str, name: str, points: Any, box: Any, file: str) -> Mark:
    points = _numbers(points, "keypoints", f"{file}: {place}")
    triples = list(zip(points[::3], points[1::3], points[2::3], strict=False))
    centre = palm_centre([(x, y) if v > 0 else None for x, y, v in triples])
    if centre is not None:
        return Mark(place, (name,), *centre, by_points=True)
    x, y, width, height = (*_numbers(box, "bbox", f"{file}: {place}"), 0, 0, 0, 0)[:4]
    if width > 0 and height > 0:
        return Mark(place, (name,), x + width / 2, y + height / 2)
    return Mark(place, (name,), nan, nan)


def _numbers(values: Any, what: str, place: str) -> list[float]:
    if values is None:
        return []
    if not isinstance(values, list):
        raise LabelError(f"{place}: {what} is not a list")
    return [parse_number(value, what, place) for value in values]
