"""`sweep`: networks that differ in a setting, each trained and measured in the same way.

A cell is a run of its own with its figures beside its checkpoint, so that a sweep that was stopped
goes on cell by cell, and processes divide the cells among them.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from handact import __version__
from handact.align import align_dataset, load_localizer
from handact.checkpoint import fingerprint, load_checkpoint
from handact.config import ActionConfig, AlignConfig, SegmentConfig, read_config
from handact.dataset import find_dataset_root, read_dataset
from handact.device import pick_device
from handact.distributed import join_processes, training_alone
from handact.errors import ConfigError, TrainingError
from handact.evaluation import evaluate_clips, evaluate_sequences
from handact.files import write_json
from handact.progress import Log, Progress, ShowProgress
from handact.report import describe_sequences
from handact.results import SweepCell
from handact.training.action import train_action

__all__ = [
    "CLIP_LENS",
    "FRAME_STRIDES",
    "Cell",
    "measure_run",
    "read_cells",
    "read_plan",
    "run_cells",
    "temporal_cells",
    "write_plan",
]

# Of Fig. 2 of the paper's supplement: each stride at T = 8, and each length at tau = 8.
FRAME_STRIDES = (1, 2, 4, 6, 8, 10)
CLIP_LENS = (1, 2, 4, 8, 16)
_FIXED = 8
_PREFIX = "sweep-"  # of the names of the cells' runs
_FIGURES = "figures.json"
_PLAN = "sweep.json"
_VARIED = ("shift", "clip_len", "frame_stride", "seed")
_FOLLOWS = {*_VARIED, "context", "batch_size", "workers"}  # with what it makes of other settings


@dataclass(frozen=True, slots=True)
class Cell:
    """One training of a sweep.

    Attributes:
        run: Name of its run folder.
        config: Its settings.
    """

    run: str
    config: ActionConfig


def temporal_cells(
    config: Path | None,
    settings: dict[str, Any],
    *,
    seeds: Iterable[int],
    shifts: Sequence[str] = ("none", "tsm"),
) -> list[Cell]:
    """Return the cells of Fig. 2: with and without shift, over tau at T = 8 and T at tau = 8.

    Args:
        config: TOML file with what the cells have in common, or None.
        settings: The same, in place of the file's; what the sweep varies does not count.
        seeds: One network of each kind for each.
        shifts: none is TSN, tsm TSM; causal may be had too.
    """
    for key in settings.keys() & set(_VARIED):
        raise ConfigError(f"{key} is what a sweep varies", "leave it out of `--set`")
    sizes = [(_FIXED, stride) for stride in FRAME_STRIDES]
    sizes += [(length, _FIXED) for length in CLIP_LENS if length != _FIXED]
    return [
        Cell(
            f"{_PREFIX}{'tsn' if shift == 'none' else shift}-T{length}-tau{stride}-seed{seed}",
            read_config(
                ActionConfig,
                config,
                {**settings, **dict(zip(_VARIED, (shift, length, stride, seed), strict=True))},
            ),
        )
        for seed in seeds
        for length, stride in sizes
        for shift in shifts
    ]


def run_cells(
    root: Path,
    cells: Sequence[Cell],
    align: AlignConfig,
    segment: SegmentConfig,
    *,
    hands_run: str = "hands",
    split: str = "test",
    device: str = "auto",
    show: ShowProgress,
    log: Log,
) -> None:
    """Train and measure cells one after another; what is there already is not done again.

    Raises:
        HandactError: As `train_action` and `measure_run`.
    """
    read_dataset(root).in_split(split)  # what is not there shall not be found out after hours
    _align(root, cells, align, hands_run, split, device, show)
    for number, cell in enumerate(cells, 1):
        log(f"{cell.run} ({number} of {len(cells)})")
        with training_alone(), show("train-action", "steps") as on_progress:
            _train(root, cell, align, hands_run, device, on_progress, log)
        with show("measuring", "frames") as on_progress:
            measure_run(
                root, cell.run, segment, split=split, device=device, on_progress=on_progress
            )


def _train(
    root: Path,
    cell: Cell,
    align: AlignConfig,
    hands_run: str,
    device: str,
    on_progress: Progress,
    log: Log,
) -> None:
    try:
        train_action(
            root,
            cell.config,
            align,
            run=cell.run,
            hands_run=hands_run,
            device=device,
            on_progress=on_progress,
            log=log,
        )
    except TrainingError as error:  # the options that it names are those of `train-action`
        folder = find_dataset_root(root) / "runs" / cell.run
        raise TrainingError(
            error.message, f"give the settings of before, or delete {folder} to train it anew"
        ) from error


def _align(
    root: Path,
    cells: Sequence[Cell],
    align: AlignConfig,
    hands_run: str,
    split: str,
    device: str,
    show: ShowProgress,
) -> None:
    """Align the videos once for all cells; one process does, the others wait for it."""
    dataset, where = read_dataset(root), pick_device(device)
    videos = [v for v in dataset.videos.values() if v.split in ("train", "val", split)]
    sees_hands = any(cell.config.hands != "none" for cell in cells)
    localizer = load_localizer(dataset.run(hands_run) / "best.pt", where) if sees_hands else None
    with (
        join_processes(torch.device("cpu")) as processes,
        processes.main_first(),
        show("align", "frames") as on_progress,
    ):
        align_dataset(dataset, videos, align, localizer, on_progress=on_progress)


def measure_run(
    root: Path,
    run: str,
    segment: SegmentConfig,
    *,
    split: str = "test",
    device: str = "auto",
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Return a run's figures on trimmed segments and long videos, from figures.json if it can.

    Args:
        root: The dataset folder.
        run: Name of the run.
        segment: Settings of segmenting and cleaning.
        split: Whose videos.
        device: auto, cpu, cuda or cuda:N.
        on_progress: Told how many frames are segmented, of how many.

    Returns:
        See `describe_sequences`.

    Raises:
        HandactError: No checkpoint, no labelled video in the split, a video cannot be read.
    """
    dataset = read_dataset(root)
    folder = dataset.run(run)
    made_by = {
        "handact": __version__,
        "network": fingerprint(folder / "best.pt"),
        "segment": asdict(segment),
        "split": split,
        "labels": _hash_labels(root),
    }
    path = folder / _FIGURES
    if path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["made_by"] == made_by:
            return kept["figures"]
    sequences = evaluate_sequences(
        root, run=run, split=split, device=device, config=segment, on_progress=on_progress
    )
    clips = evaluate_clips(root, run=run, split=split, device=device)
    figures = describe_sequences(sequences, clips)
    config = load_checkpoint(folder / "best.pt", "action")["config"]
    write_json(path, {"made_by": made_by, "config": config, "figures": figures})
    return figures


def write_plan(root: Path, cells: Iterable[Cell]) -> None:
    """Add cells to runs/sweep.json, so that a report can name those that are not measured yet."""
    keys = [tuple(getattr(cell.config, name) for name in _VARIED) for cell in cells]
    keys = list(dict.fromkeys([*read_plan(root), *keys]))
    write_json(find_dataset_root(root) / "runs" / _PLAN, {"varied": _VARIED, "cells": keys})


def read_plan(root: Path) -> list[tuple[str, int, int, int]]:
    """Return shift, T, tau and seed of the cells that `write_plan` noted; none if there is none."""
    path = find_dataset_root(root) / "runs" / _PLAN
    if not path.exists():
        return []
    return [tuple(key) for key in json.loads(path.read_text(encoding="utf-8"))["cells"]]


def read_cells(root: Path) -> list[SweepCell]:
    """Return the cells of a dataset's sweep that are measured, in the order of their names.

    Figures of a network that is no longer there do not count.

    Raises:
        ConfigError: Two networks differ in more than a sweep varies.
    """
    kept: dict[str, dict[str, Any]] = {}
    for path in sorted((find_dataset_root(root) / "runs").glob(f"{_PREFIX}*/{_FIGURES}")):
        cell = json.loads(path.read_text(encoding="utf-8"))
        best = path.parent / "best.pt"
        if best.exists() and fingerprint(best) == cell["made_by"]["network"]:
            kept[path.parent.name] = cell
    _require_alike({run: cell["config"] for run, cell in kept.items()})
    return [
        SweepCell(**{name: cell["config"][name] for name in _VARIED}, figures=cell["figures"])
        for cell in kept.values()
    ]


def _require_alike(configs: dict[str, dict[str, Any]]) -> None:
    """Refuse networks that differ in what the sweep does not vary."""
    (first, usual), *others = configs.items() or [("", {})]
    for run, config in others:
        for key in usual.keys() - _FOLLOWS:
            if config.get(key) != usual[key]:
                raise ConfigError(
                    f"{run} was trained with {key} = {config.get(key)}, {first} with {usual[key]}",
                    "a sweep compares networks that differ in shift, T, tau and seed alone: delete "
                    "the runs of one kind",
                )


def _hash_labels(root: Path) -> str:
    tables = [(root / name).read_bytes() for name in ("dataset.toml", "actions.csv", "videos.csv")]
    return hashlib.sha256(b"".join(tables)).hexdigest()
