"""The action network over long sequences that come in pieces: every frame is computed once.

A shifted block needs the frame behind the one it answers for, so it holds two frames and answers
one frame late; a causal block holds one and answers at once. What comes out is, to rounding, what
one pass over the whole sequence would give, whatever the pieces: nothing is computed twice, and no
margin is thrown away.
"""

from typing import Self

import torch
from torch import Tensor, nn

from handact.models.action import STAGES, ActionNetwork, run_stem
from handact.models.shift import ShiftedConv2d, shift_between

__all__ = ["NetworkStream"]


class NetworkStream:
    """Logits of the frames of S sequences of one length, which come in pieces.

    Args:
        network: For evaluation.
    """

    def __init__(self, network: ActionNetwork) -> None:
        self.network = network
        self.num_sequences: int | None = None  # S; known from the first piece on
        self._held: dict[str, Tensor] = {}

    def push(
        self,
        frames: Tensor | None,
        cutouts: Tensor | None = None,
        rects: Tensor | None = None,
        present: Tensor | None = None,
    ) -> Tensor | None:
        """Take the next n frames of each sequence.

        Args:
            frames: (S, n, 3, H, W), and as all that follow see `ActionNetwork.forward`, with the
                n frames of a piece in place of a clip's.

        Returns:
            (S, m, K) logits of the next m frames of which all is known, None if there are none.
        """
        self.num_sequences = len(frames if frames is not None else cutouts)
        hands = None
        if self.network.hand_use != "none":
            self._append("rects", rects)
            self._append("present", present)
            x = run_stem(self.network.hands, _frames_first(cutouts.transpose(1, 2).flatten(0, 1)))
            hands = x.permute(0, 2, 3, 1).unflatten(0, (2 * self.num_sequences, -1))
        if self.network.hand_use != "only":
            x = run_stem(self.network.backbone, _frames_first(frames))
            frames = x.permute(0, 2, 3, 1).unflatten(0, (self.num_sequences, -1))
        return self._advance(frames, hands, last=False)

    def end(self) -> Tensor | None:
        """Return the logits (S, m, K) of the frames that are left; None if there are none."""
        return None if self.num_sequences is None else self._advance(None, None, last=True)

    def split(self, number: int) -> tuple[Self, Self]:
        """Return the first `number` sequences and the others as streams of their own."""
        parts = NetworkStream(self.network), NetworkStream(self.network)
        for part, rows in zip(parts, (slice(number), slice(number, None)), strict=True):
            part.num_sequences = len(range(self.num_sequences)[rows])
            part._held = {
                # Of the hands' features there are two rows a sequence, one after the other.
                key: x.unflatten(0, (self.num_sequences, -1))[rows].flatten(0, 1)
                for key, x in self._held.items()
            }
        return parts

    def _advance(self, x: Tensor | None, hands: Tensor | None, *, last: bool) -> Tensor | None:
        """Run what follows the stems, on features (S, n, H, W, C) and (2 S, n, h, w, C)."""
        network = self.network
        if network.hand_use != "none":
            hands = self._run_stages("hands", STAGES, hands, last)
            if hands is not None:
                hands = hands.unflatten(0, (self.num_sequences, 2)).transpose(1, 2)
                self._append("hands", hands)
        if network.hand_use == "only":
            number = self._number("hands")
            return (
                self._classify(network.classify_hands, self._take_hands(number)) if number else None
            )
        until = STAGES.index(network.fuse_after) + 1
        x = self._run_stages("backbone", STAGES[:until], x, last)
        if network.hand_use != "none":
            x = self._fuse(x)
        x = self._run_stages("backbone", STAGES[until:], x, last)
        return None if x is None else self._classify(network.classify, _frames_first(x, -1))

    def _fuse(self, x: Tensor | None) -> Tensor | None:
        """Fuse as many frames as both streams have come to; the one ahead waits."""
        if x is not None:
            self._append("waiting", x)
        number = min(self._number("waiting"), self._number("hands"))
        if not number:
            return None
        x, rects = self._take("waiting", number), self._take("rects", number)
        hands = self._take_hands(number)
        fused = self.network.fuse(_frames_first(x, -1), hands, rects.flatten(0, 1))
        return fused.permute(0, 2, 3, 1).unflatten(0, (self.num_sequences, number))

    def _take_hands(self, number: int) -> Tensor:
        """Return the next hands' features (S * number, 2, C, h, w), zero for absent hands."""
        hands, present = self._take("hands", number), self._take("present", number)
        hands = hands * present[..., None, None, None].to(hands.dtype)
        return hands.flatten(0, 1).permute(0, 1, 4, 2, 3)

    def _classify(self, head: nn.Module, features: Tensor) -> Tensor:
        return head(features).unflatten(0, (self.num_sequences, -1))

    def _run_stages(
        self, part: str, stages: tuple[str, ...], x: Tensor | None, last: bool
    ) -> Tensor | None:
        for stage in stages:
            for i, block in enumerate(getattr(getattr(self.network, part), stage)):
                x = self._run_block(f"{part}.{stage}.{i}", block, x, last)
        return x

    def _run_block(self, key: str, block: nn.Module, x: Tensor | None, last: bool) -> Tensor | None:
        """Answer for the frames whose neighbours are there; beyond both ends these are zero."""
        if not isinstance(block.conv1, ShiftedConv2d):
            return None if x is None else _run_residual(block, x, x)
        causal, held = block.conv1.causal, self._held.get(key)
        if x is None and (causal or not last or held is None):
            return None
        before = torch.zeros_like(x[:, :1]) if held is None else held
        after = torch.zeros_like(before[:, :1]) if last and not causal else None
        known = torch.cat([part for part in (before, x, after) if part is not None], dim=1)
        number = 1 if causal else 2
        self._held[key] = known[:, -number:].clone()  # a view would keep the whole piece
        if known.shape[1] <= number:
            return None
        shifted = shift_between(known, shift_div=block.conv1.shift_div, causal=causal)
        return _run_residual(block, known[:, 1:] if causal else known[:, 1:-1], shifted)

    def _append(self, key: str, x: Tensor) -> None:
        held = self._held.get(key)
        self._held[key] = x if held is None else torch.cat([held, x], dim=1)

    def _number(self, key: str) -> int:
        return self._held[key].shape[1] if key in self._held else 0

    def _take(self, key: str, number: int) -> Tensor:
        taken, self._held[key] = self._held[key].split(
            [number, self._held[key].shape[1] - number], dim=1
        )
        return taken


def _run_residual(block: nn.Module, x: Tensor, shifted: Tensor) -> Tensor:
    """Run a torchvision residual block on (S, n, H, W, C), its branch on shifted features."""
    number, x = x.shape[:2], _frames_first(x, -1)
    conv = block.conv1
    shifted = _frames_first(shifted, -1)
    y = conv.convolve(shifted) if isinstance(conv, ShiftedConv2d) else conv(shifted)
    y = block.bn2(block.conv2(block.relu(block.bn1(y))))
    if hasattr(block, "conv3"):
        y = block.bn3(block.conv3(block.relu(y)))
    y = block.relu(y + (x if block.downsample is None else block.downsample(x)))
    return y.permute(0, 2, 3, 1).unflatten(0, number)


def _frames_first(x: Tensor, channels: int = -3) -> Tensor:
    """Return (S, n, ...) pictures with their channels at an axis as (S * n, C, H, W)."""
    return x.flatten(0, 1).movedim(channels, 1).contiguous(memory_format=torch.channels_last)
