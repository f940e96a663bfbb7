"""Predictions next to truth, as every report takes them: long videos, trimmed segments, hands."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

__all__ = ["SHIFT_NAMES", "Clips", "EngineResult", "HandPairs", "Sequences", "SweepCell"]

SHIFT_NAMES = {"none": "TSN", "tsm": "TSM", "causal": "TSM, causal"}
"""What networks with a temporal shift, or without, are called."""


@dataclass(frozen=True)
class Sequences:
    """Labels of every frame of some videos.

    Attributes:
        classes: K class names.
        background: One of them.
        truth: (N,) class indices by video.
        predicted: The same.
        fps: Frames per second by video; empty where they are not known for all.
        edges: (N + 1,) seconds by video, at which frames begin and the last one ends; without the
            videos whose time stamps are not known.
        split: Name of the split; None for bare tables.
        run: Name or path of the run; None for bare tables, but for several laid side by side.
        how: Where the data come from, in one sentence.
        notes: What a person should know about the tables, each one sentence.
    """

    classes: tuple[str, ...]
    background: str
    truth: dict[str, np.ndarray]
    predicted: dict[str, np.ndarray]
    fps: dict[str, float] = field(default_factory=dict)
    edges: dict[str, np.ndarray] = field(default_factory=dict)
    split: str | None = None
    run: str | None = None
    how: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class EngineResult:
    """What one engine makes of some videos.

    Attributes:
        engine: windows or stream.
        sequences: Truth, and its cleaned labels.
        raw: (N,) its labels before cleaning, by video.
        seconds: That it took, decoding and cleaning included.
    """

    engine: str
    sequences: Sequences
    raw: dict[str, np.ndarray]
    seconds: float


@dataclass(frozen=True)
class Clips:
    """Classes of trimmed segments, from the central clip of each.

    Attributes:
        classes: K class names.
        truth: (M,) class indices.
        predicted: The same.
        videos: (M,) names of the videos that they lie in; empty where these are not known.
    """

    classes: tuple[str, ...]
    truth: np.ndarray
    predicted: np.ndarray
    videos: np.ndarray = field(default_factory=lambda: np.array([], dtype=str))


@dataclass(frozen=True)
class HandPairs:
    """Hands of labelled frames.

    Attributes:
        truth: (N, 2, 3) frames by (left, right) by (P, x, y).
        predicted: The same; P is 0 where the table has no row.
        frames: The frames: columns video and frame.
        split: Name of the split; None for bare tables.
        how: Where the data come from, in one sentence.
        num_unpredicted: Labelled frames without a row of prediction.
        notes: What a person should know about the tables, each one sentence.
    """

    truth: np.ndarray
    predicted: np.ndarray
    frames: pd.DataFrame
    split: str | None = None
    how: str = ""
    num_unpredicted: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SweepCell:
    """One network of a sweep, measured.

    Attributes:
        shift: A key of SHIFT_NAMES.
        clip_len: T.
        frame_stride: tau.
        seed: Of its training.
        figures: What `report.describe_sequences` says of long videos and trimmed segments.
    """

    shift: str
    clip_len: int
    frame_stride: int
    seed: int
    figures: dict[str, Any]

    def class_f1(self, level: Literal["segment", "sequence"]) -> dict[str, float]:
        """Return F1 (of long videos F1@50), percent, of each class that occurs in the truth."""
        key, figures = "f1@50", self.figures
        if level == "segment":
            key, figures = "f1", self.figures["segment_level"] or {"per_class": {}}
        return {name: row[key] for name, row in figures["per_class"].items() if row["support"]}
