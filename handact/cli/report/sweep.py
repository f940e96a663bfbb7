"""`report sweep`: what temporal reasoning is worth, over clip lengths and strides."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from handact.cli.console import DatasetArgument, JsonOption, print_json, print_table
from handact.cli.report.inputs import OutputOption, name_files

__all__ = ["sweep"]


def sweep(
    dataset: DatasetArgument = Path("."),
    output: OutputOption = None,
    json: JsonOption = False,
) -> None:
    """F1 of the classes with and without temporal shift, over T and tau, as `sweep` measured it.

    On trimmed segments, and on long videos after cleaning; mean and spread over seeds. What is not
    measured yet is named and left blank.
    """
    from handact.report import describe_sweep, state_sweep, write_sweep_report
    from handact.sweep import read_cells, read_plan

    cells = read_cells(dataset)
    report = describe_sweep(cells, read_plan(dataset))
    files = write_sweep_report(output or dataset / "report", report, cells)
    if json:
        print_json(report)
    else:
        _print_sweep(report)
        typer.echo(state_sweep(report))
    name_files(files)


def _print_sweep(report: Mapping[str, Any]) -> None:
    from handact.report import SWEEP_LEVELS

    titles = {"segment": "trimmed segments", "sequence": "long videos"}
    words = {"f1@50": "F1@50", "frame_accuracy": "frame accuracy"}
    for level, title in titles.items():
        scores = ("mean_f1", *SWEEP_LEVELS[level])
        rows = [
            (
                {"none": "TSN", "tsm": "TSM"}.get(row["shift"], row["shift"]),
                str(row["clip_len"]),
                str(row["frame_stride"]),
                *(_cell(row[score]) for score in scores),
            )
            for row in report["over_seeds"]
            if row["level"] == level
        ]
        names = ["F1, mean of classes", *(words.get(score, score) for score in scores[1:])]
        print_table(("network", "T", "tau", *names), rows, title=title)


def _cell(score: Mapping[str, Any]) -> str | None:
    if score["mean"] is None:
        return None
    spread = "" if score["sd"] is None else f" ± {score['sd']:.1f}"
    return f"{score['mean']:.1f}{spread}"
