"""How good a prediction is: hands, trimmed segments, and long videos. All scores are percent.

Counts are the state: the counts of two videos add up to the counts of both, and every score is a
function of counts.
"""

from handact.metrics.bootstrap import (
    VideoScores,
    change_intervals,
    clip_scores,
    draw_videos,
    sequence_scores,
)
from handact.metrics.counts import Counts, f1
from handact.metrics.hands import HAND_THRESHOLDS, HandCounts, hand_counts, hand_errors
from handact.metrics.seeds import fixed_settings, mean_and_sd, mean_by_class
from handact.metrics.segments import (
    Intervals,
    SegmentCounts,
    boundary_errors,
    cohen_kappa,
    confusion_matrix,
    edit_score,
    frame_accuracy,
    match_intervals,
    segment_counts,
    segment_lengths,
)
from handact.metrics.summary import OVERLAPS, Average, clip_metrics, sequence_metrics
from handact.metrics.worst import WrongSegment, worst_hand_frames, worst_segments

__all__ = [
    "HAND_THRESHOLDS",
    "OVERLAPS",
    "Average",
    "Counts",
    "HandCounts",
    "Intervals",
    "SegmentCounts",
    "VideoScores",
    "WrongSegment",
    "boundary_errors",
    "change_intervals",
    "clip_metrics",
    "clip_scores",
    "cohen_kappa",
    "confusion_matrix",
    "draw_videos",
    "edit_score",
    "f1",
    "fixed_settings",
    "frame_accuracy",
    "hand_counts",
    "hand_errors",
    "match_intervals",
    "mean_and_sd",
    "mean_by_class",
    "segment_counts",
    "segment_lengths",
    "sequence_metrics",
    "sequence_scores",
    "worst_hand_frames",
    "worst_segments",
]
