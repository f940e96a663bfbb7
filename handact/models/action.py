"""The action network: TSM over the frames, with both hands' features put in their places.

Sources: Lin et al., TSM, ICCV 2019 (backbone); Myers et al., WACV-W 2023 (hand stream, alignment).
"""

import torch
from torch import Tensor, nn

from handact.models.backbone import (
    STAGES,
    build_backbone,
    head,
    run_stage,
    run_stem,
    stage_width,
)

__all__ = ["ActionNetwork", "place_features"]


class ActionNetwork(nn.Module):
    """Class logits of clips.

    `backbone` is a torchvision network with a head of K classes, `hands` one without a head that
    both cut-outs share, `fusion` the 1x1 projection of Eq. 2-3's concatenated map, which is added
    to the backbone's and starts at zero: training begins at the backbone alone.

    Args:
        num_classes: K.
        backbone: resnet18, resnet34, resnet50, resnet101 or mobilenet_v2.
        hand_backbone: The same, for the cut-outs.
        hands: aligned (placed by their rectangles), unaligned (each spread over the whole frame),
            pooled (their mean everywhere), only (no backbone) or none.
        shift: tsm; causal, which takes features from the past alone; none for the TSN baseline.
        clip_len: T.
        context: Frames that a clip has beyond its T at either end (causal: before them). They are
            seen through the shift, and their logits do not count.
        fuse_after: The backbone's stage that the hands join, layer1 to layer4: see
            `handact.models.backbone`.
        dropout: Before the head.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        backbone: str = "resnet50",
        hand_backbone: str = "resnet18",
        hands: str = "aligned",
        shift: str = "tsm",
        clip_len: int = 8,
        context: int = 0,
        fuse_after: str = "layer4",
        dropout: float = 0.8,
    ) -> None:
        super().__init__()
        self.clip_len, self.context, self.shift = clip_len, context, shift
        self.hand_use, self.fuse_after = hands, fuse_after
        self.dropout = nn.Dropout(dropout)
        shifted = {"shift": shift, "clip_len": self.num_frames}
        if hands != "only":
            self.backbone = build_backbone(backbone, num_classes=num_classes, **shifted)
        if hands != "none":
            self.hands = build_backbone(hand_backbone, num_classes=None, **shifted)
            width = stage_width(self.hands, "layer4")
        if hands == "only":
            self.head = nn.Linear(2 * width, num_classes)
        elif hands != "none":
            channels = stage_width(self.backbone, fuse_after)
            self.fusion = nn.Conv2d(channels + 2 * width, channels, kernel_size=1)
            nn.init.zeros_(self.fusion.weight)
            nn.init.zeros_(self.fusion.bias)

    @property
    def num_frames(self) -> int:
        """Frames of a clip, its context included."""
        return self.clip_len + (1 if self.shift == "causal" else 2) * self.context

    def forward(
        self,
        frames: Tensor | None,
        cutouts: Tensor | None = None,
        rects: Tensor | None = None,
        present: Tensor | None = None,
    ) -> Tensor:
        """Return the clips' logits (B, K): the mean of the logits of their T frames.

        Args:
            frames: (B, F, 3, H, W), normalised, F = `num_frames`; not used where hands are all
                there is.
            cutouts: (B, F, 2, 3, h, w) left and right hand, normalised.
            rects: (B, F, 2, 4) x, y, width, height of the cut-outs in units of the frame.
            present: (B, F, 2) 1 where there is a hand, 0 where there is none.
        """
        hands = None if self.hand_use == "none" else self._hand_features(cutouts, present)
        if self.hand_use == "only":
            logits = self.classify_hands(hands)
        else:
            logits = self._backbone_logits(frames, hands, rects)
        logits = logits.unflatten(0, (-1, self.num_frames))
        return logits[:, self.context : self.context + self.clip_len].mean(1)

    def fuse(self, x: Tensor, hands: Tensor, rects: Tensor) -> Tensor:
        """Add both hands' features (N, 2, C', h, w) at their rects (N, 2, 4) to x (N, C, H, W)."""
        return x + self.fusion(torch.cat([x, self._place(hands, rects, x)], dim=1))

    def classify(self, x: Tensor) -> Tensor:
        """Return the logits (N, K) of frames from the backbone's last features (N, C, H, W)."""
        return head(self.backbone)(self.dropout(x.mean((-2, -1))))

    def classify_hands(self, hands: Tensor) -> Tensor:
        """Return the logits (N, K) of frames from their hands' features (N, 2, C, h, w) alone."""
        return self.head(self.dropout(hands.mean((-2, -1)).flatten(1)))

    def _hand_features(self, cutouts: Tensor, present: Tensor) -> Tensor:
        """Return the last feature maps of both hands (B*F, 2, C, h, w), zero for absent hands."""
        batch = cutouts.shape[0]
        # A hand's frames must be adjacent for the shift: (B, F, 2) becomes (B, 2, F).
        x = cutouts.transpose(1, 2).flatten(0, 2).contiguous(memory_format=torch.channels_last)
        x = run_stem(self.hands, x)
        for stage in STAGES:
            x = run_stage(self.hands, stage, x)
        x = x.unflatten(0, (batch, 2, self.num_frames)).transpose(1, 2)  # (B, F, 2, C, h, w)
        return (x * present[..., None, None, None].to(x.dtype)).flatten(0, 1)

    def _backbone_logits(
        self, frames: Tensor, hands: Tensor | None, rects: Tensor | None
    ) -> Tensor:
        x = run_stem(self.backbone, frames.flatten(0, 1))
        for stage in STAGES:
            x = run_stage(self.backbone, stage, x)
            if stage == self.fuse_after and hands is not None:
                x = self.fuse(x, hands, rects.flatten(0, 1))
        return self.classify(x)

    def _place(self, hands: Tensor, rects: Tensor, onto: Tensor) -> Tensor:
        """Return both hands on the backbone's grid (N, 2*C', H, W)."""
        height, width = onto.shape[-2:]
        if self.hand_use == "pooled":
            return hands.mean((-2, -1)).flatten(1)[..., None, None].expand(-1, -1, height, width)
        if self.hand_use == "unaligned":
            rects = torch.tensor([0.0, 0.0, 1.0, 1.0], device=rects.device).expand_as(rects)
        placed = place_features(hands.flatten(0, 1), rects.flatten(0, 1), height, width)
        return placed.unflatten(0, (-1, 2)).flatten(1, 2)


def place_features(features: Tensor, rects: Tensor, height: int, width: int) -> Tensor:
    """Put feature maps where they belong on a grid that covers the unit square, Eq. 2-3.

    Each cell of the grid gets the mean over its area of the map that lies there, which counts as
    zero outside its rectangle. So a map that shrinks is averaged, and nothing is lost or doubled.

    Args:
        features: (N, C, h, w).
        rects: (N, 4) x, y, width, height of each map in units of the grid's sides.
        height: Rows of the grid.
        width: Columns of the grid.

    Returns:
        (N, C, height, width).
    """
    rows = _overlap(rects[:, 1], rects[:, 3], features.shape[-2], height).to(features.dtype)
    columns = _overlap(rects[:, 0], rects[:, 2], features.shape[-1], width).to(features.dtype)
    return rows[:, None] @ features @ columns[:, None].transpose(-1, -2)


def _overlap(start: Tensor, size: Tensor, num_source: int, num_target: int) -> Tensor:
    """Return how much of each target cell each source cell covers: (N, num_target, num_source)."""
    edges = torch.arange(num_source + 1, device=start.device) / num_source
    edges = start[:, None] + size[:, None] * edges  # (N, num_source + 1)
    target = torch.arange(num_target + 1, device=start.device) / num_target
    upper = torch.minimum(edges[:, None, 1:], target[None, 1:, None])
    lower = torch.maximum(edges[:, None, :-1], target[None, :-1, None])
    return (upper - lower).clamp(min=0) * num_target
