"""Predictions next to truth, as every report takes them: long videos, trimmed segments, hands."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

__all__ = ["Clips", "EngineResult", "HandPairs", "Sequences"]


@dataclass(frozen=True)
class Sequences:
    """Labels of every frame of some videos.

    Attributes:
        classes: K class names.
        background: One of them.
        truth: (N,) class indices by video.
        predicted: The same.
        fps: Frames per second by video; empty where they are not known for all.
        split: Name of the split; None for bare tables.
        run: Name or path of the run; None for bare tables.
        how: Where the data come from, in one sentence.
        notes: What a person should know about the tables, each one sentence.
    """

    classes: tuple[str, ...]
    background: str
    truth: dict[str, np.ndarray]
    predicted: dict[str, np.ndarray]
    fps: dict[str, float] = field(default_factory=dict)
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
    """Class indices (M,) of trimmed segments, from the central clip of each."""

    classes: tuple[str, ...]
    truth: np.ndarray
    predicted: np.ndarray


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
