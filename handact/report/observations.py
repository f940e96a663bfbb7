"""What a time study is about: steps in seconds, predicted and manual."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from handact.errors import LabelError
from handact.formats.tables import tables_in
from handact.formats.text import parse_numbers, read_table, show_path
from handact.labels import Segment
from handact.report.reading import name_some, note_background
from handact.results import Sequences
from handact.timestudy import Step, steps_from_frames, steps_from_segments

__all__ = ["Observations", "observe_sequences", "read_observations"]

_SECONDS = ("start_seconds", "end_seconds")
_FRAMES = ("start_frame", "end_frame")
_ROUNDED = 0.0015  # seconds by which neighbours may overlap: their times are rounded


@dataclass(frozen=True)
class Observations:
    """The steps of some videos.

    Attributes:
        classes: Names of the steps that there are, background first or among them.
        background: One of them, or a name that does not occur.
        steps: By video, in order of time, without background.
        truth: Manual steps by video; None where there are none.
        spans: Seconds at which a video begins and ends; inf where its end is not known.
        edges: (N + 1,) seconds by video, at which frames begin and the last one ends; of labels of
            frames only.
        split: Name of the split; None for bare tables.
        run: Name or path of the run; None for bare tables.
        how: Where the data come from, in one sentence.
        notes: What a person should know about the data, each one sentence.
    """

    classes: tuple[str, ...]
    background: str
    steps: dict[str, list[Step]]
    truth: dict[str, list[Step]] | None = None
    spans: dict[str, tuple[float, float]] = field(default_factory=dict)
    edges: dict[str, np.ndarray] = field(default_factory=dict)
    split: str | None = None
    run: str | None = None
    how: str = ""
    notes: tuple[str, ...] = ()


def observe_sequences(result: Sequences, actions: Mapping[str, Sequence[Segment]]) -> Observations:
    """Return the steps of long videos; seconds come from their time stamps where these are known.

    Manual steps are those that a person labelled: one done three times in a row is three. Predicted
    ones come from labels of frames, where these three would be one.

    Args:
        result: Predictions.
        actions: Manual segments of its videos, in order of time.

    Raises:
        LabelError: Neither time stamps nor the rate of a video are known.
    """
    edges = {video: _edges(result, video) for video in result.predicted}
    background = result.background
    steps = {
        video: steps_from_frames(labels, result.classes, background, edges[video])
        for video, labels in result.predicted.items()
    }
    truth = {v: steps_from_segments(actions[v], background, edges[v]) for v in result.truth}
    spans = {video: (float(its[0]), float(its[-1])) for video, its in edges.items()}
    return Observations(
        classes=result.classes,
        background=background,
        steps=steps,
        truth=truth,
        spans=spans,
        edges=edges,
        split=result.split,
        run=result.run,
        how=result.how,
        notes=(*result.notes, *_note_cut(steps, spans), *_note_repeats(truth)),
    )


def _note_repeats(truth: Mapping[str, Sequence[Step]]) -> list[str]:
    pairs = [pair for steps in truth.values() for pair in pairwise(steps)]
    number = sum(a.action == b.action and a.end == b.start for a, b in pairs)
    if not number:
        return []
    follow = "step follows" if number == 1 else "steps follow"
    return [
        f"{number} manual {follow} at once on another of the same name: predictions, which are"
        " labels of frames, show such steps as one"
    ]


def _edges(result: Sequences, video: str) -> np.ndarray:
    if video in result.edges:
        return result.edges[video]
    if video not in result.fps:
        raise _no_rate(f"video {video!r}")
    return np.arange(len(result.predicted[video]) + 1) / result.fps[video]


def _no_rate(what: str) -> LabelError:
    return LabelError(
        f"{what}: its rows count frames, and how many there are a second is not known",
        "say it: `--fps 30`, or `--videos videos.csv` with the columns video,fps",
    )


def _note_cut(
    steps: Mapping[str, Sequence[Step]], spans: Mapping[str, tuple[float, float]]
) -> list[str]:
    touching = sum(
        (its[0].start <= spans[v][0] + _ROUNDED) + (its[-1].end >= spans[v][1] - _ROUNDED)
        for v, its in steps.items()
        if its and v in spans
    )
    if not touching:
        return []
    what = "step touches the beginning or end of its video" if touching == 1 else (
        "steps touch the beginning or end of their video"
    )  # fmt: skip
    return [f"{touching} {what} and may be longer than was seen"]


# ------------------------------------------------------------------------------------- bare tables


@dataclass(frozen=True, slots=True)
class _Row:
    """A step, and where it was read."""

    place: str
    video: str
    step: Step


def read_observations(
    predicted: Iterable[str | Path],
    truth: str | Path | None = None,
    *,
    background: str = "background",
    videos: str | Path | None = None,
    fps: float | None = None,
) -> Observations:
    """Read steps from tables with the columns video, action, and times.

    Times are start_seconds,end_seconds where a table has them, otherwise start_frame,end_frame
    divided by the rate. Rows of background are left out.

    Args:
        predicted: Tables, or folders of `*.segments.csv`, as `segment` writes them.
        truth: Table or folder with manual steps.
        background: Name of the background class; it need not occur.
        videos: Table with the columns video, fps and perhaps frames: rates are for tables that
            count frames, and the two together say where videos end.
        fps: Frames per second of all videos; wins over `videos`.

    Raises:
        LabelError: Names file and row of the first thing wrong: not a number, an overlap, frames
            without a rate, no video in common, nothing but background.
    """
    rates, lengths = _read_videos(videos) if videos else ({}, {})
    paths = [Path(path) for path in predicted]
    files = dict.fromkeys(file for path in paths for file in tables_in(path, "*.segments.csv"))
    guessed = _read_steps(files, rates, fps)
    named = ", ".join(show_path(path) for path in paths)
    if not guessed:
        raise LabelError(f"{named}: has no rows", "there is nothing to time")
    true = None
    if truth is not None:
        true = _read_steps(tables_in(Path(truth), "*.segments.csv"), rates, fps)
        _check_common(true, guessed, show_path(truth), named)
    actions = {s.action for its in (guessed, true or {}) for steps in its.values() for s in steps}
    if actions == {background}:
        raise LabelError(
            f"{named}: has no step: every row is background {background!r}",
            "`--background NAME` says what the rows between steps are called",
        )
    steps = _leave_out(guessed, background)
    manual = None if true is None else _leave_out(true, background)
    ends = {v: lengths[v] / (fps or rates[v]) for v in lengths if fps or v in rates}
    spans = {v: (0.0, ends.get(v, np.inf)) for v in steps}
    return Observations(
        classes=(background, *sorted(actions - {background})),
        background=background,
        steps=steps,
        truth=manual,
        spans=spans,
        how=named if truth is None else f"{named} against {show_path(truth)}",
        notes=(
            *note_background(actions, background),
            *_note_videos(steps, manual),
            *_note_cut(steps, spans),
        ),
    )


def _read_videos(path: str | Path) -> tuple[dict[str, float], dict[str, float]]:
    """Return the rates and the numbers of frames of videos, of those where they are known."""
    table, file = read_table(path, ("video", "fps"), ("frames",)), show_path(path)
    return tuple(_read_above_0(table, column, file) for column in ("fps", "frames"))


def _read_above_0(table: pd.DataFrame, column: str, file: str) -> dict[str, float]:
    if column not in table:
        return {}
    numbers = parse_numbers(table, column, file)
    for row, number in numbers.items():
        if number <= 0:
            raise LabelError(f"{file}:{row}: {column} is not above 0: {number:g}")
    by_video = zip(table["video"], numbers, strict=True)
    return {video: float(number) for video, number in by_video if not np.isnan(number)}


def _read_steps(
    files: Iterable[Path], rates: Mapping[str, float], fps: float | None
) -> dict[str, list[Step]]:
    """Return the steps of each video, background included, in order and without overlap."""
    found: dict[str, list[Step]] = {}
    for path in files:
        by_video: dict[str, list[_Row]] = {}
        for row in _read_rows(path, rates, fps):
            by_video.setdefault(row.video, []).append(row)
        for video, rows in by_video.items():
            if video in found:
                raise LabelError(f"{show_path(path)}: video {video!r} is in another file already")
            rows.sort(key=lambda row: (row.step.start, row.step.end))
            _refuse_overlaps(rows)
            found[video] = [row.step for row in rows]
    return {video: found[video] for video in sorted(found)}


def _read_rows(path: Path, rates: Mapping[str, float], fps: float | None) -> list[_Row]:
    file = show_path(path)
    table = read_table(path, ("video", "action"), (*_SECONDS, *_FRAMES))
    columns = next((c for c in (_SECONDS, _FRAMES) if set(c) <= set(table.columns)), None)
    if columns is None:
        raise LabelError(
            f"{file}: has no times; its columns are: {', '.join(table.columns)}",
            f"it needs {','.join(_SECONDS)} or {','.join(_FRAMES)}",
        )
    start, end = (parse_numbers(table, column, file) for column in columns)
    rows = []
    for row in table.index:
        place, video, action = f"{file}:{row}", table["video"][row], table["action"][row]
        _check_row(place, table.loc[row], columns, start[row], end[row])
        rate = 1.0
        if columns == _FRAMES:
            rate = fps or rates.get(video)
            if rate is None:
                raise _no_rate(f"{file}: video {video!r}")
        step = Step(action, float(start[row]) / rate, float(end[row]) / rate)
        rows.append(_Row(place, video, step))
    return rows


def _check_row(
    place: str, cells: pd.Series, columns: Sequence[str], start: float, end: float
) -> None:
    for column in ("video", "action", *columns):
        if not cells[column]:
            raise LabelError(f"{place}: {column} is empty")
    if np.isnan(start) or np.isnan(end):
        raise LabelError(f"{place}: {columns[0]} or {columns[1]} is not a number")
    if start < 0:
        raise LabelError(f"{place}: {columns[0]} is negative: {start:g}")
    if end <= start:
        raise LabelError(f"{place}: {columns[1]} {end:g} is not after {columns[0]} {start:g}")


def _refuse_overlaps(rows: Sequence[_Row]) -> None:
    longest = rows[0]
    for row in rows[1:]:
        if row.step.start < longest.step.end - _ROUNDED:
            raise LabelError(
                f"{row.place}: {row.step.action!r} from {row.step.start:g} s of video"
                f" {row.video!r} overlaps {longest.step.action!r} ({longest.place}), which ends at"
                f" {longest.step.end:g} s",
                "correct one of the two",
            )
        longest = max(longest, row, key=lambda r: r.step.end)


def _leave_out(steps: Mapping[str, Sequence[Step]], background: str) -> dict[str, list[Step]]:
    return {video: [s for s in its if s.action != background] for video, its in steps.items()}


def _check_common(
    true: Mapping[str, object], guessed: Mapping[str, object], truth: str, predicted: str
) -> None:
    if not true.keys() & guessed.keys():
        raise LabelError(
            f"{predicted}: has none of the videos of {truth}",
            f"the names must agree: there {name_some(true)}; here {name_some(guessed)}",
        )


def _note_videos(steps: Mapping[str, object], truth: Mapping[str, object] | None) -> list[str]:
    if truth is None:
        return []
    notes = []
    if missing := [video for video in truth if video not in steps]:
        notes.append(f"no prediction, so left out of the agreement: {name_some(missing)}")
    if unknown := [video for video in steps if video not in truth]:
        notes.append(f"no truth, so left out of the agreement: {name_some(unknown)}")
    return notes
