"""`reproduce`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handact.cli.console import DeviceOption, print_note, print_table, progress

if TYPE_CHECKING:
    from handact.training.reproduce import Finding, Outcome

__all__ = ["add_commands"]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    app.command()(reproduce)


def reproduce(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="Name of a run folder below runs/, or its path."),
    ],
    dataset: Annotated[
        Path | None,
        typer.Argument(
            metavar="DATASET",
            help="The dataset folder.",
            show_default="the one that the run lies in, else that it was trained on",
        ),
    ] = None,
    again: Annotated[
        str | None,
        typer.Option("--run", help="Name or path of the new run.", show_default="RUN-again"),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Compare only, train nothing.")] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Train even if labels, videos or weights are others.")
    ] = False,
    device: DeviceOption = "auto",
) -> None:
    """Repeat a training: is all that it was made of still there, and does it give the same again?

    Compares labels, videos, the hands run, weights, versions and machine with what the run noted,
    trains with its settings into a new run folder, and compares logs and networks. Given again, a
    repetition that was stopped goes on. Prints the new run folder.
    """
    import os

    from handact.dataset import read_dataset, run_folder
    from handact.distributed import launched_processes
    from handact.training.reproduce import (
        check_run,
        compare_outcomes,
        find_dataset,
        read_run,
        refuse_differences,
        train_again,
    )

    past = read_run(Path(os.path.abspath(run_folder(dataset or Path(), run))))
    data = read_dataset(dataset or find_dataset(past))
    findings = check_run(past, data, device)
    is_main = launched_processes().is_main
    if is_main:
        _show_findings(findings)
    if not anyway:
        refuse_differences(past, findings)
    if check:
        return
    new = data.run(again) if again else past.folder.with_name(f"{past.folder.name}-again")
    train_again(past, data, new, device=device, show=progress, log=print_note)
    if is_main:
        _show_outcome(compare_outcomes(past, new), unchanged=all(f.same for f in findings))
        typer.echo(new)


def _show_findings(findings: "list[Finding]") -> None:
    words = {True: "yes", False: "no"}
    print_table(
        ("what", "then", "now", "same?"),
        [(finding.what, finding.then, finding.now, words[finding.same]) for finding in findings],
        left=4,
    )


def _show_outcome(outcome: "Outcome", *, unchanged: bool) -> None:
    rows = [
        (name, f"{difference:.3g}", str(epoch) if difference else None)
        for name, (difference, epoch) in outcome.columns.items()
    ]
    print_table(("column of log.csv", "largest difference", "in epoch"), rows)
    then, now = outcome.epochs
    if outcome.tensors is None:
        print_note(f"the run has {then} epochs, its repetition {now}: best.pt is not compared")
    elif outcome.same:
        print_note(
            f"the same to the last digit: {then} epochs, and all {outcome.tensors} tensors of "
            "best.pt"
        )
    else:
        because = "ALTHOUGH NOTHING ELSE IS" if unchanged else "see above for what else is"
        print_note(
            f"NOT THE SAME, {because}: {outcome.differing} of {outcome.tensors} tensors of best.pt "
            "differ"
        )
