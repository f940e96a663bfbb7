import cv2
import numpy as np
import pytest

from handact.data.resize import resize, resize_to_all


@pytest.mark.parametrize("size", [(224, 224), (455, 256), (256, 455), (100, 300)])
@pytest.mark.parametrize("shape", [(720, 1280), (1280, 720), (1080, 1920), (333, 501)])
def test_fine_patterns_become_grey(shape: tuple[int, int], size: tuple[int, int]) -> None:
    """As OpenCV's own averaging would have it, whatever the shapes: no moire."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    exact = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    assert resize(image, *size).std() < 1.35 * exact.std() + 1
    assert abs(resize(image, *size).mean() - exact.mean()) < 1


def test_what_is_large_keeps_its_place() -> None:
    rows, columns = np.mgrid[:1080, :1920]
    image = np.repeat((255 * ((rows - 300) ** 2 + (columns - 900) ** 2 < 200**2))[..., None], 3, 2)
    exact = cv2.resize(image.astype(np.uint8), (224, 224), interpolation=cv2.INTER_AREA)
    quick = resize(image.astype(np.uint8), 224, 224)
    assert np.abs(quick.astype(int) - exact).mean() < 1


def test_all_sizes_are_as_each_alone() -> None:
    image = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), dtype=np.uint8)
    sizes = [(455, 256), (224, 224), (1280, 720)]
    for size, picture in zip(sizes, resize_to_all(image, sizes), strict=True):
        np.testing.assert_array_equal(picture, resize(image, *size))
    np.testing.assert_array_equal(resize(image, 1280, 720), image)
