"""Temporally aware label cleaning: what is known of how long each action lasts corrects the labels.

What is known comes from the training labels. `cutoff` gives short segments to their neighbours,
`viterbi` finds the likeliest segmentation, `online` decides while frames arrive.

Source: Myers et al., WACV-W 2023.
"""

from handact.cleaning.choice import clean_labels, configured_cutoffs
from handact.cleaning.cutoff import clean_cutoff
from handact.cleaning.online import OnlineCleaner, clean_online
from handact.cleaning.statistics import LabelStatistics, count_transitions, cutoff_seconds
from handact.cleaning.viterbi import clean_viterbi

__all__ = [
    "LabelStatistics",
    "OnlineCleaner",
    "clean_cutoff",
    "clean_labels",
    "clean_online",
    "clean_viterbi",
    "configured_cutoffs",
    "count_transitions",
    "cutoff_seconds",
]
