"""Tables of hand positions: one row a frame (our own columns), or one row a hand."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from handact.errors import LabelError
from handact.formats.reading import HandLabels, VideoNames
from handact.formats.tables import parse_hands
from handact.formats.text import Problem, parse_numbers, raise_problem, read_table, show_path
from handact.formats.videos import Video
from handact.labels import HAND_COLUMNS

__all__ = ["read_hand_table"]

_LONG_COLUMNS = ("video", "frame", "side", "x", "y")
_SIDES = {"left": "left", "l": "left", "right": "right", "r": "right"}
# Trackers put a hand that leaves the picture a little beyond its edge.
_EDGE = 0.02
_PRESENT = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def read_hand_table(
    path: str | Path, videos: Mapping[str, Video], *, pixels: bool = False
) -> HandLabels:
    """Read video,frame,left_x,left_y,right_x,right_y or video,frame,side[,present],x,y.

    Positions up to 2 % beyond an edge of the picture are moved onto it, and a note says so.

    Args:
        path: The table.
        videos: The dataset's videos.
        pixels: Whether positions are in pixels; they are divided by width and height.

    Raises:
        LabelError: Names file and row of the first thing wrong.
    """
    file = show_path(path)
    table = read_table(path, (), (*_LONG_COLUMNS, "present", *HAND_COLUMNS))
    is_long = "side" in table.columns
    table = read_table(path, _LONG_COLUMNS if is_long else HAND_COLUMNS, ("present",))
    labels = HandLabels(
        file=file,
        format=f"table of hands, one row a {'hand' if is_long else 'frame'}",
        units="pixels" if pixels else "fractions of width and height",
        rows=len(table),
    )
    table = _take_known(table, videos, labels)
    if is_long:
        table = _widen(table, file, labels)
    if pixels:
        table = _divide(table, file, videos)
    labels.hands = parse_hands(_clamp(table, labels), file)
    return labels


def _take_known(
    table: pd.DataFrame, videos: Mapping[str, Video], labels: HandLabels
) -> pd.DataFrame:
    names = VideoNames(videos)
    found = {text: names.find(text) for text in table["video"].unique()}
    known = table["video"].map(lambda text: found[text] is not None).astype(bool)
    for row in table.index[~known]:
        labels.drop(int(row), None, f"no video {table['video'][row]!r} in the dataset")
    table = table[known]
    return table.assign(video=[found[text] for text in table["video"]])


def _widen(table: pd.DataFrame, file: str, labels: HandLabels) -> pd.DataFrame:
    """Put the rows of one frame beside each other; a hand without a row is absent."""
    frames: dict[tuple[str, str], dict[str, str]] = {}
    rows: list[int] = []
    for row, cells in zip(table.index, table.to_dict("records"), strict=True):
        key = (cells["video"], cells["frame"])
        if key not in frames:
            frames[key] = dict(zip(HAND_COLUMNS, (*key, "", "", "", ""), strict=True))
            rows.append(int(row))
        side, x, y = _read_side(cells, int(row), file)
        if f"{side} seen" in frames[key]:
            raise LabelError(
                f"{file}:{row}: frame {key[1]} of video {key[0]!r} has two {side} hands"
            )
        frames[key] |= {f"{side} seen": "1", f"{side}_x": x, f"{side}_y": y}
    wide = pd.DataFrame(list(frames.values()), index=pd.Index(rows, dtype=np.int64), dtype=object)
    single = len(frames) * 2 - len(table)
    if single:
        labels.notes.append(f"{single} frames have a row for one hand only: the other is absent")
    return wide.reindex(columns=list(HAND_COLUMNS))


def _read_side(cells: Mapping[str, str], row: int, file: str) -> tuple[str, str, str]:
    side = _SIDES.get(cells["side"].lower().removesuffix("hand").strip(" _-"))
    if side is None:
        raise LabelError(f"{file}:{row}: side is neither left nor right: {cells['side']!r}")
    present = cells.get("present", "")
    if present and present.lower() not in _PRESENT:
        raise LabelError(f"{file}:{row}: present is neither 1 nor 0: {present!r}")
    if not present:
        return side, cells["x"], cells["y"]
    if not _PRESENT[present.lower()]:
        return side, "", ""
    if not (cells["x"] and cells["y"]):
        raise LabelError(f"{file}:{row}: the {side} hand is present, but x or y is empty")
    return side, cells["x"], cells["y"]


def _divide(table: pd.DataFrame, file: str, videos: Mapping[str, Video]) -> pd.DataFrame:
    """Turn pixels into fractions, as text again, so that one function checks both."""
    pixels = pd.DataFrame({name: parse_numbers(table, name, file) for name in HAND_COLUMNS[2:]})
    if pixels.max(axis=None) <= 1:
        raise LabelError(
            f"{file}: all positions are within 0..1: these are fractions, not pixels",
            "leave `--pixels` out",
        )
    divided = table.copy()
    for name in pixels:
        extent = "width" if name.endswith("x") else "height"
        size = table["video"].map(lambda video, extent=extent: getattr(videos[video], extent))
        fraction = pixels[name] / size
        for row in table.index[(fraction < -_EDGE) | (fraction > 1 + _EDGE)]:
            reason = f"{name} {pixels[name][row]:g} is outside the picture, {size[row]} pixels"
            raise_problem(Problem(file, int(row), table["video"][row], reason))
        divided[name] = ["" if np.isnan(value) else repr(float(value)) for value in fraction]
    return divided


def _clamp(table: pd.DataFrame, labels: HandLabels) -> pd.DataFrame:
    """Move positions a little beyond the picture onto its edge; what is no number stays."""
    clamped, moved = table.copy(), 0
    for name in HAND_COLUMNS[2:]:
        text = table[name].astype("str").str.replace(",", ".", regex=False)
        values = pd.to_numeric(text, errors="coerce")
        below, above = (values < 0) & (values >= -_EDGE), (values > 1) & (values <= 1 + _EDGE)
        clamped.loc[below, name], clamped.loc[above, name] = "0", "1"
        moved += int(below.sum() + above.sum())
    if moved:
        what = "1 coordinate" if moved == 1 else f"{moved} coordinates"
        were = "was" if moved == 1 else "were"
        labels.notes.append(f"{what} just outside the picture {were} moved to its edge")
    return clamped
