"""Clips of labelled segments, read from the aligned cache."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from handact.alignment import View, align_boxes, center_view, flip_rects, full_view, random_view
from handact.data.aligned import AlignedCache
from handact.data.augment import draw_colour, sample_rng, to_input
from handact.labels import Segment
from handact.sampling import central_clip, dense_clip, surround_clip

__all__ = ["Clip", "ClipSet", "Sample", "evaluation_view", "network_input", "stack_clips"]

Sample = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Clip:
    """What a clip is drawn from.

    Attributes:
        cache: Of the video.
        segment: In that video.
        label: Class index.
    """

    cache: AlignedCache
    segment: Segment
    label: int


class ClipSet(Dataset[Sample]):
    """Clips as tensors: frames, cutouts, rects, present, colour, label.

    Args:
        clips: One item each.
        offsets: (T,) seconds, see `clip_offsets`.
        crop_size: C_s, pixels.
        sampling: surround or dense.
        view: center or full, for evaluation.
        with_hands: Read the cut-outs.
        with_frames: Read the scaled frames.
        training: Draw clip, crop, flip and colour; otherwise the central clip and the view.
        random_crop: In training, draw a crop; otherwise take whole frames.
        flip: Probability of a mirrored clip.
        colour: See `draw_colour`.
        seed: Of everything that is drawn.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        *,
        offsets: np.ndarray,
        crop_size: int,
        sampling: str,
        view: str = "center",
        with_hands: bool = True,
        with_frames: bool = True,
        training: bool = False,
        random_crop: bool = True,
        flip: float = 0.0,
        colour: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.clips, self.offsets, self.crop_size = clips, offsets, crop_size
        self.sampling, self.view, self.training = sampling, view, training
        self.with_hands, self.with_frames = with_hands, with_frames
        self.flip, self.colour, self.seed = flip, colour, seed
        self.random_crop = random_crop

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, key: int | tuple[int, int]) -> Sample:
        """Return a clip; in training the key is (epoch, index)."""
        epoch, index = key if isinstance(key, tuple) else (0, key)
        rng = sample_rng(self.seed, epoch, index)
        clip = self.clips[index]
        frames = self._frames(clip, rng)
        view = self._view(clip.cache, rng)
        flipped = self.training and rng.random() < self.flip
        colour = draw_colour(rng, self.colour if self.training else 0.0)
        sample = {"label": torch.tensor(clip.label), "colour": torch.from_numpy(colour)}
        if self.with_frames:
            sample["frames"] = torch.from_numpy(_read_frames(clip.cache, frames, view, flipped))
        if self.with_hands:
            sample |= _read_hands(clip.cache, frames, view, flipped)
        return sample

    @property
    def shapes(self) -> set[tuple[int, ...]]:
        """Sizes of the scaled frames; whole frames stack only where there is one."""
        return {clip.cache.scaled for clip in self.clips}

    def _frames(self, clip: Clip, rng: np.random.Generator) -> np.ndarray:
        where = clip.segment, self.offsets, clip.cache.seconds
        if not self.training:
            return central_clip(*where, inside=self.sampling == "dense")
        return (dense_clip if self.sampling == "dense" else surround_clip)(*where, rng)

    def _view(self, cache: AlignedCache, rng: np.random.Generator) -> View:
        if self.training and self.random_crop:
            return random_view(*cache.scaled, self.crop_size, rng)
        view = "full" if self.training else self.view
        return evaluation_view(view, cache.scaled, self.crop_size)


def evaluation_view(name: str, scaled: tuple[int, int], crop_size: int) -> View:
    """Return what evaluation sees of a scaled frame (w, h): its centre, or the whole of it."""
    return full_view(*scaled) if name == "full" else center_view(*scaled, crop_size)


def network_input(
    batch: Sample, mean: Sequence[float], std: Sequence[float], device: torch.device
) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
    """Return frames, cutouts, rects and present of a batch, as the action network takes them."""
    moved = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
    colour = moved.get("colour")
    pictures = (
        to_input(moved[name], mean, std, colour) if name in moved else None
        for name in ("frames", "cutouts")
    )
    return *pictures, moved.get("rects"), moved.get("present")


def _read_frames(cache: AlignedCache, frames: np.ndarray, view: View, flipped: bool) -> np.ndarray:
    """Return (T, h, w, 3) of the view, mirrored where `flipped`; a repeated frame is read once."""
    rows, columns = slice(view.y, view.y + view.height), slice(view.x, view.x + view.width)
    pictures = {int(i): cache.frame(int(i))[rows, columns] for i in np.unique(frames)}
    clip = np.stack([pictures[int(i)] for i in frames])
    return np.ascontiguousarray(clip[:, :, ::-1]) if flipped else clip


def stack_clips(samples: list[Sample]) -> Sample:
    """Return samples as one batch."""
    return {name: torch.stack([s[name] for s in samples]) for name in samples[0]}


def _read_hands(cache: AlignedCache, frames: np.ndarray, view: View, flipped: bool) -> Sample:
    rects = align_boxes(cache.boxes[frames], cache.source, cache.scaled, view)
    present = cache.boxes[frames][..., 2] > 0
    pictures = {(int(i), h): cache.cutout(int(i), h) for i in np.unique(frames) for h in (0, 1)}
    black = np.zeros((cache.cutout_side, cache.cutout_side, 3), dtype=np.uint8)
    cutouts = np.stack(
        [[black if (p := pictures[int(i), h]) is None else p for h in (0, 1)] for i in frames]
    )
    if flipped:
        rects, present = flip_rects(rects), present[:, ::-1]
        cutouts = cutouts[:, ::-1, :, ::-1]
    return {
        "cutouts": torch.from_numpy(np.ascontiguousarray(cutouts)),
        "rects": torch.from_numpy(np.ascontiguousarray(rects)),
        "present": torch.from_numpy(np.ascontiguousarray(present, dtype=np.float32)),
    }
