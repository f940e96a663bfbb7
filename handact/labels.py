"""Labels as plain values: segments of actions, and the arithmetic between segments and frames.

Frames are 0-based indices in presentation order; intervals are half-open, `[start, end)`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from handact.errors import LabelError

__all__ = [
    "HAND_COLUMNS",
    "TRACK_COLUMNS",
    "Segment",
    "fill_background",
    "frame_edges",
    "frames_from_segments",
    "runs",
    "segments_from_frames",
]

HAND_COLUMNS = ("video", "frame", "left_x", "left_y", "right_x", "right_y")
TRACK_COLUMNS = (
    "video", "frame", "left_p", "left_x", "left_y", "right_p", "right_x", "right_y",
)  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """A labelled interval of frames.

    Attributes:
        start_frame: First frame, 0-based.
        end_frame: One past the last frame.
        action: Name of the class.
    """

    start_frame: int
    end_frame: int
    action: str

    def __post_init__(self) -> None:
        if self.start_frame < 0:
            raise LabelError(f"start_frame {self.start_frame} is negative")
        if self.end_frame <= self.start_frame:
            raise LabelError(
                f"end_frame {self.end_frame} is not after start_frame {self.start_frame}"
            )

    def __len__(self) -> int:
        return self.end_frame - self.start_frame


def frames_from_segments(
    segments: Iterable[Segment], num_frames: int, classes: Sequence[str], background: str
) -> np.ndarray:
    """Spell segments out as one class index per frame.

    Args:
        segments: Without overlap; what lies past `num_frames` is cut off.
        num_frames: N, frames in the video.
        classes: Class names; their order gives the indices.
        background: The class of frames that no segment covers.

    Returns:
        (N,) int64.
    """
    index = {name: i for i, name in enumerate(classes)}
    labels = np.full(num_frames, index[background], dtype=np.int64)
    for segment in segments:
        labels[segment.start_frame : segment.end_frame] = index[segment.action]
    return labels


def segments_from_frames(labels: np.ndarray, classes: Sequence[str]) -> list[Segment]:
    """Gather runs of equal labels into segments, background included.

    Args:
        labels: (N,) class indices.
        classes: Class names.
    """
    return [Segment(int(a), int(b), classes[labels[a]]) for a, b in zip(*runs(labels), strict=True)]


def runs(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first frames of the runs of equal labels, and one past the last ones: (R,) each.

    Args:
        labels: (N,) of any kind.
    """
    changes = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    number = len(labels)  # of no labels there is no run
    return np.append(0, changes)[:number], np.append(changes, number)[:number]


def frame_edges(seconds: np.ndarray, fps: float) -> np.ndarray:
    """Return when each frame begins and the last one ends: (N + 1,) seconds.

    Args:
        seconds: (N,) times of the frames, N > 0.
        fps: Frames a second, where there is one frame only.
    """
    last_step = float(np.median(np.diff(seconds))) if len(seconds) > 1 else 1 / fps
    return np.append(seconds, seconds[-1] + last_step)


def fill_background(segments: Iterable[Segment], num_frames: int, background: str) -> list[Segment]:
    """Return the segments in time order with background put into the gaps between them.

    Neighbouring segments of one class stay apart: where a person labelled two, there are two.
    """
    filled: list[Segment] = []
    position = 0
    for segment in sorted(segments):
        if segment.start_frame > position:
            filled.append(Segment(position, segment.start_frame, background))
        filled.append(segment)
        position = segment.end_frame
    if position < num_frames:
        filled.append(Segment(position, num_frames, background))
    return filled
