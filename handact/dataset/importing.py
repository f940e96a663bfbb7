"""Taking labels of other tools into a dataset: read, say what was understood, check, write.

`plan_actions` and `plan_hands` read and check, and write nothing; `import_actions` and
`import_hands` put the plan into the folder.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import pandas as pd

from handact.dataset.folder import Dataset, video_index
from handact.dataset.splits import write_splits
from handact.errors import LabelError
from handact.formats.clips import read_action_table
from handact.formats.coco import read_coco_hands
from handact.formats.mstcn import read_mstcn
from handact.formats.positions import read_hand_table
from handact.formats.reading import ActionLabels, HandLabels
from handact.formats.settings import add_classes
from handact.formats.tables import ACTION_COLUMNS
from handact.formats.text import format_cell, merge_rows, raise_problem, read_table, show_path
from handact.formats.validate import Overlap, sound_actions, sound_hands
from handact.labels import HAND_COLUMNS, Segment
from handact.video import VideoIndex

__all__ = [
    "ActionFormat",
    "ActionPlan",
    "HandFormat",
    "HandPlan",
    "import_actions",
    "import_hands",
    "plan_actions",
    "plan_hands",
]

ActionFormat = Literal["auto", "csv", "clips", "mstcn"]
HandFormat = Literal["auto", "csv", "coco"]


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
    format: ActionFormat = "auto",
    action_column: str | None = None,
    overlap: Overlap = "error",
    allow_length_mismatch: bool = False,
    split: int | None = None,
) -> ActionPlan:
    """Read and check actions; nothing is written.

    Args:
        dataset: Where they are to go. Its own labels need not have been read.
        path: A table, or an MS-TCN folder.
        format: "auto" looks at the file.
        action_column: Column of the labels in a table.
        overlap: What to do about overlapping segments.
        allow_length_mismatch: For MS-TCN: take labels that are more or fewer than the frames.
        split: For MS-TCN: number of the split to take over.

    Raises:
        LabelError: Names file and row of the first thing wrong.
    """
    if format == "mstcn" or (format == "auto" and Path(path).is_dir()):
        labels = read_mstcn(
            path,
            dataset.videos,
            background=dataset.background,
            allow_length_mismatch=allow_length_mismatch,
            split=split,
        )
    else:
        labels = _read_table(dataset, path, format, action_column)
    lengths = {video.name: video.frames for video in dataset.videos.values()}
    actions = sound_actions(
        labels.segments, lengths, None, file=labels.file, report=raise_problem, overlap=overlap
    )
    _refuse_empty(labels, bool(labels.labelled))
    names = [*labels.classes, *(row.segment.action for row in labels.segments)]
    new = tuple(name for name in dict.fromkeys(names) if name not in dataset.classes)
    labels.notes += _note_capitals(dataset.classes, new)
    path = dataset.root / "actions.csv"
    there = _find_present(path, ACTION_COLUMNS, labels.labelled, _action_rows(actions))
    return ActionPlan(labels, actions, new, *there)


def plan_hands(
    dataset: Dataset,
    path: str | Path,
    *,
    format: HandFormat = "auto",
    pixels: bool = False,
    sides: Mapping[str, str] | None = None,
    first_frame: int = 0,
) -> HandPlan:
    """Read and check hand positions; nothing is written.

    Args:
        dataset: Where they are to go. Its own labels need not have been read.
        path: A table, or a COCO file.
        format: "auto" looks at the file.
        pixels: For tables: positions are in pixels.
        sides: For COCO: category name to "left" or "right".
        first_frame: For COCO: number of the first frame in the names of images.

    Raises:
        LabelError: Names file and row of the first thing wrong.
    """
    if format == "coco" or (format == "auto" and Path(path).suffix.lower() == ".json"):
        labels = read_coco_hands(path, dataset.videos, sides=sides, first_frame=first_frame)
    else:
        labels = read_hand_table(path, dataset.videos, pixels=pixels)
    lengths = {video.name: video.frames for video in dataset.videos.values()}
    hands = sound_hands(labels.hands, lengths, file=labels.file, report=raise_problem)
    _refuse_empty(labels, len(hands) > 0)
    path = dataset.root / "hands.csv"
    there = _find_present(path, HAND_COLUMNS, set(hands["video"]), _hand_rows(hands))
    return HandPlan(labels, hands, *there)


def import_actions(dataset: Dataset, plan: ActionPlan, *, replace: bool = False) -> bool:
    """Write planned actions into actions.csv, new classes into dataset.toml, splits if given.

    Returns whether actions.csv was written: it is not where all labels are there already.

    Args:
        dataset: The one of the plan.
        plan: As `plan_actions` made it.
        replace: Whether the rows of videos that have other labels already give way.

    Raises:
        LabelError: Such a video, without `replace`. Nothing was written.
    """
    path = dataset.root / "actions.csv"
    _refuse_present(path, plan.present, replace)
    if plan.new_classes:
        add_classes(dataset.root / "dataset.toml", plan.new_classes)
    rows = [row for row in _action_rows(plan.actions) if row[0] not in plan.same]
    is_new = bool(rows or plan.present)
    if is_new:
        merge_rows(path, ACTION_COLUMNS, rows, replaced=plan.present)
    if plan.labels.splits:
        write_splits(dataset, plan.labels.splits)
    return is_new


def import_hands(dataset: Dataset, plan: HandPlan, *, replace: bool = False) -> bool:
    """Write planned hand positions into hands.csv.

    Returns whether it was written: it is not where all labels are there already.

    Args:
        dataset: The one of the plan.
        plan: As `plan_hands` made it.
        replace: Whether the rows of videos that have other labels already give way.

    Raises:
        LabelError: Such a video, without `replace`. Nothing was written.
    """
    path = dataset.root / "hands.csv"
    _refuse_present(path, plan.present, replace)
    rows = [row for row in _hand_rows(plan.hands) if row[0] not in plan.same]
    is_new = bool(rows or plan.present)
    if is_new:
        merge_rows(path, HAND_COLUMNS, rows, replaced=plan.present)
    return is_new


def _read_table(
    dataset: Dataset, path: str | Path, format: ActionFormat, action_column: str | None
) -> ActionLabels:
    @cache
    def index_of(name: str) -> VideoIndex:
        return video_index(dataset, dataset.videos[name])

    if Path(path).suffix.lower() == ".json":
        raise LabelError(
            f"{show_path(path)}: actions are not read from JSON",
            "COCO files hold hands: `handact import hands FILE`",
        )
    trimmed = {"auto": None, "csv": False, "clips": True}[format]
    return read_action_table(
        path, dataset.videos, index_of, action_column=action_column, trimmed=trimmed
    )


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
    first = labels.dropped[0]
    more = f"; and so on: none of its {labels.rows} rows can be taken" if labels.rows > 1 else ""
    raise LabelError(
        f"{first}{more}",
        "names of videos must be those of videos.csv, or of the video files",
    )


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


def _refuse_present(path: Path, present: tuple[str, ...], replace: bool) -> None:
    if present and not replace:
        others = f" and {len(present) - 1} more videos" if len(present) > 1 else ""
        raise LabelError(
            f"{show_path(path)}: has other labels of {present[0]!r}{others} already",
            "`--replace` puts the new ones in their place",
        )
