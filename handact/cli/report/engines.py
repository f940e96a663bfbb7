"""`report engines`: what the two engines of `segment` cost and give."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from handact.cli.console import (
    DatasetArgument,
    DeviceOption,
    JsonOption,
    RunOption,
    print_json,
    print_table,
    progress,
)
from handact.cli.report.inputs import (
    OutputOption,
    SegmentConfigOption,
    SplitOption,
    choose_folder,
    name_files,
)

__all__ = ["engines"]


def engines(
    dataset: DatasetArgument = Path("."),
    run: RunOption = "action",
    split: SplitOption = "test",
    config: SegmentConfigOption = None,
    output: OutputOption = None,
    json: JsonOption = False,
    device: DeviceOption = "auto",
) -> None:
    """Compare the two engines of `segment` on one run: scores, agreement, frames per second.

    windows runs each window by itself, stream each frame once. Both segment the split's labelled
    videos anew, from decoding to cleaning, which takes its time.
    """
    from handact.config import SegmentConfig, read_config
    from handact.evaluation import evaluate_engines
    from handact.report import describe_engines, state_sequences, write_engines_report

    output = choose_folder(output, dataset)
    settings = read_config(SegmentConfig, config)
    with progress("both engines", "frames") as on_progress:
        results = evaluate_engines(
            dataset, run=run, split=split, device=device, config=settings, on_progress=on_progress
        )
    report = describe_engines(results)
    files = write_engines_report(output, report)
    if json:
        print_json(report)
    else:
        _print_engines(report)
        typer.echo(state_sequences(report))
    name_files(files)


def _print_engines(report: Mapping[str, Any]) -> None:
    from handact.report import MAIN_FIGURES

    columns = (*MAIN_FIGURES, "frames_per_second")
    rows = [(engine, *(report[engine][c] for c in columns)) for engine in ("windows", "stream")]
    names = ("frame accuracy", "edit", "F1@10", "F1@25", "F1@50", "frames per second")
    print_table(("engine", *names), rows)
    typer.echo(
        f"The stream is {report['stream_speedup']:.1f} times faster; the engines agree on "
        f"{report['agreement']:.1f} % of the frames "
        f"({report['agreement_before_cleaning']:.1f} % before cleaning)."
    )
