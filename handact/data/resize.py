"""Pictures in other sizes, quickly."""

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

    OpenCV averages by any factor but two many times slower than it interpolates, and interpolation
    by up to two reads every pixel. So each side is halved as often as it can be, what sizes share
    of it once, and what is left to shrink, less than by two, comes last.
    """
    halved = {image.shape[1::-1]: image}
    return [_resize(image, size, halved) for size in sizes]


def _resize(
    image: np.ndarray, size: tuple[int, int], halved: dict[tuple[int, ...], np.ndarray]
) -> np.ndarray:
    (width, height), now = size, image.shape[1::-1]
    while now[0] >= 2 * width or now[1] >= 2 * height:
        half = tuple(n // 2 if n >= 2 * wanted else n for n, wanted in zip(now, size, strict=True))
        if half not in halved:
            halved[half] = cv2.resize(halved[now], half, interpolation=cv2.INTER_LINEAR)
        now = half
    return cv2.resize(halved[now], (width, height), interpolation=cv2.INTER_LINEAR)
