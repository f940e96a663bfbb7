"""What breaks no rule in a dataset's labels and is a mistake all the same, more often than not.

Durations are seconds at a video's mean rate. Distances are fractions of a picture's short side,
in whichever direction: fractions of width and height would not compare.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from handact.dataset.folder import Dataset
from handact.formats.validate import fold_name
from handact.formats.videos import SPLITS, Video
from handact.labels import HAND_COLUMNS, Segment

__all__ = ["Doubt", "find_action_doubts", "find_hand_doubts"]

# Quartiles of fewer are chance.
_ENOUGH = 10
# Durations spread by factors, so they are compared as logarithms. Three times the distance of the
# quartiles is what Tukey calls far out, beyond 4.7 standard deviations of a bell curve. Where all
# are alike, a factor of three is still nothing; where they are all over the place, ten is much.
_FAR_OUT = 3.0
_LEAST_FACTOR = 3.0
_MOST_FACTOR = 10.0
# How many ordinary segments must have room in a bare stretch: between two segments a short one
# may have been forgotten; before the first and after the last, people come and go.
_ROOM_BETWEEN = 0.5
_ROOM_AT_ENDS = 3.0

# Hands nearer to each other than this cannot be told by their places.
_APART = 0.2
# Swapping must save this much of the way: hands that cross or work side by side stay below.
_SHORTER = 3.0
# In more seconds than these, two hands may well have traded places.
_TRADE_SECONDS = 1.0
# A hand at work crosses the short side of a picture once or twice a second, not three times, and
# then it does not turn on the spot.
_JUMP_SPEED = 3.0
# Jumps nearer than this are a matter of where in the palm one clicked.
_JUMP = 0.2
# One that came back is this many times nearer to where it was than it had been away.
_CAME_BACK = 3.0

_NAMES_SHOWN = 5

_Where = Literal["before", "between", "after"]


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something in the labels that a person should look at.

    Attributes:
        file: Of the dataset folder.
        video: The video concerned, if it is one.
        place: What stands in the row concerned: the segment, or the number of the frame; None
            where the whole file is meant.
        reason: What is odd, without a full stop.
        hint: What to do about it.
    """

    file: str
    video: str | None
    place: Segment | int | None
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Frames [start, end) of a video without a label, and the segment that they lie next to."""

    where: _Where
    video: Video
    start: int
    end: int
    beside: Segment

    @property
    def seconds(self) -> float:
        return (self.end - self.start) / self.video.fps


def find_action_doubts(dataset: Dataset) -> Iterator[Doubt]:
    """Yield what is odd about the actions; nothing where none are labelled yet."""
    if not any(dataset.actions.values()):
        return
    yield from _find_alike_names(dataset)
    yield from _find_missing_classes(dataset)
    yield from _find_unlabelled_videos(dataset)
    yield from _find_bare_stretches(dataset)
    yield from _find_odd_durations(dataset)


def find_hand_doubts(dataset: Dataset) -> Iterator[Doubt]:
    """Yield what is odd about the hands: left and right swapped, jumps there and back."""
    for name, rows in dataset.hands.groupby("video"):
        video = dataset.videos[name]
        frames = rows["frame"].to_numpy()
        sides = np.array([video.width, video.height]) / min(video.width, video.height)
        position = rows[list(HAND_COLUMNS[2:])].to_numpy(float).reshape(-1, 2, 2) * sides
        for run in _swapped_runs(frames / video.fps, position):
            yield _swap(name, frames[run])
            position[run] = position[run, ::-1]  # or both hands would jump
        yield from _find_jumps(video, frames, position)


def _segments(dataset: Dataset) -> Iterator[tuple[Video, Segment]]:
    for video in dataset.videos.values():
        for segment in dataset.actions[video.name]:
            yield video, segment


def _find_alike_names(dataset: Dataset) -> Iterator[Doubt]:
    number = Counter(segment.action for _, segment in _segments(dataset))
    groups: dict[str, list[str]] = defaultdict(list)
    for name in dataset.classes:
        groups[fold_name(name)].append(name)
    for names in groups.values():
        # The background cannot give way: it has another meaning.
        kept, *others = sorted(names, key=lambda n: (n != dataset.background, -number[n]))
        for other in others:
            rows = ((v.name, s) for v, s in _segments(dataset) if s.action == other)
            video, first = next(rows, (None, None))
            yield Doubt(
                "actions.csv" if first else "dataset.toml",
                video,
                first,
                f"classes {other!r} ({number[other]} segments) and {kept!r} ({number[kept]}) "
                "differ in capitals or blanks only",
                f"if they are one, write {kept!r} for {other!r} in actions.csv, and take {other!r} "
                "out of `classes` in dataset.toml",
            )


def _find_missing_classes(dataset: Dataset) -> Iterator[Doubt]:
    there: dict[str, set[str]] = defaultdict(set)
    for video, segment in _segments(dataset):
        there[video.split].add(segment.action)
    actions = [name for name in dataset.classes if name != dataset.background]
    anywhere = set().union(*there.values())
    nowhere = [name for name in actions if name not in anywhere]
    if nowhere:
        reason = f"no video has a segment of {_list(nowhere)}"
        hint = "label some, or take the class out of `classes`: it cannot be learnt"
        yield Doubt("dataset.toml", None, None, reason, hint)
    for split in (split for split in SPLITS if split in there):
        missing = [name for name in actions if name in anywhere - there[split]]
        if missing:
            reason = f"no video of the split {split!r} has a segment of {_list(missing)}"
            without = "cannot be learnt" if split == "train" else "has no figures"
            hint = f"label some, or try another split: `handact split --seed 1`; else it {without}"
            yield Doubt("videos.csv", None, None, reason, hint)


def _find_unlabelled_videos(dataset: Dataset) -> Iterator[Doubt]:
    names = [name for name in dataset.videos if not dataset.actions[name]]
    if names:
        number = f"{len(names)} of {len(dataset.videos)} videos"
        reason = f"no segment in {number}: {_list(names)}"
        hint = "label them; training and reports leave videos without segments out"
        yield Doubt("actions.csv", names[0] if len(names) == 1 else None, None, reason, hint)


def _find_bare_stretches(dataset: Dataset) -> Iterator[Doubt]:
    """Yield stretches without labels that are much longer than such stretches usually are."""
    actions = [(v, s) for v, s in _segments(dataset) if s.action != dataset.background]
    if len(actions) < _ENOUGH:
        return
    ordinary = float(np.median([len(segment) / video.fps for video, segment in actions]))
    stretches = [s for v in dataset.videos.values() for s in _stretches(dataset, v)]
    usual = {
        where: _usual_length([s.seconds for s in stretches if s.where == where])
        for where in ("before", "between", "after")
    }
    for stretch in stretches:
        room = _ROOM_BETWEEN if stretch.where == "between" else _ROOM_AT_ENDS
        most = usual[stretch.where]
        most = usual["between"] if most is None else most
        if most is not None and stretch.seconds > max(most, room * ordinary):
            yield _bare(stretch)


def _stretches(dataset: Dataset, video: Video) -> Iterator[_Stretch]:
    """Yield what lies between the segments of a video, and at its ends; of no frames, too."""
    segments = dataset.actions[video.name]
    if not segments:
        return
    first, last = segments[0], segments[-1]
    yield _Stretch("before", video, 0, first.start_frame, first)
    for a, b in pairwise(segments):
        yield _Stretch("between", video, a.end_frame, b.start_frame, a)
    yield _Stretch("after", video, last.end_frame, video.frames, last)


def _usual_length(seconds: Sequence[float]) -> float | None:
    """Return the most that a stretch lasts where nothing is odd, or None if that is not known."""
    bare = [s for s in seconds if s > 0]
    if len(bare) >= _ENOUGH:
        return _usual_range(bare)[1]
    is_rare = len(seconds) >= _ENOUGH and 4 * len(bare) <= len(seconds)
    return 0.0 if is_rare else None


def _bare(stretch: _Stretch) -> Doubt:
    side = "before" if stretch.where == "before" else "after"
    reason = (
        f"no label in [{stretch.start}, {stretch.end}) of video {stretch.video.name!r}: "
        f"{_show(stretch.seconds)} {side} {stretch.beside.action!r}"
    )
    hint = "if an action is there, label it; if not, leave it: it counts as background"
    return Doubt("actions.csv", stretch.video.name, stretch.beside, reason, hint)


def _find_odd_durations(dataset: Dataset) -> Iterator[Doubt]:
    """Yield segments far shorter or longer than others of their class."""
    by_class: dict[str, list[tuple[Video, Segment]]] = defaultdict(list)
    for video, segment in _segments(dataset):
        by_class[segment.action].append((video, segment))
    by_class.pop(dataset.background, None)
    for found in by_class.values():
        if len(found) < _ENOUGH:
            continue
        seconds = [len(segment) / video.fps for video, segment in found]
        least, most = _usual_range(seconds)
        for (video, segment), lasts in zip(found, seconds, strict=True):
            # The ends of a video cut actions short.
            is_cut = segment.start_frame == 0 or segment.end_frame == video.frames
            if lasts > most or (lasts < least and not is_cut):
                yield _odd_duration(video.name, segment, lasts, seconds)


def _odd_duration(video: str, segment: Segment, lasts: float, all_last: Sequence[float]) -> Doubt:
    low, high = np.quantile(all_last, (0.25, 0.75))
    reason = (
        f"{segment.action!r} [{segment.start_frame}, {segment.end_frame}) of video {video!r} lasts "
        f"{_show(lasts)}; half of the {len(all_last)} segments of this class last {_show(low)} to "
        f"{_show(high)}"
    )
    hint = "are its ends right, and is it this action from end to end?"
    return Doubt("actions.csv", video, segment, reason, hint)


def _usual_range(seconds: Sequence[float]) -> tuple[float, float]:
    """Return the least and the most that is not far from the quartiles."""
    low, high = np.quantile(seconds, (0.25, 0.75))
    factor = float(np.clip((high / low) ** _FAR_OUT, _LEAST_FACTOR, _MOST_FACTOR))
    return low / factor, high * factor


def _swapped_runs(seconds: np.ndarray, position: np.ndarray) -> list[slice]:
    """Return the runs of rows in which left and right are the other way round than in most.

    Rows are followed as long as both hands are there and little time passes. Each time that both
    hands seem to trade places, a piece ends; every other piece is the other way round. These or
    those: the ones with fewer rows are returned, of equally many the later.

    Args:
        seconds: (N,) when the frames are shown.
        position: (N, 2, 2) of the left and right hand; NaN where a hand is absent.
    """
    before, after = position[:-1], position[1:]
    stay = np.linalg.norm(after - before, axis=-1).sum(-1)
    swap = np.linalg.norm(after - before[:, ::-1], axis=-1).sum(-1)
    is_apart = np.linalg.norm(position[:, 0] - position[:, 1], axis=-1) >= _APART
    is_near = ~np.isnan(stay) & (np.diff(seconds) <= _TRADE_SECONDS)
    trades = is_near & is_apart[:-1] & is_apart[1:] & (swap * _SHORTER <= stay)
    runs = []
    starts = np.flatnonzero(np.append(True, ~is_near))
    for start, end in zip(starts, [*starts[1:], len(position)], strict=True):
        changes = start + 1 + np.flatnonzero(trades[start : end - 1])
        edges = [start, *changes.tolist(), end]
        pieces = [slice(int(a), int(b)) for a, b in pairwise(edges)]
        runs += min(pieces[1::2], pieces[::2], key=_count_rows)
    return runs


def _count_rows(runs: Iterable[slice]) -> int:
    return sum(run.stop - run.start for run in runs)


def _swap(video: str, frames: np.ndarray) -> Doubt:
    first, last = int(frames[0]), int(frames[-1])
    which = f"frame {first}" if first == last else f"frames {first} to {last}"
    reason = (
        f"left and right are the other way round in {which} of video {video!r} than in the rows "
        "next to it"
    )
    hint = "look at the video there, and exchange left and right in the rows that have them wrong"
    return Doubt("hands.csv", video, first, reason, hint)


def _find_jumps(video: Video, frames: np.ndarray, position: np.ndarray) -> Iterator[Doubt]:
    for hand, side in enumerate(("left", "right")):
        present = ~np.isnan(position[:, hand, 0])
        at, frame = position[present, hand], frames[present]
        speed_limit = _JUMP_SPEED * np.diff(frame) / video.fps
        steps = np.linalg.norm(np.diff(at, axis=0), axis=-1)
        is_jump = steps >= np.maximum(_JUMP, speed_limit)
        away = np.minimum(steps[:-1], steps[1:])
        is_back = np.linalg.norm(at[2:] - at[:-2], axis=-1) * _CAME_BACK <= away
        for i in np.flatnonzero(is_jump[:-1] & is_jump[1:] & is_back):
            reason = (
                f"the {side} hand of video {video.name!r} jumps away in frame {frame[i + 1]}, "
                f"and is back in frame {frame[i + 2]}"
            )
            hint = "look at the video there: is it the other hand, or no hand?"
            yield Doubt("hands.csv", video.name, int(frame[i + 1]), reason, hint)


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _show(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 10 else f"{seconds:.2f} s"
