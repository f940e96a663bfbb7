"""Checks of labels against the videos and classes that they are about."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal

import pandas as pd

from handact.formats.tables import ActionRow
from handact.formats.text import Problem, Report
from handact.labels import Segment

__all__ = ["Overlap", "fold_name", "resolve_overlaps", "sound_actions", "sound_hands"]

Overlap = Literal["error", "first", "last"]
"""What to do about overlapping segments: complain, or let the one that starts first or last win."""


def sound_actions(
    rows: Iterable[ActionRow],
    lengths: Mapping[str, int],
    classes: Collection[str] | None,
    *,
    file: str,
    report: Report,
    overlap: Overlap = "error",
    overlap_hint: str | None = None,
) -> dict[str, list[Segment]]:
    """Return the segments that can be used, in order; report the others.

    Args:
        rows: Segments with their rows.
        lengths: Number of frames of each video there is.
        classes: The dataset's classes; None allows any.
        file: The file of the rows, for messages.
        report: Called with each problem.
        overlap: What to do about overlaps.
        overlap_hint: What a person may do about one; None: a dataset's own table is meant.
    """
    sound: dict[str, list[ActionRow]] = {}
    for row in rows:
        problem = _find_action_problem(row, lengths, classes, file)
        if problem:
            report(problem)
        else:
            sound.setdefault(row.video, []).append(row)
    if overlap == "error":
        for problem in _find_overlaps(sound, file):
            report(replace(problem, hint=overlap_hint) if overlap_hint else problem)
    return {
        video: resolve_overlaps([row.segment for row in sound[video]], overlap)
        for video in sorted(sound)
    }


def sound_hands(
    hands: pd.DataFrame, lengths: Mapping[str, int], *, file: str, report: Report
) -> pd.DataFrame:
    """Return the rows that can be used, ordered by video and frame; report the others.

    Args:
        hands: HAND_COLUMNS, the index holding rows of the file.
        lengths: Number of frames of each video there is.
        file: The file of the rows, for messages.
        report: Called with each problem.
    """
    length = hands["video"].map(lambda video: lengths.get(video, -1)).astype("int64")
    unknown, late = length < 0, (hands["frame"] >= length) & (length >= 0)
    for row in hands.index[unknown]:
        report(_unknown_video(file, int(row), hands["video"][row]))
    for row in hands.index[late]:
        reason = (
            f"frame {hands['frame'][row]} is beyond the end of video {hands['video'][row]!r}, "
            f"which has {length[row]} frames"
        )
        report(Problem(file, int(row), hands["video"][row], reason, _late_hint(row, hands, length)))
    return hands[~(unknown | late)].sort_values(["video", "frame"], ignore_index=True)


def resolve_overlaps(segments: Iterable[Segment], overlap: Overlap) -> list[Segment]:
    """Give each frame to one segment: the one that starts first, or last.

    A segment that loses its middle falls into two. "error" leaves everything as it is.

    Returns:
        Segments in order.
    """
    ordered = sorted(segments)
    if overlap == "error":
        return ordered
    won: list[Segment] = []
    for segment in ordered if overlap == "first" else reversed(ordered):
        won.extend(_subtract(segment, won))
    return sorted(won)


def fold_name(name: str) -> str:
    """Return a class name without capitals and blanks, underscores too: for comparing.

    A blank between digits stays, since "step 1 1" is not "step 11".
    """
    name = re.sub(r"[\s_]+", " ", unicodedata.normalize("NFKC", name))
    return re.sub(r"(?<!\d) | (?!\d)", "", name).casefold()


def _subtract(segment: Segment, others: list[Segment]) -> list[Segment]:
    pieces = [(segment.start_frame, segment.end_frame)]
    for other in others:
        pieces = [
            (start, end)
            for a, b in pieces
            for start, end in ((a, min(b, other.start_frame)), (max(a, other.end_frame), b))
            if start < end
        ]
    return [Segment(start, end, segment.action) for start, end in pieces]


def _find_action_problem(
    row: ActionRow, lengths: Mapping[str, int], classes: Collection[str] | None, file: str
) -> Problem | None:
    segment, video = row.segment, row.video
    if video not in lengths:
        return _unknown_video(file, row.row, video)
    if classes is not None and segment.action not in classes:
        reason = f"unknown class {segment.action!r}"
        return Problem(file, row.row, video, reason, _class_hint(segment.action, classes))
    if segment.end_frame > lengths[video]:
        reason = (
            f"end_frame {segment.end_frame} is beyond the end of video {video!r}, "
            f"which has {lengths[video]} frames"
        )
        hint = "were the labels made with another version of the video, or another frame rate?"
        return Problem(file, row.row, video, reason, hint)
    return None


def _class_hint(unknown: str, classes: Collection[str]) -> str:
    for name in classes:
        if fold_name(name) == fold_name(unknown):
            return f"is it {name!r}? capitals and blanks count"
    return f"correct it, or add it to `classes` in dataset.toml, which has: {', '.join(classes)}"


def _unknown_video(file: str, row: int, video: str) -> Problem:
    hint = "correct the name, or add the video: `handact init DATASET VIDEO`"
    return Problem(file, row, video, f"no video {video!r} in videos.csv", hint)


def _late_hint(row: int, hands: pd.DataFrame, length: pd.Series) -> str:
    if hands["frame"][row] == length[row]:
        return "frames count from 0; are these counted from 1?"
    return "were the labels made with another version of the video, or another frame rate?"


def _find_overlaps(rows: Mapping[str, list[ActionRow]], file: str) -> Iterator[Problem]:
    for video in rows:
        ordered = sorted(rows[video], key=lambda row: row.segment)
        longest = ordered[0]
        for row in ordered[1:]:
            if row.segment.start_frame < longest.segment.end_frame:
                yield _overlap(file, video, longest, row)
            longest = max(longest, row, key=lambda r: r.segment.end_frame)


def _overlap(file: str, video: str, first: ActionRow, second: ActionRow) -> Problem:
    def name(row: ActionRow) -> str:
        return f"{row.segment.action!r} [{row.segment.start_frame}, {row.segment.end_frame})"

    reason = f"{name(second)} of video {video!r} overlaps {name(first)} in row {first.row}"
    hint = f"correct one, or `handact import actions {file} DATASET --replace --overlap first|last`"
    return Problem(file, second.row, video, reason, hint)
