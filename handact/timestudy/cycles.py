"""Steps of work, and the cycles that they make."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np

from handact.labels import Segment, segments_from_frames

__all__ = [
    "Cycle",
    "Nominal",
    "Status",
    "Step",
    "align_to_order",
    "find_cycles",
    "steps_from_frames",
    "steps_from_segments",
]

Status = Literal["ok", "extra", "out of order", ""]
"""What a step is in its cycle; "" where no order is known."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of work.

    Attributes:
        action: Name of the class, never background.
        start: Seconds.
        end: Seconds, after `start`.
    """

    action: str
    start: float
    end: float

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Nominal:
    """What the work should be.

    Attributes:
        order: Steps of a cycle; the same step may stand in it more than once. Empty: not known.
        start: The step that begins a cycle, where no order is known.
        takt: Seconds that a cycle may take.
        standard: Seconds that a step should take, by its name.
    """

    order: tuple[str, ...] = ()
    start: str | None = None
    takt: float | None = None
    standard: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cycle:
    """One run through the work.

    Attributes:
        video: Where it was seen.
        number: Of the cycles of the video, from 1, partial ones counted.
        steps: In order of time.
        status: Of each step.
        missing: Steps of the order that are not there, as the order has them; one may be twice.
        missing_at: Seconds of each: where the last step in order before it ends.
        start: Of the first step.
        end: Where the next cycle starts; of the last cycle of a video, where its last step ends.
        is_complete: Whether neither end of the video cuts it off.
    """

    video: str
    number: int
    steps: tuple[Step, ...]
    status: tuple[Status, ...]
    missing: tuple[str, ...]
    missing_at: tuple[float, ...]
    start: float
    end: float
    is_complete: bool

    @property
    def duration(self) -> float:
        """Cycle time, waiting included."""
        return self.end - self.start

    @property
    def waiting(self) -> float:
        """Seconds between its steps, and after the last one until the next cycle starts."""
        return max(0.0, self.duration - sum(step.duration for step in self.steps))

    def named(self, status: Status) -> list[str]:
        """Return the steps of a status, in order of time."""
        both = zip(self.steps, self.status, strict=True)
        return [step.action for step, its in both if its == status]

    @property
    def is_odd(self) -> bool:
        """Whether a step is missing, extra or out of order."""
        return bool(self.missing) or not set(self.status) <= {"ok", ""}


def steps_from_frames(
    labels: np.ndarray, classes: Sequence[str], background: str, edges: np.ndarray
) -> list[Step]:
    """Gather runs of equal labels into steps: one done twice without a break is one.

    Args:
        labels: (N,) class indices.
        classes: Class names.
        background: One of them, left out.
        edges: (N + 1,) seconds at which frames begin and the last one ends.
    """
    return steps_from_segments(segments_from_frames(labels, classes), background, edges)


def steps_from_segments(
    segments: Iterable[Segment], background: str, edges: np.ndarray
) -> list[Step]:
    """Return segments in seconds; neighbours of one class stay apart.

    Args:
        segments: In order of time.
        background: Class that is left out.
        edges: (N + 1,) seconds at which frames begin and the last one ends.
    """
    return [
        Step(s.action, float(edges[s.start_frame]), float(edges[s.end_frame]))
        for s in segments
        if s.action != background
    ]


def find_cycles(video: str, steps: Sequence[Step], nominal: Nominal) -> list[Cycle]:
    """Cut the steps of a video into cycles; none where neither order nor start are known.

    With an order, `align_to_order` says which steps are in order. A cycle begins where the order
    starts anew. In each cycle, what the order has and the cycle has not is missing, a step that is
    not in order is extra, and a missing and an extra of the same step are one step out of order.
    Between two cycles, steps that are not in order go to the cycle that misses them, otherwise to
    the one before. The first cycle of a video is partial if it misses steps of the order before
    its first in order, the last one if it misses some after its last: the video may have begun
    later and ended earlier. A first or last step that was left out there cannot be told from that.

    With a start alone, each occurrence of it begins a cycle. What stands before the first is
    partial, and so is the last cycle, whose end is not known.

    Args:
        video: Its name.
        steps: In order of time, without overlap.
        nominal: Its order or start.
    """
    if not steps:
        return []
    if nominal.order:
        return _cycles_in_order(video, steps, nominal.order)
    if nominal.start:
        return _cycles_from_start(video, steps, nominal.start)
    return []


def _cycles_from_start(video: str, steps: Sequence[Step], start: str) -> list[Cycle]:
    begins = [i for i, step in enumerate(steps) if step.action == start]
    cuts = sorted({0, *begins, len(steps)})
    return [
        Cycle(
            video=video,
            number=k + 1,
            steps=tuple(steps[a:b]),
            status=("",) * (b - a),
            missing=(),
            missing_at=(),
            start=steps[a].start,
            end=_end(steps, b),
            is_complete=a in begins and b < len(steps),
        )
        for k, (a, b) in enumerate(pairwise(cuts))
    ]


def _end(steps: Sequence[Step], cut: int) -> float:
    return steps[cut].start if cut < len(steps) else steps[-1].end


def _cycles_in_order(video: str, steps: Sequence[Step], order: Sequence[str]) -> list[Cycle]:
    judge = _Judge(steps, align_to_order(steps, order), order)
    cycles = []
    for k, (a, b) in enumerate(pairwise(judge.cuts())):
        status, missing, is_complete = judge(a, b)
        cycles.append(
            Cycle(
                video=video,
                number=k + 1,
                steps=tuple(steps[a:b]),
                status=status,
                missing=tuple(order[q] for q in missing),
                missing_at=tuple(judge.time_of(q, a, b) for q in missing),
                start=steps[a].start,
                end=_end(steps, b),
                is_complete=is_complete,
            )
        )
    return cycles


def align_to_order(steps: Sequence[Step], order: Sequence[str]) -> list[int | None]:
    """Align the steps of a video with the endlessly repeated order.

    Edit alignment without substitutions (Needleman and Wunsch 1970, with free ends): a step that
    is not in order costs one, and so does a place of the order that is passed over; what the order
    has before the first and after the last step in order is free, and no whole cycle is passed
    over. Of equal alignments, that which leaves the least time out of order is chosen.

    Args:
        steps: In order of time.
        order: L names, at least one.

    Returns:
        For each step its place in the repeated order, or None where it is not in order. Places
        rise; `place // L` counts cycles from 0, `place % L` is the place in `order`.
    """
    places: dict[str, list[int]] = {}
    for q, action in enumerate(order):
        places.setdefault(action, []).append(q)
    best = {_NOWHERE: (0, 0)}  # place of the last step in order -> faults, time out of order
    history = []
    for step in steps:
        time = round(1e6 * step.duration)  # whole numbers, so that equal sums are equal
        ways = {p: ((faults + 1, left + time), p, False) for p, (faults, left) in best.items()}
        for q in places.get(step.action, ()):
            found = min(((f + _passed(p, q, len(order)), t), p) for p, (f, t) in best.items())
            if q not in ways or found[0] < ways[q][0]:
                ways[q] = (*found, True)
        best = {p: way[0] for p, way in ways.items()}
        history.append({p: way[1:] for p, way in ways.items()})
    return _trace(history, min(best, key=lambda p: (best[p], p)), len(order))


_NOWHERE = -1


def _passed(last: int, place: int, length: int) -> int:
    return 0 if last == _NOWHERE else (place - last - 1) % length


def _trace(
    history: Sequence[Mapping[int, tuple[int, bool]]], last: int, length: int
) -> list[int | None]:
    found: list[int | None] = []
    for ways in reversed(history):
        before, is_in_order = ways[last]
        found.append(last if is_in_order else None)
        last = before
    cycle, before = 0, _NOWHERE
    positions: list[int | None] = []
    for place in reversed(found):
        if place is not None:
            cycle += place <= before
            before = place
        positions.append(None if place is None else cycle * length + place)
    return positions


@dataclass(frozen=True, slots=True)
class _Judge:
    """Says what is wrong with cycles of a video, whose steps are aligned with the order."""

    steps: Sequence[Step]
    positions: Sequence[int | None]
    order: Sequence[str]

    def cuts(self) -> list[int]:
        """Return where cycles begin, and the number of steps: indices of steps."""
        in_order = [i for i, p in enumerate(self.positions) if p is not None]
        cycle = [self.positions[i] // len(self.order) for i in in_order]
        changes = [k for k in range(1, len(cycle)) if cycle[k] != cycle[k - 1]]
        cuts = [0]
        for k, following in zip(changes, [*changes, len(in_order)][1:], strict=True):
            end = in_order[following - 1] + 1
            options = range(in_order[k], in_order[k - 1], -1)  # the cycle before comes first
            cuts.append(min(options, key=lambda cut: self._faults(cuts[-1], cut, end)))
        return [*cuts, len(self.steps)]

    def _faults(self, start: int, cut: int, end: int) -> int:
        return sum(
            len(missing) + sum(its != "ok" for its in status)
            for status, missing, _ in (self(start, cut), self(cut, end))
        )

    def time_of(self, place: int, start: int, end: int) -> float:
        """Return where a missing place of the order would be, in seconds."""
        its = zip(self.steps[start:end], self.positions[start:end], strict=True)
        before = [s.end for s, p in its if p is not None and p % len(self.order) < place]
        return before[-1] if before else self.steps[start].start

    def __call__(self, start: int, end: int) -> tuple[tuple[Status, ...], list[int], bool]:
        """Return the status of a cycle's steps, the places missing, and if it is complete."""
        length = len(self.order)
        positions = self.positions[start:end]
        there = [p % length for p in positions if p is not None]
        unseen = self._unseen(start, end, there)
        # A place inside the cycle surely lacks its step; one beyond an end may be outside.
        absent = sorted(set(range(length)) - set(there), key=lambda q: (q in unseen, q))
        status: list[Status] = []
        for step, position in zip(self.steps[start:end], positions, strict=True):
            place = next((q for q in absent if self.order[q] == step.action), None)
            if position is not None:
                status.append("ok")
            elif place is None:
                status.append("extra")
            else:
                absent.remove(place)
                status.append("out of order")
        missing = [q for q in absent if q not in unseen]
        return tuple(status), missing, not unseen.intersection(absent)

    def _unseen(self, start: int, end: int, there: Sequence[int]) -> set[int]:
        """Return the places of the order that may lie outside the video."""
        if not there:
            return set(range(len(self.order)))
        unseen = set()
        if not any(p is not None for p in self.positions[:start]):
            unseen |= set(range(there[0]))
        if not any(p is not None for p in self.positions[end:]):
            unseen |= set(range(there[-1] + 1, len(self.order)))
        return unseen
