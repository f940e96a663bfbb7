"""Figures as tables and statements, for the terminal and for the pages."""

import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from handact import __version__
from handact.dataset import Dataset
from handact.report.compare import COMPARE_LEVELS
from handact.report.page import Table
from handact.report.sweep import SWEEP_LEVELS
from handact.results import SHIFT_NAMES

__all__ = [
    "boundary_table",
    "class_table",
    "compare_tables",
    "data_facts",
    "hand_table",
    "show_clock",
    "summary_table",
    "sweep_tables",
    "trimmed_table",
]


_SCORES = {
    "frame_accuracy": "frame accuracy",
    "edit": "edit",
    "f1@10": "F1@10",
    "f1@25": "F1@25",
    "f1@50": "F1@50",
    "macro_f1@50": "F1@50, mean of classes",
    "accuracy": "trimmed: accuracy",
    "macro_f1": "trimmed: F1, mean of classes",
    "mean_f1": "F1, mean of classes",
}


def summary_table(report: Mapping[str, Any]) -> Table:
    """Return the main figures of `describe_sequences` beside what needs no network."""
    usual, chance = report["baselines"]["most_frequent_class"], report["baselines"].get("chance")
    rows = [
        ("frame accuracy", report["frame_accuracy"], usual["frame_accuracy"], None),
        (
            "frame accuracy without background",
            report["frame_accuracy_without_background"],
            None,
            None,
        ),
        ("edit", report["edit"], None, None),
        *((f"F1@{k}", report[f"f1@{k}"], None, None) for k in ("10", "25", "50")),
        ("F1@50, mean of classes", report["macro_f1@50"], None, None),
    ]
    if report["segment_level"]:
        accuracy = report["segment_level"]["accuracy"]
        rows += [
            ("trimmed: accuracy", accuracy, usual["clip_accuracy"], chance["clip_accuracy"]),
            ("trimmed: F1, mean of classes", report["segment_level"]["macro_f1"], None, None),
        ]
    columns = ("percent", "prediction", "most frequent class", "chance")
    return Table("Main figures", columns, rows, sorts=False)


def boundary_table(report: Mapping[str, Any]) -> Table | None:
    """Return by how much matched segments start and end late; None where none matched."""
    errors = report["boundary_errors"]
    if not errors["start"]:
        return None
    digits = 2 if errors["unit"] == "seconds" else 1
    rows = [
        (
            side,
            f"{errors[side]['mean']:+.{digits}f}",
            *(f"{errors[side][f'{key}_absolute']:.{digits}f}" for key in ("mean", "median", "p90")),
        )
        for side in ("start", "end")
    ]
    title = f"{errors['matched_segments']} matched segments (F1@50), too late by {errors['unit']}"
    columns = ("boundary", "mean", "mean size", "median size", "90 % within")
    return Table(title, columns, rows, sorts=False)


def class_table(report: Mapping[str, Any]) -> Table:
    """Return a row for each class that occurs in the sequences of `describe_sequences`."""
    unit = report["variant"]["time_unit"]
    segment_level = (report["segment_level"] or {}).get("per_class", {})
    columns = [
        "class",
        "segments, true",
        "segments, predicted",
        "precision",
        "recall",
        "F1@50",
        "frame F1",
    ]
    columns += ["trimmed F1"] if segment_level else []
    columns += [f"mean {unit}, true", f"mean {unit}, predicted"]
    rows = []
    for name in report["classes"]:
        row, trimmed = report["per_class"].get(name), segment_level.get(name)
        if row is None:
            continue
        keys = ("support", "predicted", "precision", "recall", "f1@50", "frame_f1")
        cells = [name, *(row[key] for key in keys)]
        cells += [trimmed["f1"]] if segment_level else []
        rows.append([*cells, row["mean_duration"], row["predicted_mean_duration"]])
    return Table("Segments of the long videos, by class", columns, rows)


def trimmed_table(report: Mapping[str, Any]) -> Table | None:
    """Return a row for each class of the trimmed segments; None where there are none."""
    if not report["segment_level"]:
        return None
    keys = ("support", "predicted", "precision", "recall", "f1")
    per_class = report["segment_level"]["per_class"]
    rows = [(name, *(row[key] for key in keys)) for name, row in per_class.items()]
    columns = ("class", "segments, true", "segments, predicted", "precision", "recall", "F1")
    return Table("Trimmed segments, by class", columns, rows)


def hand_table(report: Mapping[str, Any]) -> Table:
    """Return F1@T_L of `describe_hands`, both hands and each, with the counts of both."""
    rows = [
        (
            f"F1@{key}",
            *(counts["f1"] for counts in (both, both["left"], both["right"])),
            *(both[count] for count in ("tp", "fp", "fn")),
        )
        for key, both in report.items()
        if key != "variant"
    ]
    columns = ("hands", "both", "left", "right", "tp", "fp", "fn")
    return Table("F1 of hands within a distance", columns, rows, sorts=False)


def compare_tables(report: Mapping[str, Any]) -> list[Table]:
    """Return the changes of `describe_compare`: overall, then by class on each level."""
    columns = (f"A: {report['a']}", f"B: {report['b']}", "change", "95 % interval")
    levels = [level for level in COMPARE_LEVELS if report[level]]
    overall = [
        (_SCORES[name], *_change_cells(row))
        for level in levels
        for name, row in report[level]["overall"].items()
    ]
    by_class = [
        Table(
            COMPARE_LEVELS[level],
            ("class", "true", "in videos", *columns),
            [
                (name, row["support"], row["num_videos"], *_change_cells(row))
                for name, row in report[level]["per_class"].items()
            ],
        )
        for level in levels
    ]
    return [Table("All together", ("percent", *columns), overall, sorts=False), *by_class]


def _change_cells(row: Mapping[str, Any]) -> tuple[object, ...]:
    interval = None
    if row["low"] is not None:
        interval = f"{row['low']:+.1f} to {row['high']:+.1f}{' ?' * row['few_videos']}"
    return row["a"], row["b"], f"{row['change']:+.1f}", interval


def sweep_tables(report: Mapping[str, Any]) -> list[Table]:
    """Return what `describe_sweep` has for each network and level, over its seeds."""
    titles = {"segment": "Trimmed segments", "sequence": "Long videos"}
    return [_sweep_table(title, level, report["over_seeds"]) for level, title in titles.items()]


def _sweep_table(title: str, level: str, rows: Iterable[Mapping[str, Any]]) -> Table:
    scores = ("mean_f1", *SWEEP_LEVELS[level])
    cells = [
        (
            SHIFT_NAMES[row["shift"]],
            str(row["clip_len"]),
            str(row["frame_stride"]),
            *(_show_spread(row[score]) for score in scores),
        )
        for row in rows
        if row["level"] == level
    ]
    return Table(title, ("network", "T", "tau", *(_SCORES[score] for score in scores)), cells)


def _show_spread(score: Mapping[str, Any]) -> str | None:
    if score["mean"] is None:
        return None
    return f"{score['mean']:.1f}" + ("" if score["sd"] is None else f" ± {score['sd']:.1f}")


def show_clock(seconds: float) -> str:
    """Return a time as 1:02.5, or 1:02:03.5 from the first hour on."""
    tenths = round(10 * seconds)
    hours, minutes, rest = tenths // 36_000, tenths // 600 % 60, tenths % 600 / 10
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def data_facts(
    dataset: Dataset | None, variant: Mapping[str, Any], facts: Mapping[str, str]
) -> dict[str, str]:
    """Return what heads a page: the data, then `facts`, then what made it.

    Args:
        dataset: None for bare tables.
        variant: Of `describe_sequences` or `describe_hands`.
        facts: What else there is to say.
    """
    data, makers = {"data": variant["how"]}, [f"handact {__version__}"]
    if dataset:
        data = {"data": f"{dataset.name} ({dataset.root})", "split": variant["split"]}
        data |= {"run": variant["run"]} if "run" in variant else {}
        data |= {"how": variant["how"]}
        makers.append(f"torch {version('torch')}")
    makers += [
        f"Python {platform.python_version()}", f"{platform.system()} {platform.machine()}",
    ]  # fmt: skip
    return data | dict(facts) | {"made with": ", ".join(makers)}
