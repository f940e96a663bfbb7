"""Scores of trainings that differ in their seed alone."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

__all__ = ["mean_by_class", "spread"]


def mean_by_class(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean score of each class over the trainings that have one, in order of class.

    Args:
        scores: Class name to score, for each training.
    """
    names = dict.fromkeys(name for one in scores for name in one)
    return {name: float(np.mean([one[name] for one in scores if name in one])) for name in names}


def spread(values: Iterable[float | None]) -> dict[str, float | int | None]:
    """Return `n`, `mean` and `sd` (standard deviation, n - 1) of values; None are left out.

    `mean` is None without a value, `sd` with fewer than two.
    """
    known = [value for value in values if value is not None]
    return {
        "n": len(known),
        "mean": float(np.mean(known)) if known else None,
        "sd": float(np.std(known, ddof=1)) if len(known) > 1 else None,
    }
