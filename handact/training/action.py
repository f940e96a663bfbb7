"""`train-action`: teach the action network from labelled segments and the aligned cache.

Source: Myers et al., WACV-W 2023, supplement section 3.
"""

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Sampler

from handact.align import align_dataset, load_localizer
from handact.checkpoint import fingerprint, load_checkpoint
from handact.cleaning import LabelStatistics, count_transitions
from handact.config import ActionConfig, AlignConfig
from handact.data.aligned import AlignedCache
from handact.data.clips import Clip, ClipSet, Sample, network_input, stack_clips
from handact.dataset import Dataset, Video, read_dataset
from handact.device import autocast, describe_exhaustion, pick_device
from handact.distributed import Processes, join_processes
from handact.errors import ConfigError, LabelError, TrainingError
from handact.labels import fill_background, frame_edges
from handact.models.action import ActionNetwork
from handact.progress import Log, Progress
from handact.sampling import clip_offsets
from handact.training.loop import (
    Pixels,
    build_optimizer,
    find_weights,
    freeze_batch_norm,
    known_pixels,
    open_run,
    resolve_weights,
    restore_run,
    save_epoch,
    seed_epoch,
    set_learning_rate,
    spread_rows,
)
from handact.training.record import TrainingData, begin_session, describe_run
from handact.weights import restore_batch_norm, start_network

__all__ = [
    "action_data",
    "clip_loader",
    "labelled_clips",
    "predict_clips",
    "train_action",
    "train_epoch",
]

_NUM_SEEN = 32  # clips that show batch norms without statistics what they will see


def train_action(
    root: Path,
    config: ActionConfig,
    align: AlignConfig,
    *,
    run: str = "action",
    hands_run: str = "hands",
    device: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    on_progress: Progress | None = None,
    on_align_progress: Progress | None = None,
    on_weights_progress: Progress | None = None,
    log: Log = lambda line: None,
) -> Path:
    """Train the action network on the segments of a dataset's training videos.

    Videos whose aligned cache is missing or out of date are aligned first.

    Args:
        root: The dataset folder.
        config: Settings of the training.
        align: Settings of the aligned cache.
        run: Name of the run folder below runs/, or its path.
        hands_run: That of the run whose localiser finds the hands.
        device: auto, cpu, cuda or cuda:N.
        resume: Insist on going on with the run that is there.
        overwrite: Start again whatever is there.
        on_progress: Told how many batches of the training are done, of how many.
        on_align_progress: Told how many frames are aligned, of how many.
        on_weights_progress: Told how many megabytes of weights are downloaded, of how many.
        log: Takes a line for people.

    Returns:
        The run folder: best.pt, last.pt, log.csv, curves.png, config.toml, run.json.

    Raises:
        HandactError: Labels, videos, settings, weights or an earlier run stand in the way.
    """
    if config.crop_size > align.short_side:
        raise ConfigError(
            f"crop_size = {config.crop_size} is larger than short_side = {align.short_side}",
            "short_side is in the `[align]` table of --config, else what `handact align` was last "
            "given (runs/align/config.toml)",
        )
    where = pick_device(device)
    less = "`--set accumulate=4` runs a batch in four parts, with the same result"
    with join_processes(where) as processes, describe_exhaustion(less):
        return _train_action(
            read_dataset(root),
            resolve_weights(config),
            align,
            run,
            hands_run,
            where,
            processes,
            resume=resume,
            overwrite=overwrite,
            on_progress=on_progress if processes.is_main else None,
            on_align_progress=on_align_progress if processes.is_main else None,
            on_weights_progress=on_weights_progress if processes.is_main else None,
            log=log if processes.is_main else lambda line: None,
        )


def _train_action(
    dataset: Dataset,
    config: ActionConfig,
    align: AlignConfig,
    run: str,
    hands_run: str,
    where: torch.device,
    processes: Processes,
    *,
    resume: bool,
    overwrite: bool,
    on_progress: Progress | None,
    on_align_progress: Progress | None,
    on_weights_progress: Progress | None,
    log: Log,
) -> Path:
    folder = dataset.run(run)
    hands_file = None if config.hands == "none" else dataset.run(hands_run) / "best.pt"
    localizer = None if hands_file is None else load_localizer(hands_file, where)
    videos = dataset.in_split("train")
    val_videos = [video for video in dataset.videos.values() if video.split == "val"]
    data = action_data(dataset, align, None if localizer is None else localizer.source)
    last = open_run(
        folder, "action", config, data.labels, resume=resume, overwrite=overwrite, log=log
    )
    done = last["about"]["epoch"] if last else 0

    # Weights that cannot be had should stop the training before hours of aligning, not after.
    torch.manual_seed(config.seed)
    arguments = _network_arguments(dataset, config)
    network = ActionNetwork(**arguments)
    starts = last.get("starts", {}) if last else {}
    if last is None:
        with processes.main_first():  # which downloads them
            starts = _load_weights(network, dataset, config, on_weights_progress, log)
    pixels = known_pixels(last, starts)

    with processes.main_first():
        caches = align_dataset(
            dataset, videos + val_videos, align, localizer, on_progress=on_align_progress
        )
    fps = float(np.median([video.fps for video in videos]))
    train = _clip_set(dataset, videos, caches, config, fps, training=True)
    _require_one_shape(train, config)
    val = _clip_set(dataset, val_videos, caches, config, fps, training=False)
    log(f"{len(train)} clips to train on, {len(val)} to validate on")

    if processes.is_main and done < config.epochs:
        begin_session(
            folder,
            describe_run("action", dataset, data, config.seed, starts, hands_file),
            {"align": align, "action": config},
            done=done,
            device=where,
            processes=processes.number,
        )
    network.to(where, memory_format=torch.channels_last)
    for part in starts if last is None else ():
        if starts[part]["folded"]:  # which is always a MobileNetV2
            restore_batch_norm(
                getattr(network, part).features, _pictures(part, train, pixels, where)
            )
    optimizer = build_optimizer(_parameter_groups(network, config), config)
    history, best = restore_run(network, optimizer, last)

    fixed = {
        "model": arguments,
        "input": _describe_input(config, align, fps, pixels),
        "classes": list(dataset.classes),
        "background": dataset.background,
        **asdict(_label_statistics(dataset, videos, caches)),
        "localizer": _localizer_content(hands_file),
        "starts": starts,
        "config": asdict(config),
    }
    trained_on = [video.name for video in videos]
    processes.require_same(len(history), folder)
    model = processes.share(network)
    loader = clip_loader(train, config, where, processes)
    for epoch in range(len(history), config.epochs):
        seed_epoch(config.seed, epoch, processes.rank)
        factor = set_learning_rate(optimizer, epoch, config.milestones)
        loader.batch_sampler.epoch = epoch
        network.train()
        _freeze_batch_norms(network, config)
        loss = train_epoch(
            model, optimizer, loader, config, epoch, pixels, where, processes, on_progress
        )
        if not processes.is_main:
            continue
        row = {"epoch": epoch + 1, "learning_rate": config.learning_rate * factor}
        row |= {"train_loss": loss, **_validate(network, val, config, pixels, where)}
        history.append(row)
        score = row.get("val_accuracy", float(epoch))
        better, best = score >= best, max(best, score)
        about = {"epoch": epoch + 1, "best": best, "trained_on": trained_on, **row}
        content = {**fixed, "state": network.state_dict(), "about": about}
        save_epoch(folder, "action", content, optimizer, history, labels=data.labels, better=better)
        log(_epoch_line(row, config.epochs))
    if on_progress:
        on_progress(config.epochs * len(loader), config.epochs * len(loader))
    return folder


def action_data(dataset: Dataset, align: AlignConfig, localizer: str | None) -> TrainingData:
    """Return what `train_action` takes from a dataset, without reading a video.

    The hash is of what clips are made of: labels, and how frames are prepared.

    Args:
        dataset: Labels.
        align: Settings of the aligned cache.
        localizer: Fingerprint of the hands checkpoint, None without hands.

    Raises:
        LabelError: No training video, or no labelled action in one.
    """
    videos = dataset.in_split("train")
    _require_labels(dataset, videos)
    videos += [video for video in dataset.videos.values() if video.split == "val"]
    labels = [
        [video.name, video.split, video.fps, video.frames]
        + [asdict(s) for s in dataset.actions[video.name]]
        for video in videos
    ]
    text = json.dumps([dataset.classes, dataset.background, labels, asdict(align), localizer])
    return TrainingData(hashlib.sha256(text.encode()).hexdigest(), videos)


def labelled_clips(
    dataset: Dataset, videos: list[Video], caches: dict[str, AlignedCache]
) -> list[Clip]:
    """Return one clip source per labelled segment, background between them included.

    Args:
        dataset: Labels.
        videos: Which ones; a video without any label is left out.
        caches: Aligned caches by video.
    """
    index = {name: i for i, name in enumerate(dataset.classes)}
    return [
        Clip(caches[video.name], segment, index[segment.action])
        for video in videos
        if dataset.actions[video.name]
        for segment in fill_background(
            dataset.actions[video.name], video.frames, dataset.background
        )
    ]


def predict_clips(
    network: ActionNetwork,
    clips: ClipSet,
    pixels: Pixels,
    *,
    batch_size: int,
    device: torch.device,
    precision: str = "auto",
) -> np.ndarray:
    """Return the logits (M, K) of each clip."""
    size = 1 if clips.view == "full" and len(clips.shapes) > 1 else batch_size
    loader = DataLoader(clips, batch_size=size, collate_fn=stack_clips)
    network.eval()
    results = []
    with torch.inference_mode(), autocast(precision, device):
        for batch in loader:
            inputs = network_input(batch, *pixels, device)
            results.append(network(*inputs).float().cpu().numpy())
    return np.concatenate(results)


class _EpochBatches(Sampler[list[tuple[int, int]]]):
    """Every clip of an epoch in an order drawn for that epoch, with the epoch in its key.

    Of each batch a process gets its own clips.
    """

    def __init__(self, num_clips: int, config: ActionConfig, processes: Processes) -> None:
        self.num_clips, self.batch_size, self.seed = num_clips, config.batch_size, config.seed
        self.processes, self.epoch = processes, 0

    def __len__(self) -> int:
        return -(-self.num_clips // self.batch_size)

    def num_rows(self, step: int) -> int:
        """Return the clips of a batch, those of all processes."""
        return min(self.batch_size, self.num_clips - step * self.batch_size)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.num_clips)
        for step in range(len(self)):
            start, rows = step * self.batch_size, self.processes.rows(self.num_rows(step))
            yield [(self.epoch, int(order[start + row])) for row in rows]


def clip_loader(
    train: ClipSet, config: ActionConfig, device: torch.device, processes: Processes
) -> DataLoader:
    workers = config.workers
    if workers is None:
        workers = min(8, torch.multiprocessing.cpu_count()) if device.type == "cuda" else 0
    return DataLoader(
        train,
        batch_sampler=_EpochBatches(len(train), config, processes),
        num_workers=workers,
        collate_fn=stack_clips,
        pin_memory=device.type == "cuda",
        persistent_workers=workers > 0,
        # What the loader draws for its workers must not come out of the networks' dropout.
        generator=torch.Generator(),
    )


def _freeze_batch_norms(network: ActionNetwork, config: ActionConfig) -> None:
    for part, weights in _weights_of_parts(config).items():
        frozen = config.freeze_batch_norm
        stays = part == "hands" and not config.hand_learning_rate
        if stays or (weights != "none" if frozen is None else frozen):
            freeze_batch_norm(getattr(network, part))


def train_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loader: DataLoader,
    config: ActionConfig,
    epoch: int,
    pixels: Pixels,
    device: torch.device,
    processes: Processes,
    on_progress: Progress | None,
) -> float:
    """Run one epoch and return its mean loss."""
    total, rows = 0.0, 0
    for step, batch in enumerate(loader):
        if on_progress:
            on_progress(epoch * len(loader) + step, config.epochs * len(loader))
        optimizer.zero_grad()
        num_rows = loader.batch_sampler.num_rows(step)
        weight = processes.weight(num_rows)
        loss = 0.0
        parts = _split(batch, min(config.accumulate, processes.fewest_rows(num_rows)))
        for i, part in enumerate(parts):
            share = len(part["label"]) / len(batch["label"])
            with nullcontext() if i + 1 == len(parts) or processes.number == 1 else model.no_sync():
                loss += share * _backward(model, part, config, pixels, device, share * weight)
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss} in epoch {epoch + 1}, batch {step + 1}",
                "lower `--learning-rate`",
            )
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
        optimizer.step()
        total += loss * len(batch["label"])
        rows += len(batch["label"])
    return processes.mean(total, rows)


def _split(batch: Sample, number: int) -> list[Sample]:
    """Return a batch in so many parts."""
    parts = {name: x.tensor_split(number) for name, x in batch.items()}
    return [dict(zip(parts, values, strict=True)) for values in zip(*parts.values(), strict=True)]


def _backward(
    model: nn.Module,
    batch: Sample,
    config: ActionConfig,
    pixels: Pixels,
    device: torch.device,
    weight: float,
) -> float:
    """Add the gradient of the mean loss of some clips, times `weight`, and return that mean."""
    inputs = network_input(batch, *pixels, device)
    with autocast(config.precision, device):
        logits = model(*inputs)
    loss = functional.cross_entropy(logits.float(), batch["label"].to(device))
    (loss * weight).backward()
    return loss.item()


def _validate(
    network: ActionNetwork,
    val: ClipSet,
    config: ActionConfig,
    pixels: Pixels,
    device: torch.device,
) -> dict[str, float]:
    if not len(val):
        return {}
    logits = predict_clips(
        network,
        val,
        pixels,
        batch_size=config.batch_size,
        device=device,
        precision=config.precision,
    )
    labels = np.array([clip.label for clip in val.clips])
    loss = functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(labels)).item()
    accuracy = 100 * float((logits.argmax(1) == labels).mean())
    return {"val_loss": loss, "val_accuracy": accuracy}


def _clip_set(
    dataset: Dataset,
    videos: list[Video],
    caches: dict[str, AlignedCache],
    config: ActionConfig,
    fps: float,
    *,
    training: bool,
) -> ClipSet:
    clips = labelled_clips(dataset, videos, caches)
    return ClipSet(
        clips * config.clips_per_segment if training else clips,
        offsets=clip_offsets(
            config.clip_len,
            config.frame_stride,
            fps,
            context=config.context,
            causal=config.shift == "causal",
        ),
        crop_size=config.crop_size,
        sampling=config.sampling,
        view=config.view,
        with_hands=config.hands != "none",
        with_frames=config.hands != "only",
        training=training,
        random_crop=config.random_crop,
        flip=config.flip,
        colour=config.colour,
        seed=config.seed,
    )


def _parameter_groups(network: ActionNetwork, config: ActionConfig) -> list[dict[str, Any]]:
    """Return the hand stream's parameters apart from all others, each with its rate.

    A stream that stays as it is costs no gradients.
    """
    if config.hands != "none" and not config.hand_learning_rate:
        network.hands.requires_grad_(False)
    hands = [p for name, p in network.named_parameters() if name.startswith("hands.")]
    rest = [p for name, p in network.named_parameters() if not name.startswith("hands.")]
    groups = [
        {"params": rest, "lr": config.learning_rate},
        {"params": hands, "lr": config.hand_learning_rate},
    ]
    return [group for group in groups if group["params"]]


def _network_arguments(dataset: Dataset, config: ActionConfig) -> dict[str, Any]:
    names = (
        "backbone", "hand_backbone", "hands", "shift", "clip_len", "context", "fuse_after",
        "dropout",
    )  # fmt: skip
    return {"num_classes": len(dataset.classes), **{k: getattr(config, k) for k in names}}


def _weights_of_parts(config: ActionConfig) -> dict[str, str]:
    """Return where the weights of the network's parts, backbone and hands, start."""
    starts = {} if config.hands == "only" else {"backbone": config.weights}
    if config.hands != "none":
        # Nobody publishes a small Kinetics network, and a file holds one network only: the hand
        # stream then starts from ImageNet.
        same = config.hands == "only" or config.weights in ("imagenet", "none")
        starts["hands"] = config.hand_weights or (config.weights if same else "imagenet")
    return starts


def _load_weights(
    network: ActionNetwork,
    dataset: Dataset,
    config: ActionConfig,
    on_progress: Progress | None,
    log: Log,
) -> dict[str, Any]:
    """Start the network's parts and return where each one's weights come from."""
    names = {"backbone": config.backbone, "hands": config.hand_backbone}
    starts = {}
    for part, weights in _weights_of_parts(config).items():
        start = start_network(
            getattr(network, part),
            names[part],
            find_weights(dataset, weights),
            part=part,
            shift=config.shift,
            on_progress=on_progress,
        )
        if start is None:
            continue
        starts[part] = start.to_dict()
        words = "" if start.licence == "" else f", {start.licence}"
        log(f"{part} starts from {start.source} ({start.layout}, shift {start.shift}{words})")
    return starts


def _pictures(part: str, clips: ClipSet, pixels: Pixels, device: torch.device) -> Iterator[Tensor]:
    """Yield what the backbone or the hands see of some clips: batches (N, 3, h, w)."""
    for row in spread_rows(len(clips), _NUM_SEEN):
        batch = stack_clips([clips[0, int(row)]])
        frames, cutouts, *_ = network_input(batch, *pixels, device)
        # A hand's frames must be adjacent for the shift: (B, F, 2) becomes (B, 2, F).
        yield frames.flatten(0, 1) if part == "backbone" else cutouts.transpose(1, 2).flatten(0, 2)


def _describe_input(
    config: ActionConfig, align: AlignConfig, fps: float, pixels: Pixels
) -> dict[str, Any]:
    return {
        "clip_len": config.clip_len,
        "frame_stride": config.frame_stride,
        "fps": fps,
        "crop_size": config.crop_size,
        "view": config.view,
        "sampling": config.sampling,
        "mean": pixels[0],
        "std": pixels[1],
        "align": asdict(align),
    }


def _localizer_content(localizer: Path | None) -> dict[str, Any] | None:
    if localizer is None:
        return None
    checkpoint = load_checkpoint(localizer, "hands")
    kept = {k: checkpoint[k] for k in ("model", "state", "input", "starts") if k in checkpoint}
    return {**kept, "source": fingerprint(localizer)}


def _label_statistics(
    dataset: Dataset, videos: list[Video], caches: dict[str, AlignedCache]
) -> LabelStatistics:
    """Return how long every class lasts in training, and what follows it."""
    durations: dict[str, list[float]] = defaultdict(list)
    sequences = []
    for video in videos:
        if segments := dataset.actions.get(video.name):
            edges = frame_edges(caches[video.name].seconds, video.fps)
            sequences.append(fill_background(segments, video.frames, dataset.background))
            for s in sequences[-1]:
                durations[s.action].append(float(edges[s.end_frame] - edges[s.start_frame]))
    return LabelStatistics(
        {name: sorted(seconds) for name, seconds in durations.items()},
        count_transitions(sequences),
    )


def _require_labels(dataset: Dataset, videos: list[Video]) -> None:
    if not any(dataset.actions.get(video.name) for video in videos):
        raise LabelError(
            f"{dataset.root / 'actions.csv'}: no labelled action in a training video",
            "bring some in with `handact import actions FILE`",
        )


def _require_one_shape(train: ClipSet, config: ActionConfig) -> None:
    if not config.random_crop and len(train.shapes) > 1:
        raise ConfigError(
            f"random_crop = false, but training videos have {len(train.shapes)} shapes",
            "whole frames can be stacked only where all are of one shape",
        )


def _epoch_line(row: dict[str, float], epochs: int) -> str:
    val = ""
    if "val_loss" in row:
        val = f"  val loss {row['val_loss']:.3f}  val accuracy {row['val_accuracy']:.1f}"
    return f"epoch {row['epoch']}/{epochs}  loss {row['train_loss']:.3f}{val}"
