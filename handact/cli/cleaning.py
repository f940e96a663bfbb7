"""`clean`, `tune-cleaning`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from handact.cli.console import (
    ConfigOption,
    DatasetArgument,
    DeviceOption,
    JsonOption,
    RunOption,
    SetOption,
    print_json,
    print_note,
    print_table,
    progress,
)
from handact.cli.importing import count_of

if TYPE_CHECKING:
    from handact.tuning import Tried

__all__ = ["add_commands"]

_SUFFIX = ".scores.npz"


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    app.command()(clean)
    app.command()(tune_cleaning)


def clean(
    scores: Annotated[
        list[Path],
        typer.Argument(metavar="SCORES", help="NAME.scores.npz of `segment`, or a folder of them."),
    ],
    cleaning: Annotated[str | None, typer.Option(help="cutoff, viterbi, online or none.")] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder.", show_default="that of the scores"),
    ] = None,
    config: ConfigOption = None,
    set_: SetOption = None,
) -> None:
    """Clean labels again from kept scores, without the network and without the video.

    Writes NAME.segments.csv and NAME.timeline.png anew, and prints the paths of the tables. Reports
    on a dataset clean for themselves, as their --config says.
    """
    from handact.config import SegmentConfig, parse_assignments, read_config
    from handact.errors import ConfigError
    from handact.files import check_writable
    from handact.outputs import clean_scores, write_segments
    from handact.scores import read_scores

    settings = read_config(
        SegmentConfig,
        config,
        {"cleaning": cleaning, **parse_assignments(SegmentConfig, set_ or [])},
    )
    files = [file for path in scores for file in _find_scores(path)]
    places = [(output or file.parent, file.name.removesuffix(_SUFFIX)) for file in files]
    for folder, name in places:
        if places.count((folder, name)) > 1:
            raise ConfigError(
                f"two files would both be written as {folder / name}.segments.csv",
                "clean them into two folders",
            )
    for file, (folder, name) in zip(files, places, strict=True):
        kept = read_scores(file)
        check_writable(folder)
        typer.echo(write_segments(folder, name, clean_scores(kept, settings), kept))


def _find_scores(path: Path) -> list[Path]:
    """Return a file itself, and of a folder what `segment` left in it."""
    from handact.errors import ConfigError

    if not path.is_dir():
        return [path]
    files = sorted(path.glob(f"*{_SUFFIX}"))
    if not files:
        raise ConfigError(f"{path}: holds no NAME{_SUFFIX}", "`handact segment` writes them")
    return files


def tune_cleaning(
    dataset: DatasetArgument = Path("."),
    run: RunOption = "action",
    split: Annotated[
        Literal["train", "val", "test"], typer.Option(help="Videos to try on.")
    ] = "val",
    by: Annotated[
        str, typer.Option(help="edit, f1@50, frame_accuracy, or mean: of edit and F1@50.")
    ] = "mean",
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="cutoff, viterbi, online or none; may be repeated.",
            show_default="all but online",
        ),
    ] = None,
    config: ConfigOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where the choice goes, as TOML for --config.",
            show_default="DATASET/runs/RUN/cleaning.toml",
        ),
    ] = None,
    json: JsonOption = False,
    device: DeviceOption = "auto",
) -> None:
    """Choose how labels are cleaned by what it gives on the validation videos.

    The choice is written as a file of settings: `handact segment --config` takes it.
    """
    from handact.config import SegmentConfig, read_config
    from handact.dataset import find_dataset_root, run_folder
    from handact.tuning import METHODS, tune_cleaning, write_choice

    settings = read_config(SegmentConfig, config)
    with progress("segmenting", "frames") as on_progress:
        tried = tune_cleaning(
            dataset,
            settings,
            by=by,
            methods=tuple(method or METHODS),
            run=run,
            split=split,
            device=device,
            on_progress=on_progress,
        )
    best, before = tried[0], next(one for one in tried if one.config == settings)
    path = output or run_folder(find_dataset_root(dataset), run) / "cleaning.toml"
    write_choice(path, best.config)
    if json:
        print_json([{"settings": _describe(one), **one.figures} for one in tried])
    else:
        _print_tried(tried, before)
    if best.num_videos < 3:
        print_note(
            f"note: chosen on {count_of(best.num_videos, 'video')}: with so few, chance decides"
        )
    if split == "test":
        print_note("note: chosen on the test videos, whose figures are too good from now on")
    print_note(f"for `segment` and `report`: --config {path}")


def _describe(tried: "Tried") -> str:
    """Say in a few words how labels were cleaned."""
    config = tried.config
    if config.cleaning == "viterbi":
        return f"viterbi, weight {config.viterbi_weight:g}"
    if config.cleaning == "none":
        return "none"
    if config.cutoff_seconds is not None:
        return f"{config.cleaning}, {config.cutoff_seconds:g} s"
    return f"{config.cleaning}, quantile {config.cutoff_quantile:g}"


def _print_tried(tried: "list[Tried]", before: "Tried") -> None:
    from handact.report import MAIN_FIGURES

    names = ("frame accuracy", "edit", "F1@10", "F1@25", "F1@50")
    best = tried[0]
    rows = [(_describe(one), *(one.figures[c] for c in MAIN_FIGURES)) for one in tried]
    print_table(("cleaning, the best first", *names), rows)
    gains = ", ".join(
        f"{name} {best.figures[c] - before.figures[c]:+.1f}"
        for name, c in zip(names, MAIN_FIGURES, strict=True)
    )
    if best is before:
        typer.echo(f"The settings as they are, {_describe(best)}, are the best.")
    else:
        typer.echo(f"{_describe(best)} in place of {_describe(before)}: {gains}.")
