import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handact.labels import Segment
from handact.sampling import (
    central_clip,
    clip_frames,
    clip_offsets,
    dense_clip,
    surround_clip,
)

OFFSETS = clip_offsets(8, 8, 30.0)  # the paper's T and tau at 30 frames a second


def _seconds(number: int, fps: float = 30.0) -> np.ndarray:
    """Times as containers keep them: rounded, here to a ninety-thousandth of a second."""
    return np.round(np.arange(number) / fps * 90_000) / 90_000


def test_a_clip_of_the_paper() -> None:
    assert clip_frames(500, OFFSETS, _seconds(1000)).tolist() == list(range(468, 532, 8))


@pytest.mark.parametrize(("fps", "stride"), [(30, 8), (60, 16), (15, 4), (29.97, 8)])
def test_another_rate_keeps_the_spacing_in_seconds(fps: float, stride: int) -> None:
    clip = clip_frames(500, OFFSETS, _seconds(1000, fps))
    assert clip.tolist() == list(range(500 - 4 * stride, 500 + 4 * stride, stride))


def test_a_fractional_stride_goes_to_the_nearest_frame() -> None:
    clip = clip_frames(50, clip_offsets(4, 5, 20.0), _seconds(100, 10.0))
    assert (clip - 50).tolist() == [-5, -2, 0, 3]


def test_a_varying_rate_is_followed_by_its_time_stamps() -> None:
    """Ten frames a second, then thirty: around the change the clip still spans its seconds."""
    seconds = np.concatenate([np.arange(100) / 10, 10 + np.arange(300) / 30])
    clip = clip_frames(100, OFFSETS, seconds)
    np.testing.assert_allclose(seconds[clip], 10 + OFFSETS, atol=0.051)
    assert clip.tolist() == [89, 92, 95, 97, 100, 108, 116, 124]


def test_surround_clips_begin_uniformly_around_the_segment() -> None:
    """The first frame is uniform in [start - T tau / 2, end - T tau / 2)."""
    segment, seconds = Segment(100, 110, "a"), _seconds(1000)
    rng = np.random.default_rng(0)
    firsts = [surround_clip(segment, OFFSETS, seconds, rng)[0] for _ in range(5000)]
    values, counts = np.unique(firsts, return_counts=True)
    assert values.tolist() == list(range(100 - 32, 110 - 32))
    assert counts.min() > 400


def test_surround_clips_are_clamped_to_the_video() -> None:
    clip = surround_clip(Segment(0, 1, "a"), OFFSETS, _seconds(20), np.random.default_rng(0))
    assert clip.tolist() == [0, 0, 0, 0, 0, 8, 16, 19]


@given(start=st.integers(0, 500), length=st.integers(1, 200), seed=st.integers(0, 9))
def test_dense_clips_stay_inside_their_segment(start: int, length: int, seed: int) -> None:
    segment, seconds = Segment(start, start + length, "a"), _seconds(1000)
    clip = dense_clip(segment, OFFSETS, seconds, np.random.default_rng(seed))
    assert clip.min() >= segment.start_frame
    assert clip.max() < segment.end_frame
    if length >= 57:  # it fits: nothing is clamped
        assert np.diff(clip).tolist() == [8] * 7


def test_dense_clips_use_every_place_where_they_fit() -> None:
    segment, rng = Segment(10, 70, "a"), np.random.default_rng(0)
    firsts = {dense_clip(segment, OFFSETS, _seconds(100), rng)[0] for _ in range(100)}
    assert firsts == {10, 11, 12, 13}


def test_the_central_clip() -> None:
    segment = Segment(100, 120, "a")
    assert central_clip(segment, OFFSETS, _seconds(1000)).tolist() == list(range(78, 142, 8))
    inside = central_clip(segment, OFFSETS, _seconds(1000), inside=True)
    assert (inside.min(), inside.max()) == (100, 119)
