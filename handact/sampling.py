"""Which frames a clip is made of, in training, in evaluation and along a long video.

A clip of T frames at stride tau stands around its centre frame c: it begins at c - T tau / 2. In
surround sampling (Myers et al., WACV-W 2023) the centre is drawn from the segment and the ends may
lie in the neighbours, so that in training the network sees what it will see when it is slid over
a video. In dense sampling, the baseline, the clip stays inside its segment.
"""

import numpy as np

from handact.labels import Segment

__all__ = [
    "central_clip",
    "clip_offsets",
    "dense_clip",
    "stride_in_video",
    "surround_clip",
    "window_centers",
]


def stride_in_video(frame_stride: int, trained_fps: float, fps: float) -> float:
    """Return the stride, in frames of a video at `fps`, with the spacing in seconds of training."""
    return frame_stride * fps / trained_fps


def clip_offsets(clip_len: int, stride: float) -> np.ndarray:
    """Return where a clip's frames lie relative to its centre frame.

    Args:
        clip_len: T.
        stride: tau in frames of this video; may be fractional, offsets are whole.

    Returns:
        (T,) int64, ascending; the first is -T tau / 2.
    """
    return np.floor((np.arange(clip_len) - clip_len / 2) * stride + 0.5).astype(np.int64)


def surround_clip(
    segment: Segment, offsets: np.ndarray, num_frames: int, rng: np.random.Generator
) -> np.ndarray:
    """Return a clip whose centre is uniform in the segment, clamped to the video: (T,) frames."""
    center = rng.integers(segment.start_frame, segment.end_frame)
    return np.clip(center + offsets, 0, num_frames - 1)


def dense_clip(
    segment: Segment, offsets: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return a clip that lies inside the segment as far as it fits, clamped to it: (T,) frames."""
    span = int(offsets[-1] - offsets[0]) + 1
    latest = max(segment.start_frame, segment.end_frame - span)
    first = rng.integers(segment.start_frame, latest + 1)
    return np.minimum(first + offsets - offsets[0], segment.end_frame - 1)


def central_clip(
    segment: Segment, offsets: np.ndarray, num_frames: int, *, inside: bool = False
) -> np.ndarray:
    """Return the clip around a segment's middle frame, for evaluation: (T,) frames.

    Args:
        segment: The segment.
        offsets: See `clip_offsets`.
        num_frames: N of the video, to which the clip is clamped.
        inside: Clamp it to the segment instead, as dense sampling does.
    """
    center = (segment.start_frame + segment.end_frame) // 2
    if inside:
        return np.clip(center + offsets, segment.start_frame, segment.end_frame - 1)
    return np.clip(center + offsets, 0, num_frames - 1)


def window_centers(num_frames: int, window_stride: int) -> np.ndarray:
    """Return the frames at which windows stand: multiples of the stride, and the last frame."""
    centers = np.arange(0, num_frames, window_stride)
    if num_frames and centers[-1] != num_frames - 1:
        centers = np.append(centers, num_frames - 1)
    return centers
