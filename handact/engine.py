"""Both engines: class probabilities of every frame of a long video, in bounded memory.

The windows engine runs each window of T frames by itself, as the paper does. The stream engine runs
the network once over every frame: frames tau apart form a sequence, whose features see their real
neighbours, and a window's logits are the mean of its frames'. The label of a window belongs to the
frame it is about. Between windows that stand further apart than one frame, probabilities are
interpolated, so every frame gets some.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from handact.align import Localizer
from handact.alignment import align_boxes
from handact.checkpoint import fingerprint, load_checkpoint
from handact.cleaning import LabelStatistics
from handact.config import AlignConfig, SegmentConfig
from handact.data.aligned import AlignedFrame
from handact.data.clips import Sample, evaluation_view, network_input, stack_clips
from handact.device import autocast
from handact.errors import CheckpointError, ConfigError
from handact.exported import OnnxNetwork
from handact.models.action import ActionNetwork
from handact.models.fuse import load_fused
from handact.models.stream import NetworkStream
from handact.sampling import clip_frames, clip_offsets

__all__ = [
    "ActionModel",
    "interpolate",
    "load_action_model",
    "run_live",
    "run_stream",
    "run_windows",
]

T = TypeVar("T")


@dataclass(frozen=True)
class ActionModel:
    """A trained action network with all that it needs, as its checkpoint tells.

    Attributes:
        network: On `device`, for evaluation.
        localizer: Finds the hands; None where the network takes none.
        input: What the network must be fed with.
        classes: K class names.
        background: One of them.
        statistics: Of the training labels.
        source: Fingerprint of the checkpoint.
        precision: The setting that the network was trained with.
        device: Where both networks run.
    """

    network: ActionNetwork | OnnxNetwork
    localizer: Localizer | None
    input: dict[str, Any]
    classes: tuple[str, ...]
    background: str
    statistics: LabelStatistics
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
    def is_causal(self) -> bool:
        """Whether the network looks at the past alone."""
        return self.network.shift == "causal"

    @property
    def offsets(self) -> np.ndarray:
        """When the frames of a clip, its context too, lie relative to its frame: (F,) seconds."""
        return self._offsets(self.network.context)

    @property
    def window(self) -> np.ndarray:
        """When the frames lie whose logits count: (T,) seconds."""
        return self._offsets(0)

    @property
    def trained_engine(self) -> str:
        """stream where training gave clips a context, or needs none of it; otherwise windows.

        What was exported runs whole windows.
        """
        if isinstance(self.network, OnnxNetwork):
            return "windows"
        needs_context = self.network.shift != "none"
        return "windows" if needs_context and not self.network.context else "stream"

    def stride(self, fps: float) -> int:
        """Return tau in frames of a video at another rate, to the nearest frame, at least one."""
        return max(1, round(self.input["frame_stride"] * fps / self.input["fps"]))

    def _offsets(self, context: int) -> np.ndarray:
        clip = self.input["clip_len"], self.input["frame_stride"], self.input["fps"]
        return clip_offsets(*clip, context=context, causal=self.is_causal)


def load_action_model(path: Path, device: torch.device) -> ActionModel:
    """Read an action checkpoint, or an action network that was exported to ONNX.

    Raises:
        CheckpointError: See `load_checkpoint` and `OnnxNetwork`.
    """
    if path.suffix.lower() == ".onnx":
        return _load_exported(path, device)
    checkpoint = load_checkpoint(path, "action")
    network = load_fused(ActionNetwork(**checkpoint["model"]), checkpoint["state"])
    network.to(device, memory_format=torch.channels_last)
    localizer = checkpoint["localizer"]
    return ActionModel(
        network=network,
        localizer=Localizer.from_checkpoint(localizer, device) if localizer else None,
        input=checkpoint["input"],
        classes=tuple(checkpoint["classes"]),
        background=checkpoint["background"],
        statistics=_read_statistics(checkpoint),
        source=fingerprint(path),
        precision=checkpoint["config"]["precision"],
        device=device,
    )


def _load_exported(path: Path, device: torch.device) -> ActionModel:
    """Read an action network from ONNX; what goes in and comes out is on the CPU."""
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file", "`handact export network` makes one")
    network, source = OnnxNetwork(path, device), fingerprint(path)
    about = network.about
    if about["kind"] != "action":
        raise CheckpointError(f"{path}: a hand localiser, needed is an action network")
    hands, cpu = network.localizer, torch.device("cpu")
    return ActionModel(
        network=network,
        localizer=Localizer(hands, hands.about["input"], source, cpu) if hands else None,
        input=about["input"],
        classes=tuple(about["classes"]),
        background=about["background"],
        statistics=_read_statistics(about),
        source=source,
        precision="float32",
        device=cpu,
    )


def _read_statistics(about: dict[str, Any]) -> LabelStatistics:
    # Networks of the first days do not know which action follows which.
    return LabelStatistics(about["durations"], about.get("transitions", {}))


def run_windows(
    model: ActionModel, frames: Iterable[AlignedFrame], config: SegmentConfig
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each window's frame and its class probabilities (K,), in order."""
    if isinstance(model.network, OnnxNetwork) and config.view == "full":
        raise ConfigError(
            "an exported network sees the central crop alone", "leave out `--set view=full`"
        )
    samples = ((frame.seconds, _frame_sample(model, frame, config)) for frame in frames)
    windows = _windows(samples, model.offsets, config.window_stride)
    while batch := list(islice(windows, _batch_size(model, config))):
        probabilities = _run_batch(model, [stack_clips(samples) for _, samples in batch])
        yield from zip((center for center, _ in batch), probabilities, strict=True)


def run_stream(
    model: ActionModel, frames: Iterable[AlignedFrame], config: SegmentConfig, *, fps: float
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each frame and its class probabilities (K,), in order; `fps` is the video's rate."""
    if isinstance(model.network, OnnxNetwork):
        raise ConfigError(
            "the stream engine cannot run an exported network", "leave out `--engine stream`"
        )
    stride = model.stride(fps)
    seconds: deque[float] = deque()

    def samples() -> Iterator[Sample]:
        for frame in frames:
            seconds.append(frame.seconds)
            yield _frame_sample(model, frame, config)

    # As many frames at once as the windows engine takes.
    piece = max(1, _batch_size(model, config) * model.network.clip_len // stride)
    logits = _stream_logits(model, samples(), stride, piece)
    timed = ((seconds.popleft(), row) for row in logits)
    for center, rows in _windows(timed, model.window, 1):
        yield center, _softmax(np.mean(rows, axis=0))


def run_live(
    model: ActionModel, frames: Iterable[AlignedFrame], config: SegmentConfig, *, fps: float
) -> Iterator[tuple[AlignedFrame, np.ndarray]]:
    """Yield each frame with its class probabilities (K,) as soon as it is there.

    Of a video without gaps they are those of `run_stream`, to rounding. Frames may be missing: each
    goes on with the sequence that its time belongs to. After a gap longer than what the network
    looks back on, all begins anew.

    Args:
        model: Its network looks at the past alone.
        frames: In order, in time as well.
        config: Settings.
        fps: The video's rate.

    Raises:
        ConfigError: The network looks ahead, or was exported.
    """
    if isinstance(model.network, OnnxNetwork) or not model.is_causal:
        raise ConfigError(
            "live video needs a network that looks at the past alone, and this one does not",
            "`handact train-action --shift causal --run live` makes one; live video cannot run an "
            "exported network",
        )
    stride, reach = model.stride(fps), -float(model.offsets[0])
    streams: list[NetworkStream] = []
    first, last, number = 0.0, -math.inf, 0
    for frame in frames:
        if frame.seconds - last > max(reach, 1 / fps) + 1 / fps:
            streams = [NetworkStream(model.network) for _ in range(stride)]
            kept: _Kept[np.ndarray] = _Kept(model.window)
            first, number = frame.seconds, 0
        else:  # its place among frames that come evenly
            number = max(number + 1, round((frame.seconds - first) * fps))
        last = frame.seconds
        batch = [_frame_sample(model, frame, config)]
        rows = _push(model, streams[number % stride], batch, 1)
        kept.append(frame.seconds, rows[0, 0])
        center = kept.number - 1
        yield frame, _softmax(np.mean(kept.window(center), axis=0))
        kept.forget(center)


def _stream_logits(
    model: ActionModel, samples: Iterator[Sample], stride: int, piece: int
) -> Iterator[np.ndarray]:
    """Yield the logits (K,) of each frame, in order.

    Frame i belongs to sequence i modulo `stride`; a round is one frame of each of them.

    Args:
        model: What to run.
        samples: What the network sees of each frame.
        stride: Number of sequences.
        piece: Rounds that the network runs over at once.
    """
    stream = NetworkStream(model.network)
    while batch := list(islice(samples, stride * piece)):
        number = len(batch) // stride * stride
        if number:
            yield from _in_order([_push(model, stream, batch[:number], stride)])
        if left := batch[number:]:
            # The video ends within a round: the first sequences are one frame longer.
            longer, shorter = stream, None
            if stream.num_sequences is not None:
                longer, shorter = stream.split(len(left))
            rows = [_push(model, longer, left, len(left)), _end(model, longer)]
            others = None if shorter is None else _end(model, shorter)
            yield from _in_order([_join(rows), others])
            return
    yield from _in_order([_end(model, stream)])


def _push(
    model: ActionModel, stream: NetworkStream, batch: list[Sample], stride: int
) -> np.ndarray | None:
    """Give a stream whole rounds and return logits (m, S, K)."""
    rounds = {name: x.unflatten(0, (-1, stride)) for name, x in stack_clips(batch).items()}
    inputs = _network_input(model, rounds)
    with torch.inference_mode(), autocast(model.precision, model.device):
        return _as_array(stream.push(*inputs))


def _end(model: ActionModel, stream: NetworkStream) -> np.ndarray | None:
    with torch.inference_mode(), autocast(model.precision, model.device):
        return _as_array(stream.end())


def _as_array(logits: Tensor | None) -> np.ndarray | None:
    return None if logits is None else logits.float().cpu().numpy()


def _join(parts: list[np.ndarray | None]) -> np.ndarray | None:
    there = [part for part in parts if part is not None]
    return np.concatenate(there) if there else None


def _in_order(parts: list[np.ndarray | None]) -> Iterator[np.ndarray]:
    """Yield the logits of sequences that stand side by side, (m, S, K) each, round by round."""
    there = [part for part in parts if part is not None]
    for i in range(max(map(len, there), default=0)):
        for part in there:
            if i < len(part):
                yield from part[i]


def _windows(
    items: Iterable[tuple[float, T]], offsets: np.ndarray, window_stride: int
) -> Iterator[tuple[int, list[T]]]:
    """Yield windows as soon as their last frame is there; at the end, clamped to the last frame.

    Args:
        items: Of each frame its time in seconds, and what a window gathers.
        offsets: (F,) see `clip_offsets`.
        window_stride: Frames between two windows.
    """
    kept: _Kept[T] = _Kept(offsets)
    center = 0
    for seconds, item in items:
        kept.append(seconds, item)
        while kept.covers(center):
            yield center, kept.window(center)
            center += window_stride
        kept.forget(center)
    last = kept.number - 1
    while kept.number and center < last + window_stride:
        yield min(center, last), kept.window(min(center, last))
        center += window_stride


class _Kept(Generic[T]):
    """What windows to come can still want of the frames."""

    def __init__(self, offsets: np.ndarray) -> None:
        self.offsets = offsets
        self.items: deque[T] = deque()
        self.seconds: deque[float] = deque()
        self.first = 0  # the frame of items[0]

    @property
    def number(self) -> int:
        """Frames seen so far."""
        return self.first + len(self.items)

    def append(self, seconds: float, item: T) -> None:
        self.seconds.append(seconds)
        self.items.append(item)

    def covers(self, center: int) -> bool:
        """Tell whether no frame to come can belong to the window."""
        if center >= self.number:
            return False
        return self.seconds[-1] >= self.seconds[center - self.first] + self.offsets[-1]

    def window(self, center: int) -> list[T]:
        """Return what the window gathers."""
        frames = clip_frames(center - self.first, self.offsets, np.array(self.seconds))
        return [self.items[i] for i in frames]

    def forget(self, center: int) -> None:
        """Drop what lies before the window at `center` and all later ones."""
        # A centre that is still to come lies no earlier than the newest frame.
        nearest = min(center, self.number - 1) - self.first
        earliest = self.seconds[nearest] + self.offsets[0]
        while len(self.seconds) > 1 and self.seconds[1] <= earliest:
            self.seconds.popleft()
            self.items.popleft()
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


def _batch_size(model: ActionModel, config: SegmentConfig) -> int:
    """Return how many windows run at once: on a CPU few, which its caches can hold."""
    return config.batch_size or (16 if model.device.type == "cuda" else 1)


def _run_batch(model: ActionModel, batch: list[Sample]) -> np.ndarray:
    """Return probabilities (B, K)."""
    inputs = _network_input(model, stack_clips(batch))
    with torch.inference_mode(), autocast(model.precision, model.device):
        logits = model.network(*inputs)
    return logits.float().softmax(1).cpu().numpy()


def _network_input(model: ActionModel, batch: Sample) -> tuple[Tensor | None, ...]:
    if model.device.type == "cuda":  # pinned memory is copied quicker
        batch = {name: x.pin_memory() for name, x in batch.items()}
    return network_input(batch, model.input["mean"], model.input["std"], model.device)


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def interpolate(centers: np.ndarray, rows: np.ndarray, number: int) -> np.ndarray:
    """Spread the windows' probabilities (M, K) over all frames (N, K), linearly between centres."""
    if len(centers) == number:
        return rows.astype(np.float32)
    frames = np.arange(number)
    columns = [np.interp(frames, centers, column) for column in rows.T]
    return np.stack(columns, axis=1).astype(np.float32)
