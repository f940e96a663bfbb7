"""What is made of scores without the network: segments, their table, and their picture."""

from pathlib import Path

import numpy as np
import pandas as pd

from handact.cleaning import clean_labels
from handact.config import SegmentConfig
from handact.files import atomic_path
from handact.labels import Segment, frames_from_segments, segments_from_frames
from handact.plots import TimelineRow, plot_timeline
from handact.scores import Scores

__all__ = ["clean_scores", "segment_table", "write_segment_table", "write_segments"]


def clean_scores(scores: Scores, config: SegmentConfig) -> list[Segment]:
    """Turn scores into segments that cover the video, cleaned as the settings say."""
    labels = clean_labels(
        scores.probabilities,
        scores.edges,
        scores.statistics,
        scores.classes,
        scores.background,
        config,
    )
    return segments_from_frames(labels, scores.classes)


def segment_table(video: str, segments: list[Segment], scores: Scores) -> pd.DataFrame:
    """Return segments as a table.

    Columns: video, start_frame, end_frame, start_seconds, end_seconds, action, confidence. A
    segment ends in seconds where the next frame begins; confidence is the mean probability of its
    class over its frames, in 0..1.
    """
    times = scores.edges
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
