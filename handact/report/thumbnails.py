"""Small pictures of single frames of the videos of a dataset."""

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from handact.data.resize import resize
from handact.dataset import Dataset, Video
from handact.dataset.folder import index_path
from handact.errors import VideoError
from handact.video import Frame, FrameStream, VideoIndex, VideoReader

__all__ = ["as_jpeg", "read_thumbnails"]

_HEIGHT_TO_WIDTH = 4 / 3  # at most: an upright picture is made as wide as this allows
_QUALITY = 80


def read_thumbnails(
    dataset: Dataset, wanted: Iterable[tuple[str, int]], *, width: int = 240
) -> tuple[dict[tuple[str, int], np.ndarray], tuple[str, ...]]:
    """Return small pictures of some frames; each video is read once.

    Where the index of a video is kept, only what is needed is decoded, otherwise everything up to
    the last of its frames.

    Args:
        dataset: Where the videos are.
        wanted: Video names and frames. What a video has not is left out.
        width: In pixels; a picture that is much higher than wide becomes narrower.

    Returns:
        (h, w, 3) uint8 RGB by video name and frame, and a sentence for each video that cannot be
        read.
    """
    frames: dict[str, set[int]] = {}
    for name, frame in wanted:
        frames.setdefault(name, set()).add(frame)
    found: dict[tuple[str, int], np.ndarray] = {}
    notes = []
    for name, some in frames.items():
        try:
            for frame in _read(dataset, dataset.videos[name], some):
                found[name, frame.index] = _shrink(frame.image, width)
        except VideoError as error:
            notes.append(f"no pictures of video {name!r}: {error.message}")
    return found, tuple(notes)


def _read(dataset: Dataset, video: Video, frames: Collection[int]) -> Iterator[Frame]:
    index = VideoIndex.load(index_path(dataset.root, video.name), video.path)
    if index is None:
        return _pass(video.path, frames, video.fps)
    return _seek(video.path, frames, index)


def _seek(path: Path, frames: Collection[int], index: VideoIndex) -> Iterator[Frame]:
    with VideoReader(path, index) as reader:
        for i in sorted(frames):
            if i < len(reader):
                yield reader[i]


def _pass(path: Path, frames: Collection[int], fps: float) -> Iterator[Frame]:
    with FrameStream(path, fps=fps) as stream:
        for frame in islice(stream, max(frames) + 1):
            if frame.index in frames:
                yield frame


def _shrink(image: np.ndarray, width: int) -> np.ndarray:
    scale = min(1, width / image.shape[1], width * _HEIGHT_TO_WIDTH / image.shape[0])
    return resize(image, *(max(1, round(scale * side)) for side in image.shape[1::-1]))


def as_jpeg(image: np.ndarray, quality: int = _QUALITY) -> bytes:
    """Return a (H, W, 3) uint8 RGB picture as JPEG, quality 0..100."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1].tobytes()
