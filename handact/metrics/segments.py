"""Frames and segments of one video: accuracy, edit score, matched segments, boundary errors.

Sources:
    MS-TCN: Farha and Gall, CVPR 2019, arXiv:1903.01945, `eval.py` of yabufarha/ms-tcn.
    ED-TCN: Lea et al., CVPR 2017, arXiv:1611.05267.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from handact.labels import runs
from handact.metrics.counts import Counts, f1, percent

__all__ = [
    "Intervals",
    "SegmentCounts",
    "boundary_errors",
    "cohen_kappa",
    "confusion_matrix",
    "edit_score",
    "frame_accuracy",
    "match_intervals",
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


def cohen_kappa(one: np.ndarray, other: np.ndarray, num_classes: int) -> float | None:
    """Return how far two people agree beyond chance: (p_o - p_e) / (1 - p_e), 1 at most.

    p_o is the share of frames with one label, p_e what it would be if each drew labels with their
    own frequencies.

    Args:
        one: (N,) class indices.
        other: (N,) class indices.
        num_classes: K.

    Returns:
        None where kappa says nothing: no frame, or one class in all frames of both.

    Source:
        Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological
        Measurement 20 (1960), 37-46.
    """
    matrix = confusion_matrix(one, other, num_classes)
    total = matrix.sum()
    expected = float(matrix.sum(0) @ matrix.sum(1)) / float(total) ** 2 if total else 1.0
    if expected == 1.0:
        return None
    return float((np.trace(matrix) / total - expected) / (1 - expected))


@dataclass(frozen=True, slots=True)
class Intervals:
    """Labelled intervals of one video, in time order and without overlap.

    Attributes:
        labels: (M,) of any kind.
        starts: (M,) in any unit, as frames or seconds.
        ends: (M,) in the same unit, after `starts`; of frames one past the last.
    """

    labels: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


def _split(labels: np.ndarray, background: Hashable | None) -> Intervals:
    """Background goes after splitting, so runs of one action on its two sides stay two."""
    labels = np.asarray(labels)
    starts, ends = runs(labels)
    names = labels[starts]
    keep = np.ones(len(names), bool) if background is None else names != background
    return Intervals(names[keep], starts[keep], ends[keep])


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
    a, b = _split(truth, background).labels, _split(predicted, background).labels
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
    """Match predicted with true segments of one video as MS-TCN does: see `match_intervals`.

    A predicted segment without a match is a false positive. `optimal_tp` counts a one-to-one
    assignment instead.

    Args:
        truth: (N,) labels of one video.
        predicted: (N,) labels of the same video.
        iou: Least tIoU of a match, above 0 and at most 1.
        background: Label whose segments are left out; None keeps all.

    Raises:
        ValueError: `iou` is outside (0, 1].
    """
    true, guessed = _split(truth, background), _split(predicted, background)
    hits = [true.labels[i] for i, _ in match_intervals(true, guessed, iou)]
    by_class = {
        label: _class_counts(label, hits, true.labels, guessed.labels)
        for label in np.union1d(true.labels, guessed.labels).tolist()
    }
    return SegmentCounts(by_class, _optimal_matches(true, guessed, iou))


def _class_counts(
    label: Hashable, hits: Sequence[Any], truth: np.ndarray, predicted: np.ndarray
) -> Counts:
    tp = sum(hit == label for hit in hits)
    return Counts(int(tp), int((predicted == label).sum() - tp), int((truth == label).sum() - tp))


def match_intervals(
    truth: Intervals, predicted: Intervals, iou: float = 0.5
) -> list[tuple[int, int]]:
    """Match predicted with true intervals of one video as MS-TCN does.

    Predicted intervals take turns in time order. Each looks at the true interval of its own label
    with the greatest tIoU (the first of equals), whether that is taken or not: the two match if the
    tIoU is at least `iou` and nobody matched before.

    Returns:
        (true, predicted) pairs of indices.

    Raises:
        ValueError: `iou` is outside (0, 1].
    """
    if not 0 < iou <= 1:
        raise ValueError(f"`iou` must be above 0 and at most 1, got {iou}")
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


def _overlaps(truth: Intervals, predicted: Intervals) -> Iterable[tuple[int, int, np.ndarray]]:
    """For each predicted interval: its index, the first true one it meets, and the tIoU with that
    one and those that follow (0 where the label differs)."""
    first = np.searchsorted(truth.ends, predicted.starts, side="right")
    last = np.searchsorted(truth.starts, predicted.ends, side="left")
    for j, (a, b) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        starts, ends = truth.starts[a:b], truth.ends[a:b]
        shared = np.minimum(ends, predicted.ends[j]) - np.maximum(starts, predicted.starts[j])
        span = np.maximum(ends, predicted.ends[j]) - np.minimum(starts, predicted.starts[j])
        yield j, a, (shared / span) * (truth.labels[a:b] == predicted.labels[j])


def _optimal_matches(truth: Intervals, predicted: Intervals, iou: float) -> int:
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
    a, b = _split(truth, background), _split(predicted, background)
    pairs = match_intervals(a, b, iou)
    errors = [(b.starts[j] - a.starts[i], b.ends[j] - a.ends[i]) for i, j in pairs]
    return np.array(errors, dtype=np.int64).reshape(-1, 2)


def segment_lengths(labels: np.ndarray) -> dict[Any, list[int]]:
    """Return the lengths in frames of the runs of each label, in time order.

    Args:
        labels: (N,) labels of one video.
    """
    its = _split(labels, None)
    lengths: dict[Any, list[int]] = {}
    for label, length in zip(its.labels.tolist(), its.ends - its.starts, strict=True):
        lengths.setdefault(label, []).append(int(length))
    return lengths


def _check_lengths(truth: np.ndarray, predicted: np.ndarray) -> None:
    if len(truth) != len(predicted):
        raise ValueError(
            f"`truth` and `predicted` must have one length, got {len(truth)} and {len(predicted)}"
        )
