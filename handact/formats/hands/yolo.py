"""YOLO: a folder with a text file for each picture, of boxes or of poses, and data.yaml.

A line is `class x y width height`, of a pose with `x y [v]` of each key point behind it. All of
these are fractions of the picture, and x and y those of the centre. An empty file says that no hand
is in the picture, a picture without a file nothing at all. Lines of segmentation and of turned
boxes look the same, and are told by their number of columns.

The names of classes are in data.yaml (Ultralytics, Roboflow), classes.txt (LabelImg, Label Studio)
or obj.names (CVAT).

Source: https://docs.ultralytics.com/datasets/detect/ and /datasets/pose/
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np

from handact.errors import LabelError
from handact.formats.loading import list_files, load_yaml, parse_number
from handact.formats.marks import HandOptions, Mark, MarkFile, Picture, palm_centre
from handact.formats.outgoing import HandExport, image_name
from handact.formats.text import read_text, show_path

__all__ = ["SETTINGS", "read", "write"]

SETTINGS = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
"""Names of the file beside the labels."""

_NAMES = ("classes.txt", "labels/classes.txt", "obj.names")
_NO_LABELS = {"classes.txt", "train.txt", "val.txt", "valid.txt", "test.txt", "labels.txt"}
_PICTURES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
_MOST_POINTS = 1000
# Nothing that is marked in a picture lies as far outside of it: the numbers are no fractions.
_LARGEST_FRACTION = 2.0


@dataclass(frozen=True, slots=True)
class _Settings:
    """What data.yaml says.

    Attributes:
        names: Of the classes, by number; empty if no file says them.
        points: How many key points follow a box.
        numbers: How many numbers each of them has: x, y, and v if there are three.
        first_frame: Of videos, where we wrote the file.
    """

    names: dict[int, str]
    points: int = 0
    numbers: int = 3
    first_frame: int | None = None


def read(path: Path, options: HandOptions) -> MarkFile:
    """Read the label files of a folder, of one below it called labels, or beside a data.yaml.

    Raises:
        LabelError: No such folder, no label files, a line that is neither a box nor a pose.
    """
    folder = path.parent if path.suffix.lower() in (".yaml", ".yml") else path
    if not path.exists() or not folder.is_dir():
        wrong = "is not a folder" if path.exists() else "no such folder"
        hint = "give the folder that holds labels/ and data.yaml"
        raise LabelError(f"{show_path(path)}: {wrong}", hint)
    settings = _read_settings(path, folder)
    if options.sides and all(name.isdecimal() for name in options.sides):
        settings = replace(settings, names={})
    found = MarkFile(
        file=show_path(folder),
        format="YOLO pose" if settings.points else "YOLO",
        rule="the mean of the visible key points, of 21 those of the palm; else centres of boxes",
        first_frame=settings.first_frame,
        labels=list(settings.names.values()),
    )
    for file in _label_files(folder):
        found.pictures.append(_read_picture(file, folder, settings, options.score, found))
    _compare_pictures(folder, found)
    return found


def write(export: HandExport) -> dict[str, str]:
    """Return data.yaml and a pose of one key point for each hand; an empty file: no hand.

    A box is smaller near an edge of the picture, so that it stays inside and its centre exact.
    """
    files = {"data.yaml": _DATA_YAML}
    for row in export.hands.itertuples(index=False):
        video = export.videos[row.video]
        lines = []
        for side, x, y in ((0, row.left_x, row.left_y), (1, row.right_x, row.right_y)):
            if isnan(x):
                continue
            centre = f"{_show(x)} {_show(y)}"
            width, height = export.box_size(video, x, y)
            lines.append(f"{side} {centre} {_show(width)} {_show(height)} {centre} 2\n")
        name = image_name(row.video, row.frame).removesuffix(".jpg")
        files[f"labels/{video.split}/{name}.txt"] = "".join(lines)
    return files


_DATA_YAML = """\
# Hands of handact. VIDEO_000123.jpg is frame 123 of VIDEO, counted from 0.
# There is no flip_idx, so that YOLO does not mirror pictures: left and right would change places.
train: images/train
val: images/val
test: images/test
first_frame: 0
kpt_shape: [1, 3]
names:
  0: left_hand
  1: right_hand
"""


def _show(value: float) -> str:
    return np.format_float_positional(value, precision=6, fractional=False, trim="-")


# ----------------------------------------------------------------------------------------- settings


def _read_settings(path: Path, folder: Path) -> _Settings:
    tried = [path] if path != folder else [folder / name for name in SETTINGS]
    file = next((file for file in tried if file.is_file()), None)
    if file is None:
        names = next((folder / name for name in _NAMES if (folder / name).is_file()), None)
        return _Settings(_read_names(names) if names else {})
    values = load_yaml(file)
    place = show_path(file)
    points, numbers = _parse_shape(values["kpt_shape"], place) if "kpt_shape" in values else (0, 3)
    first = values.get("first_frame")
    return _Settings(
        _number_names(values.get("names", []), place),
        points,
        numbers,
        None if first is None else _parse_whole(first, "first_frame", place, most=1),
    )


def _read_names(file: Path) -> dict[int, str]:
    lines = [line.strip() for line in read_text(file).split("\n")]
    return {i: line for i, line in enumerate(lines) if line}


def _number_names(names: Any, place: str) -> dict[int, str]:
    numbered = names if isinstance(names, dict) else dict(enumerate(names or ()))
    if isinstance(names, str) or not all(isinstance(name, str) for name in numbered.values()):
        raise LabelError(f"{place}: names is neither a list nor a mapping of names: {names!r}")
    return {_parse_whole(str(key), "names", place): name for key, name in numbered.items()}


def _parse_shape(shape: Any, place: str) -> tuple[int, int]:
    if not isinstance(shape, list) or len(shape) != 2:
        raise LabelError(f"{place}: kpt_shape is not a list of two numbers: {shape!r}")
    points, numbers = (_parse_whole(cell, "kpt_shape", place, most=_MOST_POINTS) for cell in shape)
    if points < 1 or numbers not in (2, 3):
        raise LabelError(f"{place}: kpt_shape is not [points, 2 or 3]: {shape!r}")
    return points, numbers


def _parse_whole(text: Any, what: str, place: str, most: int = 10**6) -> int:
    if not isinstance(text, str) or not text.isdecimal() or len(text) > 9 or int(text) > most:
        raise LabelError(f"{place}: {what} is not a whole number from 0 to {most}: {text!r}")
    return int(text)


# ------------------------------------------------------------------------------------------- labels


def _label_files(folder: Path) -> list[Path]:
    """Return those below labels/, or else, as LabelImg and CVAT have it, all text files."""
    texts = list_files(folder, "**/*.txt")
    inside = [file for file in texts if "labels" in file.relative_to(folder).parts[:-1]]
    return [
        file
        for file in inside or texts
        if file.name.lower() not in _NO_LABELS and not file.name.lower().startswith("readme")
    ]


def _read_picture(
    file: Path, folder: Path, settings: _Settings, score: float, found: MarkFile
) -> Picture:
    name = file.relative_to(folder).as_posix()
    picture = Picture(name, name, width=1, height=1)
    for row, line in enumerate(read_text(file).split("\n"), 1):
        if not line.strip():
            continue
        found.rows += 1
        place = f"{name}:{row}"
        at = f"{found.file}/{place}"
        values = [parse_number(text, "a column", at) for text in line.split()]
        label = _find_label(values[0], settings.names, at)
        box, points, confidence = _split_line(values, settings, at)
        if confidence < score:
            found.drop(None, f"{place}: the score {confidence:g} is below {score:g}")
            continue
        picture.marks.append(_mark(place, label, box, points, score, at))
    return picture


def _find_label(number: float, names: Mapping[int, str], place: str) -> str:
    if number % 1 or number < 0:
        raise LabelError(f"{place}: the class is not a whole number: {number:g}")
    if names and number not in names:
        raise LabelError(f"{place}: the class {number:g} is not among the names of classes")
    return names[int(number)] if names else f"{number:.0f}"


def _split_line(
    values: list[float], settings: _Settings, place: str
) -> tuple[list[float], list[tuple[float, ...]], float]:
    """Return box, key points and score.

    Raises:
        LabelError: The number of columns is that of neither a box nor a pose.
    """
    behind = settings.points * settings.numbers
    count = len(values) - 5
    if count not in (0, 1, behind, behind + 1):
        pose = f" or the {behind + 5} of a pose" if behind else ""
        raise LabelError(
            f"{place}: has {len(values)} columns, not the 5 of a box{pose}",
            "segmentation and turned boxes are not read: export boxes; of poses, data.yaml must "
            "say kpt_shape",
        )
    # Predictions end in a score.
    confidence = values[-1] if count in (1, behind + 1) else 1.0
    if not 0 <= confidence <= 1:
        raise LabelError(f"{place}: its last column is no score from 0 to 1: {confidence:g}")
    flat = values[5 : 5 + behind] if count >= behind else []
    step = settings.numbers
    return values[1:5], [tuple(flat[i : i + step]) for i in range(0, len(flat), step)], confidence


def _mark(
    place: str,
    label: str,
    box: list[float],
    points: list[tuple[float, ...]],
    score: float,
    at: str,
) -> Mark:
    positions = [*box, *(value for point in points for value in point[:2])]
    largest = max(positions)
    if largest > _LARGEST_FRACTION:
        raise LabelError(
            f"{at}: {largest:g} is not a fraction of the picture",
            "YOLO divides positions by width and height of the picture",
        )
    x, y, width, height = box
    if width < 0 or height < 0:
        raise LabelError(f"{at}: width or height is below 0")
    centre = palm_centre([point[:2] if _is_visible(point, score) else None for point in points])
    if centre is not None:
        return Mark(place, (label,), *centre, by_points=True)
    if width == 0 or height == 0:
        return Mark(place, (label,), nan, nan)
    return Mark(place, (label,), x, y)


def _is_visible(point: tuple[float, ...], score: float) -> bool:
    """v is 0, 1 or 2 in labels, a score in predictions; without it, (0, 0) or -1 is nowhere."""
    if len(point) == 2:
        return point != (0, 0) and min(point) >= 0
    return point[2] in (1, 2) or (0 < point[2] < 1 and point[2] >= score)


# ----------------------------------------------------------------------------------------- pictures


def _compare_pictures(folder: Path, found: MarkFile) -> None:
    """Compare names of labels and pictures, where these are in the folder as well.

    Raises:
        LabelError: CVAT numbered them differently.
    """
    pictures = set(_picture_stems(folder))
    empty = {Path(p.image).stem for p in found.pictures if not p.marks}
    full = {Path(p.image).stem for p in found.pictures if p.marks}
    if full and empty and empty <= pictures and not full & pictures:
        raise LabelError(
            f"{found.file}: the files of all {len(empty)} pictures are empty, and no picture has "
            f"the name of the {len(full)} files with labels, such as {min(full)}.txt",
            "old versions of CVAT did so with a frame step: export CVAT for video 1.1 instead",
        )
    silent = len(pictures - empty - full)
    if silent:
        found.notes.append(f"{silent} pictures without a file of labels count as not labelled")


def _picture_stems(folder: Path) -> Iterator[str]:
    for file in folder.rglob("*"):
        if file.suffix.lower() in _PICTURES:
            yield file.stem
