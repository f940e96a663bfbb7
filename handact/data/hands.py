"""Labelled frames for the localiser, decoded once and kept at the network's size."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from handact.data.resize import resize
from handact.dataset import Dataset, Video
from handact.errors import LabelError
from handact.files import atomic_path, write_json
from handact.progress import Progress
from handact.video import FrameStream, file_fingerprint

__all__ = ["HandFrames", "hand_labels", "hands_array", "load_hand_frames"]

CACHE_VERSION = 3


@dataclass(frozen=True)
class HandFrames:
    """Labelled frames of one or more videos.

    Attributes:
        table: (N rows) video, frame.
        truth: (N, 2, 3) float32 P, x, y of the left and right hand; x, y are 0 where P is 0.
        images: For each row, the picture (size, size, 3) uint8 RGB, read when it is asked for.
    """

    table: pd.DataFrame
    truth: np.ndarray
    images: list[np.ndarray]

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: np.ndarray) -> "HandFrames":
        """Return the frames of some rows."""
        table = self.table.iloc[rows].reset_index(drop=True)
        return HandFrames(table, self.truth[rows], [self.images[i] for i in rows])

    def batch(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return pictures (B, size, size, 3) and truth (B, 2, 3) of some rows."""
        return np.stack([self.images[i] for i in rows]), self.truth[rows]


def hands_array(table: pd.DataFrame) -> np.ndarray:
    """Return (N, 2, 3) float32 P, x, y of a table with HAND_COLUMNS; zeros for absent hands."""
    columns = ["left_x", "left_y", "right_x", "right_y"]
    position = table[columns].to_numpy(np.float32).reshape(-1, 2, 2)
    present = ~np.isnan(position).any(-1, keepdims=True)
    return np.concatenate([present, np.nan_to_num(position)], axis=-1).astype(np.float32)


def hand_labels(dataset: Dataset) -> pd.DataFrame:
    """Return the labels of a dataset, ordered by video and frame.

    Raises:
        LabelError: No frame is labelled.
    """
    if dataset.hands.empty:
        raise LabelError(
            f"{dataset.root / 'hands.csv'}: no labelled frames",
            "bring some in with `handact import hands FILE`",
        )
    return dataset.hands.sort_values(["video", "frame"], ignore_index=True)


def load_hand_frames(
    dataset: Dataset, size: int, *, on_progress: Progress | None = None
) -> HandFrames:
    """Return every labelled frame of a dataset at the localiser's size.

    They are kept in `cache/hands`, one file a video, and decoded again when the video, its labelled
    frames or the size changed.

    Raises:
        LabelError: No frame is labelled, or a label lies beyond the end of its video.
    """
    labels, images = hand_labels(dataset), []
    groups = labels.groupby("video", sort=False)
    for done, (name, table) in enumerate(groups):
        if on_progress:
            on_progress(done, len(groups))
        images += list(
            _cached_frames(dataset, dataset.videos[str(name)], table["frame"].to_numpy(), size)
        )
    if on_progress:
        on_progress(len(groups), len(groups))
    return HandFrames(labels[["video", "frame"]], hands_array(labels), images)


def _cached_frames(dataset: Dataset, video: Video, frames: np.ndarray, size: int) -> np.ndarray:
    """Return (M, size, size, 3) of the wanted frames, memory-mapped."""
    folder = dataset.cache / "hands"
    pixels, note = folder / f"{video.name}.npy", folder / f"{video.name}.json"
    key = {
        "version": CACHE_VERSION,
        "size": size,
        "video": list(file_fingerprint(video.path)),
        "frames": frames.tolist(),
    }
    if not (pixels.exists() and note.exists() and json.loads(note.read_bytes()) == key):
        note.unlink(missing_ok=True)
        with atomic_path(pixels) as temporary:
            _decode_frames(video, frames, size, temporary)
        write_json(note, key)
    return np.load(pixels, mmap_mode="r")


def _decode_frames(video: Video, frames: np.ndarray, size: int, path: Path) -> None:
    """Write the frames of these ascending indices as an array of NumPy's format."""
    # Written piece by piece: a memory map of a disk that fills up ends the process.
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(frames), size, size, 3)}
    wanted, found = set(frames.tolist()), 0
    with path.open("wb") as file, FrameStream(video.path, fps=video.fps) as stream:
        np.lib.format.write_array_header_1_0(file, header)
        for frame in stream:
            if frame.index in wanted:
                file.write(resize(frame.image, size, size).tobytes())
                found += 1
                if found == len(wanted):
                    break
    if found < len(frames):
        raise LabelError(
            f"{video.path}: labels up to frame {int(frames.max())}, "
            f"but only {found} of {len(frames)} labelled frames could be read",
            "run `handact check`",
        )
