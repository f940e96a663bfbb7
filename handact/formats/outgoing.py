"""What writers of label files are given."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from handact.formats.videos import Video
from handact.labels import Segment

__all__ = ["HAND_LABELS", "ActionExport", "HandExport", "image_name"]

HAND_LABELS = {"left": "left_hand", "right": "right_hand"}
"""What hands are called in files of tools that know labels alone."""


@dataclass(frozen=True, kw_only=True)
class ActionExport:
    """Actions to be written for another tool.

    Attributes:
        videos: Those to be written, by name.
        actions: The segments of each of them, in order.
        confidence: Beside each segment, where these are predictions; 0..1.
        edges: Gives (N + 1,) seconds of a video by its name: when each frame begins, counted from
            the first, and when the last one ends.
        classes: Of the dataset, in its order.
        background: One of them.
        notes: What a person should know; writers add to it.
    """

    videos: dict[str, Video]
    actions: dict[str, list[Segment]]
    confidence: dict[str, list[float]] | None
    edges: Callable[[str], np.ndarray]
    classes: tuple[str, ...]
    background: str
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class HandExport:
    """Hand positions to be written for another tool.

    Attributes:
        videos: Those to be written, by name.
        hands: HAND_COLUMNS or TRACK_COLUMNS, ordered by video and frame.
        box: Side of the square that stands for a hand in formats that know boxes alone, as a
            fraction of the picture's short side.
        notes: What a person should know; writers add to it.
    """

    videos: dict[str, Video]
    hands: pd.DataFrame
    box: float = 0.1
    notes: list[str] = field(default_factory=list)

    def box_size(self, video: Video, x: float, y: float) -> tuple[float, float]:
        """Return width and height of the box of a hand at (x, y), all of it as fractions.

        Near an edge it is smaller, so that it stays inside the picture with its centre where it is.
        """
        side = self.box * min(video.width, video.height)
        width, height = side / video.width, side / video.height
        return min(width, 2 * x, 2 - 2 * x), min(height, 2 * y, 2 - 2 * y)


def image_name(video: str, frame: int) -> str:
    """Return the name of a frame's picture that `handact.formats.to_hands` understands."""
    return f"{video}_{frame:06d}.jpg"
