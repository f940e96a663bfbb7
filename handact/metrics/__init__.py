"""How good a prediction is: hands, trimmed segments, and long videos. All scores are percent.

Counts are the state: the counts of two videos add up to the counts of both, and every score is a
function of counts.
"""

from handact.metrics.counts import Counts, f1
from handact.metrics.hands import HAND_THRESHOLDS, HandCounts, hand_counts, hand_errors
from handact.metrics.segments import (
    SegmentCounts,
    boundary_errors,
    confusion_matrix,
    edit_score,
    frame_accuracy,
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
    "SegmentCounts",
    "WrongSegment",
    "boundary_errors",
    "clip_metrics",
    "confusion_matrix",
    "edit_score",
    "f1",
    "frame_accuracy",
    "hand_counts",
    "hand_errors",
    "segment_counts",
    "segment_lengths",
    "sequence_metrics",
    "worst_hand_frames",
    "worst_segments",
]
