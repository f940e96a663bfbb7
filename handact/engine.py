"""The windows engine: class probabilities of every frame of a long video, in bounded memory.

Each window of T frames is run by itself, as the paper does; the label of a window belongs to its
centre frame. Between windows that stand further apart than one frame, probabilities are
interpolated, so every frame gets some.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
from handact.models.action import ActionNetwork
from handact.sampling import clip_offsets, stride_in_video

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
        device: Where both networks run.
    """

    network: ActionNetwork
    localizer: Localizer | None
    input: dict[str, Any]
    classes: tuple[str, ...]
    background: str
    durations: dict[str, list[float]]
    source: str
    device: torch.device

    @property
    def align(self) -> AlignConfig:
        """How frames and cut-outs were prepared in training."""
        settings = dict(self.input["align"])
        return AlignConfig(**{**settings, "cutout": tuple(settings["cutout"])})


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
        device=device,
    )


def run_windows(
    model: ActionModel, frames: Iterable[AlignedFrame], config: SegmentConfig, fps: float
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each window's centre frame and its class probabilities (K,), in order."""
    stride = stride_in_video(model.input["frame_stride"], model.input["fps"], fps)
    offsets = clip_offsets(model.input["clip_len"], stride)
    batch: list[Sample] = []
    centers: list[int] = []
    for center, window in _windows(model, frames, config, offsets):
        centers.append(center)
        batch.append(window)
        if len(batch) == config.batch_size:
            yield from zip(centers, _run_batch(model, batch), strict=True)
            batch, centers = [], []
    if batch:
        yield from zip(centers, _run_batch(model, batch), strict=True)


def _windows(
    model: ActionModel, frames: Iterable[AlignedFrame], config: SegmentConfig, offsets: np.ndarray
) -> Iterator[tuple[int, Sample]]:
    """Yield windows as soon as their last frame is there; at the end, clamped to the last frame."""
    kept: deque[Sample] = deque()
    first, center, number = 0, 0, 0  # the frame of kept[0], the next centre, frames so far
    for frame in frames:
        kept.append(_frame_sample(model, frame, config))
        number = frame.index + 1
        while center < number and center + offsets[-1] < number:
            yield center, _gather(kept, first, center + offsets, number)
            center += config.window_stride
        while kept and first < min(center + offsets[0], number - 1):
            kept.popleft()
            first += 1
    last = number - 1
    while number and center < last + config.window_stride:
        at = min(center, last)
        yield at, _gather(kept, first, at + offsets, number)
        center += config.window_stride


def _gather(kept: deque[Sample], first: int, frames: np.ndarray, number: int) -> Sample:
    """Return the wanted frames, clamped to those there are, as one clip."""
    return stack_clips([kept[int(i) - first] for i in np.clip(frames, 0, number - 1)])


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
    half = model.device.type == "cuda" and torch.cuda.is_bf16_supported()
    with torch.inference_mode(), torch.autocast(model.device.type, torch.bfloat16, enabled=half):
        logits = model.network(*inputs)
    return logits.float().softmax(1).cpu().numpy()


def interpolate(centers: np.ndarray, rows: np.ndarray, number: int) -> np.ndarray:
    """Spread the windows' probabilities (M, K) over all frames (N, K), linearly between centres."""
    if len(centers) == number:
        return rows.astype(np.float32)
    frames = np.arange(number)
    columns = [np.interp(frames, centers, column) for column in rows.T]
    return np.stack(columns, axis=1).astype(np.float32)
