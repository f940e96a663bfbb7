"""Cleaning by the likeliest segmentation, under scores, durations and transitions together.

A semi-Markov model (Murphy, Hidden semi-Markov models, 2002): a segment of class c that lasts d
frames scores the sum of its frames' log-probabilities of c, log P(d | c), and log P(c | class
before it). Which segmentation scores best is found exactly, by dynamic programming.

P(d | c) is the log-normal distribution fitted to the class's training durations, step by step up
to 600 steps; what lasts longer shares the rest of its probability, falling by a constant factor a
step. At both ends of the video, where a segment may have been cut off, P(at least d | c) takes its
place. P(c | c') is counted in training, with half a count added to what was never seen; background
is free of order: how often it comes in between does not depend on the class before it, and after it
any class is as likely as any other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handact.cleaning.statistics import LabelStatistics
from handact.cleaning.timing import frame_clock, usual_frame

__all__ = ["clean_viterbi"]

_LEAST_SPREAD = 0.2  # of the logarithm of a duration: few training segments look too much alike
_SPREAD_OF_ONE = 0.5  # where there are fewer than two training segments
_REACH = 3.0  # in spreads; hardly anything lasts longer
_MOST_STEPS = 600  # of durations that are told apart
_STEPS_OF_SHORTEST = 8  # at least, that the class which lasts shortest usually lasts
_UNSEEN = 0.5  # count of a transition that training never saw
_LEAST = 1e-12  # probability of a frame


def clean_viterbi(
    probabilities: np.ndarray,
    edges: np.ndarray,
    statistics: LabelStatistics,
    classes: Sequence[str],
    background: str,
    *,
    weight: float = 1.0,
) -> np.ndarray:
    """Return the likeliest segmentation of a video.

    A step is a frame where actions last up to 600 frames. Where they last longer it is several
    frames, but never more than an eighth of what the shortest class usually lasts.

    Args:
        probabilities: (N, K) class probabilities of each frame.
        edges: (N + 1,) seconds at which frames begin and the last one ends.
        statistics: Of the training labels.
        classes: K class names.
        background: One of them.
        weight: Of durations and transitions against the frames' scores.

    Returns:
        (N,) int64 class of each frame.
    """
    if len(probabilities) == 0:
        return np.zeros(0, np.int64)
    frame = usual_frame(edges)
    durations = _fit_durations(statistics, classes, frame)
    step = _choose_step(durations)
    model = _Model(
        *(weight * table for table in _tabulate(durations, step)),
        _transitions(statistics, classes, classes.index(background), weight),
    )
    clock = frame_clock(edges)
    logs = np.log(np.maximum(probabilities, _LEAST, dtype=np.float64))
    # Frames that are evenly spaced in time, whatever those of the video are.
    times = (np.arange(max(1, round(clock[-1] / frame))) + 0.5) * frame
    shown = np.minimum(np.searchsorted(clock, times, side="right") - 1, len(logs) - 1)
    scores = np.add.reduceat(logs[shown], np.arange(0, len(shown), step))
    labels = np.repeat(_decode(scores, model), step)[: len(shown)]
    middles = (clock[:-1] + clock[1:]) / 2
    return labels[np.minimum((middles / frame).astype(np.int64), len(labels) - 1)]


@dataclass(frozen=True, slots=True)
class _Duration:
    """The log-normal distribution of how many frames a class lasts: of log d, mean and spread."""

    mean: float
    spread: float

    @property
    def median(self) -> float:
        return math.exp(self.mean)

    @property
    def reach(self) -> int:
        return math.ceil(math.exp(self.mean + _REACH * self.spread))


@dataclass(frozen=True, slots=True)
class _Model:
    """What scores a segmentation of steps, weighted.

    Attributes:
        lasts: (D, K) log P(d | c) of d = 1 to D steps.
        holds: (D, K) log P(at least d | c).
        falls: (K,) what both lose with each step beyond D.
        follows: (K, K) log P(column | row before it); never a class itself.
    """

    lasts: np.ndarray
    holds: np.ndarray
    falls: np.ndarray
    follows: np.ndarray

    def held(self, steps: np.ndarray) -> np.ndarray:
        """Return log P(at least so many steps | c), (N, K)."""
        beyond = np.maximum(0, steps - len(self.holds))
        return self.holds[np.minimum(steps, len(self.holds)) - 1] + beyond[:, None] * self.falls

    def lasted(self, steps: np.ndarray, c: int) -> np.ndarray:
        """Return log P(just so many steps | c), (N,)."""
        beyond = np.maximum(0, steps - len(self.lasts))
        return self.lasts[np.minimum(steps, len(self.lasts)) - 1, c] + beyond * self.falls[c]


def _fit_durations(
    statistics: LabelStatistics, classes: Sequence[str], frame: float
) -> list[_Duration]:
    """Fit each class's durations; one that training never saw gets those of all together.

    Args:
        statistics: Of the training labels.
        classes: K class names.
        frame: Seconds that a frame lasts.
    """
    known = [np.array(statistics.durations.get(name, ())) / frame for name in classes]
    everything = np.concatenate(known) if any(map(len, known)) else np.array([1 / frame])
    return [_fit(np.log(np.maximum(1, d if len(d) else everything))) for d in known]


def _fit(logs: np.ndarray) -> _Duration:
    spread = float(logs.std(ddof=1)) if len(logs) > 1 else _SPREAD_OF_ONE
    return _Duration(float(logs.mean()), max(_LEAST_SPREAD, spread))


def _choose_step(durations: Sequence[_Duration]) -> int:
    """Return the frames of a step: few enough for the shortest class, enough for the longest."""
    wanted = -(-max(d.reach for d in durations) // _MOST_STEPS)
    return max(1, min(wanted, int(min(d.median for d in durations) / _STEPS_OF_SHORTEST)))


def _tabulate(
    durations: Sequence[_Duration], step: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return `lasts`, `holds` and `falls` of a model, unweighted."""
    from scipy.special import log_ndtr

    number = min(_MOST_STEPS, max(2, *(-(-d.reach // step) for d in durations)))
    mean, spread = (np.array([getattr(d, key) for d in durations]) for key in ("mean", "spread"))
    logs = np.log(np.arange(1, number + 1) * step)[:, None]
    lasts = -(((logs - mean) / spread) ** 2) / 2 - logs
    lasts -= np.log(spread * math.sqrt(2 * math.pi)) - math.log(step)
    tail = log_ndtr((mean - math.log((number + 0.5) * step)) / spread)  # of all that lasts longer
    holds = np.logaddexp.accumulate(np.concatenate([tail[None], lasts[::-1]]))[:0:-1]
    lasts, tail, holds = lasts - holds[0], tail - holds[0], holds - holds[0]
    # A first term p(D) r, and all of them p(D) r / (1 - r), which is the tail.
    falls = -np.log1p(np.exp(lasts[-1] - tail))
    return lasts, holds, falls


def _transitions(
    statistics: LabelStatistics, classes: Sequence[str], background: int, weight: float
) -> np.ndarray:
    """Return the weighted log P(column | row before it), (K, K); never a class itself."""
    number = len(classes)
    seen = statistics.transitions
    counts = np.array([[seen.get(a, {}).get(b, 0) for b in classes] for a in classes], float)
    counts += _UNSEEN
    np.fill_diagonal(counts, 0)
    is_action = np.arange(number) != background
    paused = counts[is_action, background].sum() / max(counts[is_action].sum(), _UNSEEN)
    direct = counts * is_action
    rows = direct.sum(1, keepdims=True)
    shares = np.divide(direct, rows, out=np.zeros_like(direct), where=rows > 0) * (1 - paused)
    shares[:, background] = paused
    shares[background] = is_action / max(1, number - 1)
    follows, can = np.full_like(shares, -np.inf), (shares > 0) & ~np.eye(number, dtype=bool)
    follows[can] = weight * np.log(shares[can])
    return follows


def _decode(scores: np.ndarray, model: _Model) -> np.ndarray:
    """Return the best class of each step (N,), given the classes' log-probabilities (N, K)."""
    number, num_classes = scores.shape
    sums = np.concatenate([np.zeros((1, num_classes)), scores.cumsum(0)])
    ends = np.full((number + 1, num_classes), -np.inf)  # best if a segment of c ends before step t
    # Best if one begins there, less the sum of its class's scores so far. None begins at 0: the
    # first segment may have begun before the video, and is looked at apart.
    begins = np.full_like(ends, -np.inf)
    first = model.held(np.arange(1, number + 1))
    backwards = model.lasts[-2::-1]
    longest = len(backwards)  # what lasts longer is carried on in `long`
    held, long = np.empty_like(backwards), np.full(num_classes, -np.inf)
    for t in range(1, number + 1):
        n = min(t, longest)
        np.add(begins[t - n : t], backwards[longest - n :], out=held[:n])
        long += model.falls
        if t > longest:
            np.maximum(long, begins[t - longest - 1] + model.lasts[-1], out=long)
        best = np.maximum(held[:n].max(0), long)
        ends[t] = np.maximum(best, first[t - 1]) + sums[t]
        begins[t] = (ends[t][:, None] + model.follows).max(0) - sums[t]
    return _trace(begins, ends, sums, model)


def _trace(begins: np.ndarray, ends: np.ndarray, sums: np.ndarray, model: _Model) -> np.ndarray:
    """Go back from the end of the video along the choices that were best."""
    end = len(sums) - 1
    steps = np.arange(end, 0, -1)  # that a segment has lasted which began at step 0, 1, ...
    last = begins[:end] + model.held(steps)
    last[0] = 0  # one segment is all there is; how long it lasts, none can tell
    start, c = map(int, np.unravel_index((last + sums[end]).argmax(), last.shape))
    labels = np.empty(end, np.int64)
    labels[start:] = c
    while start:
        end, c = start, int((ends[start] + model.follows[:, c]).argmax())
        steps = np.arange(end, 0, -1)
        choices = begins[:end, c] + model.lasted(steps, c)
        choices[0] = model.held(steps[:1])[0, c]
        start = int(choices.argmax())
        labels[start:end] = c
    return labels
