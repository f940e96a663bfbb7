"""Hands from COCO JSON: boxes or key points of two categories, one for each hand.

A box `[x, y, width, height]` in pixels gives its centre; key points `[x, y, v] * K` give the mean
of those with v > 0, since the others stand at (0, 0). An image without annotations says that both
hands are absent.

Source: https://cocodataset.org/#format-data
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from handact.errors import LabelError
from handact.formats.reading import HandLabels, VideoNames
from handact.formats.text import show_path
from handact.formats.videos import Video
from handact.labels import HAND_COLUMNS

__all__ = ["read_coco_hands"]

_SIDE_WORDS = {
    "left": {"left", "l", "lh", "lhand", "lefthand", "handleft"},
    "right": {"right", "r", "rh", "rhand", "righthand", "handright"},
}
_FRAME_NAME = re.compile(r"(.*?)(\d+)")
_FRAME_WORD = re.compile(r"[_\-. /]*(?:frame|image|img)?[_\-. /]*$", re.IGNORECASE)
_UPLOAD_PREFIX = re.compile(r"^[0-9a-f]{8}-")

_Hands = dict[str, tuple[float, float]]


def read_coco_hands(
    path: str | Path,
    videos: Mapping[str, Video],
    *,
    sides: Mapping[str, str] | None = None,
    first_frame: int = 0,
) -> HandLabels:
    """Read hand positions from a COCO file.

    Images are named VIDEO_000123.jpg or VIDEO/000123.jpg after video and frame.

    Args:
        path: The JSON file.
        videos: The dataset's videos.
        sides: Category name to "left" or "right"; by default found by the names.
        first_frame: The number that the first frame of a video has in the names.

    Raises:
        LabelError: Not COCO, no category of a hand, a hand outside its picture, a frame number
            that the video does not have.
    """
    file = show_path(path)
    data = _read_json(Path(path), file)
    side_of = _find_sides(data["categories"], sides, file)
    labels = HandLabels(
        file=file, format="COCO", units="pixels of the images", rows=len(data["annotations"])
    )
    labels.notes.append(_describe_sides(data["categories"], side_of))
    found = _gather_hands(data, side_of, labels)
    names = VideoNames(videos)
    rows: dict[tuple[str, int], tuple[object, ...]] = {}
    for image in data["images"]:
        key = _place_image(image, names, videos, first_frame, labels)
        hands = found.get(image["id"], {})
        if key is None or hands is None:
            continue
        if key in rows:
            raise LabelError(f"{file}: two images are frame {key[1]} of video {key[0]!r}")
        rows[key] = (*key, *_fractions(image, hands, videos[key[0]], file))
    labels.hands = pd.DataFrame(list(rows.values()), columns=list(HAND_COLUMNS))
    labels.hands = labels.hands.astype({"frame": "int64"} | dict.fromkeys(HAND_COLUMNS[2:], float))
    labels.notes.append(f"{len(data['images'])} images, {len(rows)} taken")
    return labels


def _read_json(path: Path, file: str) -> dict[str, Any]:
    if not path.is_file():
        raise LabelError(f"{file}: no such file")
    try:
        data = json.loads(path.read_bytes().decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise LabelError(f"{file}:{error.lineno}: is not JSON: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise LabelError(f"{file}: is not JSON") from error
    parts = {"images": {"id", "file_name"}, "annotations": {"image_id"}, "categories": {"id"}}
    for part, keys in parts.items():
        entries = data.get(part) if isinstance(data, dict) else None
        if not isinstance(entries, list):
            raise LabelError(f"{file}: is not a COCO file: it has no list {part!r}")
        for i, entry in enumerate(entries):
            missing = keys - set(entry) if isinstance(entry, dict) else keys
            if missing:
                raise LabelError(f"{file}: {part}[{i}] has no {sorted(missing)[0]!r}")
    return data


def _find_sides(
    categories: list[dict[str, Any]], sides: Mapping[str, str] | None, file: str
) -> dict[object, str]:
    """Return the side of each category that is a hand, by category id."""
    names = {category["id"]: str(category.get("name", category["id"])) for category in categories}
    unknown = sorted(set(sides or ()) - set(names.values()))
    listed = ", ".join(names.values()) or "none"
    if unknown:
        raise LabelError(f"{file}: has no category {unknown[0]!r}; its categories are: {listed}")
    if sides:
        return {key: sides[name] for key, name in names.items() if name in sides}
    found = {key: side for key, name in names.items() if (side := _side_of_name(name))}
    if set(found.values()) != {"left", "right"}:
        raise LabelError(
            f"{file}: left and right hand are not found among its categories: {listed}",
            'say which is which: `--map "NAME=left,OTHER=right"`',
        )
    return found


def _side_of_name(name: str) -> str | None:
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    words = set(re.findall(r"[a-z]+", spaced.lower())) | {re.sub(r"[^a-z]", "", name.lower())}
    found = [side for side, known in _SIDE_WORDS.items() if words & known]
    return found[0] if len(found) == 1 else None


def _describe_sides(categories: list[dict[str, Any]], side_of: Mapping[object, str]) -> str:
    names = {category["id"]: str(category.get("name", category["id"])) for category in categories}
    return "categories: " + ", ".join(
        f"{name} = {side_of.get(key, 'not a hand')}" for key, name in names.items()
    )


def _gather_hands(
    data: dict[str, Any], side_of: Mapping[object, str], labels: HandLabels
) -> dict[object, _Hands | None]:
    """Return the hands of each image in pixels; None for an image that is ambiguous."""
    found: dict[object, _Hands | None] = {}
    for annotation in data["annotations"]:
        name = f"annotation {annotation.get('id', '?')}"
        side = side_of.get(annotation.get("category_id"))
        if side is None:
            labels.drop(None, None, f"{name}: not a hand")
            continue
        if annotation.get("iscrowd"):
            labels.drop(None, None, f"{name}: is a crowd")
            continue
        centre = _find_centre(annotation)
        hands = found.setdefault(annotation["image_id"], {})
        if centre is None:
            # Somebody marked a hand here, so the frame does not say that it is absent.
            labels.drop(None, None, f"{name}: has neither a box nor a visible key point")
            found[annotation["image_id"]] = None
        elif hands is not None and side in hands:
            labels.drop(None, None, f"{name}: a second {side} hand, so the image is left out")
            found[annotation["image_id"]] = None
        elif hands is not None:
            hands[side] = centre
    return found


def _find_centre(annotation: Mapping[str, Any]) -> tuple[float, float] | None:
    points = annotation.get("keypoints") or []
    seen = [
        (x, y) for x, y, v in zip(points[::3], points[1::3], points[2::3], strict=False) if v > 0
    ]
    if seen:
        return sum(x for x, _ in seen) / len(seen), sum(y for _, y in seen) / len(seen)
    x, y, width, height = annotation.get("bbox") or (0, 0, 0, 0)
    return (x + width / 2, y + height / 2) if width > 0 and height > 0 else None


def _place_image(
    image: Mapping[str, Any],
    names: VideoNames,
    videos: Mapping[str, Video],
    first_frame: int,
    labels: HandLabels,
) -> tuple[str, int] | None:
    """Return video and frame of an image, or None if its video is not in the dataset."""
    path = str(image["file_name"]).replace("\\", "/")
    match = _FRAME_NAME.fullmatch(path[: -len(Path(path).suffix)] if Path(path).suffix else path)
    video = _find_image_video(match[1], names) if match else None
    if match is None or video is None:
        labels.drop(None, None, f"image {path}: not VIDEO_000123.jpg of a video in the dataset")
        return None
    frame = int(match[2]) - first_frame
    if not 0 <= frame < videos[video].frames:
        raise LabelError(
            f"{labels.file}: image {path}: video {video!r} has no frame {frame}, "
            f"it has {videos[video].frames}",
            "if the images count from 1, say `--first-frame 1`",
        )
    return video, frame


def _find_image_video(prefix: str, names: VideoNames) -> str | None:
    prefix = _FRAME_WORD.sub("", prefix)
    folder, _, name = prefix.rpartition("/")
    bare = _UPLOAD_PREFIX.sub("", name)
    return names.find(prefix) or names.find(f"{folder}/{bare}")


def _fractions(
    image: Mapping[str, Any], hands: _Hands, video: Video, file: str
) -> tuple[float, float, float, float]:
    width, height = image.get("width") or video.width, image.get("height") or video.height
    positions: list[float] = []
    for side in ("left", "right"):
        x, y = hands.get(side, (float("nan"), float("nan")))
        if x < 0 or x > width or y < 0 or y > height:
            raise LabelError(
                f"{file}: image {image['file_name']}: the centre of the {side} hand "
                f"({x:g}, {y:g}) is outside the picture of {width}x{height} pixels",
                "boxes must be [x, y, width, height] in pixels",
            )
        positions += [x / width, y / height]
    return tuple(positions)
