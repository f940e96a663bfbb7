"""`sweep`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from handact.cli.console import (
    ConfigOption,
    DatasetArgument,
    DeviceOption,
    SetOption,
    find_share,
    print_note,
    progress,
)

__all__ = ["add_commands"]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    app.command()(sweep)


def sweep(
    dataset: DatasetArgument = Path("."),
    config: ConfigOption = None,
    seeds: Annotated[int, typer.Option(min=1, help="Networks of each kind, from seed 0 on.")] = 1,
    shift: Annotated[
        list[str] | None,
        typer.Option(
            help="none (TSN), tsm or causal; may be repeated.", show_default="none and tsm"
        ),
    ] = None,
    hands: Annotated[
        str | None,
        typer.Option(
            help="aligned, unaligned, pooled, only or none.",
            show_default="what --config says, else none, as in the paper",
        ),
    ] = None,
    hands_run: Annotated[str, typer.Option(help="Run whose localiser finds the hands.")] = "hands",
    split: Annotated[
        Literal["train", "val", "test"], typer.Option(help="Videos to measure on.")
    ] = "test",
    share: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Only every N-th network, from the I-th (0 is the first): for several jobs.",
            show_default="what torchrun says, else all",
        ),
    ] = None,
    set_: SetOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the networks only.")] = False,
    device: DeviceOption = "auto",
) -> None:
    """Train and measure TSN and TSM over tau of 1 to 10 at T = 8, and T of 1 to 16 at tau = 8.

    Each network is a run of its own, runs/sweep-..., so that all other commands take it. A sweep
    that was stopped goes on when the command is given again. `handact report sweep` shows what it
    has come to. Prints the run folders. Videos are aligned first: give `handact align` before jobs
    with --share, so that they do not all do it.
    """
    from handact.config import (
        ActionConfig,
        SegmentConfig,
        parse_assignments,
        read_align_config,
        read_config,
        read_section,
    )
    from handact.dataset import find_dataset_root
    from handact.distributed import wait_for_all
    from handact.sweep import run_cells, temporal_cells, write_plan

    find_dataset_root(dataset)
    said = config is not None and "hands" in read_section(config, "action")
    settings = {
        "hands": hands or (None if said else "none"),
        **parse_assignments(ActionConfig, set_ or []),
    }
    cells = temporal_cells(config, settings, seeds=range(seeds), shifts=shift or ("none", "tsm"))
    rank, number = find_share(share)
    mine = cells[rank::number]
    if dry_run:
        for cell in mine:
            typer.echo(cell.run)
        return
    write_plan(dataset, cells)
    run_cells(
        dataset,
        mine,
        read_align_config(dataset, config),
        read_config(SegmentConfig, config),
        hands_run=hands_run,
        split=split,
        device=device,
        show=progress,
        log=print_note,
    )
    for cell in mine:
        typer.echo(dataset / "runs" / cell.run)
    if share is None:
        wait_for_all()
