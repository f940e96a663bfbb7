"""`bench`: how fast each part is on this machine, as ratios of things measured side by side.

Networks have random weights: their speed does not depend on them. What is compared takes turns,
round after round, so that a machine that slows down slows both; a ratio is the median over rounds.
Engines run a network without context, so that a window is its T frames; what is trained has it.
"""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torchvision import models
from torchvision.models.mobilenetv2 import InvertedResidual
from torchvision.models.resnet import BasicBlock, Bottleneck

from handact.align import Localizer, align_frames
from handact.bench import plan_video
from handact.cleaning import LabelStatistics
from handact.config import ActionConfig, AlignConfig, SegmentConfig
from handact.data.aligned import AlignedCache, AlignedFrame, write_aligned
from handact.data.clips import Clip, ClipSet, Sample
from handact.distributed import Processes
from handact.engine import ActionModel, run_stream, run_windows
from handact.labels import Segment
from handact.models.action import ActionNetwork
from handact.models.fuse import fuse_batch_norms
from handact.models.hands import HandLocalizer
from handact.progress import Log
from handact.sampling import clip_offsets
from handact.segment import run_engine
from handact.training.action import clip_loader, train_epoch
from handact.training.loop import build_optimizer, freeze_batch_norm
from handact.training.record import describe_machine
from handact.video import FrameStream, VideoWriter
from handact.weights import IMAGENET_MEAN, IMAGENET_STD

__all__ = ["Benchmark", "run_benchmark"]

NUM_CLASSES = 10
FPS = 30.0
SIZE = 1920, 1080
_MORE = 4  # times as many frames for the stream as for windows: it begins and ends only once


@dataclass(frozen=True)
class Benchmark:
    """What `bench` measures with.

    Attributes:
        frames: That windows slide over; the stream runs over four times as many.
        rounds: How often each thing is measured.
        action: Settings of the network and its clips.
        align: Settings of scaled frames and cut-outs.
    """

    frames: int = 64
    rounds: int = 3
    action: ActionConfig = field(default_factory=ActionConfig)
    align: AlignConfig = field(default_factory=AlignConfig)


def run_benchmark(
    folder: Path,
    settings: Benchmark,
    device: torch.device,
    *,
    video: Path | None = None,
    log: Log = lambda line: None,
) -> dict[str, Any]:
    """Measure and return ratios, speeds, memory and machine, as a dict for JSON.

    Args:
        folder: For a video that is drawn, and a cache; some 100 MB.
        settings: What to measure with.
        device: Where networks run.
        video: To decode; a 1080p one is drawn if None.
        log: Told what is measured.

    Returns:
        `ratios` by name: `median`, `min`, `max`; `speeds` by name: the same, in frames or clips a
        second; `peak_memory_mb`, `machine`, `settings`.
    """
    torch.manual_seed(0)
    if video is None:
        log("drawing a video")
        video = _draw_video(folder / "bench.mp4", 2 * _MORE * settings.frames)
    model = _random_model(settings, device)
    tsm = _random_model(replace(settings, action=replace(settings.action, hands="none")), device)
    rival = _PlainTsm(settings.action.backbone, settings.action.clip_len).to(device).eval()
    free = _free_model(model)
    aligned = _aligned_frames(model, video, _MORE * settings.frames)
    few = aligned[: settings.frames]
    batch = np.stack([frame.scaled[:224, :224] for frame in aligned[:16]])
    speeds: dict[str, list[float]] = {}

    def measure(what: dict[str, Callable[[], int]]) -> None:
        for i in range(settings.rounds):
            for name, run in what.items():
                log(f"{name}, round {i + 1} of {settings.rounds}")
                start = time.perf_counter()
                number = run()
                speeds.setdefault(name, []).append(number / (time.perf_counter() - start))

    def engine(of: ActionModel, name: str) -> int:
        config = SegmentConfig(engine=name)
        if name == "stream":
            return sum(1 for _ in run_stream(of, iter(aligned), config, fps=FPS))
        return sum(1 for _ in run_windows(of, iter(few), config))

    def whole(of: ActionModel, name: str, number: int | None) -> int:
        with _Beginning(video, number) as stream:
            return len(run_engine(of, stream, SegmentConfig(engine=name), fps=FPS).seconds)

    def decode() -> int:
        with FrameStream(video) as stream:
            return sum(1 for _ in stream)

    _warm_up(model, aligned)
    measure({"decoding": decode, "segment, free network": lambda: whole(free, "stream", None)})
    measure({"localiser": lambda: len(model.localizer.detect(list(batch)))})
    measure(
        {
            "TSM, window by window, float32": lambda: _run_rival(rival, few, settings, device),
            "TSM, stream engine": lambda: engine(tsm, "stream"),
            "windows engine": lambda: engine(model, "windows"),
            "stream engine": lambda: engine(model, "stream"),
            "segment, windows": lambda: whole(model, "windows", settings.frames),
            "segment, stream": lambda: whole(model, "stream", _MORE * settings.frames),
        }
    )
    measure(_trainings(folder, settings, few, device))
    pairs = {
        "network, stream / windows": ("stream engine", "windows engine"),
        "segment, stream / windows": ("segment, stream", "segment, windows"),
        "stream / TSM window by window": ("TSM, stream engine", "TSM, window by window, float32"),
        "segment with a free network / decoding": ("segment, free network", "decoding"),
        "training from the cache / from memory": ("training, cache", "training, memory"),
    }
    return {
        "ratios": {
            name: _spread([x / y for x, y in zip(speeds[a], speeds[b], strict=True)])
            for name, (a, b) in pairs.items()
        },
        "speeds": {name: _spread(values) for name, values in speeds.items()},
        "peak_memory_mb": _peak_memory(device),
        "machine": describe_machine(device),
        "settings": {"device": str(device), **asdict(settings)},
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": median(values), "min": min(values), "max": max(values)}


def _peak_memory(device: torch.device) -> dict[str, float]:
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    memory = {"process": peak / 2**20}
    if device.type == "cuda":
        memory["gpu"] = torch.cuda.max_memory_allocated(device) / 2**20
    return memory


def _draw_video(path: Path, number: int) -> Path:
    scene = plan_video("bench", seed=0, seconds=12, width=SIZE[0], height=SIZE[1])
    drawn = [scene.draw(i) for i in range(24)]
    with VideoWriter(path, *SIZE, fps=FPS) as writer:
        for i in range(number):
            writer.write(drawn[abs(i % 46 - 23)])  # to and fro
    return path


def _random_model(settings: Benchmark, device: torch.device) -> ActionModel:
    """Return a model as a checkpoint would give it, whose hands are always there."""
    action = settings.action
    network = _random_network(replace(action, context=0))
    fuse_batch_norms(network.eval())
    hands = HandLocalizer()
    nn.init.constant_(hands.head.bias, 1.0)
    pixels = {"mean": list(IMAGENET_MEAN), "std": list(IMAGENET_STD)}
    localizer = {
        "model": {}, "state": hands.state_dict(), "input": {"size": 224, **pixels}, "source": "",
    }  # fmt: skip
    return ActionModel(
        network=network.to(device, memory_format=torch.channels_last),
        localizer=None if action.hands == "none" else Localizer.from_checkpoint(localizer, device),
        input={
            "clip_len": action.clip_len, "frame_stride": action.frame_stride, "fps": FPS,
            "crop_size": action.crop_size, "view": "center", "align": asdict(settings.align),
            **pixels,
        },
        classes=tuple(map(str, range(NUM_CLASSES))),
        background="0",
        statistics=LabelStatistics(),
        source="",
        precision=action.precision,
        device=device,
    )  # fmt: skip


def _random_network(action: ActionConfig) -> ActionNetwork:
    names = (
        "backbone", "hand_backbone", "hands", "shift", "clip_len", "context", "fuse_after",
        "dropout",
    )  # fmt: skip
    return ActionNetwork(num_classes=NUM_CLASSES, **{n: getattr(action, n) for n in names})


def _free_model(model: ActionModel) -> ActionModel:
    """Return a model whose networks are one layer each, and cost next to nothing."""
    network = ActionNetwork(num_classes=NUM_CLASSES, clip_len=model.network.clip_len)
    network.backbone, network.hands = _one_layer(), _one_layer()
    network.fusion = nn.Conv2d(24, 8, 1)
    localizer = Localizer.__new__(Localizer)
    localizer.__dict__ = {**model.localizer.__dict__, "network": HandLocalizer().eval()}
    localizer.network.features = nn.Sequential(nn.AvgPool2d(32), nn.Conv2d(3, 1280, 1))
    nn.init.constant_(localizer.network.head.bias, 1.0)
    localizer.network.to(model.device)
    return replace(model, network=network.to(model.device).eval(), localizer=localizer)


def _one_layer() -> nn.Module:
    network = models.resnet18()
    network.conv1 = nn.Conv2d(3, 8, 32, stride=32)
    network.bn1 = network.relu = network.maxpool = nn.Identity()
    network.layer1 = network.layer2 = network.layer3 = network.layer4 = nn.Sequential()
    network.fc = nn.Linear(8, NUM_CLASSES)
    return network


class _Beginning(FrameStream):
    """The first frames of a video; all of them where `number` is None."""

    def __init__(self, path: Path, number: int | None) -> None:
        super().__init__(path)
        self.number = number

    def __iter__(self) -> Iterator[Any]:
        return islice(super().__iter__(), self.number)


def _aligned_frames(model: ActionModel, video: Path, number: int) -> list[AlignedFrame]:
    with _Beginning(video, number) as stream:
        return list(align_frames(stream, model.align, model.localizer, fps=FPS))


def _warm_up(model: ActionModel, aligned: list[AlignedFrame]) -> None:
    few = aligned[: model.network.clip_len]
    for _ in run_stream(model, iter(few), SegmentConfig(), fps=FPS):
        pass


# ---------------------------------------------------------------------------------------- the rival


class _PlainTsm(nn.Module):
    """TSM as its authors publish it, in plain PyTorch: the peer that the stream is compared with.

    Lin et al., ICCV 2019: a torchvision network whose residual branches shift an eighth of their
    channels each way, written into a tensor of zeros; the mean of the frames' logits. Pictures are
    (3, H, W) in memory, as its loader leaves them.
    """

    def __init__(self, backbone: str, clip_len: int) -> None:
        super().__init__()
        self.clip_len = clip_len
        self.network = getattr(models, backbone)(num_classes=NUM_CLASSES)
        for block in list(self.network.modules()):
            if isinstance(block, BasicBlock | Bottleneck):
                block.conv1 = nn.Sequential(_PlainShift(clip_len), block.conv1)
            elif isinstance(block, InvertedResidual) and block.use_res_connect:
                block.conv[0][0] = nn.Sequential(_PlainShift(clip_len), block.conv[0][0])

    def forward(self, clips: Tensor) -> Tensor:
        return self.network(clips.flatten(0, 1)).unflatten(0, (-1, self.clip_len)).mean(1)


class _PlainShift(nn.Module):
    def __init__(self, clip_len: int) -> None:
        super().__init__()
        self.clip_len = clip_len

    def forward(self, x: Tensor) -> Tensor:
        clips = x.unflatten(0, (-1, self.clip_len))
        fold, out = clips.shape[2] // 8, torch.zeros_like(clips)
        out[:, :-1, :fold] = clips[:, 1:, :fold]
        out[:, 1:, fold : 2 * fold] = clips[:, :-1, fold : 2 * fold]
        out[:, :, 2 * fold :] = clips[:, :, 2 * fold :]
        return out.flatten(0, 1)


def _run_rival(
    network: _PlainTsm, aligned: list[AlignedFrame], settings: Benchmark, device: torch.device
) -> int:
    """Slide windows over all frames, one frame apart, one after another."""
    action, size = settings.action, settings.action.crop_size
    pictures = torch.from_numpy(np.stack([frame.scaled[:size, :size] for frame in aligned]))
    mean, std = torch.tensor(IMAGENET_MEAN).view(3, 1, 1), torch.tensor(IMAGENET_STD).view(3, 1, 1)
    steps = (torch.arange(action.clip_len) - action.clip_len // 2) * action.frame_stride
    with torch.inference_mode():
        for center in range(len(aligned)):
            frames = pictures[(center + steps).clamp(0, len(aligned) - 1)]
            x = (frames.permute(0, 3, 1, 2).contiguous().float() / 255 - mean) / std
            network(x[None].to(device)).softmax(1).cpu()
    return len(aligned)


# ---------------------------------------------------------------------------------------- training


class _InMemory:
    """Batches that are there already, in place of a loader's."""

    def __init__(self, batch: Sample, number: int) -> None:
        self.batch, self.number = batch, number
        self.batch_sampler, self.dataset = self, [None] * number

    def __len__(self) -> int:
        return self.number

    def num_rows(self, _: int) -> int:
        return len(self.batch["label"])

    def __iter__(self) -> Iterator[Sample]:
        return iter([self.batch] * self.number)


def _trainings(
    folder: Path, settings: Benchmark, aligned: list[AlignedFrame], device: torch.device
) -> dict[str, Callable[[], int]]:
    """Return two trainings to measure, each giving its number of clips."""
    on_cpu = device.type == "cpu"
    config, steps = replace(settings.action, batch_size=4 if on_cpu else 64), 2 if on_cpu else 40
    write_aligned(folder, "bench", aligned, {}, jpeg_quality=settings.align.jpeg_quality)
    cache = AlignedCache(folder, "bench")
    rng = np.random.default_rng(0)
    clips = [
        Clip(cache, Segment(start, start + 1, "0"), int(rng.integers(NUM_CLASSES)))
        for start in rng.integers(cache.num_frames, size=steps * config.batch_size)
    ]
    clip_set = ClipSet(
        clips,
        offsets=clip_offsets(config.clip_len, config.frame_stride, FPS, context=config.context),
        crop_size=config.crop_size,
        sampling="surround",
        training=True,
    )
    loader = clip_loader(clip_set, config, device, Processes())
    there = {name: x.to(device) for name, x in next(iter(loader)).items()}
    network = _random_network(config)
    network.to(device, memory_format=torch.channels_last).train()
    freeze_batch_norm(network)
    groups = [{"params": list(network.parameters()), "lr": 0.0}]
    optimizer = build_optimizer(groups, config)

    def train(batches: Any) -> int:
        pixels = IMAGENET_MEAN, IMAGENET_STD
        train_epoch(network, optimizer, batches, config, 0, pixels, device, Processes(), None)
        return steps * config.batch_size

    if not on_cpu:
        train(_InMemory(there, 2))  # what CUDA does but once
    return {
        "training, cache": lambda: train(loader),
        "training, memory": lambda: train(_InMemory(there, steps)),
    }
