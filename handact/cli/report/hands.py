"""`report hands`: how near the localiser comes to the hands."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from handact.cli.console import (
    DatasetArgument,
    DeviceOption,
    JsonOption,
    RunOption,
    print_json,
    print_note,
    print_table,
    progress,
)
from handact.cli.report.inputs import (
    HtmlOption,
    OutputOption,
    PredictedOption,
    SplitOption,
    TruthOption,
    choose_folder,
    is_bare,
    name_files,
    print_notes,
    write_page,
)

if TYPE_CHECKING:
    from handact.results import HandPairs


__all__ = ["hands"]


def hands(
    context: typer.Context,
    dataset: DatasetArgument = Path("."),
    run: RunOption = "hands",
    split: SplitOption = "test",
    truth: TruthOption = None,
    predicted: PredictedOption = None,
    output: OutputOption = None,
    html: HtmlOption = False,
    json: JsonOption = False,
    device: DeviceOption = "auto",
) -> None:
    """F1 of hand positions within a distance T_L of 0.05, 0.1, 0.2 and 0.3, in total and per hand.

    On a dataset, the localiser of --run looks at the labelled frames of the split. With --truth
    and --predicted, two tables are compared: video,frame,left_x,left_y,right_x,right_y, the
    prediction with left_p and right_p too; only frames that the truth labels count.

    --html adds hands.html: table and picture, and the worst frames, on a dataset as pictures with
    the true and the predicted hands drawn in.
    """
    from handact.report import describe_hands, state_hands, write_hands_page, write_hands_report

    place = None if is_bare(context, truth, predicted) else dataset
    output = choose_folder(output, place, html)
    if place:
        result = _evaluate_hands(dataset, run, split, device)
    else:
        result = _read_hands(truth, predicted)
    report = describe_hands(result)
    files = write_hands_report(output, report, result) if output else []
    if html:
        files.append(write_page(write_hands_page, output, place, report, result))
    if json:
        print_json({key: value for key, value in report.items() if key != "variant"})
        print_note(state_hands(report))
    else:
        _print_hands(report)
        typer.echo(state_hands(report))
    name_files(files)


def _read_hands(truth: Path, predicted: Path) -> "HandPairs":
    from handact.report import read_hand_pairs

    result = read_hand_pairs(truth, predicted)
    print_notes(result.notes)
    return result


def _evaluate_hands(dataset: Path, run: str, split: str, device: str) -> "HandPairs":
    from handact.evaluation import evaluate_hands

    with progress("hands", "frames") as on_progress:
        return evaluate_hands(dataset, run=run, split=split, device=device, on_progress=on_progress)


def _print_hands(report: Mapping[str, Any]) -> None:
    from handact.report import hand_table

    table = hand_table(report)
    print_table(table.columns, table.rows)
