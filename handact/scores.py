"""NAME.scores.npz: what the networks said of every frame, from which cleaning can start again."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from handact import __version__
from handact.cleaning import (
    LabelStatistics,
    clean_cutoff,
    clean_online,
    clean_viterbi,
    cutoff_frames,
)
from handact.config import SegmentConfig
from handact.errors import CheckpointError
from handact.files import atomic_path
from handact.labels import Segment, frame_edges, frames_from_segments, segments_from_frames
from handact.plots import TimelineRow, plot_timeline

__all__ = [
    "Scores",
    "clean_scores",
    "read_scores",
    "segment_table",
    "write_segment_table",
    "write_segments",
]

SCORES_FORMAT = 3


@dataclass(frozen=True)
class Scores:
    """What the networks say of each frame of a video.

    Attributes:
        probabilities: (N, K) float32, class probabilities.
        seconds: (N,) time of each frame.
        hands: (N, 2, 3) float32 P, x, y of the left and right hand; NaN positions where absent.
        classes: K class names.
        background: One of them.
        statistics: Of the labels that the network was trained on, for cleaning.
        fps: Frames a second.
        made_by: Video, checkpoint and settings that they come from.
        damage: What was wrong with the video, in words; empty where nothing was.
    """

    probabilities: np.ndarray
    seconds: np.ndarray
    hands: np.ndarray
    classes: tuple[str, ...]
    background: str
    statistics: LabelStatistics
    fps: float
    made_by: dict[str, Any]
    damage: str

    def save(self, path: Path) -> None:
        """Write NAME.scores.npz, whole or not at all."""
        about = {
            "format": SCORES_FORMAT,
            "classes": self.classes,
            "background": self.background,
            "statistics": asdict(self.statistics),
            "fps": self.fps,
            "made_by": self.made_by,
            "damage": self.damage,
        }
        with atomic_path(path) as temporary:
            np.savez(
                temporary,
                probabilities=self.probabilities,
                seconds=self.seconds,
                hands=self.hands,
                about=np.array(json.dumps(about)),
            )

    @classmethod
    def load(cls, path: Path) -> "Scores":
        """Read NAME.scores.npz.

        Raises:
            OSError, ValueError, KeyError: It is not there, or is no such file.
            CheckpointError: It is newer than this program.
        """
        with np.load(path) as arrays:
            about = json.loads(str(arrays["about"]))
            version = about.pop("format")
            if version > SCORES_FORMAT:
                raise CheckpointError(
                    f"{path}: scores of a newer handact than this {__version__}",
                    "update handact, or choose another folder with `--output`",
                )
            if version < SCORES_FORMAT:
                raise ValueError(f"{path}: scores of an older version")
            about["classes"] = tuple(about["classes"])
            about["statistics"] = LabelStatistics(**about["statistics"])
            names = ("probabilities", "seconds", "hands")
            return cls(**{name: arrays[name] for name in names}, **about)


def read_scores(path: Path) -> Scores:
    """Read NAME.scores.npz that a person named.

    Raises:
        CheckpointError: It is no such file, or of another version.
        OSError: It cannot be read.
    """
    try:
        return Scores.load(path)
    except (ValueError, KeyError, TypeError, BadZipFile, EOFError) as error:
        raise CheckpointError(
            f"{path}: not scores of this handact",
            "`handact segment VIDEO` writes NAME.scores.npz",
        ) from error


def clean_scores(scores: Scores, config: SegmentConfig) -> list[Segment]:
    """Turn scores into segments that cover the video, cleaned as the settings say."""
    return segments_from_frames(_clean(scores, config), scores.classes)


def _clean(scores: Scores, config: SegmentConfig) -> np.ndarray:
    if config.cleaning == "none":
        return scores.probabilities.argmax(1)
    if config.cleaning == "viterbi":
        return clean_viterbi(
            scores.probabilities,
            scores.statistics,
            scores.classes,
            scores.background,
            scores.fps,
            weight=config.viterbi_weight,
        )
    cutoffs = cutoff_frames(
        scores.statistics,
        scores.classes,
        scores.fps,
        quantile=config.cutoff_quantile,
        seconds=config.cutoff_seconds,
    )
    if config.cleaning == "online":
        background = scores.classes.index(scores.background)
        return clean_online(scores.probabilities, cutoffs, background)
    return clean_cutoff(scores.probabilities, cutoffs)


def segment_table(video: str, segments: list[Segment], scores: Scores) -> pd.DataFrame:
    """Return segments as a table.

    Columns: video, start_frame, end_frame, start_seconds, end_seconds, action, confidence. A
    segment ends in seconds where the next frame begins; confidence is the mean probability of its
    class over its frames, in 0..1.
    """
    times = frame_edges(scores.seconds, scores.fps)
    index = {name: i for i, name in enumerate(scores.classes)}
    rows = [
        {
            "video": video,
            "start_frame": s.start_frame,
            "end_frame": s.end_frame,
            "start_seconds": round(float(times[s.start_frame]), 3),
            "end_seconds": round(float(times[s.end_frame]), 3),
            "action": s.action,
            "confidence": round(
                float(scores.probabilities[s.start_frame : s.end_frame, index[s.action]].mean()), 4
            ),
        }
        for s in segments
    ]
    return pd.DataFrame(rows)


def write_segment_table(path: Path, table: pd.DataFrame) -> None:
    """Write NAME.segments.csv, whole or not at all."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False)


def write_segments(folder: Path, name: str, segments: list[Segment], scores: Scores) -> Path:
    """Write NAME.segments.csv and NAME.timeline.png, and return the table's path."""
    path = folder / f"{name}.segments.csv"
    write_segment_table(path, segment_table(name, segments, scores))
    _draw_timeline(folder / f"{name}.timeline.png", name, segments, scores)
    return path


def _draw_timeline(path: Path, name: str, segments: list[Segment], scores: Scores) -> None:
    number = len(scores.seconds)
    labels = frames_from_segments(segments, number, scores.classes, scores.background)
    # What stands at even steps of time: what follows a gap must not move forward into it.
    middles = (np.arange(number) + 0.5) / scores.fps
    shown = np.maximum(0, np.searchsorted(scores.seconds, middles, side="right") - 1)
    row = TimelineRow(
        name,
        labels[shown],
        fps=scores.fps,
        confidence=scores.probabilities[shown, labels[shown]],
    )
    # Who has but the picture must see as well that time is missing from it.
    title = f"damaged video: {scores.damage}" if scores.damage else None
    plot_timeline(path, [row], scores.classes, scores.background, title=title)
