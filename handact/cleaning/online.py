"""Cleaning while frames arrive: a new class counts once it has held, from where it began."""

from dataclasses import dataclass

import numpy as np

from handact.cleaning.timing import LONGEST_FRAME, usual_frame

__all__ = ["OnlineCleaner", "clean_online"]


@dataclass(slots=True)
class OnlineCleaner:
    """Decides on the class of each frame of a stream, some time after it came.

    The likeliest class of the frames is taken for a new one once it has held for its cut-off
    without a break, and then counts from the frame where it began. What does not hold so long
    belongs to the class before it. A stream begins in the background. While no frame came, nothing
    held: a pause counts as a second at most.

    A frame waits for its decision until frames that came up to max(`cutoffs`) seconds later have
    been seen; where frames come further apart than `frame_seconds`, one of these more.

    Attributes:
        cutoffs: (K,) seconds that each class must hold, to half a frame.
        label: The class that holds now.
        frame_seconds: How far apart frames usually come.
        number: Frames that have come.
        decided: Frames, from the first, whose class will not change any more.
    """

    cutoffs: np.ndarray
    label: int
    frame_seconds: float
    number: int = 0
    decided: int = 0
    _candidate: int = -1  # the class of the newest frame; it began at `decided`
    _held: float = 0.0  # seconds from the candidate's first frame to the newest
    _last: float = 0.0  # when the newest frame came

    def push(self, probabilities: np.ndarray, seconds: float) -> int | None:
        """Take the next frame.

        Args:
            probabilities: (K,) of its classes.
            seconds: When it came.

        Returns:
            The frame from which a new class, now `label`, holds; None if it is still the same.
        """
        likeliest, frame = int(probabilities.argmax()), self.number
        step = min(seconds - self._last, LONGEST_FRAME)
        self.number, self._last = frame + 1, seconds
        if likeliest == self.label:
            self.decided = self.number
        elif self._candidate != likeliest:
            self.decided = frame  # what was not sure before belongs to the class that held
        self._held = self._held + step if self._candidate == likeliest else 0.0
        self._candidate = likeliest
        if likeliest == self.label:
            return None
        if self._held + 1.5 * self.frame_seconds < self.cutoffs[likeliest]:
            return None
        began, self.label, self.decided = self.decided, likeliest, self.number
        return began


def clean_online(
    probabilities: np.ndarray, edges: np.ndarray, cutoffs: np.ndarray, background: int
) -> np.ndarray:
    """Return what `OnlineCleaner` decides, frame by frame, of a stream that is all there.

    Args:
        probabilities: (N, K) class probabilities of each frame.
        edges: (N + 1,) seconds at which frames begin and the last one ends.
        cutoffs: (K,) seconds that each class must hold, to half a frame.
        background: Its index.

    Returns:
        (N,) int64 class of each frame.
    """
    labels = np.full(len(probabilities), background, np.int64)
    if len(labels) == 0:
        return labels
    cleaner = OnlineCleaner(cutoffs, background, usual_frame(edges))
    for row, seconds in zip(probabilities, edges[:-1].tolist(), strict=True):
        began = cleaner.push(row, seconds)
        if began is not None:
            labels[began:] = cleaner.label
    return labels
