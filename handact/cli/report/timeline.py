"""`report timeline`: prediction over truth as a picture."""

from pathlib import Path
from typing import Annotated

import typer

from handact.cli.console import DatasetArgument, DeviceOption
from handact.cli.report.inputs import (
    BackgroundOption,
    FpsOption,
    FramesOption,
    SegmentConfigOption,
    SplitOption,
    TruthOption,
    VideosOption,
    default_folder,
    evaluate_runs,
    is_bare,
    print_notes,
    read_runs,
)

__all__ = ["timeline"]


def timeline(
    context: typer.Context,
    dataset: DatasetArgument = Path("."),
    run: Annotated[
        list[str] | None,
        typer.Option(
            "--run",
            help="Name of the folder below runs/, or its path; again for more runs.",
            show_default="action",
        ),
    ] = None,
    split: SplitOption = "test",
    truth: TruthOption = None,
    predicted: Annotated[
        list[Path] | None,
        typer.Option(
            "--predicted",
            metavar="FILE",
            help="Table of the prediction, with --truth; again for more runs.",
        ),
    ] = None,
    background: BackgroundOption = "background",
    frames: FramesOption = None,
    videos: VideosOption = None,
    fps: FpsOption = None,
    config: SegmentConfigOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="A picture (.png, .pdf, .svg), or a folder for timeline.png.",
            show_default="DATASET/report",
        ),
    ] = None,
    device: DeviceOption = "auto",
) -> None:
    """Draw the prediction in class colours over the truth in grey, wrong frames black.

    Several runs, or several tables, are stacked over one truth. Takes a dataset, or bare tables as
    `report metrics` does. Prints the path of the picture.
    """
    from handact.report import check_folder, gather_notes, write_timeline

    bare = is_bare(context, truth, predicted)
    if bare and output is None:
        raise typer.BadParameter("bare tables need -o FILE.png, a place for the picture")
    path = _picture_path(output or default_folder(dataset))
    check_folder(path.parent)
    if bare:
        results = read_runs(truth, predicted, background, frames, videos, fps)
    else:
        results = evaluate_runs(dataset, run or ["action"], split, config, device)
    print_notes(gather_notes(results))
    shown, number = write_timeline(path, *results), len(results[0].truth)
    if shown < number:
        print_notes([f"the picture shows the first {shown} of {number} videos"])
    typer.echo(path)


def _picture_path(output: Path) -> Path:
    from handact.plots import PICTURE_SUFFIXES

    if output.suffix.lower() in PICTURE_SUFFIXES:
        return output
    if output.suffix and not output.is_dir():
        raise typer.BadParameter(f"{output}: a picture ends in {', '.join(PICTURE_SUFFIXES)}")
    return output / "timeline.png"
