"""What temporal reasoning is worth: networks over clip lengths and strides."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from handact.errors import ConfigError
from handact.files import write_json
from handact.formats.tables import write_table
from handact.metrics import fixed_settings, mean_and_sd, mean_by_class
from handact.plots import SweepGroup, plot_sweep
from handact.report.writing import make_folder, remove_stale, title_videos
from handact.results import SHIFT_NAMES, SweepCell

__all__ = ["SWEEP_LEVELS", "describe_sweep", "state_sweep", "write_sweep_report"]

# What each level tells beside the F1 of its classes, as `describe_sequences` calls it.
SWEEP_LEVELS = {"segment": ("accuracy",), "sequence": ("frame_accuracy", "edit", "f1@50")}
_KEY = ("shift", "clip_len", "frame_stride", "seed")
_ALIKE = ("num_videos", "num_frames", "split", "background_in_edit_and_f1", "average")

Key = tuple[str, int, int, int]


def describe_sweep(cells: Sequence[SweepCell], planned: Iterable[Key] = ()) -> dict[str, Any]:
    """Return what a sweep has measured so far as a dict for JSON.

    Args:
        cells: In any order.
        planned: (shift, T, tau, seed) of cells that the sweep is to have. Without it, every network
            is expected wherever another one is, with every seed.

    Returns:
        `cells`, one row a cell and level: `shift`, `clip_len`, `frame_stride`, `seed`, `level`
        (segment or sequence), `mean_f1`, `median_f1` (over the classes that occur in the truth),
        the level's scores, and `class_f1`. `over_seeds`, the same without the seed: each score with
        `n`, `mean` and `sd` over seeds, and `class_f1` averaged over them. `missing`, cells
        without figures. `variant`: videos, split, and the T and tau that are held while the other
        varies. All scores are percent.

    Raises:
        ConfigError: There is no cell, one comes twice, or they saw different videos.
    """
    _check_cells(cells)
    cells = sorted(cells, key=_order)
    rows = [_describe_cell(cell, level) for level in SWEEP_LEVELS for cell in cells]
    rows = [row for row in rows if row["class_f1"]]
    missing = _find_missing(cells, planned)
    return {
        "cells": rows,
        "over_seeds": _average_seeds(rows),
        "missing": [dict(zip(_KEY, key, strict=True)) for key in missing],
        "variant": _describe_variant(cells, missing),
    }


def _key(cell: SweepCell) -> Key:
    return tuple(getattr(cell, name) for name in _KEY)


def _order(cell: SweepCell) -> tuple[int, ...]:
    return list(SHIFT_NAMES).index(cell.shift), *_key(cell)[1:]


def _check_cells(cells: Sequence[SweepCell]) -> None:
    if not cells:
        raise ConfigError(
            "the sweep has no figures yet", "`handact sweep` trains and measures its networks"
        )
    seen: dict[Key, SweepCell] = {}
    for cell in cells:
        name = f"{SHIFT_NAMES[cell.shift]} with {_name_setting(*_key(cell)[1:])}"
        if _key(cell) in seen:
            raise ConfigError(f"{name} is there twice", "remove one of the two runs")
        seen[_key(cell)] = cell
        for what in _ALIKE:
            one, other = (c.figures["variant"][what] for c in (cells[0], cell))
            if one != other:
                raise ConfigError(
                    f"{name} was measured otherwise: {what} is {other!r}, elsewhere {one!r}",
                    "measure all networks on the same videos, in the same way",
                )


def _name_setting(clip_len: int, frame_stride: int, seed: int) -> str:
    return f"T = {clip_len}, τ = {frame_stride}, seed {seed}"


def _describe_cell(cell: SweepCell, level: str) -> dict[str, Any]:
    f1 = cell.class_f1(level)
    figures = cell.figures if level == "sequence" else cell.figures["segment_level"]
    return {
        **dict(zip(_KEY, _key(cell), strict=True)),
        "level": level,
        "mean_f1": float(np.mean(list(f1.values()))) if f1 else None,
        "median_f1": float(np.median(list(f1.values()))) if f1 else None,
        **{name: figures[name] if f1 else None for name in SWEEP_LEVELS[level]},
        "class_f1": f1,
    }


def _describe_variant(cells: Sequence[SweepCell], missing: Sequence[Key]) -> dict[str, Any]:
    variants = [cell.figures["variant"] for cell in cells]
    length, stride = fixed_settings(key[1:3] for key in [*map(_key, cells), *missing])
    return {
        **{what: variants[0][what] for what in _ALIKE},
        "how": sorted({variant["how"] for variant in variants}),
        "fixed_clip_len": length,
        "fixed_frame_stride": stride,
        "seeds": sorted({cell.seed for cell in cells}),
    }


def _average_seeds(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    groups: dict[tuple, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in (*_KEY[:3], "level")), []).append(row)
    return [
        {
            **dict(zip((*_KEY[:3], "level"), key, strict=True)),
            "seeds": [row["seed"] for row in group],
            **{
                score: mean_and_sd(row[score] for row in group)
                for score in ("mean_f1", "median_f1", *SWEEP_LEVELS[key[-1]])
            },
            "class_f1": mean_by_class([row["class_f1"] for row in group]),
        }
        for key, group in groups.items()
    ]


def _find_missing(cells: Sequence[SweepCell], planned: Iterable[Key]) -> list[Key]:
    there = {_key(cell) for cell in cells}
    wanted = list(dict.fromkeys(planned)) or [
        (shift, *setting, seed)
        for shift, setting, seed in product(
            [shift for shift in SHIFT_NAMES if shift in {key[0] for key in there}],
            sorted({key[1:3] for key in there}),
            sorted({key[3] for key in there}),
        )
    ]
    return [key for key in wanted if key not in there]


def state_sweep(report: Mapping[str, Any]) -> str:
    """Say in a few sentences what the sweep is about, and which cells it still lacks."""
    variant, seeds = report["variant"], report["variant"]["seeds"]
    text = (
        f"{title_videos(variant)}, {variant['num_frames']} frames ({' / '.join(variant['how'])})."
        f" F1 of a class is its mean over {len(seeds)} seed{'s' * (len(seeds) != 1)}"
        f" ({', '.join(map(str, seeds))})."
    )
    if missing := report["missing"]:
        names = [
            f"{SHIFT_NAMES[row['shift']]} {_name_setting(*(row[key] for key in _KEY[1:]))}"
            for row in missing
        ]
        text += f" Missing, left blank: {'; '.join(names)}."
    return text


def write_sweep_report(folder: str | Path, report: Mapping[str, Any]) -> list[Path]:
    """Write sweep.json, sweep.csv, sweep_classes.csv and sweep.png, and return the files.

    Args:
        folder: Made if it is not there; the page of an earlier report is removed from it.
        report: From `describe_sweep`.
    """
    folder = make_folder(folder)
    remove_stale(folder, "sweep.html")
    write_json(folder / "sweep.json", report)
    scores = ("mean_f1", "median_f1", *(name for level in SWEEP_LEVELS.values() for name in level))
    columns = (*_KEY, "level", *scores)
    _write_rows(folder / "sweep.csv", columns, report["cells"])
    by_class = [
        {**row, "class": name, "f1": f1}
        for row in report["cells"]
        for name, f1 in row["class_f1"].items()
    ]
    _write_rows(folder / "sweep_classes.csv", (*_KEY, "level", "class", "f1"), by_class)
    variant = report["variant"]
    fixed = variant["fixed_clip_len"], variant["fixed_frame_stride"]
    plot_sweep(folder / "sweep.png", _groups(report), fixed=fixed, title=_title(report))
    return [folder / f"sweep{end}" for end in (".json", ".csv", "_classes.csv", ".png")]


def _groups(report: Mapping[str, Any]) -> list[SweepGroup]:
    """What is measured, and what is to come: without scores, it keeps its place in the picture."""
    groups = [
        SweepGroup(
            row["level"],
            row["shift"],
            (row["clip_len"], row["frame_stride"]),
            row["class_f1"],
            row["mean_f1"]["mean"],
            row["mean_f1"]["sd"],
        )
        for row in report["over_seeds"]
    ]
    there = {(group.level, group.shift, group.setting) for group in groups}
    blank = [
        (level, row["shift"], (row["clip_len"], row["frame_stride"]))
        for row in report["missing"]
        for level in SWEEP_LEVELS
    ]
    return groups + [SweepGroup(*key, {}) for key in dict.fromkeys(blank) if key not in there]


def _write_rows(path: Path, columns: Sequence[str], rows: Collection[Mapping[str, Any]]) -> None:
    write_table(path, columns, [[row.get(column) for column in columns] for row in rows])


def _title(report: Mapping[str, Any]) -> str:
    seeds, missing = len(report["variant"]["seeds"]), len(report["missing"])
    return (
        f"F1 of the classes: {title_videos(report['variant'])},"
        f" {seeds} seed{'s' * (seeds != 1)}{f'; {missing} cells missing' if missing else ''}"
    )
