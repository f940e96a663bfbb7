"""Giving labels and predictions of a dataset to other tools."""

from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from handact.dataset.folder import Dataset, video_index
from handact.errors import ConfigError, LabelError
from handact.files import write_text
from handact.formats import actions, hands
from handact.formats.outgoing import ActionExport, HandExport
from handact.formats.stamps import late_start
from handact.formats.tables import ACTION_COLUMNS, parse_actions, parse_hands, tables_in
from handact.formats.text import parse_numbers, raise_problem, read_table, show_path
from handact.formats.validate import sound_actions, sound_hands
from handact.labels import HAND_COLUMNS, TRACK_COLUMNS, Segment, frame_edges

__all__ = ["action_export", "export_actions", "export_hands", "hand_export", "write_files"]

# As in the metric of the localiser: a hand is predicted above it.
_PRESENT = 0.5


def action_export(
    dataset: Dataset, predicted: Path | None = None, split: str | None = None
) -> ActionExport:
    """Gather what is to be written: the dataset's actions, or predictions.

    Args:
        dataset: Its videos give frames and time stamps.
        predicted: A table as `segment` writes it, or a folder of `*.segments.csv`; else the labels.
        split: Only the videos of this one.

    Raises:
        LabelError: There are none, or a prediction of a video that the dataset does not have.
    """
    found, confidence = dict(dataset.actions), None
    if predicted is not None:
        found, confidence = _read_predicted(dataset, predicted)
    videos = _choose(dataset, [name for name in dataset.videos if found.get(name)], split)
    named = {s.action for name in videos for s in found[name]}
    classes = dict.fromkeys((*dataset.classes, *sorted(named)))

    notes: list[str] = []

    @cache
    def edges(name: str) -> np.ndarray:
        index = video_index(dataset, dataset.videos[name])
        first = late_start(index, dataset.videos[name].fps)
        if first:
            notes.append(
                f"times of {name!r} count from its first frame, which has {first:.3f} s in the "
                "file: players that show that time are so much ahead"
            )
        return frame_edges(index.seconds, dataset.videos[name].fps)

    return ActionExport(
        videos={name: dataset.videos[name] for name in videos},
        actions={name: found[name] for name in videos},
        confidence=confidence,
        edges=edges,
        classes=tuple(classes),
        background=dataset.background,
        notes=notes,
    )


def hand_export(
    dataset: Dataset, predicted: Path | None = None, split: str | None = None
) -> HandExport:
    """Gather what is to be written: the dataset's hands, or tracks.

    Args:
        dataset: Its videos give the sizes of pictures.
        predicted: A table as `align` writes it, or a folder of them (runs/align); a hand is present
            where its probability is above 0.5. None: the labels.
        split: Only the videos of this one.

    Raises:
        LabelError: There are none, or a track of a video that the dataset does not have.
    """
    found = dataset.hands if predicted is None else _read_tracks(dataset, predicted)
    videos = _choose(dataset, found["video"].unique(), split)
    return HandExport(
        videos={name: dataset.videos[name] for name in videos},
        hands=found[found["video"].isin(videos)].sort_values(["video", "frame"], ignore_index=True),
    )


def export_actions(export: ActionExport, format: str) -> dict[str, str]:
    """Return the text of each file of a format by its name.

    Raises:
        ConfigError: No such format, or one that is only read.
        LabelError: The format cannot hold something.
    """
    return _writer(actions.FORMATS, format)(export)


def export_hands(export: HandExport, format: str) -> dict[str, str]:
    """Return the text of each file of a format by its name.

    Raises:
        ConfigError: No such format, or one that is only read.
        LabelError: The format cannot hold something.
    """
    return _writer(hands.FORMATS, format)(export)


def write_files(
    files: Mapping[str, str], output: Path, *, root: Path | None = None, overwrite: bool = False
) -> list[Path]:
    """Write files into a folder; a single one becomes `output` itself if that has its suffix.

    Args:
        files: Texts by name.
        output: Folder, or file.
        root: The dataset folder, into which nothing is written.
        overwrite: Whether files that are there give way.

    Raises:
        LabelError: One of them is there already, without `overwrite`, or is the dataset's own, or
            others of their kind would stand beside them. Nothing was written.
    """
    paths = {output / name: text for name, text in files.items()}
    same_suffix = {Path(name).suffix for name in files} == {output.suffix}
    if len(files) == 1 and same_suffix and not output.is_dir():
        paths = {output: next(iter(files.values()))}
    if root and any(path.absolute().parent == root.absolute() for path in paths):
        raise LabelError(
            f"{show_path(root)}: is the dataset's own folder", "`--output` names another place"
        )
    suffixes = {path.suffix for path in paths}
    others = [p for p in sorted(output.glob("*")) if p.suffix in suffixes and p not in paths]
    if others and output.is_dir():
        raise LabelError(
            f"{show_path(others[0])}: is there from another export, and would be taken for a part "
            "of this one",
            "remove it, or name an empty folder with `--output`",
        )
    there = [path for path in paths if path.exists()]
    if there and not overwrite:
        raise LabelError(
            f"{show_path(there[0])}: is there already",
            "`--overwrite` writes over it, `--output` names another place",
        )
    for path, text in paths.items():
        write_text(path, text)
    return list(paths)


def _writer(formats: Mapping[str, Any], name: str) -> Callable[[Any], dict[str, str]]:
    writers = {key: known.write for key, known in formats.items() if known.write}
    if name not in writers:
        what = "is only read" if name in formats else "is not known"
        raise ConfigError(f"--format {name}: {what}", f"written are: {', '.join(writers)}")
    return writers[name]


def _choose(dataset: Dataset, names: Collection[str], split: str | None) -> list[str]:
    kept = [n for n in dataset.videos if n in names and split in (None, dataset.videos[n].split)]
    if not kept:
        where = f" in the split {split!r}" if split else ""
        raise LabelError(f"{show_path(dataset.root)}: has nothing to export{where}")
    return kept


def _read_predicted(
    dataset: Dataset, path: Path
) -> tuple[dict[str, list[Segment]], dict[str, list[float]] | None]:
    lengths = {video.name: video.frames for video in dataset.videos.values()}
    found: dict[str, list[Segment]] = {}
    confidence: dict[str, list[float]] = {}
    for file in tables_in(path, "*.segments.csv"):
        name = show_path(file)
        table = read_table(file, ACTION_COLUMNS, ("confidence",))
        rows = parse_actions(table, name)
        segments = sound_actions(rows, lengths, None, file=name, report=raise_problem)
        _refuse_doubled(found.keys() & segments.keys(), name)
        found |= segments
        if "confidence" in table:
            sure = parse_numbers(table, "confidence", name)
            by_place = {(row.video, row.segment): float(sure[row.row]) for row in rows}
            confidence |= {v: [by_place[v, s] for s in segments[v]] for v in segments}
    return found, confidence if confidence.keys() == found.keys() else None


def _read_tracks(dataset: Dataset, path: Path) -> pd.DataFrame:
    lengths = {video.name: video.frames for video in dataset.videos.values()}
    found: list[pd.DataFrame] = []
    for file in tables_in(path, "*.csv"):
        name = show_path(file)
        tracks = parse_hands(
            read_table(file, TRACK_COLUMNS), name, columns=TRACK_COLUMNS, inside=False
        )
        for side in ("left", "right"):
            tracks.loc[~(tracks[f"{side}_p"] > _PRESENT), [f"{side}_x", f"{side}_y"]] = np.nan
        known = {video for table in found for video in table["video"].unique()}
        _refuse_doubled(known & set(tracks["video"]), name)
        found.append(sound_hands(tracks, lengths, file=name, report=raise_problem))
    positions = pd.concat(found)[list(HAND_COLUMNS)]
    positions[list(HAND_COLUMNS[2:])] = positions[list(HAND_COLUMNS[2:])].clip(0, 1)
    return positions


def _refuse_doubled(doubled: Collection[str], file: str) -> None:
    if doubled:
        raise LabelError(f"{file}: video {min(doubled)!r} is in another file already")
