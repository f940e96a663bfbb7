"""How long frames last, for labels that must hold for so many seconds."""

import numpy as np

__all__ = ["LONGEST_FRAME", "frame_clock", "usual_frame"]

LONGEST_FRAME = 1.0  # seconds; what comes later than that follows a hole, in which nobody looked


def frame_clock(edges: np.ndarray) -> np.ndarray:
    """Return the seconds at which frames begin and the last ends, holes left out.

    Args:
        edges: (N + 1,) see `labels.frame_edges`; N frames, at least one.

    Returns:
        (N + 1,) seconds from 0.
    """
    lengths = np.minimum(np.diff(edges), LONGEST_FRAME)
    return np.concatenate([[0.0], np.cumsum(lengths)])


def usual_frame(edges: np.ndarray) -> float:
    """Return the seconds that a frame lasts, the median."""
    return float(np.median(np.diff(edges)))
