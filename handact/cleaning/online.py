"""Cleaning while frames arrive: a new class counts once it has held, from where it began."""

from dataclasses import dataclass

import numpy as np

__all__ = ["OnlineCleaner", "clean_online"]


@dataclass(slots=True)
class OnlineCleaner:
    """Decides on the class of each frame of a stream, some frames after it came.

    The likeliest class of the frames is taken for a new one once it has held for its cut-off
    without a break, and then counts from the frame where it began. What does not hold so long
    belongs to the class before it. A stream begins in the background.

    Attributes:
        cutoffs: (K,) frames that each class must hold, at least 1.
        label: The class that holds now.
        number: Frames that have come.
        decided: Frames, from the first, whose class will not change any more.
    """

    cutoffs: np.ndarray
    label: int
    number: int = 0
    decided: int = 0
    _candidate: int = -1  # the class of the newest frame; it began at `decided`

    @property
    def delay(self) -> int:
        """Frames that may come after a frame until its class is decided, at most."""
        return int(self.cutoffs.max()) - 1

    def push(self, probabilities: np.ndarray) -> int | None:
        """Take the next frame.

        Args:
            probabilities: (K,) of its classes.

        Returns:
            The frame from which a new class, now `label`, holds; None if it is still the same.
        """
        likeliest, frame = int(probabilities.argmax()), self.number
        self.number += 1
        if likeliest == self.label:
            self.decided = self.number
        elif self._candidate != likeliest:
            self.decided = frame  # what was not sure before belongs to the class that held
        self._candidate = likeliest
        if likeliest == self.label or self.number - self.decided < self.cutoffs[likeliest]:
            return None
        began, self.label, self.decided = self.decided, likeliest, self.number
        return began


def clean_online(probabilities: np.ndarray, cutoffs: np.ndarray, background: int) -> np.ndarray:
    """Return what `OnlineCleaner` decides, frame by frame, of a stream that is all there.

    Args:
        probabilities: (N, K) class probabilities of each frame.
        cutoffs: (K,) frames that each class must hold, at least 1.
        background: Its index.

    Returns:
        (N,) int64 class of each frame.
    """
    cleaner = OnlineCleaner(cutoffs, background)
    labels = np.full(len(probabilities), background, np.int64)
    for row in probabilities:
        began = cleaner.push(row)
        if began is not None:
            labels[began:] = cleaner.label
    return labels
