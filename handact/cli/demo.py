"""`demo`."""

from pathlib import Path
from typing import Annotated

import typer

from handact.cli.console import DeviceOption, print_note, progress

__all__ = ["add_commands"]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    app.command()(demo)


def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to put it.")] = Path(
        "handact-demo"
    ),
    seed: Annotated[int, typer.Option(help="Of the videos and of the trainings.")] = 0,
    device: DeviceOption = "auto",
) -> None:
    """See it all work: draw videos of a work bench, train on them, segment, report.

    Leaves an ordinary dataset folder, in which every other command works. Takes about half an
    hour on two cores; given again, it goes on where it stopped.
    """
    from handact.cli.report import hands, metrics, timeline
    from handact.demo import SETTINGS_FILE, prepare_demo, train_demo

    prepare_demo(folder, seed=seed, show=progress)
    train_demo(folder, device=device, show=progress, log=print_note)
    hands(folder, device=device)
    metrics(folder, config=folder / SETTINGS_FILE, device=device)
    timeline(folder, config=folder / SETTINGS_FILE, device=device)
    print_note(f"the pictures are in {folder / 'report'}; in {folder} every other command works")
