"""The cleaning that the settings ask for."""

from collections.abc import Sequence

import numpy as np

from handact.cleaning.cutoff import clean_cutoff
from handact.cleaning.online import clean_online
from handact.cleaning.statistics import LabelStatistics, cutoff_seconds
from handact.cleaning.viterbi import clean_viterbi
from handact.config import SegmentConfig

__all__ = ["clean_labels", "configured_cutoffs"]


def clean_labels(
    probabilities: np.ndarray,
    edges: np.ndarray,
    statistics: LabelStatistics,
    classes: Sequence[str],
    background: str,
    config: SegmentConfig,
) -> np.ndarray:
    """Return the class of each frame of a video, cleaned as the settings say.

    Args:
        probabilities: (N, K) class probabilities of each frame.
        edges: (N + 1,) seconds at which frames begin and the last one ends.
        statistics: Of the training labels.
        classes: K class names.
        background: One of them.
        config: Settings.

    Returns:
        (N,) int64.
    """
    if config.cleaning == "none":
        return probabilities.argmax(1).astype(np.int64)
    if config.cleaning == "viterbi":
        weight = config.viterbi_weight
        return clean_viterbi(probabilities, edges, statistics, classes, background, weight=weight)
    cutoffs = configured_cutoffs(statistics, classes, config)
    if config.cleaning == "online":
        return clean_online(probabilities, edges, cutoffs, classes.index(background))
    return clean_cutoff(probabilities, edges, cutoffs)


def configured_cutoffs(
    statistics: LabelStatistics, classes: Sequence[str], config: SegmentConfig
) -> np.ndarray:
    """Return each class's cut-off, (K,) seconds, as the settings say."""
    return cutoff_seconds(
        statistics, classes, quantile=config.cutoff_quantile, seconds=config.cutoff_seconds
    )
