"""Cleaning by cut-offs: a segment shorter than its class ever lasts belongs to its neighbours."""

import heapq

import numpy as np

from handact.cleaning.timing import frame_clock, usual_frame

__all__ = ["clean_cutoff"]

_DIGITS = 6  # of seconds: two segments of as many frames are equally long
_AT_AN_END = 0.25  # of its cut-off is enough for a segment that the video may have cut off


def clean_cutoff(probabilities: np.ndarray, edges: np.ndarray, cutoffs: np.ndarray) -> np.ndarray:
    """Give every segment that is shorter than its class's cut-off to its neighbours.

    The shortest goes first, the earlier of two equals. Where both neighbours are of one class, the
    three become one segment. Otherwise the short segment is divided between them where the summed
    log-probabilities of the two are highest; at an end of the video its one neighbour gets it
    whole. This goes on until no segment is too short, or one is left.

    How long a segment lasted before the video began, or after it ended, none can tell: at both ends
    a quarter of the cut-off is enough.

    Args:
        probabilities: (N, K) class probabilities of each frame.
        edges: (N + 1,) seconds at which frames begin and the last one ends.
        cutoffs: (K,) seconds that a segment of each class lasts at least, to half a frame.

    Returns:
        (N,) int64 class of each frame.
    """
    labels = probabilities.argmax(1).astype(np.int64)
    if len(labels) == 0:
        return labels
    chain = _Chain(labels, frame_clock(edges))
    cutoffs = cutoffs - usual_frame(edges) / 2
    queue = [entry for i in chain.all() if (entry := chain.entry(i, cutoffs))]
    heapq.heapify(queue)
    while queue:
        entry = heapq.heappop(queue)
        segment = entry[-1]
        if entry != chain.entry(segment, cutoffs) or chain.is_only(segment):
            continue  # it was changed, taken or joined since it was queued
        for changed in chain.give_away(segment, probabilities):
            if entry := chain.entry(changed, cutoffs):
                heapq.heappush(queue, entry)
    return chain.labels()


class _Chain:
    """Segments of a video as a doubly linked list, so that giving one away costs no copying."""

    def __init__(self, labels: np.ndarray, clock: np.ndarray) -> None:
        self.clock: list[float] = clock.tolist()
        starts = np.flatnonzero(np.diff(labels, prepend=labels[0] - 1))
        self.start: list[int] = starts.tolist()
        self.end: list[int] = [*self.start[1:], len(labels)]
        self.label: list[int] = labels[starts].tolist()
        number = len(self.start)
        self.left: list[int] = list(range(-1, number - 1))
        self.right: list[int] = [*range(1, number), -1]
        self.alive = [True] * number

    def all(self) -> range:
        return range(len(self.start))

    def entry(self, i: int, cutoffs: np.ndarray) -> tuple[float, int, int] | None:
        """Return the place of segment `i` in the queue, or None if it is gone or long enough."""
        length = round(self.clock[self.end[i]] - self.clock[self.start[i]], _DIGITS)
        is_whole = self.left[i] >= 0 and self.right[i] >= 0
        if not self.alive[i] or length >= cutoffs[self.label[i]] * (1 if is_whole else _AT_AN_END):
            return None
        return length, self.start[i], i

    def is_only(self, i: int) -> bool:
        return self.left[i] < 0 and self.right[i] < 0

    def give_away(self, i: int, probabilities: np.ndarray) -> list[int]:
        """Take segment `i` out and return the neighbours that grew."""
        left, right = self.left[i], self.right[i]
        if left < 0 or right < 0:
            keep = max(left, right)
            self._grow(keep, i)
            self._remove(i)
            return [keep]
        if self.label[left] == self.label[right]:
            self.end[left] = self.end[right]
            self._remove(i)
            self._remove(right)
            return [left]
        cut = self._best_cut(i, probabilities)
        self.end[left] = self.start[right] = cut
        self._remove(i)
        return [left, right]

    def _best_cut(self, i: int, probabilities: np.ndarray) -> int:
        """Return the first frame of segment `i` that goes to the right neighbour."""
        piece = np.log(np.maximum(probabilities[self.start[i] : self.end[i]], 1e-12))
        left = np.concatenate([[0.0], np.cumsum(piece[:, self.label[self.left[i]]])])
        right = np.concatenate([[0.0], np.cumsum(piece[::-1, self.label[self.right[i]]])])[::-1]
        return self.start[i] + int(np.argmax(left + right))

    def _grow(self, keep: int, i: int) -> None:
        self.start[keep] = min(self.start[keep], self.start[i])
        self.end[keep] = max(self.end[keep], self.end[i])

    def _remove(self, i: int) -> None:
        left, right = self.left[i], self.right[i]
        self.alive[i] = False
        if left >= 0:
            self.right[left] = right
        if right >= 0:
            self.left[right] = left

    def labels(self) -> np.ndarray:
        lengths = [(self.end[i] - self.start[i]) * self.alive[i] for i in self.all()]
        return np.repeat(np.array(self.label, dtype=np.int64), lengths)
