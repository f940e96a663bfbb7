"""The temporal shift of TSM: features of one frame reach its neighbours, at no cost.

Source: Lin et al., TSM, ICCV 2019, arXiv:1811.08383, figure 1b (bidirectional shift) and 1c
(unidirectional shift, for video as it comes).
"""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["ShiftedConv2d", "insert_shift", "overlaps", "shift_parts", "temporal_shift"]


def temporal_shift(x: Tensor, *, clip_len: int, shift_div: int = 8, causal: bool = False) -> Tensor:
    """Move part of the channels one frame back and as many one frame ahead.

    With F = C // shift_div, channels [0, F) take the next frame's values and [F, 2F) the previous
    frame's; the rest stay. Frames beyond either end of a clip are zero.

    Args:
        x: Features (B * T, C, H, W); the T frames of a clip are adjacent.
        clip_len: T, frames per clip.
        shift_div: 1/shift_div of the channels moves each way.
        causal: Only channels [0, F) move, and take the previous frame's values.

    Returns:
        Tensor of the shape and dtype of `x`.

    Raises:
        ValueError: The first axis is not a multiple of `clip_len`.
    """
    if x.shape[0] % clip_len:
        raise ValueError(f"{x.shape[0]} frames are no whole number of clips of {clip_len}")
    fold = x.shape[1] // shift_div
    # Channels last, as the convolutions like it: nothing is copied into another order.
    clips = x.permute(0, 2, 3, 1).unflatten(0, (-1, clip_len))  # (B, T, H, W, C)
    # Written with pad and cat, not with assignment into slices, so that exporters keep it.
    if causal:
        before, still = clips.split([fold, x.shape[1] - fold], dim=-1)
        parts = [_pad_time(before[:, :-1], 1, 0), still]
    else:
        after, before, still = clips.split([fold, fold, x.shape[1] - 2 * fold], dim=-1)
        parts = [_pad_time(after[:, 1:], 0, 1), _pad_time(before[:, :-1], 1, 0), still]
    return torch.cat(parts, dim=-1).flatten(0, 1).permute(0, 3, 1, 2)


def shift_parts(parts: Sequence[Tensor], *, shift_div: int = 8, causal: bool = False) -> Tensor:
    """Shift frames whose neighbours are there, for sequences that come in pieces.

    Args:
        parts: Features (n, S, H, W, C) of S sequences side by side, channels last; the parts
            follow each other in time, N frames in all.
        shift_div: As in `temporal_shift`.
        causal: Likewise.

    Returns:
        (N - 2, S, H, W, C) of the frames between the first and the last; causal: (N - 1, ...) of
        all but the first.
    """
    number = sum(len(part) for part in parts) - (1 if causal else 2)
    shifted = parts[0].new_empty((number, *parts[0].shape[1:]))
    fold = shifted.shape[-1] // shift_div
    # All channels of the frames themselves first: whole rows of memory are copied quicker.
    moves = [(slice(None), 1)]
    moves += [(slice(fold), 0)] if causal else [(slice(fold), 2), (slice(fold, 2 * fold), 0)]
    for channels, start in moves:
        for rows, part in overlaps(parts, start, number):
            shifted[rows][..., channels] = part[..., channels]
    return shifted


def overlaps(parts: Sequence[Tensor], start: int, number: int) -> Iterator[tuple[slice, Tensor]]:
    """Yield what each part has of `number` frames from `start` on, and where among them it lies."""
    begin = -start
    for part in parts:
        rows = range(number)[max(0, begin) : max(0, begin + len(part))]
        if rows:
            yield slice(rows.start, rows.stop), part[rows.start - begin : rows.stop - begin]
        begin += len(part)


class ShiftedConv2d(nn.Conv2d):
    """A convolution that shifts its input in time first; its parameters are a plain Conv2d's."""

    clip_len: int
    shift_div: int
    causal: bool

    @classmethod
    def from_conv(
        cls, conv: nn.Conv2d, *, clip_len: int, shift_div: int, causal: bool
    ) -> "ShiftedConv2d":
        """Return a shifted convolution that shares `conv`'s parameters."""
        shifted = cls(
            conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding,
            conv.dilation, conv.groups, conv.bias is not None, conv.padding_mode,
        )  # fmt: skip
        shifted.weight, shifted.bias = conv.weight, conv.bias
        shifted.clip_len, shifted.shift_div, shifted.causal = clip_len, shift_div, causal
        return shifted

    def forward(self, input: Tensor) -> Tensor:
        """Shift `input` (B * T, C, H, W), then convolve it."""
        return self.convolve(
            temporal_shift(
                input, clip_len=self.clip_len, shift_div=self.shift_div, causal=self.causal
            )
        )

    def convolve(self, shifted: Tensor) -> Tensor:
        """Convolve what is shifted already."""
        return super().forward(shifted)


def insert_shift(
    blocks: Iterable[nn.Module], *, clip_len: int, shift_div: int = 8, causal: bool = False
) -> None:
    """Put the shift before the first convolution of every block, in place.

    A residual block's first convolution is that of its branch: the identity path is left alone. The
    state-dict keys stay what they are.
    """
    for block in blocks:
        name, conv = next((n, m) for n, m in block.named_modules() if isinstance(m, nn.Conv2d))
        holder, _, name = name.rpartition(".")
        shifted = ShiftedConv2d.from_conv(
            conv, clip_len=clip_len, shift_div=shift_div, causal=causal
        )
        setattr(block.get_submodule(holder), name, shifted)


def _pad_time(x: Tensor, before: int, after: int) -> Tensor:
    """Put zero frames before and after (B, T, H, W, C)."""
    return functional.pad(x, (0, 0, 0, 0, 0, 0, before, after))
