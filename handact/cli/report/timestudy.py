"""`report timestudy`: cycles, how long steps take, and what is missing, extra or out of order."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    HtmlOption,
    OutputOption,
    SegmentConfigOption,
    SplitOption,
    VideosOption,
    choose_folder,
    evaluate_sequences,
    name_files,
    print_notes,
    refuse_dataset,
    write_page,
)

if TYPE_CHECKING:
    from handact.report import Observations
    from handact.timestudy import Nominal

__all__ = ["timestudy"]

_MOST_ODD = 30

TablesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--predicted",
        metavar="FILE",
        help="Table of steps, or a folder of *.segments.csv, in place of a dataset; several too.",
    ),
]
ManualOption = Annotated[
    Path | None,
    typer.Option("--truth", metavar="FILE", help="Table of manual times, with --predicted."),
]
StartOption = Annotated[
    str | None, typer.Option("--start", metavar="STEP", help="The step that begins a cycle.")
]
OrderOption = Annotated[
    str | None,
    typer.Option(
        "--order", metavar="STEPS", help='The steps of a cycle: a file, one a line, or "a, b, c".'
    ),
]
TaktOption = Annotated[
    float | None,
    typer.Option("--takt", metavar="SECONDS", min=0.001, help="What a cycle may take."),
]
StandardOption = Annotated[
    Path | None,
    typer.Option("--standard", metavar="FILE", help="Table with the columns step,seconds."),
]


def timestudy(
    context: typer.Context,
    dataset: DatasetArgument = Path("."),
    run: RunOption = "action",
    split: SplitOption = "test",
    predicted: TablesOption = None,
    truth: ManualOption = None,
    start: StartOption = None,
    order: OrderOption = None,
    takt: TaktOption = None,
    standard: StandardOption = None,
    background: BackgroundOption = "background",
    videos: VideosOption = None,
    fps: FpsOption = None,
    config: SegmentConfigOption = None,
    output: OutputOption = None,
    html: HtmlOption = False,
    json: JsonOption = False,
    device: DeviceOption = "auto",
) -> None:
    """How long steps, waiting and cycles take, with their spread; what in cycles is odd.

    --start or --order says what a cycle is. With --order, steps that are missing, extra or out of
    order are found, and a cycle is found too where its first step is left out.

    On a dataset, the labels of --run are timed and compared with the manual ones; files go to
    DATASET/report. With --predicted, tables with the columns video,action and start_seconds,
    end_seconds (or start_frame,end_frame, with --fps or --videos) are timed, and nothing is
    written unless -o FOLDER is given.

    --html adds timestudy.html: tables, picture and odd cycles, on a dataset with frames of the
    videos.
    """
    from handact import report as reports

    if truth and not predicted:
        raise typer.BadParameter("--truth belongs to --predicted; a dataset has its own")
    if predicted:
        refuse_dataset(context, several=True)
    place = None if predicted else dataset
    output = choose_folder(output, place, html)
    targets = {"order": order, "start": start, "takt": takt, "standard": standard}
    if place:
        observations, nominal = _evaluate(dataset, run, split, config, device, targets)
    else:
        observations, nominal = _read_tables(predicted, truth, background, videos, fps, targets)
    study = reports.study_times(observations, nominal)
    report = reports.describe_timestudy(study)
    print_notes(report["variant"]["notes"])
    files = reports.write_timestudy_report(output, report, study) if output else []
    if html:
        files.append(write_page(reports.write_timestudy_page, output, place, report, study))
    if json:
        print_json(report)
    else:
        _print_tables(report, output)
        typer.echo(reports.state_timestudy(report))
    name_files(files)


def _read_tables(
    predicted: list[Path],
    truth: Path | None,
    background: str,
    videos: Path | None,
    fps: float | None,
    targets: Mapping[str, Any],
) -> "tuple[Observations, Nominal]":
    from handact.report import read_nominal, read_observations

    observations = read_observations(
        predicted, truth, background=background, videos=videos, fps=fps
    )
    nominal, notes = read_nominal(observations.classes, background, is_closed=False, **targets)
    print_notes(notes)
    return observations, nominal


def _evaluate(
    dataset: Path,
    run: str,
    split: str,
    config: Path | None,
    device: str,
    targets: Mapping[str, Any],
) -> "tuple[Observations, Nominal]":
    from handact.dataset import read_dataset
    from handact.report import observe_sequences, read_nominal

    # A slip in a name must not show itself only when all videos are segmented.
    known = read_dataset(dataset)
    nominal, _ = read_nominal(known.classes, known.background, **targets)
    result = evaluate_sequences(dataset, run, split, config, device)
    return observe_sequences(result, known.actions), nominal


def _print_tables(report: Mapping[str, Any], output: Path | None) -> None:
    from handact.report import (
        agreement_table,
        cycle_summary_table,
        number_of,
        odd_cycles,
        standard_table,
        step_table,
    )

    makers = (cycle_summary_table, step_table, standard_table, agreement_table)
    for table in filter(None, (make(report) for make in makers)):
        print_table(table.columns, table.rows, title=table.caption)
        if table.note:
            typer.echo(f"  {table.note}\n")
    odd = odd_cycles(report)
    for line in odd[:_MOST_ODD]:
        typer.echo(line)
    if len(odd) > _MOST_ODD:
        where = "timestudy_cycles.csv has all of them" if output else "-o FOLDER writes all of them"
        typer.echo(f"and {number_of(len(odd) - _MOST_ODD, 'more odd cycle')}: {where}")
