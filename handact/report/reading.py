"""Truth and prediction from bare tables, with no dataset and no video."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from handact.errors import LabelError
from handact.formats.tables import ACTION_COLUMNS, parse_actions, parse_hands, tables_in
from handact.formats.text import (
    Problem,
    parse_numbers,
    parse_whole_numbers,
    read_table,
    show_path,
)
from handact.formats.validate import sound_actions
from handact.labels import HAND_COLUMNS, TRACK_COLUMNS, Segment, frames_from_segments
from handact.results import HandPairs, Sequences

__all__ = ["name_some", "note_background", "read_hand_pairs", "read_sequences"]

_SUFFIX = ".segments.csv"  # of what `segment` leaves beside a video
_MAX_FRAMES = 100_000_000  # more than a month at 30 frames per second


# ----------------------------------------------------------------------------------------- actions


def read_sequences(
    truth: str | Path,
    predicted: str | Path,
    *,
    background: str = "background",
    frames: Mapping[str, int] | None = None,
    videos: str | Path | None = None,
    fps: float | None = None,
) -> Sequences:
    """Read truth and prediction from tables of segments.

    Frames without a row are background. A video is as long as `frames` or `videos` say, otherwise
    up to the last row of both tables. The videos of the truth are counted, and those of `frames`.

    Args:
        truth: Table with the columns video, start_frame, end_frame, action.
        predicted: The same, or a folder of `*.segments.csv`, as `segment` writes them.
        background: Name of the background class; it need not occur.
        frames: Number of frames by video.
        videos: Table with the columns video, frames and perhaps fps.
        fps: Frames per second of all videos; wins over `videos`.

    Raises:
        LabelError: Names file and row of the first thing wrong: not a number, an overlap, truth
            beyond the given end, no video in common.
    """
    lengths, rates = _read_videos(videos) if videos else ({}, {})
    lengths |= frames or {}
    true = _read_segments(Path(truth), lengths)
    guessed = _read_predictions(Path(predicted))
    names = sorted(true.keys() | (frames or {}).keys())
    _check_common(names, guessed, show_path(truth), show_path(predicted))
    notes = _note_videos(names, guessed) + _note_classes(true, guessed, names, background)
    notes += _note_cut(guessed, names, lengths)
    lengths = {v: lengths.get(v) or _last_frame(true, guessed, v) for v in names}
    classes = _gather_classes((true, guessed), names, background)
    _check_lengths(lengths)

    def spell(table: Mapping[str, list[Segment]]) -> dict[str, np.ndarray]:
        return {
            v: frames_from_segments(table.get(v, ()), lengths[v], classes, background)
            for v in names
        }

    return Sequences(
        classes=classes,
        background=background,
        truth=spell(true),
        predicted=spell(guessed),
        fps=dict.fromkeys(names, fps) if fps else _complete(rates, names),
        how=f"{show_path(predicted)} against {show_path(truth)}",
        notes=tuple(notes),
    )


def _read_videos(path: str | Path) -> tuple[dict[str, int], dict[str, float]]:
    table, file = read_table(path, ("video", "frames"), ("fps",)), show_path(path)
    frames = parse_whole_numbers(table, "frames", file)
    for row, number in frames.items():
        if number <= 0:
            raise LabelError(f"{file}:{row}: frames is not above 0: {number}")
    lengths = {table["video"][row]: number for row, number in frames.items()}
    if "fps" not in table:
        return lengths, {}
    fps = parse_numbers(table, "fps", file)
    return lengths, {table["video"][row]: float(fps[row]) for row in table.index if fps[row] > 0}


def _check_lengths(lengths: Mapping[str, int]) -> None:
    for video, length in lengths.items():
        if length > _MAX_FRAMES:
            raise LabelError(
                f"video {video!r} would have {length} frames",
                "are these times in other units? start_frame and end_frame count frames",
            )


def _complete(rates: Mapping[str, float], names: Collection[str]) -> dict[str, float]:
    return {v: rates[v] for v in names} if all(v in rates for v in names) else {}


def _read_predictions(path: Path) -> dict[str, list[Segment]]:
    found: dict[str, list[Segment]] = {}
    for file in tables_in(path, f"*{_SUFFIX}"):
        for video, segments in _read_segments(file, {}).items():
            if video in found:
                raise LabelError(f"{show_path(file)}: video {video!r} is in another file already")
            found[video] = segments
    return found


def _read_segments(path: Path, lengths: Mapping[str, int]) -> dict[str, list[Segment]]:
    """Segments by video without overlap; none beyond the lengths that are given."""
    file = show_path(path)
    rows = parse_actions(read_table(path, ACTION_COLUMNS), file)
    ends: dict[str, int] = {}
    for row in rows:
        ends[row.video] = max(ends.get(row.video, 0), row.segment.end_frame)
    return sound_actions(rows, ends | dict(lengths), None, file=file, report=_refuse)


def _refuse(problem: Problem) -> None:
    hints = {"overlaps": "correct one of the two", "beyond": "correct the row or the length"}
    hint = next((h for word, h in hints.items() if word in problem.reason), problem.hint)
    raise LabelError(str(problem), hint)


def _check_common(
    names: list[str], guessed: Mapping[str, object], truth: str, predicted: str
) -> None:
    if not names:
        raise LabelError(f"{truth}: has no rows", "there is no truth to compare with")
    if guessed and not guessed.keys() & set(names):
        raise LabelError(
            f"{predicted}: has none of the videos of {truth}",
            f"the names must agree: there {name_some(names)}; here {name_some(guessed)}",
        )


def _note_videos(names: list[str], guessed: Mapping[str, object]) -> list[str]:
    missing = [v for v in names if v not in guessed]
    unknown = [v for v in guessed if v not in names]
    notes = []
    if missing:
        notes.append(f"no prediction, so counted as all background: {name_some(missing)}")
    if unknown:
        notes.append(f"no truth, so left out: {name_some(unknown)}")
    return notes


def _note_classes(
    true: Mapping[str, list[Segment]],
    guessed: Mapping[str, list[Segment]],
    names: list[str],
    background: str,
) -> list[str]:
    actions = [{s.action for v in names for s in t.get(v, ())} for t in (true, guessed)]
    unknown = sorted(actions[1] - actions[0] - {background})
    notes = [f"predicted, but never in the truth: {name_some(unknown)}"] if unknown else []
    return notes + note_background(actions[0] | actions[1], background)


def note_background(actions: Collection[str], background: str) -> list[str]:
    """Return a note where a person names a background that no row has: it may be a slip."""
    like = [name for name in actions if name.casefold() == background.casefold()]
    if background in actions or (background == "background" and not like):
        return []
    other = f", but one is {like[0]!r}" if like else ""
    return [f"no row is called {background!r}{other}: background is what no row covers"]


def _note_cut(
    guessed: Mapping[str, list[Segment]], names: list[str], lengths: Mapping[str, int]
) -> list[str]:
    late = [v for v in names if v in guessed and guessed[v][-1].end_frame > lengths.get(v, np.inf)]
    return [f"prediction cut off at the end of the video: {name_some(late)}"] if late else []


def _last_frame(
    true: Mapping[str, list[Segment]], guessed: Mapping[str, list[Segment]], video: str
) -> int:
    return max(s.end_frame for t in (true, guessed) for s in t.get(video, ()))


def _gather_classes(
    tables: Collection[Mapping[str, list[Segment]]], names: list[str], background: str
) -> tuple[str, ...]:
    actions = {s.action for table in tables for v in names for s in table.get(v, ())}
    return (background, *sorted(actions - {background}))


def name_some(names: Iterable[str], most: int = 5) -> str:
    """Return the first names in quotes, and how many more there are."""
    names = list(names)
    shown = ", ".join(repr(name) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


# ------------------------------------------------------------------------------------------- hands


def read_hand_pairs(truth: str | Path, predicted: str | Path) -> HandPairs:
    """Read true and predicted hands of the frames that the truth labels.

    Args:
        truth: Table with HAND_COLUMNS; empty cells say that a hand is absent.
        predicted: Table with TRACK_COLUMNS, or with HAND_COLUMNS (a position is a prediction).
            A frame without a row has nothing predicted.

    Raises:
        LabelError: Names file and row of the first thing wrong; no labelled frame, or no frame in
            common.
    """
    true, guessed = _read_hands(truth, inside=True), _read_hands(predicted, inside=False)
    if true.empty:
        raise LabelError(f"{show_path(truth)}: has no rows", "there is no truth to compare with")
    keys = ["video", "frame"]
    both = true.merge(guessed, on=keys, how="left", suffixes=("", "_hat"), indicator=True)
    is_unpredicted = (both["_merge"] == "left_only").to_numpy()
    if is_unpredicted.all():
        raise LabelError(
            f"{show_path(predicted)}: has none of the {len(true)} labelled frames of"
            f" {show_path(truth)}",
            f"videos there: {name_some(true['video'].unique())};"
            f" here: {name_some(guessed['video'].unique())}",
        )
    values = both[[f"{column}_hat" for column in TRACK_COLUMNS[2:]]].to_numpy(float)
    values[is_unpredicted] = 0
    return HandPairs(
        truth=both[list(TRACK_COLUMNS[2:])].to_numpy(float).reshape(-1, 2, 3),
        predicted=values.reshape(-1, 2, 3),
        frames=both[keys],
        how=f"{show_path(predicted)} against {show_path(truth)}",
        num_unpredicted=int(is_unpredicted.sum()),
        notes=_note_unpredicted(int(is_unpredicted.sum()), len(true)),
    )


def _read_hands(path: str | Path, *, inside: bool) -> pd.DataFrame:
    """TRACK_COLUMNS; P is 1 or 0 where the table has positions alone."""
    table = read_table(path, HAND_COLUMNS, TRACK_COLUMNS)
    has_p = {"left_p", "right_p"} <= set(table.columns)
    columns = TRACK_COLUMNS if has_p else HAND_COLUMNS
    hands = parse_hands(table, show_path(path), columns=columns, inside=inside)
    for side in ("left", "right"):
        p = hands[f"{side}_p"] if has_p else hands[f"{side}_x"].notna().astype(float)
        hands[f"{side}_p"] = p.fillna(0.0)
    return hands[list(TRACK_COLUMNS)].sort_values(["video", "frame"], ignore_index=True)


def _note_unpredicted(number: int, total: int) -> tuple[str, ...]:
    if not number:
        return ()
    return (f"{number} of {total} labelled frames have no row of prediction: nothing predicted",)
