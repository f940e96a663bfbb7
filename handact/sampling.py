"""Which frames a clip is made of, in training, in evaluation and along a long video.

A clip of T frames at stride tau stands around its centre frame: it begins T tau / 2 before it. In
surround sampling (Myers et al., WACV-W 2023) the centre is drawn from the segment and the ends may
lie in the neighbours, so that in training the network sees what it will see when it is slid over
a video. In dense sampling, the baseline, the clip stays inside its segment.

A causal clip, for a network that sees the past alone, ends with the frame it is about. Context
frames lie beyond a clip's T at the same stride: they are seen, and do not count.

tau is counted in frames of the training videos. A video at another rate, or at a varying one, is
sampled at the same spacing in seconds, to the nearest frame.
"""

import numpy as np

from handact.labels import Segment

__all__ = [
    "central_clip",
    "clip_frames",
    "clip_offsets",
    "dense_clip",
    "surround_clip",
]

# Two frames as near as this to a wanted time are equally near, and the later one is taken: time
# stamps are rounded, and what is rounded must not decide.
_TIE_SECONDS = 1e-5


def clip_offsets(
    clip_len: int, frame_stride: int, fps: float, *, context: int = 0, causal: bool = False
) -> np.ndarray:
    """Return when a clip's frames lie relative to the frame that it is about.

    That frame is the clip's centre; a causal clip ends with it.

    Args:
        clip_len: T.
        frame_stride: tau, frames at `fps`.
        fps: Rate of the training videos.
        context: Further frames at either end; before the clip alone where it is causal.
        causal: Look at the past alone.

    Returns:
        (F,) seconds, ascending, F = T + 2 context (causal: T + context). Of the T the first is
        -T tau / 2 frames (causal: -(T - 1) tau).
    """
    after = 0 if causal else context
    steps = np.arange(-context, clip_len + after) - (clip_len - 1 if causal else clip_len / 2)
    return steps * frame_stride / fps


def clip_frames(center: int, offsets: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Return the frames nearest to a clip's times, clamped to the video: (F,) int64.

    Args:
        center: The centre frame.
        offsets: (F,) see `clip_offsets`.
        seconds: (N,) time of each frame of the video.
    """
    return _nearest(seconds[center] + offsets, seconds)


def surround_clip(
    segment: Segment, offsets: np.ndarray, seconds: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return a clip whose centre is uniform in the segment, clamped to the video: (F,) frames."""
    center = int(rng.integers(segment.start_frame, segment.end_frame))
    return clip_frames(center, offsets, seconds)


def dense_clip(
    segment: Segment, offsets: np.ndarray, seconds: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return a clip that lies inside the segment as far as it fits, clamped to it: (F,) frames."""
    inside = seconds[segment.start_frame : segment.end_frame]
    times = offsets - offsets[0]
    fitting = np.searchsorted(inside, inside[-1] - times[-1] + _TIE_SECONDS, side="right")
    first = int(rng.integers(max(1, fitting)))
    return segment.start_frame + _nearest(inside[first] + times, inside)


def central_clip(
    segment: Segment, offsets: np.ndarray, seconds: np.ndarray, *, inside: bool = False
) -> np.ndarray:
    """Return the clip around a segment's middle frame, for evaluation: (F,) frames.

    Args:
        segment: The segment.
        offsets: (F,) see `clip_offsets`.
        seconds: (N,) time of each frame of the video, to which the clip is clamped.
        inside: Clamp it to the segment instead, as dense sampling does.
    """
    frames = clip_frames((segment.start_frame + segment.end_frame) // 2, offsets, seconds)
    return np.clip(frames, segment.start_frame, segment.end_frame - 1) if inside else frames


def _nearest(wanted: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Return the index of the time nearest to each wanted one; of two equally near, the later."""
    after = np.searchsorted(seconds, wanted).clip(max=len(seconds) - 1)
    before = (after - 1).clip(min=0)
    is_before = wanted - seconds[before] < seconds[after] - wanted - _TIE_SECONDS
    return np.where(is_before, before, after).astype(np.int64)
