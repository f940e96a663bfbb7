"""How predicted times agree with manual ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from handact.metrics import Intervals, match_intervals
from handact.timestudy.cycles import Cycle, Step
from handact.timestudy.times import find_gaps

__all__ = ["Agreement", "compare_cycles", "compare_steps", "compare_waiting", "match_steps"]

_LIMITS = 1.96  # standard deviations either side that hold 95 % of normal differences


@dataclass(frozen=True, slots=True)
class Agreement:
    """How predicted times agree with manual ones, in seconds; None where there are too few.

    Attributes:
        matched: Pairs of a manual and a predicted time.
        missed: Manual ones without a predicted one.
        extra: Predicted ones without a manual one.
        manual_mean: Of the pairs.
        bias: Mean of predicted less manual time.
        sd: Standard deviation of these differences (n - 1).
        low: Lower limit of agreement, bias - 1.96 sd.
        high: Upper limit.
        mean_absolute: Mean of the differences without their sign.

    Source:
        Bland and Altman, "Statistical methods for assessing agreement between two methods of
        clinical measurement", The Lancet 327 (1986), 307-310.
    """

    matched: int
    missed: int
    extra: int
    manual_mean: float | None = None
    bias: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    mean_absolute: float | None = None


def compare_steps(
    truth: Mapping[str, Sequence[Step]],
    predicted: Mapping[str, Sequence[Step]],
    action: str | None = None,
) -> Agreement:
    """Compare predicted with manual times of steps; see `match_steps`.

    Args:
        truth: Manual steps by video, in order of time.
        predicted: The same videos.
        action: The step to look at; None takes all.
    """
    pairs, missed, extra = [], 0, 0
    for video in truth:
        true, guessed = (
            [s for s in steps if action in (None, s.action)]
            for steps in (truth[video], predicted.get(video, ()))
        )
        matches = match_steps(true, guessed)
        pairs += [(true[i].duration, guessed[j].duration) for i, j in matches]
        missed += len(true) - len(matches)
        extra += len(guessed) - len(matches)
    return _agreement(np.array(pairs, float).reshape(-1, 2), missed, extra)


def compare_cycles(truth: Sequence[Cycle], predicted: Sequence[Cycle]) -> Agreement:
    """Compare cycle times: complete cycles match as steps do."""

    def gather(cycles: Sequence[Cycle]) -> dict[str, list[Step]]:
        by_video: dict[str, list[Step]] = {video: [] for video in videos}
        for cycle in cycles:
            if cycle.is_complete:
                by_video[cycle.video].append(Step("", cycle.start, cycle.end))
        return by_video

    videos = dict.fromkeys(cycle.video for cycle in (*truth, *predicted))
    return compare_steps(gather(truth), gather(predicted))


def compare_waiting(
    truth: Mapping[str, Sequence[Step]], predicted: Mapping[str, Sequence[Step]]
) -> Agreement:
    """Compare waiting times: gaps between steps match as steps do."""
    gaps = ({video: find_gaps(steps[video]) for video in steps} for steps in (truth, predicted))
    return compare_steps(*gaps)


def match_steps(
    truth: Sequence[Step], predicted: Sequence[Step], iou: float = 0.5
) -> list[tuple[int, int]]:
    """Match predicted with true steps of one video as F1@k does, but in seconds.

    Returns:
        (true, predicted) pairs of indices, see `metrics.match_intervals`.
    """
    return match_intervals(_intervals(truth), _intervals(predicted), iou)


def _intervals(steps: Sequence[Step]) -> Intervals:
    starts, ends = (np.array([getattr(s, key) for s in steps], float) for key in ("start", "end"))
    return Intervals(np.array([step.action for step in steps], object), starts, ends)


def _agreement(pairs: np.ndarray, missed: int, extra: int) -> Agreement:
    if not len(pairs):
        return Agreement(0, missed, extra)
    differences = pairs[:, 1] - pairs[:, 0]
    bias = float(differences.mean())
    sd = low = high = None
    if len(pairs) > 1:
        sd = float(differences.std(ddof=1))
        low, high = bias - _LIMITS * sd, bias + _LIMITS * sd
    return Agreement(
        matched=len(pairs),
        missed=missed,
        extra=extra,
        manual_mean=float(pairs[:, 0].mean()),
        bias=bias,
        sd=sd,
        low=low,
        high=high,
        mean_absolute=float(np.abs(differences).mean()),
    )
