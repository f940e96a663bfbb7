"""`train-hands`: teach MobileNetV2 where the two hands are.

Source: Myers et al., WACV-W 2023, supplement section 1.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from handact.config import HandsConfig
from handact.data.augment import augment_hands, draw_colour, draw_move, sample_rng, to_input
from handact.data.hands import HandFrames, hand_labels, hands_array, load_hand_frames
from handact.dataset import Dataset, read_dataset, split_frames
from handact.device import describe_exhaustion, pick_device
from handact.distributed import Processes, join_processes
from handact.errors import LabelError, TrainingError
from handact.files import atomic_path
from handact.metrics import HAND_THRESHOLDS, hand_counts
from handact.models.hands import HandLocalizer, hand_loss
from handact.progress import Log, Progress
from handact.training.loop import (
    Pixels,
    build_optimizer,
    find_weights,
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

__all__ = ["hands_data", "predict_hands", "train_hands"]

_NUM_SEEN = 512  # frames that show batch norms without statistics what they will see


def train_hands(
    root: Path,
    config: HandsConfig,
    *,
    run: str = "hands",
    device: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    on_progress: Progress | None = None,
    on_read_progress: Progress | None = None,
    on_weights_progress: Progress | None = None,
    log: Log = lambda line: None,
) -> Path:
    """Train the hand localiser on a dataset's labelled frames.

    Args:
        root: The dataset folder.
        config: Settings.
        run: Name of the run folder below runs/, or its path.
        device: auto, cpu, cuda or cuda:N.
        resume: Insist on going on with the run that is there.
        overwrite: Start again whatever is there.
        on_progress: Told how many epochs are done, of how many.
        on_read_progress: Told how many videos' labelled frames are read, of how many.
        on_weights_progress: Told how many megabytes of weights are downloaded, of how many.
        log: Takes a line for people after each epoch.

    Returns:
        The run folder: best.pt, last.pt, log.csv, curves.png, split.csv, config.toml,
        run.json.

    Raises:
        HandactError: Labels, settings, weights or an earlier run stand in the way.
    """
    where = pick_device(device)
    less = "lower `--batch-size`"
    with join_processes(where) as processes, describe_exhaustion(less):
        return _train_hands(
            read_dataset(root),
            resolve_weights(config),
            run,
            where,
            processes,
            resume=resume,
            overwrite=overwrite,
            on_progress=on_progress if processes.is_main else None,
            on_read_progress=on_read_progress if processes.is_main else None,
            on_weights_progress=on_weights_progress if processes.is_main else None,
            log=log if processes.is_main else lambda line: None,
        )


def _train_hands(
    dataset: Dataset,
    config: HandsConfig,
    run: str,
    where: torch.device,
    processes: Processes,
    *,
    resume: bool,
    overwrite: bool,
    on_progress: Progress | None,
    on_read_progress: Progress | None,
    on_weights_progress: Progress | None,
    log: Log,
) -> Path:
    folder = dataset.run(run)
    with processes.main_first():
        frames = load_hand_frames(dataset, config.input_size, on_progress=on_read_progress)
    split = _split_hand_frames(dataset, frames.table, config)
    train, val = (frames.take(np.flatnonzero(split == name)) for name in ("train", "val"))
    if not len(train):
        raise LabelError(
            f"{dataset.root / 'hands.csv'}: no labelled frame in the train split",
            "`handact split` divides the videos, `--set split=frame` the frames",
        )
    data = hands_data(dataset, config)
    last = open_run(
        folder, "hands", config, data.labels, resume=resume, overwrite=overwrite, log=log
    )
    done = last["about"]["epoch"] if last else 0
    log(f"{len(train)} frames to train on, {len(val)} to validate on, split by {config.split}")

    torch.manual_seed(config.seed)
    network = HandLocalizer(dropout=config.dropout)
    starts = last.get("starts", {}) if last else {}
    if last is None:
        with processes.main_first():  # which downloads them
            starts = _load_weights(network, dataset, config, on_weights_progress, log)
    pixels = known_pixels(last, starts)
    with processes.main_first():
        if processes.is_main:
            if done < config.epochs:
                begin_session(
                    folder,
                    describe_run("hands", dataset, data, config.seed, starts),
                    {"hands": config},
                    done=done,
                    device=where,
                    processes=processes.number,
                )
            _write_split(folder, frames, split)
    network.to(where, memory_format=torch.channels_last)
    if last is None and starts and starts["localizer"]["folded"]:
        some = train.take(spread_rows(len(train), _NUM_SEEN))
        restore_batch_norm(network, _inputs(some, pixels, config.batch_size, where))
    groups = [{"params": list(network.parameters()), "lr": config.learning_rate}]
    optimizer = build_optimizer(groups, config)
    history, best = restore_run(network, optimizer, last)

    processes.require_same(len(history), folder)
    model = processes.share(network)
    for epoch in range(len(history), config.epochs):
        if on_progress:
            on_progress(epoch, config.epochs)
        seed_epoch(config.seed, epoch, processes.rank)
        rate = config.learning_rate * set_learning_rate(optimizer, epoch, config.milestones)
        network.train()
        loss = _train_epoch(model, optimizer, train, config, epoch, pixels, where, processes)
        if not processes.is_main:
            continue
        row = {"epoch": epoch + 1, "learning_rate": rate, "train_loss": loss}
        row |= _validate(network, val, config, pixels, where)
        history.append(row)
        score = float(np.mean([row[f"f1@{t:g}"] for t in HAND_THRESHOLDS])) if len(val) else epoch
        better, best = score >= best, max(best, score)
        content = {
            "model": {"dropout": config.dropout},
            "state": network.state_dict(),
            "input": {"size": config.input_size, "mean": pixels[0], "std": pixels[1]},
            "starts": starts,
            "config": asdict(config),
            "about": {"epoch": epoch + 1, "best": best, "split": config.split, **row},
        }
        save_epoch(folder, "hands", content, optimizer, history, labels=data.labels, better=better)
        log(_epoch_line(row, config.epochs))
    if on_progress:
        on_progress(config.epochs, config.epochs)
    return folder


def _load_weights(
    network: HandLocalizer,
    dataset: Dataset,
    config: HandsConfig,
    on_progress: Progress | None,
    log: Log,
) -> dict[str, Any]:
    """Start the network and return where its weights come from, as `starts` of a checkpoint."""
    weights = find_weights(dataset, config.weights)
    start = start_network(
        network, "mobilenet_v2", weights, part="localizer", on_progress=on_progress
    )
    if start is None:
        return {}
    log(f"starts from {start.source} ({start.layout})")
    return {"localizer": start.to_dict()}


def hands_data(dataset: Dataset, config: HandsConfig) -> TrainingData:
    """Return what `train_hands` takes from a dataset, without reading a video.

    Raises:
        LabelError: No frame is labelled.
    """
    labels = hand_labels(dataset)
    table = labels[["video", "frame"]].assign(split=_split_hand_frames(dataset, labels, config))
    text = table.to_csv(index=False, lineterminator="\n").encode()
    digest = hashlib.sha256(text + hands_array(labels).tobytes()).hexdigest()
    return TrainingData(digest, [dataset.videos[name] for name in labels["video"].unique()])


def _split_hand_frames(dataset: Dataset, table: pd.DataFrame, config: HandsConfig) -> np.ndarray:
    """Return the split of each labelled frame: that of its video, or one drawn at random.

    Frames of one video in both halves flatter the figures; the paper split so.
    """
    if config.split == "frame":
        rest = 1 - config.val_fraction - config.test_fraction
        fractions = (rest, config.val_fraction, config.test_fraction)
        return split_frames(len(table), fractions, config.seed)
    return np.array([dataset.videos[name].split for name in table["video"]])


def predict_hands(
    network: HandLocalizer,
    frames: HandFrames,
    pixels: Pixels,
    *,
    batch_size: int,
    device: torch.device,
) -> np.ndarray:
    """Return (N, 2, 3) P, x, y of the left and right hand."""
    network.eval()
    results = []
    with torch.inference_mode():
        for x in _inputs(frames, pixels, batch_size, device):
            results.append(network(x).float().cpu().numpy())
    return np.concatenate(results) if results else np.zeros((0, 2, 3), np.float32)


def _inputs(
    frames: HandFrames, pixels: Pixels, batch_size: int, device: torch.device
) -> Iterator[Tensor]:
    """Yield the frames as they are, in batches (B, 3, size, size)."""
    for rows in _batches(np.arange(len(frames)), batch_size):
        images, _ = frames.batch(rows)
        x = to_input(torch.from_numpy(images).to(device), *pixels)
        yield x.contiguous(memory_format=torch.channels_last)


def _train_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    frames: HandFrames,
    config: HandsConfig,
    epoch: int,
    pixels: Pixels,
    device: torch.device,
    processes: Processes,
) -> float:
    """Run one epoch and return its mean loss."""
    order = np.random.default_rng((config.seed, epoch)).permutation(len(frames))
    total, number = 0.0, 0
    for step, batch in enumerate(_batches(order, config.batch_size)):
        rows = batch[processes.rows(len(batch))]
        x, truth = _augmented_batch(frames, rows, config, epoch, pixels, device)
        loss = hand_loss(model(x), truth, presence_weight=config.presence_weight)
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss.item()} in epoch {epoch + 1}, batch {step + 1}",
                "lower `--learning-rate`",
            )
        optimizer.zero_grad()
        (loss * processes.weight(len(batch))).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
        optimizer.step()
        total += loss.item() * len(rows)
        number += len(rows)
    return processes.mean(total, number)


def _augmented_batch(
    frames: HandFrames,
    rows: np.ndarray,
    config: HandsConfig,
    epoch: int,
    pixels: Pixels,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    images, truth = frames.batch(rows)
    rngs = [sample_rng(config.seed, epoch, int(row)) for row in rows]
    moves = np.stack(
        [draw_move(r, flip=config.flip, zoom=config.zoom, move=config.move) for r in rngs]
    )
    colour = np.stack([draw_colour(r, config.colour) for r in rngs])
    images, truth, moves, colour = (
        torch.from_numpy(a).to(device) for a in (images, truth, moves, colour)
    )
    x, hands = augment_hands(to_input(images, *pixels, colour), truth, moves)
    return x.contiguous(memory_format=torch.channels_last), hands


def _validate(
    network: HandLocalizer,
    val: HandFrames,
    config: HandsConfig,
    pixels: Pixels,
    device: torch.device,
) -> dict[str, float]:
    if not len(val):
        return {}
    predicted = predict_hands(network, val, pixels, batch_size=config.batch_size, device=device)
    loss = hand_loss(
        torch.from_numpy(predicted),
        torch.from_numpy(val.truth),
        presence_weight=config.presence_weight,
    )
    scores = {f"f1@{t:g}": float(hand_counts(val.truth, predicted, t).f1) for t in HAND_THRESHOLDS}
    return {"val_loss": loss.item(), **scores}


def _batches(rows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _write_split(folder: Path, frames: HandFrames, split: np.ndarray) -> None:
    with atomic_path(folder / "split.csv") as temporary:
        frames.table.assign(split=split).to_csv(temporary, index=False)


def _epoch_line(row: dict[str, float], epochs: int) -> str:
    scores = "  ".join(f"{key.upper()} {row[key]:.1f}" for key in row if key.startswith("f1@"))
    return f"epoch {row['epoch']}/{epochs}  loss {row['train_loss']:.4f}  {scores}".rstrip()
