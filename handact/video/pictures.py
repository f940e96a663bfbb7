"""Folders of pictures as videos: frame i is the i-th picture in natural order."""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np

from handact.errors import VideoError

__all__ = [
    "as_rate",
    "file_fingerprint",
    "holds_pictures",
    "list_pictures",
    "no_pictures",
    "read_picture",
]

PICTURES = (".jpg", ".jpeg", ".png")


def holds_pictures(folder: Path) -> bool:
    """Tell whether a folder can be read as a video."""
    return bool(_pictures(folder))


def _pictures(folder: Path) -> list[Path]:
    return [p for p in folder.iterdir() if p.suffix.lower() in PICTURES and p.name[0] != "."]


def list_pictures(folder: Path) -> list[Path]:
    """Return the pictures of a folder in natural order: frame_9 before frame_10."""
    names = _pictures(folder)
    if not names:
        raise no_pictures(folder)
    return sorted(names, key=lambda p: (_natural_key(p.name), p.name))


def _natural_key(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def no_pictures(folder: Path) -> VideoError:
    return VideoError(
        f"{folder}: no pictures in the folder", f"frames are {', '.join(PICTURES)} files"
    )


def read_picture(path: Path, size: tuple[int, int] | None) -> np.ndarray:
    """Return (H, W, 3) uint8 RGB, upright; scaled to (width, height) if it has another size."""
    import cv2

    data = np.frombuffer(path.read_bytes(), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if image is None:
        raise VideoError(f"{path}: not a picture that can be read", "make it again, or remove it")
    if size is not None and image.shape[1::-1] != size:
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def as_rate(fps: float) -> Fraction:
    rate = Fraction(fps).limit_denominator(1001)
    if rate <= 0:
        raise ValueError(f"a frame rate is above 0, not {fps}")
    return rate


def file_fingerprint(path: Path) -> tuple[int, int]:
    """Return size and time of the last change (ns) of a file, or of a folder's pictures."""
    if path.is_dir():
        stats = [picture.stat() for picture in list_pictures(path)]
        return sum(s.st_size for s in stats), max((s.st_mtime_ns for s in stats), default=0)
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns
