"""Which frames of a dataset to label next, and where the hands are by the labels around a frame."""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count

import numpy as np

from handact.labelling.journal import Row

__all__ = ["APART", "BETWEEN", "guess_between", "keep_apart", "spread_frames"]

APART = 1.0  # seconds between two frames that are worth a label each
BETWEEN = 3.0  # seconds between two labels that the frames between can be guessed from


def spread_frames(
    lengths: Mapping[str, int],
    labelled: Mapping[str, Collection[int]],
    num: int,
    *,
    apart: Mapping[str, int],
) -> list[tuple[str, int]]:
    """Propose frames that are spread over the videos and over their time.

    Each video is halved again and again (van der Corput), the video with the fewest labels goes
    first. The order does not depend on chance.

    Args:
        lengths: Number of frames by video.
        labelled: Frames that are labelled already, by video.
        num: How many to propose.
        apart: Frames that a proposal keeps away from labels, by video.

    Returns:
        (video, frame), at most `num`.
    """
    found: list[tuple[str, int]] = []
    taken = {video: sorted(labelled.get(video, ())) for video in lengths}
    sources = {video: _halves(lengths[video]) for video in lengths}
    open_videos = list(lengths)
    while open_videos and len(found) < num:
        video = min(open_videos, key=lambda name: len(taken[name]))
        frame = next((f for f in sources[video] if _is_free(f, taken[video], apart[video])), None)
        if frame is None:
            open_videos.remove(video)
            continue
        insort(taken[video], frame)
        found.append((video, frame))
    return found


def keep_apart(
    ranked: Sequence[tuple[str, int]],
    labelled: Mapping[str, Collection[int]],
    *,
    apart: Mapping[str, int],
) -> Iterator[tuple[str, int]]:
    """Pass on, in order, what lies far enough from labels and from what was passed on before."""
    taken = {video: sorted(frames) for video, frames in labelled.items()}
    for video, frame in ranked:
        near = taken.setdefault(video, [])
        if _is_free(frame, near, apart[video]):
            insort(near, frame)
            yield video, frame


def _halves(num_frames: int) -> Iterator[int]:
    """Yield frames at 1/2, 1/4, 3/4, 1/8, ... of a video, each once."""
    seen: set[int] = set()
    for i in count(1):
        if len(seen) == num_frames or i > 4 * num_frames:
            return
        # The binary digits of i, mirrored at the point.
        share = int(f"{i:b}"[::-1], 2) / (1 << i.bit_length())
        frame = int(share * num_frames)
        if frame not in seen:
            seen.add(frame)
            yield frame


def _is_free(frame: int, taken: Sequence[int], apart: int) -> bool:
    """Tell whether a frame keeps its distance from those in a sorted list."""
    at = bisect_left(taken, frame)
    return all(abs(frame - other) >= apart for other in taken[max(0, at - 1) : at + 1])


def guess_between(rows: Sequence[Row], frame: int, most: int) -> list[float | None] | None:
    """Return where the hands are on the way from one labelled frame to the next.

    Args:
        rows: Hand labels of a video, ordered by frame.
        frame: Of the video, without a label.
        most: Frames that may lie between the two labels.

    Returns:
        left_x, left_y, right_x, right_y; None for a hand that one of the two lacks. None where the
        frame does not lie between two labels, or these are too far apart.
    """
    at = int(np.searchsorted([row[0] for row in rows], frame))
    if at == 0 or at == len(rows) or rows[at][0] == frame:
        return None
    (first, *before), (last, *after) = rows[at - 1], rows[at]
    if last - first > most:
        return None
    share = (frame - first) / (last - first)
    pairs = zip(before, after, strict=True)
    return [None if None in pair else pair[0] + share * (pair[1] - pair[0]) for pair in pairs]
