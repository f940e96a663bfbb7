"""Whole evaluations as plain dicts: trimmed segments, and long videos."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

import numpy as np

from handact.metrics.counts import Counts, percent
from handact.metrics.segments import (
    SegmentCounts,
    boundary_errors,
    confusion_matrix,
    edit_score,
    frame_accuracy,
    segment_counts,
    segment_lengths,
)

__all__ = ["OVERLAPS", "Average", "clip_metrics", "sequence_metrics"]

OVERLAPS = (0.1, 0.25, 0.5)

Average = Literal["pooled", "video"]


def clip_metrics(truth: np.ndarray, predicted: np.ndarray, classes: Sequence[str]) -> dict:
    """Score trimmed segments, one prediction each.

    Args:
        truth: (M,) class indices.
        predicted: (M,) class indices.
        classes: K names.

    Returns:
        `accuracy`, `macro_f1` (over classes that occur in the truth), `num_segments`, `per_class`
        {name: precision, recall, f1, support, predicted}, and `confusion` (K, K lists). The scores
        of a class that is neither there nor predicted are None.
    """
    matrix = confusion_matrix(truth, predicted, len(classes))
    counts = zip(classes, _matrix_counts(matrix), strict=True)
    per_class = {name: _scores(c, "precision", "recall", "f1") for name, c in counts}
    return {
        "accuracy": frame_accuracy(truth, predicted),
        "macro_f1": _macro(per_class, "f1"),
        "num_segments": len(truth),
        "per_class": per_class,
        "confusion": matrix.tolist(),
    }


def sequence_metrics(
    truth: Mapping[str, np.ndarray],
    predicted: Mapping[str, np.ndarray],
    classes: Sequence[str],
    *,
    background: str,
    include_background: bool = False,
    average: Average = "pooled",
    fps: Mapping[str, float] | None = None,
) -> dict:
    """Score long videos: frame accuracy, edit, F1@{10, 25, 50}, and what is behind them.

    Args:
        truth: Video name to (N,) class indices.
        predicted: The same videos, of the same lengths.
        classes: K names.
        background: One of `classes`.
        include_background: Count background segments in edit and F1, as the paper does; MS-TCN
            leaves them out. Frame accuracy always counts every frame.
        average: "pooled" adds the counts of all videos up (MS-TCN). "video" takes the mean over
            videos of F1 and frame accuracy (ED-TCN); a video without any segment, true or
            predicted, has no F1 and is left out of its mean. Edit is always a mean over videos.
        fps: Frames per second of every video; without it times are in frames.

    Returns:
        `frame_accuracy`, `frame_accuracy_without_background` (frames whose truth is background
        left out, pooled), `edit`, `f1@10`, `f1@25`, `f1@50`, `macro_f1@50` (over classes that
        occur in the truth, pooled), `per_class` (pooled; None where a class is neither there nor
        predicted), `counts`, `boundary_errors`, `confusion` (frames, K by K lists), and
        `variant`, which says how all this was computed.

    Raises:
        ValueError: The videos or their lengths differ, or there is no video.
    """
    _check_videos(truth, predicted)
    at = classes.index(background)
    left_out = None if include_background else at
    counts = {
        iou: [segment_counts(truth[v], predicted[v], iou, left_out) for v in truth]
        for iou in OVERLAPS
    }
    matrix = sum(confusion_matrix(truth[v], predicted[v], len(classes)) for v in truth)
    actions = np.delete(matrix, at, axis=0)
    correct = np.trace(matrix) - matrix[at, at]
    per_class = _per_class(classes, matrix, _sum(counts[0.5]), left_out)
    for key, labels in (("mean_duration", truth), ("predicted_mean_duration", predicted)):
        _add_durations(per_class, key, labels, classes, fps)
    return {
        "frame_accuracy": _mean_accuracy(truth, predicted, average),
        "frame_accuracy_without_background": percent(int(correct), int(actions.sum())),
        "edit": float(np.mean([edit_score(truth[v], predicted[v], left_out) for v in truth])),
        **{f"f1@{_name(iou)}": _mean_f1(counts[iou], average) for iou in OVERLAPS},
        "macro_f1@50": _macro(per_class, "f1@50"),
        "per_class": per_class,
        "counts": {_name(iou): _describe_counts(_sum(counts[iou])) for iou in OVERLAPS},
        "boundary_errors": _describe_boundaries(truth, predicted, left_out, fps),
        "confusion": matrix.tolist(),
        "variant": _describe_variant(truth, background, include_background, average)
        | {"time_unit": "seconds" if fps else "frames"},
    }


def _mean_accuracy(
    truth: Mapping[str, np.ndarray], predicted: Mapping[str, np.ndarray], average: Average
) -> float:
    if average == "video":
        return float(np.mean([frame_accuracy(truth[v], predicted[v]) for v in truth]))
    return frame_accuracy(
        *(np.concatenate([labels[v] for v in truth]) for labels in (truth, predicted))
    )


def _mean_f1(counts: Sequence[SegmentCounts], average: Average) -> float:
    if average == "pooled":
        return _sum(counts).f1
    return float(np.mean([c.f1 for c in counts if c.by_class] or [0.0]))


def _per_class(
    classes: Sequence[str], matrix: np.ndarray, segments: SegmentCounts, left_out: int | None
) -> dict[str, dict]:
    per_class = {}
    for i, frames in enumerate(_matrix_counts(matrix)):
        if i != left_out:
            row = _scores(segments.by_class.get(i, Counts()), "precision", "recall", "f1@50")
            row |= {
                f"frame_{k}": v for k, v in _scores(frames, "precision", "recall", "f1").items()
            }
            per_class[classes[i]] = row
    return per_class


def _add_durations(
    per_class: dict[str, dict],
    key: str,
    labels: Mapping[str, np.ndarray],
    classes: Sequence[str],
    fps: Mapping[str, float] | None,
) -> None:
    durations: dict[str, list[float]] = {name: [] for name in per_class}
    for video, frames in labels.items():
        for label, lengths in segment_lengths(frames).items():
            if classes[label] in durations:
                rate = fps[video] if fps else 1
                durations[classes[label]] += [length / rate for length in lengths]
    for name, values in durations.items():
        per_class[name][key] = float(np.mean(values)) if values else None


def _scores(counts: Counts, *names: str) -> dict[str, float | int | None]:
    values = (counts.precision, counts.recall, counts.f1)
    is_empty = counts == Counts()
    return {name: None if is_empty else x for name, x in zip(names, values, strict=True)} | {
        "support": counts.tp + counts.fn,
        "predicted": counts.tp + counts.fp,
    }


def _matrix_counts(matrix: np.ndarray) -> list[Counts]:
    tp = np.diag(matrix)
    fp, fn = matrix.sum(axis=0) - tp, matrix.sum(axis=1) - tp
    return [Counts(*map(int, row)) for row in zip(tp, fp, fn, strict=True)]


def _macro(per_class: Mapping[str, Mapping[str, Any]], key: str) -> float | None:
    """Classes without truth have no recall; what is predicted of them shows in the pooled F1."""
    values = [row[key] for row in per_class.values() if row["support"]]
    return float(np.mean(values)) if values else None


def _sum(counts: Iterable[SegmentCounts]) -> SegmentCounts:
    return sum(counts, SegmentCounts({}, 0))


def _name(iou: float) -> str:
    return f"{100 * iou:.0f}"


def _describe_counts(counts: SegmentCounts) -> dict[str, float]:
    return {
        **asdict(counts.total),
        "optimal_tp": counts.optimal_tp,
        "optimal_f1": counts.optimal_f1,
    }


def _describe_boundaries(
    truth: Mapping[str, np.ndarray],
    predicted: Mapping[str, np.ndarray],
    left_out: int | None,
    fps: Mapping[str, float] | None,
) -> dict[str, Any]:
    errors = np.concatenate(
        [
            boundary_errors(truth[v], predicted[v], 0.5, left_out) / (fps[v] if fps else 1)
            for v in truth
        ]
    )
    return {
        "unit": "seconds" if fps else "frames",
        "matched_segments": len(errors),
        "start": _describe_errors(errors[:, 0]),
        "end": _describe_errors(errors[:, 1]),
    }


def _describe_errors(errors: np.ndarray) -> dict[str, float] | None:
    if not len(errors):
        return None
    size = np.abs(errors)
    return {
        "mean": float(errors.mean()),
        "mean_absolute": float(size.mean()),
        "median_absolute": float(np.median(size)),
        "p90_absolute": float(np.quantile(size, 0.9)),
    }


def _describe_variant(
    truth: Mapping[str, np.ndarray], background: str, include_background: bool, average: Average
) -> dict[str, Any]:
    return {
        "background": background,
        "background_in_edit_and_f1": include_background,
        "background_in_frame_accuracy": True,
        "average": average,
        "edit": "mean over videos",
        "matching": "time order, best tIoU of the same class, first come first served (MS-TCN)",
        "per_class": "segments at tIoU >= 0.5, pooled over videos",
        "num_videos": len(truth),
        "num_frames": sum(len(labels) for labels in truth.values()),
    }


def _check_videos(truth: Mapping[str, np.ndarray], predicted: Mapping[str, np.ndarray]) -> None:
    if not truth or truth.keys() != predicted.keys():
        raise ValueError("`truth` and `predicted` must hold the same videos, and at least one")
