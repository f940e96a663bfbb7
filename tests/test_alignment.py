"""Eq. 2-3 by pictures: what is pasted through them lands on the same thing in the frame."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from handact.alignment import (
    View,
    align_boxes,
    center_view,
    cutout_boxes,
    cutout_size,
    flip_rects,
    full_view,
    scaled_size,
    smooth_track,
    track_reach,
)
from handact.models.action import place_features

GRID = 7


def test_equations_2_and_3_as_printed() -> None:
    """With whole numbers, the two equations of the supplement, written out."""
    width, height, short, crop = 1280, 720, 360, 224
    box = np.array([400, 200, 180, 120])
    view = View(100, 60, crop, crop)
    x_hand, y_hand = 400 * short / height, 200 * short / height
    expected = [
        (x_hand - 100) / crop,
        (y_hand - 60) / crop,
        (180 / height) * (short / crop),
        (120 / height) * (short / crop),
    ]
    rect = align_boxes(box, (width, height), (640, 360), view)
    np.testing.assert_allclose(rect, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("width", "height", "size", "expected"),
    [
        (1280, 720, (0.25, 0.25), (180, 180)),
        (720, 1280, (0.25, 0.5), (180, 360)),
        (1920, 1080, (224, 224), (224, 224)),
        (160, 120, (224, 224), (160, 120)),
    ],
    ids=["share", "portrait, oblong", "pixels", "larger than the video"],
)
def test_cutout_size(width: int, height: int, size: tuple, expected: tuple) -> None:
    assert cutout_size(width, height, size) == expected


@given(
    x=st.floats(0, 1), y=st.floats(0, 1), width=st.integers(16, 2000), height=st.integers(16, 2000)
)
def test_a_cutout_stays_inside_and_holds_its_hand(
    x: float, y: float, width: int, height: int
) -> None:
    left, top, w, h = cutout_boxes(np.array([x, y]), width, height, (0.3, 0.3))
    assert 0 <= left <= left + w <= width
    assert 0 <= top <= top + h <= height
    assert left - 1 <= x * width <= left + w + 1
    assert top - 1 <= y * height <= top + h + 1


def test_an_absent_hand_has_an_empty_cutout() -> None:
    boxes = cutout_boxes(np.array([[np.nan, np.nan], [0.5, 0.5]]), 100, 100, (0.2, 0.2))
    assert boxes[0].tolist() == [0, 0, 0, 0]
    assert boxes[1].tolist() == [40, 40, 20, 20]


def _blob(width: int, height: int, x: float, y: float, radius: float) -> np.ndarray:
    """Draw a soft round pattern (H, W) at x, y in pixels."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * radius**2))


def _centroid(grid: np.ndarray) -> np.ndarray:
    """Return x, y of a grid's centre of mass in cells."""
    rows, columns = np.mgrid[: grid.shape[0], : grid.shape[1]] + 0.5
    return np.array([(grid * columns).sum(), (grid * rows).sum()]) / grid.sum()


def _shrink(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Average a picture over the cells of a grid, with the code under no test."""
    as_map = torch.from_numpy(picture)[None, None]
    return torch.nn.functional.interpolate(as_map, (height, width), mode="area")[0, 0].numpy()


CASES = {
    # source W, H, hand x, y in 0..1, cut-out, view: crop offset or centre or full
    "landscape, central crop": (1280, 720, (0.45, 0.55), (0.3, 0.3), "center"),
    "portrait, central crop": (720, 1280, (0.6, 0.45), (0.3, 0.3), "center"),
    "random crop": (1280, 720, (0.3, 0.4), (0.25, 0.25), (30, 10)),
    "oblong cut-out": (1280, 720, (0.5, 0.5), (0.4, 0.2), "center"),
    "cut-out in pixels": (1920, 1080, (0.5, 0.4), (224, 224), "center"),
    "shifted back at the left border": (1280, 720, (0.02, 0.5), (0.3, 0.3), "full"),
    "shifted back at the lower right corner": (1280, 720, (0.97, 0.96), (0.3, 0.3), "full"),
    "whole frame, portrait": (720, 1280, (0.4, 0.9), (0.3, 0.3), "full"),
    "odd sizes": (853, 479, (0.47, 0.52), (0.31, 0.29), (17, 5)),
}


@pytest.mark.parametrize("flipped", [False, True], ids=["", "flipped"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_pattern_lands_on_itself(case: tuple, flipped: bool) -> None:
    """A pattern's cut-out, pasted through Eq. 2-3, has its centre where the frame's pattern has."""
    width, height, hand, size, where = case
    frame = _blob(width, height, hand[0] * width, hand[1] * height, 0.03 * min(width, height))
    scaled = scaled_size(width, height, 256)
    view = _view(where, scaled)
    grid = (GRID * view.height // 224, GRID * view.width // 224)
    (left, top, w, h) = box = cutout_boxes(np.array(hand), width, height, size)

    small = _shrink(frame, scaled[1], scaled[0])
    seen = small[view.y : view.y + view.height, view.x : view.x + view.width]
    rects = np.stack([align_boxes(box, (width, height), scaled, view), np.zeros(4, np.float32)])
    cutout = _shrink(frame[top : top + h, left : left + w], 56, 56)
    hand_row = 0
    if flipped:
        seen, cutout, rects, hand_row = seen[:, ::-1], cutout[:, ::-1], flip_rects(rects), 1
    feature_map = torch.from_numpy(_shrink(cutout.copy(), 4, 4))[None, None].float()
    placed = place_features(feature_map, torch.from_numpy(rects[hand_row][None].copy()), *grid)

    fine = _shrink(seen.copy(), 8 * grid[0], 8 * grid[1])
    expected = _centroid(fine) / 8
    assert np.abs(_centroid(placed[0, 0].numpy()) - expected).max() < 0.5


def _view(where: object, scaled: tuple[int, int]) -> View:
    if where == "center":
        return center_view(*scaled, 224)
    return full_view(*scaled) if where == "full" else View(*where, 224, 224)


@pytest.mark.parametrize(
    ("rect", "expected"),
    [
        ((-0.25, 0.25, 0.5, 0.5), "right half, at the left edge"),
        ((2.0, 2.0, 0.5, 0.5), "nothing"),
        ((0.0, 0.0, 1.0, 1.0), "everything"),
    ],
    ids=["partly outside", "wholly outside", "the whole view"],
)
def test_placing_beyond_the_crop(rect: tuple, expected: str) -> None:
    """What lies outside the crop is dropped, what lies inside keeps its place."""
    feature_map = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    placed = place_features(feature_map, torch.tensor([rect]), 4, 4)[0, 0]
    if expected == "nothing":
        assert placed.abs().sum() == 0
    elif expected == "everything":
        assert placed.tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    else:
        assert placed.tolist() == [[0] * 4, [2, 0, 0, 0], [4, 0, 0, 0], [0] * 4]


@settings(deadline=None)
@given(
    x=st.floats(0, 0.5), y=st.floats(0, 0.5), w=st.floats(0.05, 0.5), h=st.floats(0.05, 0.5),
    cells=st.integers(1, 9),
)  # fmt: skip
def test_placing_keeps_the_mass(x: float, y: float, w: float, h: float, cells: int) -> None:
    """Inside the view, the integral of a map is what it was, whether it shrinks or grows."""
    feature_map = torch.rand(1, 1, cells, cells, dtype=torch.float64)
    placed = place_features(feature_map, torch.tensor([[x, y, w, h]], dtype=torch.float64), 7, 7)
    mass = feature_map.mean() * w * h
    assert placed.mean().item() == pytest.approx(mass.item(), rel=1e-5)


def test_flipping_twice_changes_nothing() -> None:
    rects = np.random.default_rng(0).random((5, 2, 4)).astype(np.float32)
    np.testing.assert_allclose(flip_rects(flip_rects(rects)), rects, atol=1e-6)


def _detections(number: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    found = rng.random((number, 2, 3))
    found[..., 0] = rng.random((number, 2)) < 0.7
    return found


def test_a_short_gap_is_bridged_and_a_long_one_is_not() -> None:
    found = np.full((12, 2, 3), 0.0)
    found[[0, 3, 11], 0] = [[1, 0.1, 0.2], [0.7, 0.4, 0.5], [1, 0.9, 0.9]]
    track = smooth_track(found, bridge=2, smooth=0)
    np.testing.assert_allclose(track[1:3, 0], [[0.9, 0.2, 0.3], [0.8, 0.3, 0.4]])
    assert np.isnan(track[4:11, 0, 1:]).all()
    assert np.isnan(track[:, 1, 1:]).all()


def test_smoothing_leaves_a_still_hand_alone_and_calms_a_jittering_one() -> None:
    found = np.ones((50, 2, 3)) * 0.5
    found[..., 0] = 1
    np.testing.assert_allclose(smooth_track(found, bridge=3, smooth=4)[..., 1:], 0.5)
    found[..., 1:] += np.random.default_rng(0).normal(0, 0.02, (50, 2, 2))
    calm = smooth_track(found, bridge=3, smooth=4)
    assert calm[..., 1:].std() < 0.6 * found[..., 1:].std()


@given(number=st.integers(1, 60), bridge=st.integers(0, 5), smooth=st.integers(0, 4))
def test_a_track_in_pieces_is_the_track_in_one(number: int, bridge: int, smooth: int) -> None:
    found = _detections(number)
    whole = smooth_track(found, bridge=bridge, smooth=smooth)
    reach = track_reach(bridge, smooth)
    for at in range(0, number, 7):
        start, end = max(0, at - reach), min(number, at + 1 + reach)
        piece = smooth_track(found[start:end], bridge=bridge, smooth=smooth)
        np.testing.assert_allclose(piece[at - start], whole[at], atol=1e-12)
