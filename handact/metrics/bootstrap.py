"""How sure a change between two runs is: the bootstrap over videos.

What happens within a video hangs together, so that videos are drawn and not frames or segments.
Every score is a ratio of sums over videos. To draw videos with replacement is to weight these sums,
which makes thousands of draws one product of matrices.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentiles).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from handact.metrics.counts import Counts
from handact.metrics.segments import edit_score, segment_counts
from handact.metrics.summary import OVERLAPS

__all__ = ["VideoScores", "change_intervals", "clip_scores", "draw_videos", "sequence_scores"]

_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class VideoScores:
    """Scores of V videos as ratios of sums: 100 · part / whole, and 0 of an empty whole.

    Attributes:
        overall: Name of a score to its (V, 2) part and whole in each video.
        per_class: (V, K, 2), part and whole of the F1 of each class.
        support: (V, K), true segments of each class.
        macro: Name of the mean F1 of the classes that occur in the truth.
    """

    overall: dict[str, np.ndarray]
    per_class: np.ndarray
    support: np.ndarray
    macro: str

    def weighted(self, weights: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return the scores that weighted videos give, in percent.

        Args:
            weights: (D, V), how many times each video counts; ones give the scores as they are.

        Returns:
            The scores overall, (D,) each, `macro` the last; and F1 per class, (D, K). NaN where a
            class does not occur in the weighted truth.
        """
        scores = {name: _ratio(weights @ sums) for name, sums in self.overall.items()}
        is_there = weights @ self.support > 0
        f1 = _ratio(np.tensordot(weights, self.per_class, axes=1))
        f1[~is_there] = np.nan
        total = np.where(is_there, f1, 0).sum(axis=1)
        number = is_there.sum(axis=1)
        scores[self.macro] = np.where(number, total / np.maximum(number, 1), np.nan)
        return scores, f1


def _ratio(sums: np.ndarray) -> np.ndarray:
    part, whole = sums[..., 0], sums[..., 1]
    return 100 * np.divide(part, whole, out=np.zeros(whole.shape), where=whole > 0)


def sequence_scores(
    truth: Mapping[str, np.ndarray],
    predicted: Mapping[str, np.ndarray],
    num_classes: int,
    background: int | None = None,
) -> VideoScores:
    """Score long videos as `sequence_metrics` does, with F1 pooled over videos.

    Args:
        truth: Video name to (N,) class indices.
        predicted: The same videos, of the same lengths.
        num_classes: K.
        background: Index of the class left out of edit and F1; None keeps all.

    Returns:
        `frame_accuracy`, `edit`, `f1@10`, `f1@25`, `f1@50`, `macro_f1@50`, and F1@50 per class.
    """
    pairs = [(truth[v], predicted[v]) for v in truth]
    right = [(np.sum(a == b), len(a)) for a, b in pairs]
    edit = [(edit_score(a, b, background) / 100, 1) for a, b in pairs]
    counts = {iou: [segment_counts(a, b, iou, background) for a, b in pairs] for iou in OVERLAPS}
    by_class = [[c.by_class.get(k, Counts()) for k in range(num_classes)] for c in counts[0.5]]
    return VideoScores(
        overall={
            "frame_accuracy": np.array(right, float),
            "edit": np.array(edit, float),
            **{f"f1@{100 * i:.0f}": _f1_sums([c.total for c in counts[i]]) for i in OVERLAPS},
        },
        per_class=np.array([_f1_sums(row) for row in by_class]),
        support=np.array([[c.tp + c.fn for c in row] for row in by_class]),
        macro="macro_f1@50",
    )


def clip_scores(
    truth: np.ndarray,
    predicted: np.ndarray,
    videos: np.ndarray,
    names: Sequence[str],
    num_classes: int,
) -> VideoScores:
    """Score trimmed segments as `clip_metrics` does.

    Args:
        truth: (M,) class indices.
        predicted: (M,) class indices.
        videos: (M,) names of the videos that the segments lie in.
        names: Of the V videos, in the order of the weights.
        num_classes: K.

    Returns:
        `accuracy`, `macro_f1`, and F1 per class.
    """
    is_in = np.array([videos == name for name in names], float)  # (V, M)
    is_true, is_said = (np.eye(num_classes)[labels] for labels in (truth, predicted))  # (M, K)
    support = is_in @ is_true
    sums = np.stack([2 * is_in @ (is_true * is_said), support + is_in @ is_said], axis=-1)
    right = np.stack([is_in @ (truth == predicted), is_in.sum(axis=1)], axis=-1)
    return VideoScores({"accuracy": right}, sums, support, "macro_f1")


def _f1_sums(counts: Sequence[Counts]) -> np.ndarray:
    """F1 is 2 tp of 2 tp + fp + fn."""
    return np.array([(2 * c.tp, 2 * c.tp + c.fp + c.fn) for c in counts], float)


def draw_videos(num_videos: int, draws: int = 2000, seed: int = 0) -> np.ndarray:
    """Draw videos with replacement, as many as there are: (D, V) how often each one came."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(num_videos, np.full(num_videos, 1 / num_videos), size=draws)


def change_intervals(
    a: VideoScores, b: VideoScores, weights: np.ndarray
) -> tuple[dict[str, tuple[float, float]], np.ndarray]:
    """Return the 95 % intervals of the changes from one run to another, in percentage points.

    Both runs see the same videos in every draw: what makes a video hard for both takes no part in
    the change.

    Args:
        a: Scores of one run.
        b: Scores of the other, of the same videos and classes.
        weights: (D, V), from `draw_videos`.

    Returns:
        Low and high end for each score overall; and per class, (K, 2). Draws in which a class does
        not occur are left out; NaN where it never occurs.
    """
    (overall_a, f1_a), (overall_b, f1_b) = a.weighted(weights), b.weighted(weights)
    overall = {name: tuple(_ends(overall_b[name] - overall_a[name])) for name in overall_a}
    return overall, np.array([_ends(change) for change in (f1_b - f1_a).T]).reshape(-1, 2)


def _ends(changes: np.ndarray) -> list[float]:
    known = changes[~np.isnan(changes)]
    if not len(known):
        return [np.nan, np.nan]
    return np.quantile(known, ((1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2)).tolist()
