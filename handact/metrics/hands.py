"""F1@T_L of hand positions.

Source: the paper's Table 1; the rule for a hand in the wrong place is spelled out in `hand_counts`.
"""

from dataclasses import dataclass

import numpy as np

from handact.metrics.counts import Counts

__all__ = ["HAND_THRESHOLDS", "HandCounts", "hand_counts", "hand_errors"]

HAND_THRESHOLDS = (0.05, 0.1, 0.2, 0.3)


@dataclass(frozen=True, slots=True)
class HandCounts:
    """Counts of each hand; `total` and `f1` are of both together."""

    left: Counts
    right: Counts

    def __add__(self, other: "HandCounts") -> "HandCounts":
        return HandCounts(self.left + other.left, self.right + other.right)

    @property
    def total(self) -> Counts:
        """Left and right together."""
        return self.left + self.right

    @property
    def f1(self) -> float:
        """F1 of both hands, percent."""
        return self.total.f1


def hand_counts(truth: np.ndarray, predicted: np.ndarray, threshold: float) -> HandCounts:
    """Count hands that are found within a distance T_L, missed, or claimed wrongly.

    A hand is present, or predicted, where P > 0.5. True positive: predicted, present, and nearer
    than `threshold`. False positive: predicted, and absent or not that near. False negative:
    present and not predicted, so that a hand in the wrong place is one false positive only.

    Args:
        truth: (N, 2, 3), frames by (left, right) by (P, x, y); x and y in 0..1, any value
            (also NaN) where the hand is absent.
        predicted: (N, 2, 3) likewise.
        threshold: T_L, Euclidean distance of the normalised positions.
    """
    errors = hand_errors(truth, predicted)
    is_there, is_claimed = _present(truth), _present(predicted)
    hit = errors < threshold  # NaN, no distance, is not below anything
    left, right = (
        Counts(
            tp=int(hit[:, i].sum()),
            fp=int((is_claimed[:, i] & ~hit[:, i]).sum()),
            fn=int((is_there[:, i] & ~is_claimed[:, i]).sum()),
        )
        for i in (0, 1)
    )
    return HandCounts(left, right)


def hand_errors(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return (N, 2) distances of normalised positions, NaN unless present and predicted.

    Args:
        truth: (N, 2, 3) as in `hand_counts`.
        predicted: (N, 2, 3) likewise.
    """
    truth, predicted = np.asarray(truth, float), np.asarray(predicted, float)
    if truth.shape != predicted.shape or truth.shape[1:] != (2, 3):
        raise ValueError(
            f"`truth` and `predicted` must have shape (N, 2, 3), got {truth.shape} and"
            f" {predicted.shape}"
        )
    distance = np.hypot(*np.moveaxis(truth[..., 1:] - predicted[..., 1:], -1, 0))
    return np.where(_present(truth) & _present(predicted), distance, np.nan)


def _present(hands: np.ndarray) -> np.ndarray:
    return np.asarray(hands)[..., 0] > 0.5
