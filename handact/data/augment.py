"""From stored pixels to what a network is fed with, and the changes that training makes to them.

Everything here works on whole batches on the network's device. What is random was drawn before, by
sample, from the seed, the epoch and the sample's number: so the same run gives the same pictures
whatever the number of workers, and a resumed run those of an unbroken one.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["augment_hands", "draw_colour", "draw_move", "sample_rng", "to_input"]


def sample_rng(seed: int, epoch: int, index: int) -> np.random.Generator:
    """Return the random numbers of one sample in one epoch."""
    return np.random.default_rng((seed, epoch, index))


def draw_colour(rng: np.random.Generator, strength: float) -> np.ndarray:
    """Return factors (3,) of brightness, contrast and saturation in 1 - strength..1 + strength."""
    return rng.uniform(1 - strength, 1 + strength, size=3).astype(np.float32)


def draw_move(rng: np.random.Generator, *, flip: float, zoom: float, move: float) -> np.ndarray:
    """Return (4,): mirrored (0 or 1), scale, and shift in x and y as a share of the side."""
    mirrored = float(rng.random() < flip)
    scale = rng.uniform(1 - zoom, 1 + zoom)
    return np.array([mirrored, scale, *rng.uniform(-move, move, size=2)], dtype=np.float32)


def to_input(
    images: Tensor, mean: Sequence[float], std: Sequence[float], colour: Tensor | None = None
) -> Tensor:
    """Turn stored pixels into a network's input.

    Args:
        images: (B, ..., H, W, 3) uint8 RGB.
        mean: Of each channel, in 0..1.
        std: Of each channel.
        colour: (B, 3) factors of brightness, contrast and saturation, or None.

    Returns:
        (B, ..., 3, H, W) float32.
    """
    x = images.float()
    if colour is not None:
        x = _change_colour(x.movedim(-1, -3).div_(255), colour).movedim(-3, -1).mul(255)
    # Whole rows: three numbers at a time, one of each channel, are several times slower on a CPU.
    width, std = x.shape[-2], 255 * x.new_tensor(std)
    rows = x.flatten(-2).sub_((255 * x.new_tensor(mean)).repeat(width)).div_(std.repeat(width))
    return rows.unflatten(-1, (width, 3)).movedim(-1, -3)


def augment_hands(frames: Tensor, hands: Tensor, moves: Tensor) -> tuple[Tensor, Tensor]:
    """Mirror, scale and shift pictures together with the hands in them.

    A mirrored person's left hand is a right hand, so the two change places. A hand that leaves the
    picture becomes absent. What comes in from outside is black (0 after normalisation: the mean).

    Args:
        frames: (B, 3, H, W), normalised.
        hands: (B, 2, 3) P, x, y; x, y in 0..1.
        moves: (B, 4), see `draw_move`.

    Returns:
        Frames and hands, of the shapes they had.
    """
    mirrored, scale, shift = moves[:, 0], moves[:, 1], moves[:, 2:]
    sign = 1 - 2 * mirrored
    theta = torch.zeros(len(frames), 2, 3, device=frames.device)
    # affine_grid asks where an output pixel comes from: source = (sign * out - 2 shift) / scale.
    theta[:, 0, 0], theta[:, 0, 2] = sign / scale, -2 * shift[:, 0] / scale
    theta[:, 1, 1], theta[:, 1, 2] = 1 / scale, -2 * shift[:, 1] / scale
    grid = functional.affine_grid(theta, list(frames.shape), align_corners=False)
    moved = functional.grid_sample(frames, grid, align_corners=False)
    return moved, _move_hands(hands, mirrored, scale, shift)


def _move_hands(hands: Tensor, mirrored: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    position = 0.5 + (hands[..., 1:] - 0.5) * scale[:, None, None] + shift[:, None]
    flip = mirrored[:, None].bool()
    x = torch.where(flip, 1 - position[..., 0], position[..., 0])
    inside = ((position >= 0) & (position <= 1)).all(-1)
    moved = torch.stack([hands[..., 0] * inside, x, position[..., 1]], dim=-1)
    return torch.where(flip[..., None], moved.flip(1), moved)


def _change_colour(x: Tensor, colour: Tensor) -> Tensor:
    brightness, contrast, saturation = (
        c.view(-1, *[1] * (x.dim() - 1)) for c in colour.to(x).unbind(1)
    )
    x = x * brightness
    x = x.mean(dim=tuple(range(1, x.dim())), keepdim=True).lerp(x, contrast)
    return x.mean(-3, keepdim=True).lerp(x, saturation).clamp(0, 1)
