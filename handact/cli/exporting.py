"""`export network`: a trained network for other runtimes."""

from pathlib import Path
from typing import Annotated

import typer

from handact.cli.console import print_note

__all__ = ["add_commands"]

export = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    app.add_typer(export, name="export", help="Networks for other programs.")


# Alone in its group, a command would become the group itself.
@export.callback()
def _group() -> None:
    pass


@export.command("network")
def export_network(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="A best.pt of either training.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="NAME.onnx, or NAME.pt2 for torch.export.",
            show_default="beside the checkpoint, as .onnx",
        ),
    ] = None,
) -> None:
    """Write a network as ONNX or for torch.export, and check that it gives the same results.

    `handact segment VIDEO --checkpoint NAME.onnx` runs an action network from its ONNX file alone:
    the hand localiser is in it. Prints the file.
    """
    from handact.exported import export_network

    path = output or checkpoint.with_suffix(".onnx")
    difference = export_network(checkpoint, path)
    print_note(f"differs from PyTorch's results by at most {difference:.1e}")
    typer.echo(path)
