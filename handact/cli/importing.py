"""import actions and import hands: labels of other tools."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handact.cli.console import DatasetArgument, JsonOption, print_json, print_note

if TYPE_CHECKING:
    from handact.formats.reading import ActionLabels, HandLabels

__all__ = ["add_commands", "count_of"]

_SHOWN_DROPPED = 5


class _Overlap(StrEnum):
    error = "error"
    first = "first"
    last = "last"


class _Unit(StrEnum):
    seconds = "seconds"
    frames = "frames"


class _End(StrEnum):
    included = "included"
    excluded = "excluded"


_File = Annotated[Path, typer.Argument(metavar="FILE", help="The labels: a file, or a folder.")]
_Format = Annotated[str, typer.Option(metavar="NAME", help="What FILE is: see above.")]
_Video = Annotated[
    str | None, typer.Option(metavar="NAME", help="The video that all of FILE is about.")
]
_FirstFrame = Annotated[
    int | None, typer.Option(metavar="N", min=0, help="Number of a video's first frame: 0 or 1.")
]
_Fps = Annotated[
    str | None,
    typer.Option(metavar="N", help="Frames a second that FILE counts in, or `video`: its frames."),
]
_Offset = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="What the tool shows at a video's first frame."),
]
_Replace = Annotated[
    bool, typer.Option("--replace", help="Replace the labels of videos that have some.")
]
_Add = Annotated[bool, typer.Option("--add", help="Add to the labels of videos that have some.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Read and check; write nothing.")]


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
    format: _Format = "auto",
    video: _Video = None,
    column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Column (csv), attribute (ANVIL, VIA) or control (Label Studio) of the labels.",
            show_default="action, label, class, ...",
        ),
    ] = None,
    tier: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Take one tier (ELAN), track, subject or hand alone."),
    ] = None,
    unit: Annotated[_Unit | None, typer.Option(help="Of the times.")] = None,
    fps: _Fps = None,
    first_frame: _FirstFrame = None,
    end: Annotated[
        _End | None, typer.Option(help="Whether the last frame belongs to an interval.")
    ] = None,
    offset: _Offset = None,
    overlap: Annotated[
        _Overlap, typer.Option(help="Overlapping segments: which start wins.")
    ] = _Overlap.error,
    split: Annotated[
        int | None, typer.Option(metavar="N", help="mstcn: take over the split N.")
    ] = None,
    allow_length_mismatch: Annotated[
        bool,
        typer.Option("--allow-length-mismatch", help="Take labels that are not one a frame."),
    ] = False,
    replace: _Replace = False,
    add: _Add = False,
    dry_run: _DryRun = False,
    as_json: JsonOption = False,
) -> None:
    """Take in actions.

    FILE is told by its looks, or by --format:

    \b
    csv           rows in frames, seconds, h:mm:ss or time codes
    activitynet   JSON of ActivityNet and THUMOS, as OpenTAD and MMAction2 have it
    anvil         ANVIL .anvil
    assembly101   Assembly101: coarse_labels/, or a table of fine actions
    audacity      label track of Audacity
    boris         BORIS events as CSV (tabular, aggregated, old ones), .boris project
    clips         a table with one row a trimmed video
    cvat          CVAT 1.1 XML or its ZIP: tracks as intervals, tags of pictures
    deepethogram  a row a frame, a column a behaviour; also of lightning-action
    elan          ELAN .eaf
    elan-text     ELAN tab-delimited text
    epic          EPIC-KITCHENS-100 table; --column verb
    labelstudio   Label Studio JSON and JSON-MIN: timelines; --fps, see its <Video> tag
    mstcn         MS-TCN: a folder with groundTruth/, or files of it; predictions
    srt           SubRip subtitles
    via           VIA 3: JSON project, both CSV exports
    webvtt        WebVTT subtitles

    What would shift labels is not guessed: the message names the option that settles it.
    """
    from handact.dataset import import_actions, plan_actions, read_dataset
    from handact.formats.intervals import ActionOptions

    _refuse_both(replace, add)
    into = read_dataset(dataset, with_labels=False)
    options = ActionOptions(
        unit=unit.value if unit else None,
        fps=_parse_fps(fps),
        first_frame=first_frame,
        end=end.value if end else None,
        offset=offset,
        video=video,
        column=column,
        tier=tier,
        split=split,
        allow_length_mismatch=allow_length_mismatch,
    )
    plan = plan_actions(into, file, format=format, overlap=overlap.value, options=options)
    segments = sum(len(found) for found in plan.actions.values())
    videos = count_of(len(plan.labels.labelled), "video")
    understood = _Understood(plan.labels, f"{count_of(segments, 'segment')} of {videos}")
    if plan.new_classes:
        number = count_of(len(plan.new_classes), "class")
        understood.add("new", f"{number}: {', '.join(plan.new_classes)}")
    if plan.labels.splits:
        understood.add("splits", f"of {count_of(len(plan.labels.splits), 'video')}")
    understood.add_there(plan.same, plan.present, replace or add, dry_run)
    understood.show(as_json)
    is_new = not dry_run and import_actions(into, plan, replace=replace, add=add)
    written = into.root / "actions.csv" if is_new else None
    if as_json:
        understood.print_json(written, segments=segments, new_classes=plan.new_classes)
    elif not dry_run:
        _say_written(written, segments)


def _import_hands(
    file: _File,
    dataset: DatasetArgument = Path("."),
    format: _Format = "auto",
    video: _Video = None,
    sides: Annotated[
        str,
        typer.Option("--map", metavar="NAME=left,...", help="Which labels are which hand."),
    ] = "",
    pixels: Annotated[
        bool, typer.Option("--pixels", help="csv, mediapipe: positions are in pixels.")
    ] = False,
    fps: _Fps = None,
    first_frame: _FirstFrame = None,
    offset: _Offset = None,
    first_pixel: Annotated[
        int | None, typer.Option(metavar="N", min=0, max=1, help="voc: number of the first pixel.")
    ] = None,
    score: Annotated[
        float, typer.Option(min=0, max=1, help="Detections: leave out those below.")
    ] = 0.5,
    replace: _Replace = False,
    add: _Add = False,
    dry_run: _DryRun = False,
    as_json: JsonOption = False,
) -> None:
    """Take in hand positions.

    FILE is told by its looks, or by --format:

    \b
    csv          our columns, or video,frame,side[,present],x,y
    100doh       detections of the 100DOH hand detector: CSV, JSON, arrays
    coco         COCO and COCO-WholeBody JSON
    cvat         CVAT 1.1 XML or its ZIP, for video or for images
    deeplabcut   DeepLabCut: labels or tracks, CSV or h5
    labelme      LabelMe JSON: a file, or a folder of them
    labelstudio  Label Studio JSON and JSON-MIN: pictures, or boxes along videos
    mediapipe    MediaPipe landmarks, as CSV
    via          VIA 2 (JSON, CSV), VIA 3 (JSON, CSV)
    voc          Pascal VOC XML: a file, or a folder of them
    yolo         YOLO boxes or poses: the folder with labels/ and data.yaml

    A box becomes its centre; of key points, the visible ones of the palm count. Pictures are named
    VIDEO_000123.jpg or VIDEO/000123.jpg. Left and right are found by the names of the labels, or
    said: --map "Hand L=left,Hand R=right".
    """
    from handact.dataset import import_hands, plan_hands, read_dataset
    from handact.formats.marks import HandOptions

    _refuse_both(replace, add)
    into = read_dataset(dataset, with_labels=False)
    options = HandOptions(
        sides=_parse_sides(sides) or None,
        first_frame=first_frame,
        fps=_parse_fps(fps),
        offset=offset,
        video=video,
        pixels=pixels or None,
        first_pixel=first_pixel,
        score=score,
    )
    plan = plan_hands(into, file, format=format, options=options)
    hands = plan.hands
    left, right = int(hands["left_x"].notna().sum()), int(hands["right_x"].notna().sum())
    frames = count_of(len(hands), "frame")
    videos = count_of(hands["video"].nunique(), "video")
    taken = f"{frames} of {videos}; left hand in {left}, right hand in {right}"
    understood = _Understood(plan.labels, taken)
    understood.add_there(plan.same, plan.present, replace or add, dry_run)
    understood.show(as_json)
    is_new = not dry_run and import_hands(into, plan, replace=replace, add=add)
    written = into.root / "hands.csv" if is_new else None
    if as_json:
        understood.print_json(written, frames=len(hands), left=left, right=right)
    elif not dry_run:
        _say_written(written, len(hands))


def _refuse_both(replace: bool, add: bool) -> None:
    from handact.errors import ConfigError

    if replace and add:
        raise ConfigError("--replace and --add are two ways: choose one")


def _parse_fps(text: str | None) -> float | str | None:
    from handact.errors import ConfigError

    if text in (None, "video"):
        return text
    try:
        fps = float(text)
    except ValueError:
        fps = 0.0
    if not 0 < fps < 100_000:
        raise ConfigError(f"--fps is a number of frames a second, or `video`, not {text!r}")
    return fps


def _parse_sides(text: str) -> dict[str, str]:
    from handact.errors import ConfigError

    sides = {}
    for part in filter(None, text.split(",")):
        name, _, side = part.rpartition("=")
        if not name or side.strip() not in ("left", "right"):
            raise ConfigError(f"--map is NAME=left,OTHER=right, not {text!r}")
        sides[name.strip()] = side.strip()
    return sides


class _Understood:
    """What an import says before it writes: the same for people and machines."""

    def __init__(self, labels: "ActionLabels | HandLabels", taken: str) -> None:
        self._labels = labels
        self._lines = [
            ("units", labels.units),
            ("read", f"{count_of(labels.rows, 'row')}, {len(labels.dropped)} dropped"),
        ]
        self._after = [("taken", taken)]

    def add(self, what: str, text: str) -> None:
        self._after.append((what, text))

    def add_there(
        self, same: tuple[str, ...], present: tuple[str, ...], allowed: bool, dry_run: bool
    ) -> None:
        if same:
            self.add("there", f"{count_of(len(same), 'video')} with the same labels already")
        if dry_run and present and not allowed:
            others = count_of(len(present), "video")
            self.add("there", f"other labels of {others}: --replace or --add")
        if dry_run:
            self.add("written", "nothing (--dry-run)")

    def print_json(self, written: Path | None, **figures: object) -> None:
        labels = self._labels
        print_json(
            {
                "file": labels.file,
                "format": labels.format,
                "units": labels.units,
                "rows": labels.rows,
                "videos": sorted(labels.labelled),
                **figures,
                "notes": labels.notes,
                "dropped": [{"row": p.row, "reason": p.reason} for p in labels.dropped],
                "written": str(written) if written else None,
            }
        )

    def show(self, as_json: bool) -> None:
        if as_json:
            return
        labels = self._labels
        dropped = [("dropped", str(problem)) for problem in labels.dropped[:_SHOWN_DROPPED]]
        if len(labels.dropped) > _SHOWN_DROPPED:
            dropped.append(("", f"and {len(labels.dropped) - _SHOWN_DROPPED} more"))
        notes = [("note", note) for note in labels.notes]
        print_note(f"{labels.file}: {labels.format}")
        for what, text in (*self._lines, *dropped, *notes, *self._after):
            print_note(f"{what + ':' if what else '':<9}{text}")


def _say_written(path: Path | None, taken: int) -> None:
    from handact.formats.text import show_path

    nothing = "nothing, all of it is there" if taken else "nothing"
    print_note(f"written: {show_path(path) if path else nothing}")
