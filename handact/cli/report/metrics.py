"""`report metrics`: how good the labels of long videos and of trimmed segments are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from handact.cli.console import (
    DatasetArgument,
    DeviceOption,
    JsonOption,
    RunOption,
    print_json,
    print_table,
)
from handact.cli.report.inputs import (
    BackgroundOption,
    FpsOption,
    FramesOption,
    HtmlOption,
    OutputOption,
    PredictedOption,
    SegmentConfigOption,
    SplitOption,
    TruthOption,
    VideosOption,
    choose_folder,
    evaluate_clips,
    evaluate_sequences,
    is_bare,
    name_files,
    read_sequences,
    write_page,
)

__all__ = ["metrics"]


def metrics(
    context: typer.Context,
    dataset: DatasetArgument = Path("."),
    run: RunOption = "action",
    split: SplitOption = "test",
    truth: TruthOption = None,
    predicted: PredictedOption = None,
    background: BackgroundOption = "background",
    frames: FramesOption = None,
    videos: VideosOption = None,
    fps: FpsOption = None,
    average: Annotated[
        Literal["pooled", "video"],
        typer.Option(help="F1 of pooled counts (MS-TCN), or its mean over videos (ED-TCN)."),
    ] = "pooled",
    include_background: Annotated[
        bool, typer.Option("--include-background", help="Count background in edit and F1.")
    ] = False,
    config: SegmentConfigOption = None,
    output: OutputOption = None,
    html: HtmlOption = False,
    json: JsonOption = False,
    device: DeviceOption = "auto",
) -> None:
    """Frame accuracy, edit score and F1@{10,25,50} of long videos; per class; confusion.

    On a dataset also the accuracy on trimmed segments; tables and pictures go to DATASET/report.
    With --truth and --predicted, tables with the columns video,start_frame,end_frame,action are
    compared, and nothing is written unless -o FOLDER is given.

    --html adds metrics.html: the tables and pictures, and the worst segments, on a dataset with
    frames of the videos.
    """
    from handact.report import (
        describe_sequences,
        state_sequences,
        write_metrics_page,
        write_metrics_report,
    )

    place = None if is_bare(context, truth, predicted) else dataset
    output = choose_folder(output, place, html)
    clips = None
    if place:
        result = evaluate_sequences(dataset, run, split, config, device)
        clips = evaluate_clips(dataset, run, split, device)
    else:
        result = read_sequences(truth, predicted, background, frames, videos, fps)
    report = describe_sequences(
        result, clips, average=average, include_background=include_background
    )
    files = write_metrics_report(output, report, result) if output else []
    if html:
        files.append(write_page(write_metrics_page, output, place, report, result))
    if json:
        print_json({key: value for key, value in report.items() if key != "confusion"})
    else:
        _print_tables(report)
        typer.echo(state_sequences(report))
    name_files(files)


def _print_tables(report: Mapping[str, Any]) -> None:
    from handact.report import boundary_table, class_table, summary_table

    summary, boundaries, classes = (f(report) for f in (summary_table, boundary_table, class_table))
    print_table(summary.columns, summary.rows)
    if boundaries:
        print_table(boundaries.columns, boundaries.rows, title=boundaries.caption)
    print_table(classes.columns, classes.rows)
