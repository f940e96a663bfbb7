"""How long steps, waiting and cycles take."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from handact.timestudy.cycles import Cycle, Step

__all__ = [
    "Deviation",
    "Spread",
    "StepTimes",
    "Takt",
    "compare_to_standard",
    "compare_to_takt",
    "find_gaps",
    "spread",
    "step_times",
    "waiting_times",
]

_LEVEL = 0.95  # of intervals of confidence
_NO_GAP = 0.0005  # seconds; tables of segments are written to the millisecond


@dataclass(frozen=True, slots=True)
class Spread:
    """How some times are spread, in seconds; None where there are too few for it.

    Attributes:
        n: How many.
        mean: Of one at least.
        median: Likewise.
        sd: Standard deviation of the sample (n - 1), of two at least.
        ci_low: Lower end of the 95 % confidence interval of the mean, by Student's t; 0 where it
            would be below 0, since no time is.
        ci_high: Upper end.
        min: The shortest.
        max: The longest.
    """

    n: int
    mean: float | None = None
    median: float | None = None
    sd: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    min: float | None = None
    max: float | None = None


def spread(values: Collection[float]) -> Spread:
    """Return how times are spread, in seconds.

    The confidence interval is mean ± t · sd / √n, t the 97.5 % quantile of Student's distribution
    with n - 1 degrees of freedom. It takes the values as independent and roughly normal.
    """
    n = len(values)
    if not n:
        return Spread(0)
    array = np.asarray(values, float)
    mean = float(array.mean())
    sd = low = high = None
    if n > 1:
        from scipy.special import stdtrit  # a sixth of a second, for this one quantile

        sd = float(array.std(ddof=1))
        reach = float(stdtrit(n - 1, (1 + _LEVEL) / 2)) * sd / n**0.5
        low, high = max(0.0, mean - reach), mean + reach
    ends = float(array.min()), float(array.max())
    return Spread(n, mean, float(np.median(array)), sd, low, high, *ends)


@dataclass(frozen=True, slots=True)
class StepTimes:
    """How long a step takes, or waiting.

    Attributes:
        each: Of every occurrence, those of partial cycles included.
        per_cycle: The sum in each complete cycle, 0 where the step is missing: the means of all
            steps and of waiting add up to the mean cycle time.
        frequency: Occurrences per complete cycle; None without any.
        share: Percent of the time of complete cycles; where no cycles are known, of the time from
            the first to the last step of each video.
    """

    each: Spread
    per_cycle: Spread
    frequency: float | None
    share: float | None


def step_times(
    action: str, steps: Mapping[str, Sequence[Step]], cycles: Sequence[Cycle] | None
) -> StepTimes:
    """Return how long a step takes.

    Args:
        action: Its name.
        steps: Of each video, in order of time.
        cycles: Of all videos; None where no cycles are known.
    """
    chosen = {video: [s for s in steps[video] if s.action == action] for video in steps}
    each = [s.duration for video in chosen for s in chosen[video]]
    if cycles is None:
        return StepTimes(spread(each), Spread(0), None, _share(sum(each), _watched(steps)))
    complete = [cycle for cycle in cycles if cycle.is_complete]
    inside = [[s.duration for s in c.steps if s.action == action] for c in complete]
    return _per_cycle(each, inside, complete)


def waiting_times(steps: Mapping[str, Sequence[Step]], cycles: Sequence[Cycle] | None) -> StepTimes:
    """Return how long waiting takes: the gaps between the steps of a video.

    What a video shows before its first and after its last step is left out, since nobody knows
    what it belongs to. Arguments as of `step_times`.
    """
    each = [gap.duration for video in steps for gap in find_gaps(steps[video])]
    if cycles is None:
        return StepTimes(spread(each), Spread(0), None, _share(sum(each), _watched(steps)))
    complete = [cycle for cycle in cycles if cycle.is_complete]
    gaps = [find_gaps([*c.steps, Step("", c.end, c.end)]) for c in complete]
    inside = [[gap.duration for gap in its] for its in gaps]
    return _per_cycle(each, inside, complete)


def find_gaps(steps: Sequence[Step]) -> list[Step]:
    """Return the gaps between the steps of a video, as steps without a name."""
    gaps = [Step("", a.end, b.start) for a, b in pairwise(steps)]
    return [gap for gap in gaps if gap.duration > _NO_GAP]


def _watched(steps: Mapping[str, Sequence[Step]]) -> float:
    return sum(its[-1].end - its[0].start for its in steps.values() if its)


def _per_cycle(
    each: Sequence[float], inside: Sequence[Sequence[float]], complete: Sequence[Cycle]
) -> StepTimes:
    sums = [sum(durations) for durations in inside]
    number = sum(map(len, inside))
    return StepTimes(
        each=spread(each),
        per_cycle=spread(sums),
        frequency=number / len(complete) if complete else None,
        share=_share(sum(sums), sum(cycle.duration for cycle in complete)),
    )


def _share(part: float, whole: float) -> float | None:
    return 100 * part / whole if whole else None


@dataclass(frozen=True, slots=True)
class Takt:
    """How complete cycles compare with the takt.

    Attributes:
        takt: Seconds.
        n: Complete cycles.
        over: How many of them took longer.
        mean_over: Mean of what those took longer, seconds; None where none did.
        max_over: The most of it.
    """

    takt: float
    n: int
    over: int
    mean_over: float | None
    max_over: float | None


def compare_to_takt(cycles: Sequence[Cycle], takt: float) -> Takt:
    """Compare the cycle times of complete cycles with the takt, in seconds."""
    times = [cycle.duration for cycle in cycles if cycle.is_complete]
    over = [time - takt for time in times if time > takt]
    return Takt(
        takt, len(times), len(over), float(np.mean(over)) if over else None, max(over, default=None)
    )


@dataclass(frozen=True, slots=True)
class Deviation:
    """How the mean of a step compares with its standard time.

    Attributes:
        standard: Seconds.
        difference: Mean less standard, seconds; None where the step never occurs.
        percent: The same in percent of the standard.
        is_inside: Whether the standard lies in the 95 % confidence interval of the mean; None
            where there is none.
    """

    standard: float
    difference: float | None
    percent: float | None
    is_inside: bool | None


def compare_to_standard(times: Spread, standard: float) -> Deviation:
    """Compare the times of a step with its standard time, in seconds."""
    if times.mean is None:
        return Deviation(standard, None, None, None)
    difference = times.mean - standard
    inside = None if times.ci_low is None else times.ci_low <= standard <= times.ci_high
    return Deviation(standard, difference, 100 * difference / standard, inside)
