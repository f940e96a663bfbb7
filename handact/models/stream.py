"""The action network over long sequences that come in pieces: every frame is computed once.

A shifted block needs the frame behind the one it answers for, so it holds two frames and answers
one frame late; a causal block holds one and answers at once. What comes out is, to rounding, what
one pass over the whole sequence would give, whatever the pieces: nothing is computed twice, and no
margin is thrown away.
"""

from typing import Self

import torch
from torch import Tensor, nn

from handact.models.action import ActionNetwork
from handact.models.backbone import STAGES, Residual, residual, run_stem, stage_blocks
from handact.models.shift import ShiftedConv2d, overlaps, shift_parts

__all__ = ["NetworkStream"]


class NetworkStream:
    """Logits of the frames of S sequences side by side, which come in pieces.

    Frames come as they follow each other in a video: a round is one frame of each sequence.

    Args:
        network: For evaluation; to be run without gradients.
    """

    def __init__(self, network: ActionNetwork) -> None:
        self.network = network
        self.num_sequences: int | None = None  # S; known from the first piece on
        # What waits, by what waits for it: (n, columns, ...) parts that follow each other in time.
        self._held: dict[str, list[Tensor]] = {}

    def push(
        self,
        frames: Tensor | None,
        cutouts: Tensor | None = None,
        rects: Tensor | None = None,
        present: Tensor | None = None,
    ) -> Tensor | None:
        """Take the next n rounds.

        Args:
            frames: (n, S, 3, H, W), and as all that follow see `ActionNetwork.forward`.

        Returns:
            (m, S, K) logits of the next m rounds of which all is known, None if there are none.
        """
        self.num_sequences = (frames if frames is not None else cutouts).shape[1]
        hands = None
        if self.network.hand_use != "none":
            self._wait("present", present)
            if self.network.hand_use != "only":
                self._wait("rects", rects)
            hands = _in_rounds(run_stem(self.network.hands, _pictures(cutouts)), len(cutouts))
        if self.network.hand_use != "only":
            x = run_stem(self.network.backbone, _pictures(frames))
            frames = _in_rounds(x, len(frames))
        return self._advance(frames, hands, last=False)

    def end(self) -> Tensor | None:
        """Return the logits (m, S, K) of the rounds that are left; None if there are none."""
        return None if self.num_sequences is None else self._advance(None, None, last=True)

    def split(self, number: int) -> tuple[Self, Self]:
        """Return the first `number` sequences and the others as streams of their own."""
        parts = NetworkStream(self.network), NetworkStream(self.network)
        for part, columns in zip(parts, (slice(number), slice(number, None)), strict=True):
            part.num_sequences = len(range(self.num_sequences)[columns])
            part._held = {
                # Of the hands' features there are two columns a sequence, one beside the other.
                key: [
                    x.unflatten(1, (self.num_sequences, -1))[:, columns].flatten(1, 2) for x in held
                ]
                for key, held in self._held.items()
            }
        return parts

    def _advance(self, x: Tensor | None, hands: Tensor | None, *, last: bool) -> Tensor | None:
        """Run what follows the stems, on features (n, S, H, W, C) and (n, 2 S, h, w, C)."""
        network = self.network
        if network.hand_use != "none":
            hands = self._run_stages("hands", STAGES, hands, last)
            if hands is not None:
                self._wait("hands", hands.unflatten(1, (self.num_sequences, 2)))
        if network.hand_use == "only":
            number = self._number("hands")
            if not number:
                return None
            return network.classify_hands(self._take_hands(number)).unflatten(0, (number, -1))
        until = STAGES.index(network.fuse_after) + 1
        x = self._run_stages("backbone", STAGES[:until], x, last)
        if network.hand_use != "none":
            x = self._fuse(x)
        x = self._run_stages("backbone", STAGES[until:], x, last)
        if x is None:
            return None
        return network.classify(_channels_first(x)).unflatten(0, (len(x), -1))

    def _fuse(self, x: Tensor | None) -> Tensor | None:
        """Fuse as many rounds as both streams have come to; the one ahead waits."""
        if x is not None:
            self._wait("frames", x)
        number = min(self._number("frames"), self._number("hands"))
        if not number:
            return None
        x, rects = self._take("frames", number), self._take("rects", number)
        hands = self._take_hands(number)
        fused = self.network.fuse(_channels_first(x), hands, rects.flatten(0, 1))
        return _in_rounds(fused, number)

    def _take_hands(self, number: int) -> Tensor:
        """Return the next hands' features (number * S, 2, C, h, w), zero for absent hands."""
        hands, present = self._take("hands", number), self._take("present", number)
        hands = hands * present[..., None, None, None].to(hands.dtype)
        return hands.flatten(0, 1).permute(0, 1, 4, 2, 3)

    def _run_stages(
        self, part: str, stages: tuple[str, ...], x: Tensor | None, last: bool
    ) -> Tensor | None:
        for stage in stages:
            for i, block in enumerate(stage_blocks(getattr(self.network, part), stage)):
                x = self._run_block(f"{part}.{stage}.{i}", block, x, last)
        return x

    def _run_block(self, key: str, block: nn.Module, x: Tensor | None, last: bool) -> Tensor | None:
        """Answer for the frames whose neighbours are there; beyond both ends these are zero."""
        parted = residual(block)
        if parted is None or not isinstance(parted.conv, ShiftedConv2d):
            return None if x is None else _in_rounds(block(_channels_first(x)), len(x))
        causal, held = parted.conv.causal, self._held.get(key)
        if x is None and (causal or not last or held is None):
            return None
        parts = [torch.zeros_like(x[:1])] if held is None else held.copy()
        if x is not None:
            parts.append(x)
        if last and not causal:
            parts.append(torch.zeros_like(parts[0][:1]))
        number, total = 1 if causal else 2, sum(map(len, parts))
        self._held[key] = [_own(part) for _, part in overlaps(parts, total - number, number)]
        if total <= number:
            return None
        shifted = shift_parts(parts, shift_div=parted.conv.shift_div, causal=causal)
        return _run_residual(parted, parts, shifted)

    def _wait(self, key: str, x: Tensor) -> None:
        self._held.setdefault(key, []).append(x)

    def _number(self, key: str) -> int:
        return sum(map(len, self._held.get(key, [])))

    def _take(self, key: str, number: int) -> Tensor:
        held = self._held[key]
        left = self._number(key) - number
        self._held[key] = [part for _, part in overlaps(held, number, left)]
        return _join([part for _, part in overlaps(held, 0, number)])


def _run_residual(block: Residual, parts: list[Tensor], shifted: Tensor) -> Tensor:
    """Run a shifted residual block for all frames but the first and those not shifted yet.

    Args:
        block: Its parts.
        parts: Features (n, S, H, W, C) that follow each other in time.
        shifted: (m, S, H, W, C) the m frames from the second on, shifted.
    """
    start, number = 1, len(shifted)
    y = block.conv.convolve(_channels_first(shifted))
    for layer in block.rest:
        y = layer(y)
    y = _in_rounds(y, number)
    if block.shortcut is not None:
        x = _join([part for _, part in overlaps(parts, start, number)])
        parts, start = [_in_rounds(block.shortcut(_channels_first(x)), number)], 0
    for rows, part in overlaps(parts, start, number):
        y[rows] += part
    return y if block.last is None else block.last(y)


def _own(part: Tensor) -> Tensor:
    """Return a part that keeps no more of a piece than itself."""
    is_all = part.untyped_storage().nbytes() == part.numel() * part.element_size()
    return part if is_all else part.clone()


def _join(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _pictures(x: Tensor) -> Tensor:
    """Return (..., 3, H, W) as (N, 3, H, W), channels last."""
    return x.flatten(0, -4).contiguous(memory_format=torch.channels_last)


def _channels_first(x: Tensor) -> Tensor:
    """Return (n, S, H, W, C) as (n * S, C, H, W), channels last."""
    return x.flatten(0, 1).permute(0, 3, 1, 2)


def _in_rounds(x: Tensor, number: int) -> Tensor:
    """Return features (number * columns, C, H, W) as (number, columns, H, W, C)."""
    return x.permute(0, 2, 3, 1).unflatten(0, (number, -1))
