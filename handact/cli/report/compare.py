"""`report compare`: what changes from one run to another."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from handact.cli.console import (
    DatasetArgument,
    DeviceOption,
    JsonOption,
    print_json,
    print_table,
)
from handact.cli.report.inputs import (
    BackgroundOption,
    FpsOption,
    FramesOption,
    HtmlOption,
    OutputOption,
    SegmentConfigOption,
    SplitOption,
    TruthOption,
    VideosOption,
    choose_folder,
    evaluate_clips,
    evaluate_runs,
    name_files,
    print_notes,
    read_runs,
    refuse_dataset,
)

__all__ = ["compare"]


def compare(
    context: typer.Context,
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
    config: SegmentConfigOption = None,
    output: OutputOption = None,
    html: HtmlOption = False,
    json: JsonOption = False,
    device: DeviceOption = "auto",
) -> None:
    """Change in F1 per class from run A to run B, with 95 % intervals over videos.

    On a dataset, A and B are runs, compared on long videos and on trimmed segments; tables and the
    picture go to DATASET/report. With --truth, A and B are tables of predictions with the columns
    video,start_frame,end_frame,action, and nothing is written unless -o FOLDER is given.
    """
    from handact.report import (
        describe_compare,
        state_compare,
        write_compare_page,
        write_compare_report,
    )

    if truth:
        refuse_dataset(context)
    else:
        _require_runs(a, b)
    output = choose_folder(output, None if truth else dataset, html)
    clips = None
    if truth:
        runs = read_runs(
            truth, [Path(a), Path(b)], background, frames, videos, fps, same_videos=True
        )
    else:
        runs = evaluate_runs(dataset, (a, b), split, config, device)
        clips = tuple(evaluate_clips(dataset, run, split, device) for run in (a, b))
    report = describe_compare(tuple(runs), clips, include_background=include_background)
    files = write_compare_report(output, report) if output else []
    if html:
        files.append(write_compare_page(output, report))
    if json:
        print_json(report)
    else:
        _print_tables(report)
        typer.echo(state_compare(report))
    print_notes(report["notes"])
    name_files(files)


def _require_runs(*names: str) -> None:
    for name in names:
        if Path(name).is_file():
            raise typer.BadParameter(f"{name}: is a file; tables need --truth TABLE")


def _print_tables(report: Mapping[str, Any]) -> None:
    from handact.report import compare_tables

    overall, *levels = compare_tables(report)
    print_table(overall.columns, overall.rows)
    for table in levels:
        print_table(table.columns, table.rows, title=table.caption)
