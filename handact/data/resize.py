"""Shrinking pictures by averaging, quickly."""

from collections.abc import Iterable

import cv2
import numpy as np

__all__ = ["resize", "resize_to_all"]

# handact's own threads each resize other pictures; OpenCV's would fight with them, and hang after a
# fork.
cv2.setNumThreads(1)


def resize(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return (height, width, 3) of a picture (H, W, 3); see `resize_to_all`."""
    return resize_to_all(image, [(width, height)])[0]


def resize_to_all(image: np.ndarray, sizes: Iterable[tuple[int, int]]) -> list[np.ndarray]:
    """Return a picture (H, W, 3) in some sizes (width, height).

    OpenCV averages by any factor but two twelve times slower than by two. So a picture is halved as
    often as it can be, once for all sizes, and what is left to shrink, less than by two, is
    interpolated.
    """
    levels, results = [image], []
    for width, height in sizes:
        level = 0
        while min(levels[level].shape[1] / width, levels[level].shape[0] / height) >= 2:
            level += 1
            if level == len(levels):
                half = levels[-1].shape[1] // 2, levels[-1].shape[0] // 2
                levels.append(cv2.resize(levels[-1], half, interpolation=cv2.INTER_AREA))
        results.append(cv2.resize(levels[level], (width, height), interpolation=cv2.INTER_LINEAR))
    return results
