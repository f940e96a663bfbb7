"""Where a hand's cut-out lies: in the video frame, and in what the backbone sees of that frame.

Three sets of coordinates occur. Source: pixels of the video frame. Scaled: pixels of that frame
after its short side was scaled to S. View: the part of the scaled frame that the backbone sees,
in units of the view's sides. All have their origin at the top left, x before y.

Source: Myers et al., WACV-W 2023, supplement section 2, Eq. 2-3.
"""

from dataclasses import dataclass

import numpy as np

__all__ = [
    "View",
    "align_boxes",
    "center_view",
    "cutout_boxes",
    "cutout_size",
    "flip_rects",
    "full_view",
    "random_view",
    "scaled_size",
    "smooth_track",
    "track_reach",
]


@dataclass(frozen=True, slots=True)
class View:
    """The rectangle of a scaled frame that the backbone sees, in scaled pixels."""

    x: int
    y: int
    width: int
    height: int


def scaled_size(width: int, height: int, short_side: int) -> tuple[int, int]:
    """Return (width, height) of a frame whose short side is scaled to `short_side` pixels."""
    scale = short_side / min(width, height)
    return max(short_side, round(width * scale)), max(short_side, round(height * scale))


def center_view(width: int, height: int, size: int) -> View:
    """Return the central square of `size` pixels of a scaled frame, or what fits of it."""
    w, h = min(size, width), min(size, height)
    return View((width - w) // 2, (height - h) // 2, w, h)


def random_view(width: int, height: int, size: int, rng: np.random.Generator) -> View:
    """Return a square of `size` pixels anywhere in a scaled frame, or what fits of it."""
    w, h = min(size, width), min(size, height)
    return View(int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1)), w, h)


def full_view(width: int, height: int) -> View:
    """Return the whole of a scaled frame."""
    return View(0, 0, width, height)


def cutout_size(width: int, height: int, size: tuple[float, float]) -> tuple[int, int]:
    """Return (w_c, h_c) in source pixels.

    Args:
        width: W of the source, pixels.
        height: H of the source, pixels.
        size: Width and height of a cut-out: up to 1 a share of the short side, above it pixels.
    """
    short = min(width, height)
    pixels = [round(s * short) if s <= 1 else round(s) for s in size]
    return min(max(pixels[0], 1), width), min(max(pixels[1], 1), height)


def cutout_boxes(
    hands: np.ndarray, width: int, height: int, size: tuple[float, float]
) -> np.ndarray:
    """Centre a cut-out on each hand and shift it back inside where it would cross the border.

    Args:
        hands: (..., 2) x, y in 0..1 of the source; NaN where there is no hand.
        width: W of the source, pixels.
        height: H of the source, pixels.
        size: See `cutout_size`.

    Returns:
        (..., 4) int: left, top, width, height in source pixels; zeros where there is no hand.
    """
    w, h = cutout_size(width, height, size)
    absent = np.isnan(hands).any(-1)
    centers = np.where(absent[..., None], 0.0, hands)
    left = np.clip(np.floor(centers[..., 0] * width - w / 2 + 0.5), 0, width - w)
    top = np.clip(np.floor(centers[..., 1] * height - h / 2 + 0.5), 0, height - h)
    boxes = np.stack([left, top, np.full_like(left, w), np.full_like(top, h)], axis=-1)
    boxes[absent] = 0
    return boxes.astype(np.int64)


def align_boxes(
    boxes: np.ndarray, source: tuple[int, int], scaled: tuple[int, int], view: View
) -> np.ndarray:
    """Express boxes of the source in units of the view, Eq. 2-3.

    With a square crop of side C_s these are `w = (w_c / H)(S / C_s)` and
    `x = (x_hand - x_c) / C_s`, where x_hand is the left side of the cut-out in scaled pixels. The
    scale is taken for each axis from the two sizes, which differ from S / H by the rounding of
    the scaled frame to whole pixels.

    Args:
        boxes: (..., 4) left, top, width, height in source pixels.
        source: (W, H) of the source, pixels.
        scaled: (W, H) of the scaled frame, pixels.
        view: What the backbone sees of the scaled frame.

    Returns:
        (..., 4) float32: x, y, width, height; may lie partly or wholly outside 0..1.
    """
    scale = np.array([scaled[0] / source[0], scaled[1] / source[1]] * 2)
    offset = np.array([view.x, view.y, 0, 0])
    side = np.array([view.width, view.height] * 2)
    return ((boxes * scale - offset) / side).astype(np.float32)


def flip_rects(rects: np.ndarray) -> np.ndarray:
    """Mirror rectangles left to right, in a picture whose hands change sides.

    Args:
        rects: (..., 2, 4) left and right hand's x, y, width, height in units of the view.
    """
    mirrored = rects.copy()
    mirrored[..., 0] = 1 - rects[..., 0] - rects[..., 2]
    return mirrored[..., ::-1, :]


def track_reach(bridge: int, smooth: int) -> int:
    """Return how many frames away a detection can still change a frame's smoothed hand."""
    return bridge + 1 + smooth


def smooth_track(detections: np.ndarray, *, bridge: int, smooth: int) -> np.ndarray:
    """Turn the localiser's detections into a hand track: bridge short gaps, smooth jitter.

    A hand counts as seen where P > 0.5. Between two such frames with at most `bridge` frames
    between them it is interpolated, P included. Positions are then averaged over the frames within
    `smooth` that have the hand, with Gaussian weights. What a frame gets depends on no frame
    further away than `track_reach`, so a long video can be smoothed piece by piece.

    Args:
        detections: (N, 2, 3) P, x, y of the left and right hand; NaN where the localiser did not
            look.
        bridge: Longest gap that is interpolated, frames.
        smooth: Half width of the averaging window, frames.

    Returns:
        (N, 2, 3) P in 0..1, x, y in 0..1; x and y are NaN where there is no hand.
    """
    track = np.stack([_bridge(detections[:, hand], bridge) for hand in range(2)], axis=1)
    if smooth > 0:
        offsets = np.arange(-smooth, smooth + 1)
        weights = np.exp(-0.5 * (2 * offsets / smooth) ** 2)
        track[..., 1:] = _weighted_mean(track[..., 1:], offsets, weights)
    return track


def _bridge(hand: np.ndarray, longest: int) -> np.ndarray:
    """Interpolate P, x, y (N, 3) over gaps of at most `longest` frames between seen frames."""
    result = hand.copy()
    seen = np.flatnonzero(hand[:, 0] > 0.5)
    frames = np.arange(len(hand))
    following = np.searchsorted(seen, frames)
    inside = (following > 0) & (following < len(seen))
    before = seen[following[inside] - 1]
    after = seen[following[inside]]
    short = np.zeros(len(hand), dtype=bool)
    short[inside] = after - before - 1 <= longest
    for column in range(3 if len(seen) else 0):
        result[short, column] = np.interp(frames[short], seen, hand[seen, column])
    short[seen] = True
    result[~short, 1:] = np.nan
    result[np.isnan(result[:, 0]), 0] = 0.0
    return result


def _weighted_mean(positions: np.ndarray, offsets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average (N, 2, 2) positions over neighbours that are not NaN; NaN stays NaN."""
    total = np.zeros_like(positions)
    weight = np.zeros(positions.shape[:-1])
    num = len(positions)
    for offset, w in zip(offsets, weights, strict=True):
        here = slice(max(0, -offset), min(num, num - offset))
        there = slice(max(0, offset), min(num, num + offset))
        if here.start >= here.stop:
            continue
        values = positions[there]
        present = ~np.isnan(values[..., 0])
        total[here] += np.where(present[..., None], values, 0) * w
        weight[here] += present * w
    mean = total / np.where(weight > 0, weight, 1)[..., None]
    return np.where(np.isnan(positions), np.nan, mean)
