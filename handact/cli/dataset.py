"""init, check and split: the dataset folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handact.cli import importing
from handact.cli.console import (
    DatasetArgument,
    JsonOption,
    parse_share,
    print_json,
    print_note,
    print_table,
    progress,
)
from handact.cli.importing import count_of

if TYPE_CHECKING:
    from handact.dataset import Dataset, Problem, Video

__all__ = ["add_commands"]

_SHOWN_PROBLEMS = 20


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file, and `import`, to `app`."""
    app.command("init")(_init)
    importing.add_commands(app)
    app.command("check")(_check)
    app.command("split")(_split)


def _init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The dataset folder.")],
    videos: Annotated[
        list[Path], typer.Argument(metavar="VIDEO...", help="Videos, or folders of them.")
    ],
    name: Annotated[str | None, typer.Option(help="Of the dataset.", show_default="DIR")] = None,
    classes: Annotated[str, typer.Option(metavar="A,B,C", help="Names of the classes.")] = "",
    background: Annotated[
        str | None, typer.Option(help='The class "no action".', show_default="background")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(min=0.001, help="Frame rate, for folders of pictures.")
    ] = None,
    split: Annotated[str, typer.Option(help="Of the new videos: train, val or test.")] = "train",
    allow_damaged: Annotated[
        bool, typer.Option("--allow-damaged", help="Take damaged videos as far as they go.")
    ] = False,
) -> None:
    """Make a dataset folder of videos, or add videos to one.

    Each video is decoded once to count its frames and to learn their times. The videos stay where
    they are. A folder of pictures is one video.
    """
    from handact.dataset import create_dataset

    before = _known_videos(folder)
    with progress("decoding", "videos") as on_progress:
        dataset = create_dataset(
            folder,
            videos,
            name=name,
            classes=classes.split(","),
            background=background,
            fps=fps,
            split=split,
            allow_damaged=allow_damaged,
            on_progress=on_progress,
        )
    added = [video for video in dataset.videos.values() if video.name not in before]
    _note_skipped(dataset, videos, added)
    if added:
        _print_videos(dataset, added)
    print_note(f"{count_of(len(dataset.videos), 'video')} in {dataset.root}")
    if not before:
        print_note("next: `handact label hands`, `handact label actions`, or `handact import`")


def _check(
    dataset: DatasetArgument = Path("."),
    as_json: JsonOption = False,
    decode: Annotated[
        bool, typer.Option("--decode/--no-decode", help="Compare the videos with videos.csv.")
    ] = True,
) -> None:
    """Show everything that is wrong with a dataset; exit code 1 if anything is.

    Labels that are in order and look odd all the same are shown below, as things to look at.
    """
    from handact.dataset import check_dataset, read_dataset

    with progress("videos", "checked") as on_progress:
        found = check_dataset(dataset, decode=decode, on_progress=on_progress)
    errors = [p for p in found if p.level == "error"]
    warnings = [p for p in found if p.level == "warning"]
    if as_json:
        print_json({"problems": _as_rows(errors), "warnings": _as_rows(warnings)})
    else:
        _print_problems(errors, "what is wrong")
        _print_problems(warnings, "what to look at")
        if not errors:
            print(_describe(read_dataset(dataset), len(warnings)))
    if errors:
        raise typer.Exit(1)


def _split(
    dataset: DatasetArgument = Path("."),
    val: Annotated[float, typer.Option(min=0, max=1, help="Share of videos to validate on.")] = 0.1,
    test: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of videos to test on.", show_default="0.2"),
    ] = None,
    fold: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Test on the I-th of N parts instead (0 is the first), for cross-validation.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another draw.")] = 0,
    groups: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Table of the groups of videos.")
    ] = None,
    group_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Its column of groups.")
    ] = None,
    by: Annotated[str, typer.Option(help="video, or group: needs --groups.")] = "video",
) -> None:
    """Draw which videos are for training, validation and test.

    Videos of one group (a person, a place, a day) stay together. The column split of videos.csv
    is written anew; edit it by hand for a split of your own.
    """
    from handact.dataset import assign_folds, assign_splits, read_dataset, read_groups
    from handact.errors import ConfigError

    if fold is not None and test is not None:
        raise ConfigError("--fold and --test both say what to test on", "give one of them")
    part = None if fold is None else parse_share(fold, "--fold")
    test = 0.2 if test is None else test
    if part is None and val + test > 1:
        raise ConfigError(f"--val {val:g} and --test {test:g} are more than 1 together")
    if (groups is None) != (group_column is None):
        raise ConfigError("--groups and --group-column go together")
    if by not in ("video", "group"):
        hint = "`train-hands` can split by frame" if by.startswith("frame") else None
        raise ConfigError(f"--by is video or group, not {by!r}", hint)
    if by == "group" and groups is None:
        raise ConfigError("--by group needs --groups FILE --group-column NAME")
    before = read_dataset(dataset)
    group_of = {name: name for name in before.videos}
    if groups and group_column:
        group_of = read_groups(groups, group_column, before)
    if part is None:
        after = assign_splits(before, group_of, (1 - val - test, val, test), seed)
    else:
        after = assign_folds(before, group_of, part, val, seed)
    _print_splits(after, group_of)


def _known_videos(folder: Path) -> set[str]:
    from handact.dataset import read_dataset

    exists = (folder / "dataset.toml").exists()
    return set(read_dataset(folder, with_labels=False).videos) if exists else set()


def _note_skipped(dataset: "Dataset", given: list[Path], added: list["Video"]) -> None:
    from handact.dataset import find_videos

    found = find_videos(given, skipped=(dataset.runs, dataset.cache))
    skipped = len(found) - len(added)
    if skipped:
        print_note(f"{count_of(skipped, 'video')} skipped: in the dataset already")


def _print_videos(dataset: "Dataset", videos: list["Video"]) -> None:
    from handact.dataset import video_index

    rows = []
    for video in videos:
        index = video_index(dataset, video)
        lost = [index.problem()] if index.problem() else []
        size = f"{video.width}x{video.height}"
        notes = "; ".join([*lost, *index.warnings])
        rows.append(
            (video.name, video.frames, f"{video.fps:.2f}", size, f"{index.duration:.1f} s", notes)
        )
    print_table(("video", "frames", "fps", "size", "duration", "warnings"), rows)


def _as_rows(problems: list["Problem"]) -> list[dict[str, object]]:
    keys = ("file", "row", "video", "reason", "hint")
    return [{key: getattr(p, key) for key in keys} for p in problems]


def _print_problems(problems: list["Problem"], heading: str) -> None:
    if not problems:
        return
    shown: dict[str, int] = {}
    rows = []
    for p in problems:
        shown[p.file] = shown.get(p.file, 0) + 1
        if shown[p.file] <= _SHOWN_PROBLEMS:
            rows.append((p.file, p.row, p.video, p.reason))
    print_table(("file", "row", "video", heading), rows, left=4)
    for file, number in shown.items():
        if number > _SHOWN_PROBLEMS:
            print_note(f"{file}: {number - _SHOWN_PROBLEMS} more; all of them with --json")
    for hint in dict.fromkeys(p.hint for p in problems if p.hint):
        print_note(f"hint: {hint}")


def _describe(dataset: "Dataset", warnings: int) -> str:
    labelled = sum(1 for segments in dataset.actions.values() if segments)
    segments = sum(len(segments) for segments in dataset.actions.values())
    doubts = f", {count_of(warnings, 'thing')} to look at" if warnings else ""
    return (
        f"{dataset.name}: nothing wrong{doubts}. {count_of(len(dataset.videos), 'video')}, "
        f"{count_of(segments, 'segment')} in {labelled} of them, "
        f"{count_of(len(dataset.classes), 'class')}, "
        f"{count_of(len(dataset.hands), 'frame')} with hand labels"
    )


def _print_splits(dataset: "Dataset", group_of: dict[str, str]) -> None:
    rows = []
    for split in ("train", "val", "test"):
        names = [video.name for video in dataset.videos.values() if video.split == split]
        frames = sum(dataset.videos[name].frames for name in names)
        segments = sum(len(dataset.actions[name]) for name in names)
        share = f"{100 * len(names) / len(dataset.videos):.1f} %"
        groups = len({group_of[name] for name in names})
        rows.append((split, len(names), share, groups, frames, segments))
    print_table(("split", "videos", "share", "groups", "frames", "segments"), rows)
