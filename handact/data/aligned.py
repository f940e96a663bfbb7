"""The aligned cache: a video's scaled frames and cut-outs, decoded once for all epochs.

Three files a video below `cache/aligned`: NAME.jpegs holds the pictures one after another, NAME.npz
where each begins together with hands and boxes, NAME.json what made them. The last is written last;
a cache without it, or with other words in it, is made again.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from handact.files import atomic_path, write_json

__all__ = ["AlignedCache", "AlignedFrame", "is_current", "write_aligned"]


@dataclass(frozen=True, slots=True)
class AlignedFrame:
    """A frame as the action network will see it, and where its cut-outs come from.

    Attributes:
        index: Frame of the video.
        seconds: Its time.
        source: (W, H) of the video, pixels.
        scaled: (h, w, 3) uint8 RGB, short side S.
        cutouts: (2, c, c, 3) uint8 RGB of the left and right hand, black where there is none.
        hands: (2, 3) P, x, y; NaN positions where there is none.
        boxes: (2, 4) left, top, width, height of the cut-outs in source pixels.
    """

    index: int
    seconds: float
    source: tuple[int, int]
    scaled: np.ndarray
    cutouts: np.ndarray | None
    hands: np.ndarray
    boxes: np.ndarray


class AlignedCache:
    """Random access to the aligned frames of one video.

    Attributes:
        num_frames: N.
        source: (W, H) of the video, pixels.
        scaled: (w, h) of the scaled frames, pixels.
        cutout_side: Of the square cut-outs, pixels; 0 where hands were left out.
        hands: (N, 2, 3) P, x, y; NaN positions where there is no hand.
        boxes: (N, 2, 4) cut-outs in source pixels.
        seconds: (N,).
    """

    def __init__(self, folder: Path, video: str) -> None:
        self._path = folder / f"{video}.jpegs"
        with np.load(folder / f"{video}.npz") as tables:
            self._ends = tables["ends"]
            self.hands, self.boxes = tables["hands"], tables["boxes"]
            self.seconds = tables["seconds"]
            self.source = tuple(int(v) for v in tables["source"])
            self.scaled = tuple(int(v) for v in tables["scaled"])
            self.cutout_side = int(tables["cutout_side"])
        self.num_frames = len(self.seconds)
        self._bytes: np.ndarray | None = None

    def frame(self, index: int) -> np.ndarray:
        """Return the scaled frame (h, w, 3) uint8 RGB."""
        return self._decode(3 * index)

    def cutout(self, index: int, hand: int) -> np.ndarray | None:
        """Return a cut-out (c, c, 3) uint8 RGB of hand 0 (left) or 1, None where there is none."""
        return self._decode(3 * index + 1 + hand)

    def __getstate__(self) -> dict[str, Any]:
        # A reading process opens the file for itself.
        return {**self.__dict__, "_bytes": None}

    def _decode(self, picture: int) -> np.ndarray | None:
        if self._bytes is None:
            self._bytes = np.memmap(self._path, dtype=np.uint8, mode="r")
        start = int(self._ends[picture - 1]) if picture else 0
        coded = self._bytes[start : int(self._ends[picture])]
        if len(coded) == 0:
            return None
        return cv2.cvtColor(cv2.imdecode(coded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def is_current(
    folder: Path, video: str, made_by: dict[str, Any], *, part: str | None = None
) -> bool:
    """Tell whether the cache of a video was made by just this, or that part of it."""
    try:
        found = json.loads((folder / f"{video}.json").read_bytes())
    except (FileNotFoundError, json.JSONDecodeError):
        return False
    return found == made_by if part is None else found.get(part) == made_by[part]


def write_aligned(
    folder: Path,
    video: str,
    frames: Iterable[AlignedFrame],
    made_by: dict[str, Any],
    *,
    jpeg_quality: int,
) -> None:
    """Write the cache of one video, frame by frame.

    Args:
        folder: Where caches lie.
        video: Its name.
        frames: In order.
        made_by: What is_current will compare.
        jpeg_quality: 0..100.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{video}.json").unlink(missing_ok=True)
    hands, boxes, seconds, ends = [], [], [], []
    frame = None
    with _blob(folder / f"{video}.jpegs") as append:
        for frame in frames:
            ends.append(append(_encode(frame.scaled, jpeg_quality)))
            for hand in (0, 1):
                there = frame.cutouts is not None and frame.boxes[hand, 2] > 0
                coded = _encode(frame.cutouts[hand], jpeg_quality) if there else b""
                ends.append(append(coded))
            hands.append(frame.hands)
            boxes.append(frame.boxes)
            seconds.append(frame.seconds)
    assert frame is not None, "a video has at least one frame"
    with atomic_path(folder / f"{video}.npz") as temporary:
        np.savez(
            temporary,
            hands=np.stack(hands).astype(np.float32),
            boxes=np.stack(boxes).astype(np.int32),
            seconds=np.array(seconds),
            ends=np.array(ends, dtype=np.int64),
            source=np.array(frame.source),
            scaled=np.array(frame.scaled.shape[1::-1]),
            cutout_side=0 if frame.cutouts is None else frame.cutouts.shape[1],
        )
    write_json(folder / f"{video}.json", made_by)


@contextmanager
def _blob(path: Path) -> Iterator[Any]:
    """Give a function that appends bytes to a file and returns where they end."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:

        def append(data: bytes) -> int:
            file.write(data)
            return file.tell()

        yield append


def _encode(picture: np.ndarray, quality: int) -> bytes:
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
