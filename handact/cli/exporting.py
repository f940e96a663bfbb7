"""`export network`: a trained network for other runtimes; `export actions|hands`: labels."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handact.cli.console import DatasetArgument, print_note

if TYPE_CHECKING:
    from handact.formats.outgoing import ActionExport, HandExport

__all__ = ["add_commands"]

export = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    app.add_typer(export, name="export", help="Labels, predictions, networks for other programs.")


_Format = Annotated[str, typer.Option(metavar="NAME", help="One of those above.")]
_Predicted = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH", help="Predictions in place of labels: a table, or a folder of them."
    ),
]
_Split = Annotated[str | None, typer.Option(help="train, val or test.", show_default="all videos")]
_Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help="Folder; a file, of formats of one file.",
        show_default="DATASET/export/FORMAT",
    ),
]
_Overwrite = Annotated[bool, typer.Option("--overwrite", help="Write over files that are there.")]


@export.command("actions")
def export_actions(
    dataset: DatasetArgument = Path("."),
    format: _Format = "csv",
    predicted: _Predicted = None,
    split: _Split = None,
    output: _Output = None,
    overwrite: _Overwrite = False,
) -> None:
    """Write actions for another tool, or as predictions to be corrected there.

    --predicted takes what `segment` leaves: runs/action/segments, or a NAME.segments.csv. Formats:

    \b
    csv          our columns, with seconds
    activitynet  JSON for OpenTAD; predictions as results.json
    audacity     label track of Audacity, one a video
    boris        BORIS project
    cvat         CVAT for video 1.1, one a video
    elan         ELAN .eaf, one a video
    labelstudio  Label Studio: tasks with predictions
    mstcn        MS-TCN: groundTruth/, mapping.txt, splits/
    webvtt       WebVTT subtitles, one a video
    """
    from handact.dataset import action_export, export_actions, read_dataset

    folder = read_dataset(dataset)
    export = action_export(folder, predicted, split)
    files = export_actions(export, format)
    name = f"{format}-predicted" if predicted else format
    _write(files, export, folder.root, name, output, overwrite)


@export.command("hands")
def export_hands(
    dataset: DatasetArgument = Path("."),
    format: _Format = "csv",
    predicted: _Predicted = None,
    split: _Split = None,
    output: _Output = None,
    overwrite: _Overwrite = False,
) -> None:
    """Write hand positions for another tool, or as predictions to be corrected there.

    --predicted takes the tracks that `align` leaves: runs/align, or a file of it. Formats:

    \b
    csv          our columns
    coco         COCO JSON, key points and boxes
    cvat         CVAT for video 1.1, one a video
    labelstudio  Label Studio: tasks with predictions
    yolo         YOLO poses of one point: data.yaml and labels/
    """
    from handact.dataset import export_hands, hand_export, read_dataset

    folder = read_dataset(dataset)
    export = hand_export(folder, predicted, split)
    files = export_hands(export, format)
    name = f"{format}-predicted" if predicted else format
    _write(files, export, folder.root, name, output, overwrite)


def _write(
    files: dict[str, str],
    export: "ActionExport | HandExport",
    root: Path,
    name: str,
    output: Path | None,
    overwrite: bool,
) -> None:
    from handact.dataset import write_files
    from handact.formats.text import show_path

    paths = write_files(files, output or root / "export" / name, root=root, overwrite=overwrite)
    for note in export.notes:
        print_note(f"note: {note}")
    for path in paths:
        typer.echo(show_path(path))


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
