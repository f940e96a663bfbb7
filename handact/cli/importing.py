"""import actions and import hands: labels of other tools."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handact.cli.console import DatasetArgument, print_note

if TYPE_CHECKING:
    from handact.formats.reading import ActionLabels, HandLabels

__all__ = ["add_commands", "count_of"]

_SHOWN_DROPPED = 5


class _ActionFormat(StrEnum):
    auto = "auto"
    csv = "csv"
    clips = "clips"
    mstcn = "mstcn"


class _HandFormat(StrEnum):
    auto = "auto"
    csv = "csv"
    coco = "coco"


class _Overlap(StrEnum):
    error = "error"
    first = "first"
    last = "last"


_DryRun = Annotated[bool, typer.Option("--dry-run", help="Read and check; write nothing.")]
_Replace = Annotated[
    bool, typer.Option("--replace", help="Replace the labels of videos that have some.")
]
_File = Annotated[Path, typer.Argument(metavar="FILE", help="The labels: a file, or a folder.")]


def add_commands(app: typer.Typer) -> None:
    """Add the group `import` to `app`."""
    group = typer.Typer(no_args_is_help=True, help="Take in labels of other tools.")
    group.command("actions")(_import_actions)
    group.command("hands")(_import_hands)
    app.add_typer(group, name="import")


def count_of(number: int, what: str) -> str:
    """Return `1 video`, `2 videos`, `2 classes`."""
    plural = "es" if what.endswith("s") else "s"
    return f"{number} {what}{'' if number == 1 else plural}"


def _import_actions(
    file: _File,
    dataset: DatasetArgument = Path("."),
    format: Annotated[_ActionFormat, typer.Option(help="What FILE is.")] = _ActionFormat.auto,
    action_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Column of the labels.", show_default="action, label, class, ..."
        ),
    ] = None,
    overlap: Annotated[
        _Overlap, typer.Option(help="Overlapping segments: which start wins.")
    ] = _Overlap.error,
    mstcn_split: Annotated[
        int | None, typer.Option(metavar="N", help="Take over split N of an MS-TCN folder.")
    ] = None,
    allow_length_mismatch: Annotated[
        bool,
        typer.Option(
            "--allow-length-mismatch", help="MS-TCN: take labels that are not one a frame."
        ),
    ] = False,
    replace: _Replace = False,
    dry_run: _DryRun = False,
) -> None:
    """Take in actions.

    csv: columns video,start_frame,end_frame,action, or start_seconds,end_seconds.

    clips: one row a video; columns video (or file) and action.

    mstcn: a folder with groundTruth/ in it.
    """
    from handact.dataset import import_actions, plan_actions, read_dataset

    into = read_dataset(dataset, with_labels=False)
    plan = plan_actions(
        into,
        file,
        format=format.value,
        action_column=action_column,
        overlap=overlap.value,
        allow_length_mismatch=allow_length_mismatch,
        split=mstcn_split,
    )
    segments = sum(len(found) for found in plan.actions.values())
    _say_understood(plan.labels)
    videos = count_of(len(plan.labels.labelled), "video")
    print_note(f"taken:   {count_of(segments, 'segment')} of {videos}")
    if plan.new_classes:
        print_note(
            f"new:     {count_of(len(plan.new_classes), 'class')}: {', '.join(plan.new_classes)}"
        )
    if plan.labels.splits:
        print_note(f"splits:  of {count_of(len(plan.labels.splits), 'video')}")
    if plan.same:
        print_note(f"there:   {count_of(len(plan.same), 'video')} with the same labels already")
    if dry_run:
        return _say_dry(plan.present, replace)
    is_new = import_actions(into, plan, replace=replace)
    return _say_written(into.root / "actions.csv", is_new)


def _import_hands(
    file: _File,
    dataset: DatasetArgument = Path("."),
    format: Annotated[_HandFormat, typer.Option(help="What FILE is.")] = _HandFormat.auto,
    pixels: Annotated[
        bool, typer.Option("--pixels", help="csv: positions are in pixels of the video.")
    ] = False,
    sides: Annotated[
        str, typer.Option("--map", metavar="NAME=left,...", help="COCO: categories of the hands.")
    ] = "",
    first_frame: Annotated[
        int, typer.Option(metavar="N", min=0, help="COCO: number of a video's first image.")
    ] = 0,
    replace: _Replace = False,
    dry_run: _DryRun = False,
) -> None:
    """Take in hand positions.

    csv: columns video,frame,left_x,left_y,right_x,right_y, or video,frame,side,present,x,y.

    coco: boxes or key points of images named VIDEO_000123.jpg or VIDEO/000123.jpg.
    """
    from handact.dataset import import_hands, plan_hands, read_dataset

    into = read_dataset(dataset, with_labels=False)
    plan = plan_hands(
        into,
        file,
        format=format.value,
        pixels=pixels,
        sides=_parse_sides(sides),
        first_frame=first_frame,
    )
    _say_understood(plan.labels)
    hands = plan.hands
    left, right = int(hands["left_x"].notna().sum()), int(hands["right_x"].notna().sum())
    print_note(
        f"taken:   {count_of(len(hands), 'frame')} of "
        f"{count_of(hands['video'].nunique(), 'video')}; "
        f"left hand in {left}, right hand in {right}"
    )
    if plan.same:
        print_note(f"there:   {count_of(len(plan.same), 'video')} with the same labels already")
    if dry_run:
        return _say_dry(plan.present, replace)
    is_new = import_hands(into, plan, replace=replace)
    return _say_written(into.root / "hands.csv", is_new)


def _parse_sides(text: str) -> dict[str, str]:
    from handact.errors import ConfigError

    sides = {}
    for part in filter(None, text.split(",")):
        name, _, side = part.rpartition("=")
        if not name or side.strip() not in ("left", "right"):
            raise ConfigError(f"--map is NAME=left,OTHER=right, not {text!r}")
        sides[name.strip()] = side.strip()
    return sides


def _say_understood(labels: "ActionLabels | HandLabels") -> None:
    print_note(f"{labels.file}: {labels.format}")
    print_note(f"units:   {labels.units}")
    print_note(f"read:    {count_of(labels.rows, 'row')}, {len(labels.dropped)} dropped")
    for problem in labels.dropped[:_SHOWN_DROPPED]:
        print_note(f"dropped: {problem}")
    if len(labels.dropped) > _SHOWN_DROPPED:
        print_note(f"         and {len(labels.dropped) - _SHOWN_DROPPED} more")
    for note in labels.notes:
        print_note(f"note:    {note}")


def _say_dry(present: tuple[str, ...], replace: bool) -> None:
    print_note("nothing was written (--dry-run)")
    if present and not replace:
        print_note(f"other labels of {count_of(len(present), 'video')} are there: add --replace")


def _say_written(path: Path, is_new: bool) -> None:
    from handact.formats.text import show_path

    print_note(f"written: {show_path(path)}" if is_new else "written: nothing, all of it is there")
