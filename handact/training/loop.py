"""What both trainings share: device, seeds, the rate's schedule, and the run folder."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import torch
from torch import nn

from handact.checkpoint import load_checkpoint, save_checkpoint
from handact.config import ActionConfig, Config, HandsConfig
from handact.dataset import Dataset
from handact.errors import ConfigError, TrainingError
from handact.files import atomic_path
from handact.plots import plot_learning_curves
from handact.progress import Log
from handact.weights import IMAGENET_MEAN, IMAGENET_STD, RELEASES

__all__ = [
    "Pixels",
    "build_optimizer",
    "changed_settings",
    "find_weights",
    "freeze_batch_norm",
    "known_pixels",
    "learning_rate_factor",
    "open_run",
    "resolve_weights",
    "restore_run",
    "save_epoch",
    "seed_epoch",
    "set_learning_rate",
    "spread_rows",
]

Pixels = tuple[Sequence[float], Sequence[float]]  # mean and deviation that input is normalised with

# Settings that change how fast a run goes or how long it lasts, but not its steps.
_FREE = {"epochs", "workers", "accumulate"}
_WORDS = {"none", *(release.name for release in RELEASES)}  # that `weights` can be

TrainingConfig = TypeVar("TrainingConfig", HandsConfig, ActionConfig)


def seed_epoch(seed: int, epoch: int, rank: int = 0) -> None:
    """Seed torch for one epoch, so that a resumed run goes on as an unbroken one would."""
    entropy = (seed, epoch, rank) if rank else (seed, epoch)
    torch.manual_seed(int(np.random.SeedSequence(entropy).generate_state(1)[0]))
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def find_weights(dataset: Dataset, weights: str) -> str:
    """Return the checkpoint of a run where `weights` is one's name, otherwise `weights`."""
    if weights in _WORDS:
        return weights
    best = dataset.run(weights) / "best.pt"
    return str(best) if not Path(weights).is_file() and best.exists() else weights


def resolve_weights(config: TrainingConfig) -> TrainingConfig:
    """Return settings that hold in every folder: paths of weights are made absolute."""
    given = {key: getattr(config, key, None) for key in ("weights", "hand_weights")}
    paths = {
        key: os.path.abspath(value)
        for key, value in given.items()
        if value not in (None, *_WORDS)
        and (len(Path(value).parts) > 1 or Path(value).is_file())  # otherwise a run's name
    }
    return replace(config, **paths)


def build_optimizer(
    groups: list[dict[str, Any]], config: HandsConfig | ActionConfig
) -> torch.optim.Optimizer:
    """Return the optimiser of groups of parameters, each with its rate at the start as `lr`."""
    groups = [{**group, "initial_lr": group["lr"]} for group in groups]
    if config.optimizer == "adamw":
        return torch.optim.AdamW(groups, weight_decay=config.weight_decay)
    return torch.optim.SGD(groups, momentum=config.momentum, weight_decay=config.weight_decay)


def set_learning_rate(
    optimizer: torch.optim.Optimizer, epoch: int, milestones: Iterable[int]
) -> float:
    """Set every group's rate for an epoch and return what the first rates are multiplied by."""
    factor = learning_rate_factor(epoch, milestones)
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * factor
    return factor


def learning_rate_factor(epoch: int, milestones: Iterable[int]) -> float:
    """Return what the rate is multiplied by in an epoch: a tenth after each milestone."""
    return 0.1 ** sum(epoch >= milestone for milestone in milestones)


def known_pixels(last: dict[str, Any] | None, starts: dict[str, Any]) -> Pixels:
    """Return the normalisation that a run's networks know: its own so far, or their starts'.

    Args:
        last: The checkpoint to go on from, or None.
        starts: Of the network's parts, as a checkpoint holds them.

    Raises:
        ConfigError: Two parts know pictures of two normalisations.
    """
    if last is not None:
        return last["input"]["mean"], last["input"]["std"]
    told = {part: (tuple(start["mean"]), tuple(start["std"])) for part, start in starts.items()}
    if len(set(told.values())) > 1:
        words = [f"{part} mean {mean}, deviation {std}" for part, (mean, std) in told.items()]
        raise ConfigError(
            f"the starts know pictures of two normalisations: {'; '.join(words)}",
            "both parts see the same: give `--weights` and `--set hand_weights=...` of one "
            "normalisation, or one of them as none",
        )
    mean, std = next(iter(told.values()), (IMAGENET_MEAN, IMAGENET_STD))
    return list(mean), list(std)


def spread_rows(number: int, most: int) -> np.ndarray:
    """Return at most so many of `number` rows, evenly spread from the first to the last."""
    return np.linspace(0, number - 1, min(number, most)).astype(int)


def freeze_batch_norm(network: nn.Module) -> None:
    """Keep the statistics of every batch norm as they are; its scale and shift still learn."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def open_run(
    run: Path,
    kind: str,
    config: Config,
    labels: str,
    *,
    resume: bool,
    overwrite: bool,
    log: Log,
) -> dict[str, Any] | None:
    """Find out whether a run folder can be trained in, and from where; changes nothing.

    An unfinished run with the same settings on the same data goes on where it stopped.

    Args:
        run: The folder, such as runs/hands.
        kind: hands or action.
        config: Settings of this training.
        labels: Their SHA-256.
        resume: Insist on going on; a finished run goes on where more epochs are asked for.
        overwrite: Start again whatever is there.
        log: Takes a line for people.

    Returns:
        The last checkpoint to go on from, or None to start.

    Raises:
        TrainingError: The folder holds a run of more epochs, or of other settings or labels.
    """
    last = run / "last.pt"
    if overwrite:
        return None
    if not last.exists():
        _refuse_finished_network(run, kind)
        if resume:
            raise TrainingError(f"{run}: nothing to resume", "leave out `--resume` to start")
        return None
    checkpoint = load_checkpoint(last, kind)
    _refuse_other_run(run, checkpoint, config, labels)
    done = checkpoint["about"]["epoch"]
    if done > config.epochs:
        raise TrainingError(
            f"{run}: holds a run of {done} epochs, more than {config.epochs}",
            "`--overwrite` trains again, `--run NAME` keeps both",
        )
    if done == config.epochs:
        log(f"{run} is trained: all {done} epochs are done")
    else:
        log(f"going on from epoch {done} of {config.epochs} in {run}")
    return checkpoint


def restore_run(
    network: nn.Module, optimizer: torch.optim.Optimizer, last: dict[str, Any] | None
) -> tuple[list[dict[str, float]], float]:
    """Bring network and optimiser to where a run stopped; return its history and best score."""
    if last is None:
        return [], float("-inf")
    network.load_state_dict(last["state"])
    optimizer.load_state_dict(last["training"]["optimizer"])
    return last["training"]["history"], last["about"]["best"]


def save_epoch(
    run: Path,
    kind: str,
    content: dict[str, Any],
    optimizer: torch.optim.Optimizer,
    history: list[dict[str, float]],
    *,
    labels: str,
    better: bool,
) -> None:
    """Write what an epoch left: best.pt if it was better, the log, and last.pt at the very end.

    A run that is killed in between repeats the epoch, because only last.pt counts.
    """
    if better:
        save_checkpoint(run / "best.pt", kind=kind, **content)
    with atomic_path(run / "log.csv") as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)
    plot_learning_curves(run / "curves.png", history, title=f"train-{kind}")
    training = {"optimizer": optimizer.state_dict(), "history": history, "data": labels}
    save_checkpoint(run / "last.pt", kind=kind, **content, training=training)


def changed_settings(was: dict[str, Any], config: Config) -> list[str]:
    """Return which settings differ from those of a checkpoint, but for length and speed."""
    # Through JSON, because a checkpoint's tuples may come back as lists.
    was, now = (json.loads(json.dumps(settings)) for settings in (was, asdict(config)))
    return [key for key in now if key not in _FREE and now[key] != was.get(key)]


def _refuse_other_run(run: Path, checkpoint: dict[str, Any], config: Config, labels: str) -> None:
    hint = "`--overwrite` starts again, `--run NAME` keeps both"
    was = checkpoint["config"]
    for key in changed_settings(was, config):
        raise TrainingError(
            f"{run}: holds a run with {key} = {was.get(key)}, asked for is {getattr(config, key)}",
            hint,
        )
    if checkpoint["training"]["data"] != labels:
        raise TrainingError(
            f"{run}: the labels have changed since this run began, or who is in which split", hint
        )


def _refuse_finished_network(run: Path, kind: str) -> None:
    best = run / "best.pt"
    # A run that was killed while it saved its first epoch may have left one, too.
    if best.exists() and load_checkpoint(best, kind)["about"]["epoch"] > 1:
        raise TrainingError(
            f"{run}: holds a network (best.pt), but no last.pt to go on from",
            "`--overwrite` trains again, `--run NAME` keeps both",
        )
