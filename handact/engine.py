"""The windows engine: class probabilities of every frame of a long video, in bounded memory.

Each window of T frames is run by itself, as the paper does; the label of a window belongs to its
centre frame. Between windows that stand further apart than one frame, probabilities are
interpolated, so every frame gets some.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from handact.align import Localizer
from handact.alignment import align_boxes
from handact.checkpoint import fingerprint, load_checkpoint
from handact.config import AlignConfig, SegmentConfig
from handact.data.aligned import AlignedFrame
from handact.data.clips import Sample, evaluation_view, network_input, stack_clips
from handact.device import autocast
from handact.models.action import ActionNetwork
from handact.sampling import clip_frames, clip_offsets

__all__ = ["ActionModel", "interpolate", "load_action_model", "run_windows"]


@dataclass(frozen=True)
class ActionModel:
    """A trained action network with all that it needs, as its checkpoint tells.

    Attributes:
        network: On `device`, for evaluation.
        localizer: Finds the hands; None where the network takes none.
        input: What the network must be fed with.
        classes: K class names.
        background: One of them.
        durations: Seconds of the training segments by class.
        source: Fingerprint of the checkpoint.
        precision: The setting that the network was trained with.
        device: Where both networks run.
    """

    network: ActionNetwork
    localizer: Localizer | None
    input: dict[str, Any]
    classes: tuple[str, ...]
    background: str
    durations: dict[str, list[float]]
    source: str
    precision: str
    device: torch.device

    @property
    def align(self) -> AlignConfig:
        """How frames and cut-outs were prepared in training."""
        settings = self.input["align"]
        known = {f.name: settings[f.name] for f in fields(AlignConfig) if f.name in settings}
        return AlignConfig(**{**known, "cutout": tuple(known["cutout"])})

    @property
    def offsets(self) -> np.ndarray:
        """When the frames of a window lie relative to its centre: (T,) seconds."""
        return clip_offsets(self.input["clip_len"], self.input["frame_stride"], self.input["fps"])


def load_action_model(path: Path, device: torch.device) -> ActionModel:
    """Read an action checkpoint.

    Raises:
        CheckpointError: See `load_checkpoint`.
    """
    checkpoint = load_checkpoint(path, "action")
    network = ActionNetwork(**checkpoint["model"])
    network.load_state_dict(checkpoint["state"])
    network.to(device, memory_format=torch.channels_last).eval()
    localizer = checkpoint["localizer"]
    return ActionModel(
        network=network,
        localizer=Localizer(localizer, device) if localizer else None,
        input=checkpoint["input"],
        classes=tuple(checkpoint["classes"]),
        background=checkpoint["background"],
        durations=checkpoint["durations"],
        source=fingerprint(path),
        precision=checkpoint["config"]["precision"],
        device=device,
    )


def run_windows(
    model: ActionModel, frames: Iterable[AlignedFrame], config: SegmentConfig
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each window's centre frame and its class probabilities (K,), in order."""
    windows = _windows(model, frames, config)
    while batch := list(islice(windows, config.batch_size)):
        probabilities = _run_batch(model, [window for _, window in batch])
        yield from zip((center for center, _ in batch), probabilities, strict=True)


def _windows(
    model: ActionModel, frames: Iterable[AlignedFrame], config: SegmentConfig
) -> Iterator[tuple[int, Sample]]:
    """Yield windows as soon as their last frame is there; at the end, clamped to the last frame."""
    kept = _Kept(model.offsets)
    center = 0
    for frame in frames:
        kept.append(frame.seconds, _frame_sample(model, frame, config))
        while kept.covers(center):
            yield center, kept.window(center)
            center += config.window_stride
        kept.forget(center)
    last = kept.number - 1
    while kept.number and center < last + config.window_stride:
        yield min(center, last), kept.window(min(center, last))
        center += config.window_stride


class _Kept:
    """The frames that windows to come can still want."""

    def __init__(self, offsets: np.ndarray) -> None:
        self.offsets = offsets
        self.samples: deque[Sample] = deque()
        self.seconds: deque[float] = deque()
        self.first = 0  # the frame of samples[0]

    @property
    def number(self) -> int:
        """Frames seen so far."""
        return self.first + len(self.samples)

    def append(self, seconds: float, sample: Sample) -> None:
        self.seconds.append(seconds)
        self.samples.append(sample)

    def covers(self, center: int) -> bool:
        """Tell whether no frame to come can belong to the window."""
        if center >= self.number:
            return False
        return self.seconds[-1] >= self.seconds[center - self.first] + self.offsets[-1]

    def window(self, center: int) -> Sample:
        """Return the window's frames as one clip."""
        frames = clip_frames(center - self.first, self.offsets, np.array(self.seconds))
        return stack_clips([self.samples[i] for i in frames])

    def forget(self, center: int) -> None:
        """Drop what lies before the window at `center` and all later ones."""
        # A centre that is still to come lies no earlier than the newest frame.
        nearest = min(center, self.number - 1) - self.first
        earliest = self.seconds[nearest] + self.offsets[0]
        while len(self.seconds) > 1 and self.seconds[1] <= earliest:
            self.seconds.popleft()
            self.samples.popleft()
            self.first += 1


def _frame_sample(model: ActionModel, frame: AlignedFrame, config: SegmentConfig) -> Sample:
    """Return what the network sees of one frame."""
    scaled = frame.scaled.shape[1], frame.scaled.shape[0]
    name = model.input["view"] if config.view == "trained" else config.view
    view = evaluation_view(name, scaled, model.input["crop_size"])
    sample: Sample = {}
    if model.network.hand_use != "only":
        picture = frame.scaled[view.y : view.y + view.height, view.x : view.x + view.width]
        sample["frames"] = torch.from_numpy(np.ascontiguousarray(picture))
    if frame.cutouts is not None:
        rects = align_boxes(frame.boxes, frame.source, scaled, view)
        sample["cutouts"] = torch.from_numpy(frame.cutouts)
        sample["rects"] = torch.from_numpy(rects)
        sample["present"] = torch.from_numpy((frame.boxes[:, 2] > 0).astype(np.float32))
    return sample


def _run_batch(model: ActionModel, batch: list[Sample]) -> np.ndarray:
    """Return probabilities (B, K)."""
    inputs = network_input(
        stack_clips(batch), model.input["mean"], model.input["std"], model.device
    )
    with torch.inference_mode(), autocast(model.precision, model.device):
        logits = model.network(*inputs)
    return logits.float().softmax(1).cpu().numpy()


def interpolate(centers: np.ndarray, rows: np.ndarray, number: int) -> np.ndarray:
    """Spread the windows' probabilities (M, K) over all frames (N, K), linearly between centres."""
    if len(centers) == number:
        return rows.astype(np.float32)
    frames = np.arange(number)
    columns = [np.interp(frames, centers, column) for column in rows.T]
    return np.stack(columns, axis=1).astype(np.float32)
