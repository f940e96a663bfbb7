"""`report compare`: what changes from one run to another."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handact.cli.console import (
    DatasetArgument,
    DeviceOption,
    JsonOption,
    print_json,
    print_table,
    progress,
)
from handact.cli.report.inputs import (
    BackgroundOption,
    ConfigOption,
    FpsOption,
    FramesOption,
    OutputOption,
    SplitOption,
    TruthOption,
    VideosOption,
    evaluate_sequences,
    name_files,
    print_notes,
    read_runs,
)

if TYPE_CHECKING:
    from handact.results import Clips

__all__ = ["compare"]

_LABELS = {
    "frame_accuracy": "frame accuracy",
    "edit": "edit",
    "f1@10": "F1@10",
    "f1@25": "F1@25",
    "f1@50": "F1@50",
    "macro_f1@50": "F1@50, mean of classes",
    "accuracy": "trimmed: accuracy",
    "macro_f1": "trimmed: F1, mean of classes",
}


def compare(
    a: Annotated[
        str, typer.Argument(metavar="A", help="A run, by name or path; with --truth a table.")
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The run to compare with it, likewise.")],
    dataset: DatasetArgument = Path("."),
    split: SplitOption = "test",
    truth: TruthOption = None,
    background: BackgroundOption = "background",
    frames: FramesOption = None,
    videos: VideosOption = None,
    fps: FpsOption = None,
    include_background: Annotated[
        bool, typer.Option("--include-background", help="Count background in edit and F1.")
    ] = False,
    config: ConfigOption = None,
    output: OutputOption = None,
    json: JsonOption = False,
    device: DeviceOption = "auto",
) -> None:
    """Change in F1 per class from run A to run B, with 95 % intervals over videos.

    On a dataset, A and B are runs, compared on long videos and on trimmed segments; tables and the
    picture go to DATASET/report. With --truth, A and B are tables of predictions with the columns
    video,start_frame,end_frame,action, and nothing is written unless -o FOLDER is given.
    """
    from handact.report import describe_compare, state_compare, write_compare_report

    clips = None
    if truth:
        runs = read_runs(
            truth, [Path(a), Path(b)], background, frames, videos, fps, same_videos=True
        )
    else:
        _require_runs(a, b)
        runs = [evaluate_sequences(dataset, run, split, config, device) for run in (a, b)]
        clips = tuple(_evaluate_clips(dataset, run, split, device) for run in (a, b))
        output = output or dataset / "report"
    report = describe_compare(tuple(runs), clips, include_background=include_background)
    files = write_compare_report(output, report) if output else []
    if json:
        print_json(report)
    else:
        _print_overall(report)
        _print_classes(report)
        typer.echo(state_compare(report))
    print_notes(report["notes"])
    name_files(files)


def _require_runs(*names: str) -> None:
    for name in names:
        if Path(name).is_file():
            raise typer.BadParameter(f"{name}: is a file; tables need --truth TABLE")


def _evaluate_clips(dataset: Path, run: str, split: str, device: str) -> "Clips":
    from handact.evaluation import evaluate_clips

    with progress(f"trimmed segments, {run}") as on_progress:
        return evaluate_clips(dataset, run=run, split=split, device=device, on_progress=on_progress)


def _print_overall(report: Mapping[str, Any]) -> None:
    levels = [report[level] for level in ("sequence_level", "segment_level") if report[level]]
    rows = [
        (_LABELS[name], *_cells(row)) for level in levels for name, row in level["overall"].items()
    ]
    print_table(("percent", *_columns(report)), rows)


def _print_classes(report: Mapping[str, Any]) -> None:
    from handact.report import COMPARE_LEVELS

    for level, title in COMPARE_LEVELS.items():
        if report[level]:
            rows = [
                (name, row["support"], row["num_videos"], *_cells(row))
                for name, row in report[level]["per_class"].items()
            ]
            print_table(("class", "true", "in videos", *_columns(report)), rows, title=title)


def _columns(report: Mapping[str, Any]) -> tuple[str, ...]:
    return f"A: {report['a']}", f"B: {report['b']}", "change", "95 % interval"


def _cells(row: Mapping[str, Any]) -> tuple[object, ...]:
    interval = None
    if row["low"] is not None:
        interval = f"{row['low']:+.1f} to {row['high']:+.1f}{' ?' * row['few_videos']}"
    return row["a"], row["b"], f"{row['change']:+.1f}", interval
