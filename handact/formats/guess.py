"""What format a file of labels is, told by its name and its first lines."""

import re
from pathlib import Path
from typing import Literal

from handact.errors import LabelError
from handact.formats.actions import (
    activitynet,
    assembly101,
    audacity,
    boris,
    deepethogram,
    elan_text,
    mstcn,
)
from handact.formats.actions import via as via_3
from handact.formats.hands import deeplabcut, detections, mediapipe, yolo
from handact.formats.hands import via as via_2
from handact.formats.labelstudio_json import looks_like_export
from handact.formats.loading import inside, load_json, load_xml
from handact.formats.text import read_text, show_path

__all__ = ["Kind", "guess_format"]

Kind = Literal["actions", "hands"]

_ACTION_SUFFIXES = {
    ".anvil": "anvil", ".boris": "boris", ".eaf": "elan", ".srt": "srt", ".vtt": "webvtt",
}  # fmt: skip
_TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".json", ".xml")
_HAND_SUFFIXES = {
    **dict.fromkeys(deeplabcut.H5_SUFFIXES, "deeplabcut"),
    **dict.fromkeys((".npy", *detections.PICKLES), "100doh"),
    **dict.fromkeys((".yaml", ".yml"), "yolo"),
}
# Columns that no other table has.
_ACTION_COLUMNS = {
    "epic": {"narration_id", "start_timestamp"},
    "assembly101": {"start_frame", "end_frame", "action_id", "verb_id"},
}


def guess_format(path: Path, kind: Kind) -> str:
    """Return the name of the format, a key of the dictionary of that kind.

    Raises:
        LabelError: No such file, or it looks like none of them.
    """
    if not path.exists():
        raise LabelError(f"{show_path(path)}: no such file")
    guess = _guess_folder if path.is_dir() else _guess_file
    found = guess(path, kind)
    if found is None:
        raise LabelError(
            f"{show_path(path)}: is of no format of {kind} that is known by its looks",
            f"`--format` says what it is: `handact import {kind} --help` lists them",
        )
    return found


def _guess_folder(path: Path, kind: Kind) -> str | None:
    if kind == "actions":
        return _guess_action_folder(path)
    return _guess_hand_folder(path)


def _guess_action_folder(path: Path) -> str | None:
    if path.name == "groundTruth" or (path / "groundTruth").is_dir():
        return "mstcn"
    if (path / "coarse_labels").is_dir():
        return "assembly101"
    files = [file for file in sorted(path.iterdir()) if file.is_file()]
    for suffixes in (_ACTION_SUFFIXES, _TABLE_SUFFIXES):
        first = next((file for file in files if file.suffix.lower() in suffixes), None)
        if first is not None:
            return _guess_file(inside(path, first), "actions")
    return None


def _guess_hand_folder(path: Path) -> str | None:
    if any((path / name).is_file() for name in yolo.SETTINGS) or (path / "labels").is_dir():
        return "yolo"
    for pattern, name in (("**/CollectedData_*.csv", "deeplabcut"), ("**/*.npy", "100doh")):
        if _first(path, pattern) is not None:
            return name
    # One file a picture, perhaps in a folder for each video.
    for pattern, names in (
        ("**/*.json", ("labelme", "100doh", "labelstudio", "via", "coco")),
        ("**/*.xml", ("voc", "cvat")),
        ("*.csv", ("csv", "deeplabcut", "mediapipe", "via")),
    ):
        first = _first(path, pattern)
        name = None if first is None else _guess_file(first, "hands")
        if name in names:
            return name
    return None


def _first(folder: Path, pattern: str) -> Path | None:
    first = min(folder.glob(pattern), default=None)
    return None if first is None else inside(folder, first)


def _guess_file(path: Path, kind: Kind) -> str | None:
    suffix = path.suffix.lower()
    if kind == "actions" and suffix in _ACTION_SUFFIXES:
        return _ACTION_SUFFIXES[suffix]
    if kind == "hands" and suffix in _HAND_SUFFIXES:
        return _HAND_SUFFIXES[suffix]
    if suffix == ".json":
        return _guess_json(path, kind)
    if suffix in (".xml", ".zip"):
        return _guess_xml(path, kind)
    return _guess_text(path, kind) or "csv"


def _guess_text(path: Path, kind: Kind) -> str | None:
    text = read_text(path)
    if via_3.looks_like_export(text) or (kind == "hands" and via_2.looks_like_table(text)):
        return "via"
    if kind == "hands":
        return _guess_hand_table(text)
    if boris.looks_like_export(text):
        return "boris"
    if elan_text.looks_like_export(text):
        return "elan-text"
    first = text.lstrip().partition("\n")[0]
    header = {cell.strip().strip('"').lower() for cell in re.split("[,;\t]", first)}
    for name, columns in _ACTION_COLUMNS.items():
        if columns <= header:
            return name
    tests = {
        "assembly101": assembly101.looks_like_labels,
        "audacity": audacity.looks_like_labels,
        "deepethogram": deepethogram.looks_like_labels,
        "mstcn": mstcn.looks_like_labels,
    }
    return next((name for name, looks_right in tests.items() if looks_right(text)), None)


def _guess_hand_table(text: str) -> str | None:
    if deeplabcut.looks_like_table(text):
        return "deeplabcut"
    header = re.split("[,;\t]", text.lstrip().partition("\n")[0])
    if mediapipe.looks_like_landmarks(header):
        return "mediapipe"
    return "100doh" if detections.looks_like_table(header) else None


def _guess_json(path: Path, kind: Kind) -> str | None:
    data = load_json(path)
    keys = set(data) if isinstance(data, dict) else set()
    if looks_like_export(data):
        return "labelstudio"
    if kind == "actions" and activitynet.looks_like_labels(data):
        return "activitynet"
    if via_3.looks_like_project(data) or (kind == "hands" and via_2.looks_like_project(data)):
        return "via"
    if kind == "hands" and "images" in keys:
        return "coco"
    if kind == "hands" and detections.looks_like_json(data):
        return "100doh"
    if kind == "hands" and {"shapes", "imagePath"} <= keys:
        return "labelme"
    return None


def _guess_xml(path: Path, kind: Kind) -> str | None:
    root = load_xml(path)
    if root.tag == "annotations":
        return "cvat"
    if kind == "hands" and root.tag == "annotation":
        return "voc"
    return None
