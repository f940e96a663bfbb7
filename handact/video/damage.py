"""What of a video is lost, and where: found from its time stamps, told in one line."""

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import groupby

import numpy as np

__all__ = ["Ledger", "describe_gaps", "describe_torn", "find_gaps"]

_TOLD = 3  # places that a line names; the longest ones
_UNSTEADY = 0.02  # share of the steps that may differ where the rate is called constant
_HOLE = 1.75  # steps between two frames that leave room for a third; a second field takes 1.5
_VANISHED = 3  # frames that are missing in a row there, before it is more than a camera's hiccup


class Ledger:
    """Packets on their way through the decoder: which became frames, and which did not.

    Frames come out in the order of their stamps. So a packet that is still waiting when a later
    frame comes out gave no frame of its own; unless that comes late after all, as damage can do.

    Attributes:
        refused: Stamps of packets that the decoder refused; None where they have none.
        unshown: Stamps of packets that it took, and that gave no frame.
        torn: Stamps of packets that the container calls corrupt.
    """

    def __init__(self) -> None:
        self.refused: list[int | None] = []
        self.unshown: set[int] = set()
        self.torn: set[int] = set()
        self._waiting: list[int] = []

    def send(self, stamp: int | None) -> None:
        """Take note of a packet that the decoder has taken."""
        if stamp is not None:
            heappush(self._waiting, stamp)

    def show(self, stamp: int | None) -> None:
        """Take note of a frame that came out."""
        while stamp is not None and self._waiting and self._waiting[0] <= stamp:
            self.unshown.add(heappop(self._waiting))
        self.unshown.discard(stamp)

    def finish(self) -> None:
        """Take note that no frame will come any more."""
        self.unshown.update(self._waiting)
        self._waiting = []


def find_gaps(
    ticks: np.ndarray,
    refused: np.ndarray,
    unshown: np.ndarray,
    *,
    step: int,
    is_listed: bool,
) -> np.ndarray:
    """Return where frames of a video are missing: (G, 2) ticks [from, to), in order.

    A refused packet is a lost frame. One that gave no frame without an error is a lost frame only
    where that leaves a hole, or where others were refused: second fields, and what precedes the
    first key frame of a trimmed file, give no frame either. Where a file does not list its frames,
    so that they can vanish without a trace, a pause in a constant rate is a gap as well.

    Args:
        ticks: (N,) of the frames, strictly increasing.
        refused: (R,) ticks of the packets that the decoder refused.
        unshown: (U,) ticks of the packets that gave no frame.
        step: Ticks that one frame lasts by the header.
        is_listed: Whether the file lists its frames.
    """
    usual = int(np.median(np.diff(ticks))) if len(ticks) > 1 else step
    starts = {} if is_listed else dict(_find_pauses(ticks, usual))
    lost = np.setdiff1d(np.concatenate([refused, unshown]), ticks)
    certain = set(refused.tolist())
    behind = np.searchsorted(ticks, lost).tolist()
    for place, group in groupby(zip(behind, lost.tolist(), strict=True), key=lambda pair: pair[0]):
        gone = [tick for _, tick in group]
        end = int(ticks[place]) if place < len(ticks) else gone[-1] + usual
        leaves_hole = place > 0 and end - ticks[place - 1] > _HOLE * usual
        if leaves_hole or not certain.isdisjoint(gone):
            starts[end] = min(gone[0], starts.get(end, gone[0]))
    return np.array([(starts[end], end) for end in sorted(starts)], np.int64).reshape(-1, 2)


def _find_pauses(ticks: np.ndarray, usual: int) -> Iterator[tuple[int, int]]:
    """Yield end and beginning of the pauses, if nearly all other steps are alike."""
    steps = np.diff(ticks)
    unsteady = np.abs(steps - usual) > max(1.0, 0.05 * usual)
    if unsteady.sum() <= 2 + _UNSTEADY * len(steps):
        for i in np.flatnonzero(steps > (_VANISHED + 0.5) * usual).tolist():
            yield int(ticks[i + 1]), int(ticks[i]) + usual


def describe_gaps(gaps: np.ndarray, seconds: np.ndarray) -> str:
    """Say where frames are missing; empty where none are.

    Args:
        gaps: (G, 2) seconds [from, to), in order.
        seconds: (N,) time of each frame.
    """
    if not len(gaps):
        return ""
    lengths = gaps[:, 1] - gaps[:, 0]
    places = [
        f"{lengths[i]:.2f} s {_after(gaps[i, 0], seconds)}"
        for i in _longest(lengths.round(2)).tolist()
    ]
    if len(gaps) == 1:
        return f"gap of {places[0]}"
    return f"gaps of {_listed(places, len(gaps))}, {lengths.sum():.2f} s in all"


def _after(start: float, seconds: np.ndarray) -> str:
    frame = int(np.searchsorted(seconds, start)) - 1
    return "before frame 0" if frame < 0 else f"after frame {frame} ({seconds[frame]:.2f} s)"


def describe_torn(torn: np.ndarray, seconds: np.ndarray) -> str:
    """Say which frames lack parts of their picture; empty where none do.

    Args:
        torn: (F,) frames, in order.
        seconds: (N,) time of each frame.
    """
    if not len(torn):
        return ""
    runs = np.split(torn, np.flatnonzero(np.diff(torn) > 1) + 1)
    places = [
        f"{runs[i][0]} ({seconds[runs[i][0]]:.2f} s)"
        if len(runs[i]) == 1
        else f"{runs[i][0]} to {runs[i][-1]} ({seconds[runs[i][0]]:.2f} s)"
        for i in _longest(np.array([len(run) for run in runs])).tolist()
    ]
    frames = "frame" if len(torn) == 1 else "frames"
    return f"parts of the picture missing in {frames} {_listed(places, len(runs))}"


def _longest(lengths: np.ndarray) -> np.ndarray:
    return np.sort(np.argsort(-lengths, kind="stable")[:_TOLD])


def _listed(places: list[str], number: int) -> str:
    *most, last = [*places, f"{number - len(places)} more"] if number > len(places) else places
    return f"{', '.join(most)} and {last}" if most else last
