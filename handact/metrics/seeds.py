"""Scores of several trainings: over their seeds, over clip lengths and strides."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

__all__ = ["fixed_settings", "mean_and_sd", "mean_by_class"]


def mean_by_class(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean score of each class over the trainings that have one, in order of class.

    Args:
        scores: Class name to score, for each training.
    """
    names = dict.fromkeys(name for one in scores for name in one)
    return {name: float(np.mean([one[name] for one in scores if name in one])) for name in names}


def mean_and_sd(values: Iterable[float | None]) -> dict[str, float | int | None]:
    """Return `n`, `mean` and `sd` (standard deviation, n - 1) of values; None are left out.

    `mean` is None without a value, `sd` with fewer than two.
    """
    known = [value for value in values if value is not None]
    return {
        "n": len(known),
        "mean": float(np.mean(known)) if known else None,
        "sd": float(np.std(known, ddof=1)) if len(known) > 1 else None,
    }


def fixed_settings(settings: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Return the T at which tau varies most, and the tau at which T varies most.

    Args:
        settings: T and tau of each training, at least one.
    """
    strides, lengths = defaultdict(set), defaultdict(set)
    for length, stride in settings:
        strides[length].add(stride)
        lengths[stride].add(length)
    return (
        max(strides, key=lambda length: (len(strides[length]), length)),
        max(lengths, key=lambda stride: (len(lengths[stride]), stride)),
    )
