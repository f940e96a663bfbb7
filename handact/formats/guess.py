"""What format a file of labels is, told by its name and its first lines."""

from pathlib import Path
from typing import Literal

from handact.errors import LabelError
from handact.formats.loading import load_json
from handact.formats.text import show_path

__all__ = ["Kind", "guess_format"]

Kind = Literal["actions", "hands"]


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
    if kind == "actions" and (path / "groundTruth").is_dir():
        return "mstcn"
    return None


def _guess_file(path: Path, kind: Kind) -> str | None:
    suffix = path.suffix.lower()
    if suffix == ".json":
        return _guess_json(path, kind)
    return "csv"


def _guess_json(path: Path, kind: Kind) -> str | None:
    data = load_json(path)
    keys = set(data) if isinstance(data, dict) else set()
    if kind == "hands" and "images" in keys:
        return "coco"
    return None
