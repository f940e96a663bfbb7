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
    ConfigOption,
    FpsOption,
    HtmlOption,
    OutputOption,
    SplitOption,
    VideosOption,
    evaluate_sequences,
    name_files,
    print_notes,
)

if TYPE_CHECKING:
    from handact.report.observations import Observations
    from handact.report.timestudy import TimeStudy
    from handact.timestudy import Nominal

__all__ = ["timestudy"]

_MOST_ODD = 30


def timestudy(
    dataset: DatasetArgument = Path("."),
    run: RunOption = "action",
    split: SplitOption = "test",
    predicted: Annotated[
        list[Path] | None,
        typer.Option(
            "--predicted",
            metavar="FILE",
            help="Table of steps, or a folder of *.segments.csv, in place of a dataset; several "
            "too.",
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option("--truth", metavar="FILE", help="Table of manual times, with --predicted."),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--start", metavar="STEP", help="The step that begins a cycle.")
    ] = None,
    order: Annotated[
        str | None,
        typer.Option(
            "--order",
            metavar="STEPS",
            help='The steps of a cycle: a file, one a line, or "a, b, c".',
        ),
    ] = None,
    takt: Annotated[
        float | None,
        typer.Option("--takt", metavar="SECONDS", min=0.001, help="What a cycle may take."),
    ] = None,
    standard: Annotated[
        Path | None,
        typer.Option("--standard", metavar="FILE", help="Table with the columns step,seconds."),
    ] = None,
    background: BackgroundOption = "background",
    videos: VideosOption = None,
    fps: FpsOption = None,
    config: ConfigOption = None,
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
    from handact.report.timestudy import (
        describe_timestudy,
        state_timestudy,
        study_times,
        write_timestudy,
    )

    targets = {"order": order, "start": start, "takt": takt, "standard": standard}
    if predicted:
        if html and output is None:
            raise typer.BadParameter("--html of bare tables needs -o FOLDER, a place for the page")
        observations, nominal = _read_tables(predicted, truth, background, videos, fps, targets)
    else:
        if truth:
            raise typer.BadParameter("--truth belongs to --predicted; a dataset has its own")
        observations, nominal = _evaluate(dataset, run, split, config, device, targets)
        output = output or dataset / "report"
    study = study_times(observations, nominal)
    report = describe_timestudy(study)
    print_notes(report["variant"]["notes"])
    files = write_timestudy(output, report, study) if output else []
    if html:
        files.append(_write_page(output, report, study, None if predicted else dataset))
    if json:
        print_json(report)
    else:
        _print_tables(report)
        typer.echo(state_timestudy(report))
    name_files(files)


def _read_tables(
    predicted: list[Path],
    truth: Path | None,
    background: str,
    videos: Path | None,
    fps: float | None,
    targets: Mapping[str, Any],
) -> "tuple[Observations, Nominal]":
    from handact.report.observations import read_nominal, read_observations

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
    from handact.report.observations import observe_sequences, read_nominal

    # A slip in a name must not show itself only when all videos are segmented.
    known = read_dataset(dataset, with_labels=False)
    nominal, _ = read_nominal(known.classes, known.background, **targets)
    return observe_sequences(evaluate_sequences(dataset, run, split, config, device)), nominal


def _write_page(
    folder: Path, report: Mapping[str, Any], study: "TimeStudy", root: Path | None
) -> Path:
    from handact.dataset import read_dataset
    from handact.report.timestudy_page import write_timestudy_page

    dataset = read_dataset(root, with_labels=False) if root else None
    path, notes = write_timestudy_page(folder, report, study, dataset)
    print_notes(notes)
    return path


def _print_tables(report: Mapping[str, Any]) -> None:
    from handact.report import timestudy_tables as tables

    makers = (
        tables.cycle_summary_table,
        tables.step_table,
        tables.standard_table,
        tables.agreement_table,
    )
    for table in filter(None, (make(report) for make in makers)):
        print_table(table.columns, table.rows, title=table.caption)
    odd = tables.odd_cycles(report)
    for line in odd[:_MOST_ODD]:
        typer.echo(line)
    if len(odd) > _MOST_ODD:
        typer.echo(f"and {len(odd) - _MOST_ODD} more odd cycles: -o FOLDER writes all of them")
