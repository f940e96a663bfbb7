"""Our own label tables: actions, hands and hand tracks, read and written.

How a file becomes a table of text is in `handact.formats.text`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from handact.errors import LabelError
from handact.formats.text import (
    Problem,
    Report,
    parse_numbers,
    parse_whole_numbers,
    raise_problem,
    read_table,
    show_path,
    write_table,
)
from handact.labels import HAND_COLUMNS, TRACK_COLUMNS, Segment

__all__ = [
    "ACTION_COLUMNS",
    "ActionRow",
    "parse_actions",
    "parse_hands",
    "read_actions",
    "read_hands",
    "read_table",
    "read_tracks",
    "tables_in",
    "write_actions",
    "write_hands",
    "write_table",
]

ACTION_COLUMNS = ("video", "start_frame", "end_frame", "action")


@dataclass(frozen=True, slots=True)
class ActionRow:
    """A segment, and the row of the file that it stands in."""

    row: int
    video: str
    segment: Segment


def read_actions(path: str | Path) -> dict[str, list[Segment]]:
    """Read a table of segments: video, start_frame, end_frame, action; other columns are ignored.

    Returns:
        The segments of each video, both in order. They may overlap.

    Raises:
        LabelError: Names file and row of the first thing wrong.
    """
    actions: dict[str, list[Segment]] = {}
    for row in parse_actions(read_table(path, ACTION_COLUMNS), show_path(path)):
        actions.setdefault(row.video, []).append(row.segment)
    return {video: sorted(actions[video]) for video in sorted(actions)}


def read_hands(path: str | Path) -> pd.DataFrame:
    """Read hand positions: video, frame, left_x, left_y, right_x, right_y.

    Returns:
        The columns HAND_COLUMNS: frame int64, positions float64 in 0..1 of width and height, NaN
        where the hand is absent; sorted by video and frame.

    Raises:
        LabelError: Names file and row of the first thing wrong: not a number, one of x and y
            missing, pixels, a frame twice.
    """
    hands = parse_hands(read_table(path, HAND_COLUMNS), show_path(path))
    return hands.sort_values(["video", "frame"], ignore_index=True)


def read_tracks(path: str | Path) -> pd.DataFrame:
    """Read hand tracks, the table that `align` writes: hands with left_p and right_p.

    Returns:
        The columns TRACK_COLUMNS, as `read_hands` returns them; probabilities in 0..1. Positions
        may lie outside the picture, since a network put them there.

    Raises:
        LabelError: Names file and row of the first thing wrong.
    """
    table, file = read_table(path, TRACK_COLUMNS), show_path(path)
    tracks = parse_hands(table, file, columns=TRACK_COLUMNS, inside=False)
    return tracks.sort_values(["video", "frame"], ignore_index=True)


def tables_in(path: Path, pattern: str) -> list[Path]:
    """Return the file, or those of a folder that fit a pattern, in order.

    Raises:
        LabelError: A folder without any.
    """
    files = sorted(path.glob(pattern)) if path.is_dir() else [path]
    if not files:
        raise LabelError(f"{show_path(path)}: no {pattern} in this folder")
    return files


def parse_actions(
    table: pd.DataFrame, file: str, report: Report = raise_problem
) -> list[ActionRow]:
    """Turn a table of text with ACTION_COLUMNS into segments; rows with a problem are left out."""
    start = parse_whole_numbers(table, "start_frame", file, report)
    end = parse_whole_numbers(table, "end_frame", file, report)
    rows = []
    for row, video, action in zip(table.index, table["video"], table["action"], strict=True):
        if start[row] is None or end[row] is None:
            continue
        try:
            segment = Segment(start[row], end[row], action)
        except LabelError as error:
            report(Problem(file, int(row), video, error.message))
            continue
        if not (video and action):
            report(Problem(file, int(row), video, f"{'action' if video else 'video'} is empty"))
            continue
        rows.append(ActionRow(int(row), video, segment))
    return rows


def parse_hands(
    table: pd.DataFrame,
    file: str,
    report: Report = raise_problem,
    *,
    columns: Sequence[str] = HAND_COLUMNS,
    inside: bool = True,
) -> pd.DataFrame:
    """Turn a table of text into hand positions; rows with a problem are left out.

    Args:
        table: As `read_table` gives it, with `columns`.
        file: Its name, for messages.
        report: Called with each problem.
        columns: HAND_COLUMNS or TRACK_COLUMNS.
        inside: Whether positions outside 0..1 are a problem; pixels always are one.

    Returns:
        `columns` with numbers as numbers; the index holds the rows of the file.
    """
    found: list[Problem] = []
    frames = parse_whole_numbers(table, "frame", file, found.append)
    hands = pd.DataFrame({"video": table["video"]}, index=table.index)
    hands["frame"] = pd.Series(
        [frames[row] or 0 for row in table.index], table.index, dtype="int64"
    )
    for column in columns[2:]:
        hands[column] = parse_numbers(table, column, file, found.append)
    for column in {"left_p", "right_p"} & set(columns):
        for row in table.index[table[column] == ""]:
            found.append(Problem(file, int(row), table["video"][row], f"{column} is empty"))
    readable = hands.drop(index=[p.row for p in found])
    found += _find_bad_hands(readable, columns, file, inside=inside)
    for problem in sorted(found, key=lambda p: p.row or 0):
        report(problem)
    return hands.drop(index=[p.row for p in found]).loc[:, list(columns)]


def write_actions(path: str | Path, actions: Mapping[str, Iterable[Segment]]) -> None:
    """Write segments as a table, ordered by video and time."""
    rows = (
        (video, segment.start_frame, segment.end_frame, segment.action)
        for video in sorted(actions)
        for segment in sorted(actions[video])
    )
    write_table(path, ACTION_COLUMNS, rows)


def write_hands(path: str | Path, hands: pd.DataFrame) -> None:
    """Write hand positions or tracks, ordered by video and frame, with all their columns."""
    ordered = hands.sort_values(["video", "frame"], kind="stable")
    write_table(path, list(hands.columns), ordered.itertuples(index=False, name=None))


def _find_bad_hands(
    hands: pd.DataFrame, columns: Sequence[str], file: str, *, inside: bool
) -> list[Problem]:
    found = []

    def add(mask: pd.Series, reason: str, hint: str | None = None) -> None:
        for row in hands.index[mask]:
            text = reason.format(**hands.loc[row])
            found.append(Problem(file, int(row), hands["video"][row], text, hint))

    add(hands["video"] == "", "video is empty")
    add(hands["frame"] < 0, "frame {frame} is negative")
    for side in ("left", "right"):
        x, y = hands[f"{side}_x"], hands[f"{side}_y"]
        add(x.isna() != y.isna(), f"only one of {side}_x and {side}_y is there")
        for axis, values in (("x", x), ("y", y)):
            name = f"{side}_{axis}"
            # Beyond 1.5 no hand is just outside the picture.
            add(
                values > 1.5,
                f"{name} {{{name}:g}} looks like pixels, not like a fraction of the picture",
                "`handact import hands FILE --pixels` turns pixels into fractions",
            )
            wrong = (values < 0) | ((values > 1) & (values <= 1.5))
            add(wrong & inside, f"{name} {{{name}:g}} is outside 0..1")
        if f"{side}_p" in columns:
            p = hands[f"{side}_p"]
            add((p < 0) | (p > 1), f"{side}_p {{{side}_p:g}} is outside 0..1")
    return found + _find_doubled(hands, file)


def _find_doubled(hands: pd.DataFrame, file: str) -> list[Problem]:
    doubled = hands[hands.duplicated(["video", "frame"], keep=False)]
    found = []
    for (video, frame), rows in doubled.groupby(["video", "frame"], sort=False):
        first, *others = rows.index
        for row in others:
            reason = f"frame {frame} of video {video!r} stands in row {first} already"
            found.append(Problem(file, int(row), video, reason))
    return found
