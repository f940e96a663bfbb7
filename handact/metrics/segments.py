"""Frames and segments of one video: accuracy, edit score, matched segments, boundary errors.

Sources:
    MS-TCN: Farha and Gall, CVPR 2019, arXiv:1903.01945, `eval.py` of yabufarha/ms-tcn.
    ED-TCN: Lea et al., CVPR 2017, arXiv:1611.05267.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from handact.metrics.counts import Counts, f1, percent

__all__ = [
    "SegmentCounts",
    "boundary_errors",
    "confusion_matrix",
    "edit_score",
    "frame_accuracy",
    "segment_counts",
    "segment_lengths",
]


def frame_accuracy(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Return the percent of frames with the right label, background included; 0 of no frames.

    Args:
        truth: (N,) labels.
        predicted: (N,) labels.
    """
    _check_lengths(truth, predicted)
    return percent(int(np.sum(np.asarray(truth) == np.asarray(predicted))), len(truth))


def confusion_matrix(truth: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Count label pairs: (K, K) int64, rows are truth, columns are prediction.

    Args:
        truth: (N,) class indices.
        predicted: (N,) class indices.
        num_classes: K.
    """
    _check_lengths(truth, predicted)
    pairs = np.asarray(truth, np.int64) * num_classes + np.asarray(predicted, np.int64)
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


@dataclass(frozen=True, slots=True)
class _Runs:
    """Runs of equal labels in time order: labels, first frames, one past last frames."""

    labels: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


def _runs(labels: np.ndarray, background: Hashable | None) -> _Runs:
    """Background goes after splitting, so runs of one action on its two sides stay two."""
    labels = np.asarray(labels)
    changes = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    edges = np.concatenate([[0], changes, [len(labels)]]) if len(labels) else np.zeros(1, int)
    names = labels[edges[:-1]]
    keep = np.ones(len(names), bool) if background is None else names != background
    return _Runs(names[keep], edges[:-1][keep], edges[1:][keep])


def edit_score(
    truth: np.ndarray, predicted: np.ndarray, background: Hashable | None = None
) -> float:
    """Return 100 · (1 − D / max(m, n)), D the Levenshtein distance of the orders of actions.

    Args:
        truth: (N,) labels of one video, giving m segments.
        predicted: Labels of the same video, giving n segments.
        background: Label whose segments are left out; None keeps all.

    Returns:
        Percent: 100 where neither has a segment, 0 where only one has.
    """
    a, b = _runs(truth, background).labels, _runs(predicted, background).labels
    if not len(a) and not len(b):
        return 100.0
    return 100.0 * (1 - _levenshtein(a, b) / max(len(a), len(b)))


def _levenshtein(a: np.ndarray, b: np.ndarray) -> int:
    steps = np.arange(len(b) + 1)
    row = steps
    for i, label in enumerate(a, 1):
        best = np.empty_like(row)
        best[0] = i
        best[1:] = np.minimum(row[1:] + 1, row[:-1] + (b != label))
        # An insertion costs 1 a step to the right: a running minimum with the slope taken out.
        row = np.minimum.accumulate(best - steps) + steps
    return int(row[-1])


@dataclass(frozen=True, slots=True)
class SegmentCounts:
    """Matched and unmatched segments.

    Attributes:
        by_class: Label to counts; a false positive counts for the predicted label.
        optimal_tp: True positives of the best one-to-one assignment, never fewer than `tp`.
    """

    by_class: dict[Any, Counts]
    optimal_tp: int

    def __add__(self, other: "SegmentCounts") -> "SegmentCounts":
        labels = self.by_class.keys() | other.by_class.keys()
        none = Counts()
        return SegmentCounts(
            {x: self.by_class.get(x, none) + other.by_class.get(x, none) for x in labels},
            self.optimal_tp + other.optimal_tp,
        )

    @property
    def total(self) -> Counts:
        """All classes together."""
        return sum(self.by_class.values(), Counts())

    @property
    def f1(self) -> float:
        """F1 over all classes, percent."""
        return self.total.f1

    @property
    def optimal_f1(self) -> float:
        """F1 that the best one-to-one assignment would give, percent."""
        total = self.total
        extra = self.optimal_tp - total.tp
        return f1(self.optimal_tp, total.fp - extra, total.fn - extra)


def segment_counts(
    truth: np.ndarray, predicted: np.ndarray, iou: float, background: Hashable | None = None
) -> SegmentCounts:
    """Match predicted with true segments of one video as MS-TCN does.

    Predicted segments take turns in time order. Each looks at the true segment of its own class
    with the greatest tIoU (the first of equals), whether that is taken or not: it is a true
    positive if the tIoU is at least `iou` and nobody matched before, otherwise a false positive.
    `optimal_tp` counts a one-to-one assignment instead.

    Args:
        truth: (N,) labels of one video.
        predicted: (N,) labels of the same video.
        iou: Least tIoU of a match, above 0 and at most 1.
        background: Label whose segments are left out; None keeps all.

    Raises:
        ValueError: `iou` is outside (0, 1].
    """
    true_runs, runs = _runs(truth, background), _runs(predicted, background)
    matches = _match(true_runs, runs, iou)
    hits = [true_runs.labels[i] for i, _ in matches]
    by_class = {
        label: _class_counts(label, hits, true_runs.labels, runs.labels)
        for label in np.union1d(true_runs.labels, runs.labels).tolist()
    }
    return SegmentCounts(by_class, _optimal_matches(true_runs, runs, iou))


def _class_counts(
    label: Hashable, hits: Sequence[Any], truth: np.ndarray, predicted: np.ndarray
) -> Counts:
    tp = sum(hit == label for hit in hits)
    return Counts(int(tp), int((predicted == label).sum() - tp), int((truth == label).sum() - tp))


def _overlaps(truth: _Runs, predicted: _Runs) -> Iterable[tuple[int, int, np.ndarray]]:
    """For each predicted segment: its index, the first true segment it meets, and the tIoU with
    that one and those that follow (0 where the class differs)."""
    first = np.searchsorted(truth.ends, predicted.starts, side="right")
    last = np.searchsorted(truth.starts, predicted.ends, side="left")
    for j, (a, b) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        starts, ends = truth.starts[a:b], truth.ends[a:b]
        shared = np.minimum(ends, predicted.ends[j]) - np.maximum(starts, predicted.starts[j])
        span = np.maximum(ends, predicted.ends[j]) - np.minimum(starts, predicted.starts[j])
        yield j, a, (shared / span) * (truth.labels[a:b] == predicted.labels[j])


def _match(truth: _Runs, predicted: _Runs, iou: float) -> list[tuple[int, int]]:
    """Return (true, predicted) pairs of segment indices that MS-TCN's rule matches."""
    _check_overlap(iou)
    taken: set[int] = set()
    pairs = []
    for j, first, overlaps in _overlaps(truth, predicted):
        if not len(overlaps):
            continue
        best = int(overlaps.argmax())
        if overlaps[best] >= iou and first + best not in taken:
            taken.add(first + best)
            pairs.append((first + best, j))
    return pairs


def _optimal_matches(truth: _Runs, predicted: _Runs, iou: float) -> int:
    """Count the pairs of the greatest one-to-one assignment.

    Two lists of disjoint intervals in time order overlap in a forest in which the earliest pair
    always has a member without other partners. To match earliest pairs first is therefore optimal.
    """
    last_taken = -1
    count = 0
    for _, first, overlaps in _overlaps(truth, predicted):
        for i in (np.flatnonzero(overlaps >= iou) + first).tolist():
            if i > last_taken:
                last_taken = i
                count += 1
                break
    return count


def boundary_errors(
    truth: np.ndarray, predicted: np.ndarray, iou: float = 0.5, background: Hashable | None = None
) -> np.ndarray:
    """Return (M, 2) frames by which matched segments start and end late; negative is early.

    Args:
        truth: (N,) labels of one video.
        predicted: (N,) labels of the same video.
        iou: Least tIoU of a match; M segments match as in `segment_counts`.
        background: Label whose segments are left out; None keeps all.
    """
    a, b = _runs(truth, background), _runs(predicted, background)
    errors = [(b.starts[j] - a.starts[i], b.ends[j] - a.ends[i]) for i, j in _match(a, b, iou)]
    return np.array(errors, dtype=np.int64).reshape(-1, 2)


def segment_lengths(labels: np.ndarray) -> dict[Any, list[int]]:
    """Return the lengths in frames of the runs of each label, in time order.

    Args:
        labels: (N,) labels of one video.
    """
    runs = _runs(labels, None)
    lengths: dict[Any, list[int]] = {}
    for label, length in zip(runs.labels.tolist(), runs.ends - runs.starts, strict=True):
        lengths.setdefault(label, []).append(int(length))
    return lengths


def _check_lengths(truth: np.ndarray, predicted: np.ndarray) -> None:
    if len(truth) != len(predicted):
        raise ValueError(
            f"`truth` and `predicted` must have one length, got {len(truth)} and {len(predicted)}"
        )


def _check_overlap(iou: float) -> None:
    if not 0 < iou <= 1:
        raise ValueError(f"`iou` must be above 0 and at most 1, got {iou}")
