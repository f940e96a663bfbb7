"""What is known of the actions from the training labels: how long each lasts, and what follows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from handact.labels import Segment

__all__ = ["LabelStatistics", "count_transitions", "cutoff_seconds"]


@dataclass(frozen=True, slots=True)
class LabelStatistics:
    """What the training labels say of each class.

    Attributes:
        durations: Seconds of each training segment, by class; a class may be missing.
        transitions: How often a class was followed by which, by class; background is one of them.
    """

    durations: dict[str, list[float]] = field(default_factory=dict)
    transitions: dict[str, dict[str, int]] = field(default_factory=dict)


def count_transitions(videos: Iterable[Sequence[Segment]]) -> dict[str, dict[str, int]]:
    """Count which class follows which.

    Args:
        videos: The segments of each video in order, with background between them.
    """
    counts: dict[str, dict[str, int]] = {}
    for segments in videos:
        for one, other in pairwise(segments):
            row = counts.setdefault(one.action, {})
            row[other.action] = row.get(other.action, 0) + 1
    return counts


def cutoff_seconds(
    statistics: LabelStatistics,
    classes: Sequence[str],
    *,
    quantile: float = 0.05,
    seconds: float | None = None,
) -> np.ndarray:
    """Return each class's cut-off: the shortest segment that is believed.

    Args:
        statistics: Of the training labels.
        classes: K class names.
        quantile: The cut-off is this quantile of a class's training durations.
        seconds: One cut-off for every class instead.

    Returns:
        (K,) seconds; a class never seen in training gets 0, which removes nothing.
    """
    if seconds is not None:
        return np.full(len(classes), float(seconds))
    known = (statistics.durations.get(name, ()) for name in classes)
    return np.array([float(np.quantile(d, quantile)) if len(d) else 0.0 for d in known])
