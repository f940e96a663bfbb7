"""What reports are about, as options (a run of a dataset, or bare tables), and what they wrote."""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from handact.cli.console import print_note, progress

if TYPE_CHECKING:
    from handact.results import Clips, Sequences

__all__ = [
    "BackgroundOption",
    "FpsOption",
    "FramesOption",
    "HtmlOption",
    "OutputOption",
    "PredictedOption",
    "SegmentConfigOption",
    "SplitOption",
    "TruthOption",
    "VideosOption",
    "choose_folder",
    "default_folder",
    "evaluate_clips",
    "evaluate_runs",
    "evaluate_sequences",
    "is_bare",
    "name_files",
    "print_notes",
    "read_runs",
    "read_sequences",
    "refuse_dataset",
    "write_page",
]

TruthOption = Annotated[
    Path | None,
    typer.Option("--truth", metavar="FILE", help="Table of the truth, in place of a dataset."),
]
PredictedOption = Annotated[
    Path | None,
    typer.Option("--predicted", metavar="FILE", help="Table of the prediction, with --truth."),
]
BackgroundOption = Annotated[
    str, typer.Option("--background", metavar="NAME", help="Background class of bare tables.")
]
FramesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--frames", metavar="VIDEO=N,...", help="Frames of videos, where the last rows end before."
    ),
]
VideosOption = Annotated[
    Path | None,
    typer.Option("--videos", metavar="FILE", help="Table with the columns video,frames,fps."),
]
FpsOption = Annotated[
    float | None, typer.Option("--fps", min=0.001, help="Frames per second of bare tables.")
]
SplitOption = Annotated[
    Literal["train", "val", "test"], typer.Option("--split", help="Videos to report on.")
]
SegmentConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings of `segment`, as TOML."),
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FOLDER", help="Where files go.", show_default="DATASET/report"
    ),
]
HtmlOption = Annotated[
    bool, typer.Option("--html", help="Write a page too that holds everything in one file.")
]


def is_bare(
    context: typer.Context, truth: Path | None, predicted: Path | Collection[Path] | None
) -> bool:
    """Return whether a report is about bare tables; refuse half of them, and a dataset beside."""
    if (truth is None) != (not predicted):
        raise typer.BadParameter("--truth and --predicted belong together")
    if truth is not None:
        refuse_dataset(context, several=not isinstance(predicted, Path))
    return truth is not None


def refuse_dataset(context: typer.Context, *, several: bool = False) -> None:
    """Refuse what is about a dataset beside bare tables, where nothing would heed it.

    Args:
        context: Of the command.
        several: Whether several tables may be given, which the shell makes of `*.csv`.
    """
    about = {"dataset": "a DATASET", "run": "--run", "split": "--split", "config": "--config"}
    for name, what in about.items():
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            place = f"{context.params[name]}: " if name == "dataset" else ""
            tables = "--predicted" if "predicted" in context.params else "--truth"
            again = "; --predicted must be repeated for each table" if several and place else ""
            raise typer.BadParameter(f"{place}{what} and {tables} exclude each other{again}")


def choose_folder(output: Path | None, dataset: Path | None, html: bool = False) -> Path | None:
    """Return where files go, None for nowhere; what cannot be written shows before the work.

    Args:
        output: What the person said.
        dataset: None for bare tables.
        html: Whether there is to be a page.
    """
    from handact.report import check_folder

    if output is None and dataset is not None:
        output = default_folder(dataset)
    if output is not None:
        check_folder(output)
    elif html:
        raise typer.BadParameter("--html of bare tables needs -o FOLDER, a place for the page")
    return output


def default_folder(dataset: Path) -> Path:
    from handact.dataset import find_dataset_root

    find_dataset_root(dataset)  # else the complaint would be about the folder for the report
    return dataset / "report"


def read_sequences(
    truth: Path,
    predicted: Path,
    background: str,
    frames: list[str] | None,
    videos: Path | None,
    fps: float | None,
) -> "Sequences":
    from handact import report

    result = report.read_sequences(
        truth,
        predicted,
        background=background,
        frames=_parse_frames(frames or []),
        videos=videos,
        fps=fps,
    )
    print_notes(result.notes)
    return result


def read_runs(
    truth: Path,
    predicted: list[Path],
    background: str,
    frames: list[str] | None,
    videos: Path | None,
    fps: float | None,
    *,
    same_videos: bool = False,
) -> "list[Sequences]":
    from handact import report

    return report.read_runs(
        truth,
        predicted,
        same_videos=same_videos,
        background=background,
        frames=_parse_frames(frames or []),
        videos=videos,
        fps=fps,
    )


def _parse_frames(values: Iterable[str]) -> dict[str, int]:
    frames = {}
    for value in values:
        for item in filter(None, value.split(",")):
            video, _, number = item.rpartition("=")
            if not (video and number.isdecimal() and int(number)):
                raise typer.BadParameter(f"--frames takes VIDEO=N,..., not {item!r}")
            frames[video.strip()] = int(number)
    return frames


def evaluate_sequences(
    dataset: Path, run: str, split: str, config: Path | None, device: str
) -> "Sequences":
    from handact.config import SegmentConfig, read_config
    from handact.evaluation import evaluate_sequences

    settings = read_config(SegmentConfig, config)
    with progress("segmenting", "frames") as on_progress:
        return evaluate_sequences(
            dataset, run=run, split=split, device=device, config=settings, on_progress=on_progress
        )


def evaluate_runs(
    dataset: Path, runs: Iterable[str], split: str, config: Path | None, device: str
) -> "list[Sequences]":
    from handact import report

    runs = list(runs)
    report.check_runs(dataset, runs)
    return [evaluate_sequences(dataset, run, split, config, device) for run in runs]


def evaluate_clips(dataset: Path, run: str, split: str, device: str) -> "Clips":
    from handact.evaluation import evaluate_clips

    with progress(f"trimmed segments, {run}") as on_progress:
        return evaluate_clips(dataset, run=run, split=split, device=device, on_progress=on_progress)


def write_page(
    write: Callable[..., tuple[Path, tuple[str, ...]]],
    folder: Path,
    dataset: Path | None,
    *about: object,
) -> Path:
    """Write a page that shows frames of the videos, where these are known, and print its notes."""
    from handact.dataset import read_dataset

    videos = read_dataset(dataset, with_labels=False) if dataset else None
    path, notes = write(folder, *about, videos)
    print_notes(notes)
    return path


def print_notes(notes: Iterable[str]) -> None:
    for note in notes:
        print_note(f"note: {note}")


def name_files(files: Iterable[Path]) -> None:
    for file in files:
        print_note(f"wrote {file}")
