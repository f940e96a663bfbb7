"""Figures as tables and statements, for the terminal and for the pages."""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from handact import __version__
from handact.dataset import Dataset
from handact.report.page import Table

__all__ = [
    "boundary_table",
    "class_table",
    "data_facts",
    "hand_table",
    "show_clock",
    "summary_table",
    "trimmed_table",
]


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
