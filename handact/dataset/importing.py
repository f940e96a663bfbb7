"""Taking labels of other tools into a dataset: read, say what was understood, check, write.

`plan_actions` and `plan_hands` read and check, and write nothing; `import_actions` and
`import_hands` put the plan into the folder.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from handact.dataset.folder import Dataset, video_index
from handact.dataset.splits import write_splits
from handact.errors import ConfigError, LabelError
from handact.formats import actions, hands
from handact.formats.guess import Kind, guess_format
from handact.formats.intervals import ActionOptions, IntervalFile
from handact.formats.loading import list_files
from handact.formats.marks import HandOptions
from handact.formats.reading import ActionLabels, HandLabels, IndexOf
from handact.formats.settings import add_classes
from handact.formats.tables import ACTION_COLUMNS, ActionRow, parse_actions
from handact.formats.text import format_cell, merge_rows, raise_problem, read_table, show_path
from handact.formats.to_hands import place_marks
from handact.formats.to_segments import place_intervals
from handact.formats.validate import Overlap, sound_actions, sound_hands
from handact.labels import HAND_COLUMNS, Segment
from handact.video import VideoIndex

__all__ = [
    "ActionPlan",
    "HandPlan",
    "import_actions",
    "import_hands",
    "plan_actions",
    "plan_hands",
]

L = TypeVar("L", ActionLabels, HandLabels)

# What a damaged file makes a reader raise where it took a part of it for granted.
_MISREADINGS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True)
class ActionPlan:
    """Actions that can be taken into a dataset.

    Attributes:
        labels: What was understood of the file.
        actions: Segments by video.
        new_classes: Classes that the dataset does not have yet.
        present: Videos of these that have other labels in the dataset already.
        same: Videos of these that have just these labels already.
    """

    labels: ActionLabels
    actions: dict[str, list[Segment]]
    new_classes: tuple[str, ...]
    present: tuple[str, ...]
    same: tuple[str, ...]


@dataclass(frozen=True)
class HandPlan:
    """Hand positions that can be taken into a dataset.

    Attributes:
        labels: What was understood of the file.
        hands: HAND_COLUMNS, ordered by video and frame.
        present: Videos of these that have other labels in the dataset already.
        same: Videos of these that have just these labels already.
    """

    labels: HandLabels
    hands: pd.DataFrame
    present: tuple[str, ...]
    same: tuple[str, ...]


def plan_actions(
    dataset: Dataset,
    path: str | Path,
    *,
    format: str = "auto",
    overlap: Overlap = "error",
    options: ActionOptions | None = None,
) -> ActionPlan:
    """Read and check actions; nothing is written.

    Args:
        dataset: Where they are to go. Its own labels need not have been read.
        path: A file, or a folder.
        format: A key of `handact.formats.actions.FORMATS`; "auto" looks at the file.
        overlap: What to do about overlapping segments.
        options: What the person says of the file.

    Raises:
        LabelError: Names file and row of the first thing wrong.
    """
    path, options = Path(path), options or ActionOptions()
    index_of = _index_of(dataset)
    lengths = {video.name: video.frames for video in dataset.videos.values()}
    parts: list[ActionLabels] = []
    taken: dict[str, list[Segment]] = {}
    for found in _read_files(actions.FORMATS, path, format, "actions", options):
        if found.without_blanks:
            _give_back_blanks(found, dataset.classes)
        part = place_intervals(found, dataset.videos, index_of, options, dataset.background)
        new = sound_actions(
            part.segments,
            lengths,
            None,
            file=part.file,
            report=raise_problem,
            overlap=overlap,
            overlap_hint=_overlap_hint(part),
        )
        part.notes += _note_overlaps(part, new)
        _refuse_doubled(part.labelled, parts)
        taken |= new
        parts.append(part)
    labels = _merge(parts, path)
    _refuse_empty(labels, bool(labels.labelled))
    names = [*labels.classes, *(segment.action for name in taken for segment in taken[name])]
    new_classes = tuple(name for name in dict.fromkeys(names) if name not in dataset.classes)
    labels.notes += _note_capitals(dataset.classes, new_classes)
    table = dataset.root / "actions.csv"
    there = _find_present(table, ACTION_COLUMNS, labels.labelled, _action_rows(taken))
    return ActionPlan(labels, taken, new_classes, *there)


def plan_hands(
    dataset: Dataset,
    path: str | Path,
    *,
    format: str = "auto",
    options: HandOptions | None = None,
) -> HandPlan:
    """Read and check hand positions; nothing is written.

    Args:
        dataset: Where they are to go. Its own labels need not have been read.
        path: A file, or a folder.
        format: A key of `handact.formats.hands.FORMATS`; "auto" looks at the file.
        options: What the person says of the file.

    Raises:
        LabelError: Names file and row of the first thing wrong.
    """
    path, options = Path(path), options or HandOptions()
    index_of = _index_of(dataset)
    lengths = {video.name: video.frames for video in dataset.videos.values()}
    parts: list[HandLabels] = []
    for found in _read_files(hands.FORMATS, path, format, "hands", options):
        part = place_marks(found, dataset.videos, index_of, options)
        part.hands = sound_hands(part.hands, lengths, file=part.file, report=raise_problem)
        _refuse_doubled(part.labelled, parts)
        parts.append(part)
    labels = _merge(parts, path)
    labels.hands = pd.concat([part.hands for part in parts], ignore_index=True)
    labels.hands = labels.hands.sort_values(["video", "frame"], ignore_index=True)
    _refuse_empty(labels, len(labels.hands) > 0)
    table = dataset.root / "hands.csv"
    there = _find_present(table, HAND_COLUMNS, labels.labelled, _hand_rows(labels.hands))
    return HandPlan(labels, labels.hands, *there)


def import_actions(
    dataset: Dataset, plan: ActionPlan, *, replace: bool = False, add: bool = False
) -> bool:
    """Write planned actions into actions.csv, new classes into dataset.toml, splits if given.

    Returns whether actions.csv was written: it is not where all labels are there already.

    Args:
        dataset: The one of the plan.
        plan: As `plan_actions` made it.
        replace: Whether the rows of videos that have other labels already give way.
        add: Whether the new ones go beside them.

    Raises:
        LabelError: Such a video without either, or a new segment that overlaps one that is there.
            Nothing was written.
    """
    path = dataset.root / "actions.csv"
    _refuse_present(path, plan.present, replace or add)
    rows = [row for row in _action_rows(plan.actions) if row[0] not in plan.same]
    replaced = plan.present
    if add:
        rows, replaced = _new_rows(path, ACTION_COLUMNS, rows), ()
        _refuse_overlaps(path, rows)
    if plan.new_classes:
        add_classes(dataset.root / "dataset.toml", plan.new_classes)
    is_new = bool(rows or replaced)
    if is_new:
        merge_rows(path, ACTION_COLUMNS, rows, replaced=replaced)
    if plan.labels.splits:
        write_splits(dataset, plan.labels.splits)
    return is_new


def import_hands(
    dataset: Dataset, plan: HandPlan, *, replace: bool = False, add: bool = False
) -> bool:
    """Write planned hand positions into hands.csv.

    Returns whether it was written: it is not where all labels are there already.

    Args:
        dataset: The one of the plan.
        plan: As `plan_hands` made it.
        replace: Whether the rows of videos that have other labels already give way.
        add: Whether the new ones go beside them.

    Raises:
        LabelError: Such a video without either, or a frame that has other labels. Nothing was
            written.
    """
    path = dataset.root / "hands.csv"
    _refuse_present(path, plan.present, replace or add)
    rows = [row for row in _hand_rows(plan.hands) if row[0] not in plan.same]
    replaced = plan.present
    if add:
        rows, replaced = _new_rows(path, HAND_COLUMNS, rows), ()
        _refuse_frames(path, rows)
    is_new = bool(rows or replaced)
    if is_new:
        merge_rows(path, HAND_COLUMNS, rows, replaced=replaced)
    return is_new


def _read_files(
    formats: Mapping[str, Any], path: Path, format: str, kind: Kind, options: Any
) -> Iterator[Any]:
    """Give what the reader of a format finds in a file, or in each file of a folder.

    Raises:
        ConfigError: No such format.
        LabelError: Of the reader, or in place of what it stumbled over: a file that it can make
            nothing of is no mistake of the program.
    """
    name = guess_format(path, kind) if format == "auto" else format
    if name not in formats:
        raise ConfigError(f"--format {name}: is not known", f"known are: {', '.join(formats)}")
    known = formats[name]
    files = list_files(path, known.files) if known.files and path.is_dir() else [path]
    for file in files:
        try:
            yield known.read(file, options)
        except _MISREADINGS as error:
            what = f"{type(error).__name__}: {error}"
            raise LabelError(
                f"{show_path(file)}: is damaged, or no file of the format {name!r} ({what})",
                "`--format` says what it is",
            ) from error


def _give_back_blanks(found: IntervalFile, classes: Iterable[str]) -> None:
    """Call classes as the dataset does, where they are the same but for blanks."""
    own = {"_".join(name.split()): name for name in classes if " " in name}
    names = dict.fromkeys((*found.classes, *(interval.label for interval in found.intervals)))
    back = {name: own[name] for name in names if name in own and name not in classes}
    if not back:
        return
    found.classes = [back.get(name, name) for name in found.classes]
    found.intervals = [replace(i, label=back.get(i.label, i.label)) for i in found.intervals]
    said = ", ".join(f"{name} = {back[name]!r}" for name in back)
    found.notes.append(f"the format holds no blanks: {said}")


def _overlap_hint(labels: ActionLabels) -> str:
    wins = "`--overlap first|last` gives their frames to the one that starts first, or last"
    if len(labels.tiers) < 2:
        return f"correct one of them; {wins}"
    return f"`--tier NAME` takes one tier: {', '.join(labels.tiers)}; {wins}"


def _note_overlaps(labels: ActionLabels, taken: Mapping[str, Sequence[Segment]]) -> Iterator[str]:
    """Say what resolving overlaps has changed."""
    kept = {(video, segment) for video in taken for segment in taken[video]}
    changed = [row for row in labels.segments if (row.video, row.segment) not in kept]
    if changed:
        rows = ", ".join(str(row.row) for row in changed[:10])
        more = f" and {len(changed) - 10} more" if len(changed) > 10 else ""
        yield f"overlaps: cut, divided or covered as a whole are the segments of rows {rows}{more}"


def _merge(parts: list[L], path: Path) -> L:
    """Return what was understood of all files as if it were one."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    merged = replace(
        first,
        file=show_path(path),
        format=f"{first.format}, {len(parts)} files",
        units="; ".join(dict.fromkeys(part.units for part in parts)),
        rows=sum(part.rows for part in parts),
        dropped=[problem for part in parts for problem in part.dropped],
        notes=list(dict.fromkeys(note for part in parts for note in part.notes)),
        labelled=set().union(*(part.labelled for part in parts)),
    )
    if isinstance(merged, ActionLabels):
        merged.segments = [row for part in parts for row in part.segments]
        merged.classes = list(dict.fromkeys(name for part in parts for name in part.classes))
        merged.splits = {video: split for part in parts for video, split in part.splits.items()}
    return merged


def _refuse_doubled(videos: Collection[str], parts: Iterable[ActionLabels | HandLabels]) -> None:
    for part in parts:
        doubled = part.labelled & set(videos)
        if doubled:
            raise LabelError(
                f"{part.file}: has labels of {min(doubled)!r}, and so has another file",
                "import the files one after the other, the second one with `--add`",
            )


def _index_of(dataset: Dataset) -> IndexOf:
    @cache
    def index_of(name: str) -> VideoIndex:
        return video_index(dataset, dataset.videos[name])

    return index_of


def _note_capitals(classes: tuple[str, ...], new: tuple[str, ...]) -> list[str]:
    """Classes that are hardly meant as two: `Background` beside `background`."""
    known: dict[str, str] = {}
    notes = []
    for name in (*classes, *new):
        same = known.setdefault(name.casefold(), name)
        if same != name and name in new:
            notes.append(f"new class {name!r} differs from {same!r} in capitals only: two classes")
    return notes


def _refuse_empty(labels: ActionLabels | HandLabels, taken: bool) -> None:
    if taken:
        return
    if not labels.dropped:
        raise LabelError(f"{labels.file}: has no labels in it")
    unknown = next((problem for problem in labels.dropped if "no video" in problem.reason), None)
    first = unknown or labels.dropped[0]
    more = f"; and so on: none of its {labels.rows} rows can be taken" if labels.rows > 1 else ""
    hint = (
        "names of videos must be those of videos.csv, or of the video files; `--video NAME` says "
        "which one a file is about"
    )
    raise LabelError(f"{first}{more}", hint if unknown else None)


def _action_rows(actions: Mapping[str, Sequence[Segment]]) -> list[tuple[object, ...]]:
    return [
        (video, segment.start_frame, segment.end_frame, segment.action)
        for video in sorted(actions)
        for segment in actions[video]
    ]


def _hand_rows(hands: pd.DataFrame) -> list[tuple[object, ...]]:
    return list(hands[list(HAND_COLUMNS)].itertuples(index=False, name=None))


def _find_present(
    path: Path,
    columns: Sequence[str],
    videos: Collection[str],
    rows: Iterable[tuple[object, ...]],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the videos that have other labels in a table than these rows, and those with these.

    The latter makes an import that was stopped, or given twice, one that was given once.
    """
    if not path.exists():
        return (), ()
    there, new = defaultdict(set), defaultdict(set)
    for row in read_table(path, columns)[list(columns)].itertuples(index=False, name=None):
        there[row[0]].add(row)
    for row in rows:
        new[row[0]].add(tuple(format_cell(value) for value in row))
    present = sorted(there.keys() & videos)
    same = [video for video in present if there[video] == new[video]]
    return tuple(v for v in present if v not in same), tuple(same)


def _new_rows(
    path: Path, columns: Sequence[str], rows: Iterable[tuple[object, ...]]
) -> list[tuple[object, ...]]:
    """Return the rows that a table does not have yet."""
    if not path.exists():
        return list(rows)
    there = set(read_table(path, columns)[list(columns)].itertuples(index=False, name=None))
    return [row for row in rows if tuple(format_cell(value) for value in row) not in there]


def _refuse_overlaps(path: Path, rows: Iterable[tuple[object, ...]]) -> None:
    if not path.exists():
        return
    there: dict[str, list[ActionRow]] = defaultdict(list)
    for one in parse_actions(read_table(path, ACTION_COLUMNS), show_path(path)):
        there[one.video].append(one)
    # Those that are there may overlap each other: that is for `check` to say.
    for video, start, end, action in rows:
        for one in there[video]:
            if one.segment.start_frame < end and start < one.segment.end_frame:
                raise LabelError(
                    f"{show_path(path)}:{one.row}: {action!r} [{start}, {end}) of video {video!r} "
                    f"overlaps {one.segment.action!r}",
                    "correct one of them, or `--replace` all of the video",
                )


def _refuse_frames(path: Path, rows: Iterable[tuple[object, ...]]) -> None:
    if not path.exists():
        return
    table = read_table(path, HAND_COLUMNS)
    there = set(zip(table["video"], table["frame"], strict=True))
    doubled = next((row for row in rows if (row[0], str(row[1])) in there), None)
    if doubled is not None:
        raise LabelError(
            f"{show_path(path)}: frame {doubled[1]} of video {doubled[0]!r} has others already",
            "correct one of them, or `--replace` all of the video",
        )


def _refuse_present(path: Path, present: tuple[str, ...], allowed: bool) -> None:
    if present and not allowed:
        others = f" and {len(present) - 1} more videos" if len(present) > 1 else ""
        raise LabelError(
            f"{show_path(path)}: has other labels of {present[0]!r}{others} already",
            "`--replace` puts the new ones in their place, `--add` beside them",
        )
