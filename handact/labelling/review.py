"""Predictions for a person to accept or correct, and the places to look at first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from handact.errors import LabelError
from handact.formats.tables import ACTION_COLUMNS, parse_actions
from handact.formats.text import parse_numbers, read_table, show_path
from handact.labels import Segment, frames_from_segments
from handact.metrics import WrongSegment, worst_segments

__all__ = [
    "Place",
    "Prediction",
    "fill_gaps",
    "find_places",
    "predicted_videos",
    "read_predictions",
]

_SUFFIX = ".segments.csv"
_SURE = 0.9  # confidence above which a segment needs no second look


@dataclass(frozen=True, slots=True)
class Prediction:
    """A predicted segment.

    Attributes:
        segment: Where, and what.
        confidence: 0..1; None where the table does not say.
    """

    segment: Segment
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person should look.

    Attributes:
        start_frame: First frame.
        end_frame: One past the last frame.
        kind: "doubtful", or of a wrong segment its fault: see `metrics.WrongSegment`.
        action: The class that is predicted there, mostly.
        other: The class that it should be, where there are labels.
        text: The same as a sentence.
    """

    start_frame: int
    end_frame: int
    kind: str
    action: str
    other: str | None
    text: str


def predicted_videos(run: Path) -> list[str]:
    """Return the videos that a run has predictions for."""
    return sorted(
        path.name.removesuffix(_SUFFIX) for path in (run / "segments").glob(f"*{_SUFFIX}")
    )


def read_predictions(run: Path, video: str) -> list[Prediction]:
    """Read what `segment` left of a video in the folder of a run, in order.

    Raises:
        LabelError: It left nothing, or what is there is no table of segments.
    """
    path = run / "segments" / f"{video}{_SUFFIX}"
    if not path.exists():
        raise LabelError(
            f"{show_path(path)}: no such file", f"`handact segment {video}` makes the predictions"
        )
    file = show_path(path)
    table = read_table(path, ACTION_COLUMNS, ("confidence",))
    has_confidence = "confidence" in table.columns
    confidence = parse_numbers(table, "confidence", file) if has_confidence else {}
    rows = sorted(parse_actions(table, file), key=lambda row: row.segment)
    return [
        Prediction(row.segment, float(confidence[row.row]) if has_confidence else None)
        for row in rows
    ]


def fill_gaps(
    own: Iterable[Segment], predicted: Iterable[Segment], num_frames: int, background: str
) -> list[Segment]:
    """Return a person's segments, with predictions wherever the person has said nothing.

    Args:
        own: Without overlap; background among them says that nothing happens there.
        predicted: Likewise.
        num_frames: Frames of the video; what lies beyond is cut off.
        background: Left out of the result.
    """
    own = sorted(own)
    pieces, first = list(own), 0
    for segment in sorted(predicted):
        # Those that end before this prediction meet none of the later ones either.
        while first < len(own) and own[first].end_frame <= segment.start_frame:
            first += 1
        pieces += _outside(segment, own[first:], num_frames)
    return [segment for segment in sorted(pieces) if segment.action != background]


def _outside(segment: Segment, others: Sequence[Segment], num_frames: int) -> list[Segment]:
    """Return the pieces of a segment that none of the others, in order, covers."""
    end = min(segment.end_frame, num_frames)
    cuts = [segment.start_frame]
    for other in takewhile(lambda other: other.start_frame < end, others):
        cuts += [other.start_frame, other.end_frame]
    cuts.append(end)
    pairs = zip(cuts[::2], cuts[1::2], strict=True)
    return [Segment(a, b, segment.action) for a, b in pairs if a < b]


def find_places(
    predicted: Sequence[Prediction],
    truth: Sequence[Segment] | None,
    num_frames: int,
    classes: Sequence[str],
    background: str,
) -> list[Place]:
    """Return where to look, the worst first.

    Where there are labels, these are the wrong segments, by the number of wrong frames; otherwise
    the predicted segments that the network is not sure of, the least sure first.
    """
    if truth is None:
        return _doubtful(predicted)
    names = tuple(dict.fromkeys((*classes, *(s.action for s in truth), *_actions(predicted))))
    both = (truth, [p.segment for p in predicted])
    true, guessed = (frames_from_segments(its, num_frames, names, background) for its in both)
    wrong = worst_segments({"": true}, {"": guessed}, names, background)
    return [
        Place(w.start_frame, w.end_frame, w.fault, w.predicted, w.truth, _describe(w))
        for w in wrong
    ]


def _doubtful(predicted: Sequence[Prediction]) -> list[Place]:
    doubtful = [p for p in predicted if p.confidence is not None and p.confidence < _SURE]
    return [
        Place(
            p.segment.start_frame,
            p.segment.end_frame,
            "doubtful",
            p.segment.action,
            None,
            f"{p.segment.action}, confidence {p.confidence:.2f}",
        )
        for p in sorted(doubtful, key=lambda p: p.confidence)
    ]


def _describe(wrong: WrongSegment) -> str:
    frames = f"{wrong.num_wrong} frames"
    if wrong.fault in ("missed", "partly wrong"):
        return f"{wrong.truth} {wrong.fault}: {frames} are called {wrong.predicted}"
    return f"{wrong.predicted} {wrong.fault}: {frames} are {wrong.truth}"


def _actions(predicted: Iterable[Prediction]) -> list[str]:
    return [p.segment.action for p in predicted]
