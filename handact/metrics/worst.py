"""Where a prediction is most wrong: the segments and the frames that a person should look at."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from handact.labels import Segment, segments_from_frames
from handact.metrics.hands import HAND_THRESHOLDS, hand_errors

__all__ = ["WrongSegment", "worst_hand_frames", "worst_segments"]


@dataclass(frozen=True, slots=True)
class WrongSegment:
    """A segment with wrong frames.

    Attributes:
        video: Its name.
        start_frame: First frame of the segment.
        end_frame: One past its last frame.
        fault: A true segment is missed (no frame of it has its class) or partly wrong; a predicted
            one never was (no frame of it is right) or is too long.
        truth: The true class; of a predicted segment that is background.
        predicted: The predicted class; of a true segment the one that most of its wrong frames got.
        num_wrong: Its wrong frames.
        examples: The first, the middle and the last of them; fewer where there are fewer.
    """

    video: str
    start_frame: int
    end_frame: int
    fault: Literal["missed", "partly wrong", "never was", "too long"]
    truth: str
    predicted: str
    num_wrong: int
    examples: tuple[int, ...]


def worst_segments(
    truth: Mapping[str, np.ndarray],
    predicted: Mapping[str, np.ndarray],
    classes: Sequence[str],
    background: str,
    *,
    most: int | None = None,
) -> list[WrongSegment]:
    """Return the segments with wrong frames, the worst first; of equals the earlier.

    Each wrong frame belongs to one segment: where the truth is an action, to the true segment;
    where the truth is background, to the predicted one. So nothing is told twice.

    Args:
        truth: Video name to (N,) class indices.
        predicted: The same videos, of the same lengths.
        classes: Class names.
        background: One of them.
        most: How many to return; None for all.
    """
    at = classes.index(background)
    found: list[WrongSegment] = []
    for video, labels in truth.items():
        both = (
            *_wrong_true(video, labels, predicted[video], classes, at),
            *_wrong_predicted(video, labels, predicted[video], classes, at),
        )
        found += sorted(both, key=lambda segment: segment.start_frame)
    return sorted(found, key=lambda segment: -segment.num_wrong)[:most]


def _wrong_true(
    video: str, truth: np.ndarray, predicted: np.ndarray, classes: Sequence[str], background: int
) -> Iterator[WrongSegment]:
    for run, wrong in _runs(truth, predicted, truth != predicted, classes, background):
        usual = classes[np.bincount(predicted[wrong]).argmax()]
        fault = "missed" if len(wrong) == len(run) else "partly wrong"
        yield _describe(video, run, fault, run.action, usual, wrong)


def _wrong_predicted(
    video: str, truth: np.ndarray, predicted: np.ndarray, classes: Sequence[str], background: int
) -> Iterator[WrongSegment]:
    is_claimed = (truth == background) & (predicted != background)
    is_right = truth == predicted
    for run, wrong in _runs(predicted, truth, is_claimed, classes, background):
        is_partly_right = is_right[run.start_frame : run.end_frame].any()
        fault = "too long" if is_partly_right else "never was"
        yield _describe(video, run, fault, classes[background], run.action, wrong)


def _runs(
    labels: np.ndarray,
    other: np.ndarray,
    is_wrong: np.ndarray,
    classes: Sequence[str],
    background: int,
) -> Iterator[tuple[Segment, np.ndarray]]:
    """Yield the actions of `labels` that have wrong frames, and which frames these are."""
    if len(labels) != len(other):
        raise ValueError(f"truth and prediction must have one length: {len(labels)}, {len(other)}")
    for run in segments_from_frames(labels, classes):
        wrong = np.flatnonzero(is_wrong[run.start_frame : run.end_frame]) + run.start_frame
        if len(wrong) and run.action != classes[background]:
            yield run, wrong


def _describe(
    video: str, run: Segment, fault: str, truth: str, predicted: str, wrong: np.ndarray
) -> WrongSegment:
    examples = dict.fromkeys(int(wrong[k]) for k in (0, len(wrong) // 2, -1))
    return WrongSegment(
        video, run.start_frame, run.end_frame, fault, truth, predicted, len(wrong), tuple(examples)
    )


def worst_hand_frames(
    truth: np.ndarray, predicted: np.ndarray, *, most: int | None = None
) -> list[int]:
    """Return the indices of the frames whose hands are worst, the worst first; of equals the first.

    A frame's error is the sum of its hands': the distance of the positions, or 1 for a hand that
    was missed or claimed where there is none. Frames whose hands all lie nearer than the least T_L
    are not among them.

    Args:
        truth: (N, 2, 3) as in `hand_counts`.
        predicted: (N, 2, 3) likewise.
        most: How many to return; None for all.
    """
    is_there, is_claimed = (np.asarray(hands)[..., 0] > 0.5 for hands in (truth, predicted))
    distances = np.nan_to_num(hand_errors(truth, predicted), nan=0.0)
    errors = np.where(is_there != is_claimed, 1.0, distances)
    is_bad = (errors >= min(HAND_THRESHOLDS)).any(axis=1)
    order = np.argsort(-errors.sum(axis=1), kind="stable")
    return order[is_bad[order]][:most].tolist()
