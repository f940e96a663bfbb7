"""MediaPipe's 21 landmarks of a hand, as people save them: a row a hand, a frame or a landmark.

MediaPipe itself writes no file. Columns are told by their words: x0, x_0, 0_x, WRIST_x,
INDEX_FINGER_MCP_x, left_hand_x0, x_left_hand_0, hand_landmark_0_x. Positions are fractions of the
picture; z is not used. A hand is where the mean of its palm is, the landmarks 0, 5, 9, 13 and 17.
If these are empty, or all 0, it is not there.

Which hand is called Left depends on how MediaPipe was run, so that `--map` must say it: the Tasks
API means the subject's left hand, as long as the picture is not mirrored; the old Solutions API
took every picture for mirrored.

Source: https://ai.google.dev/edge/mediapipe/solutions/vision/hand_landmarker,
https://github.com/google-ai-edge/mediapipe/blob/master/docs/solutions/hands.md
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan, nan
from pathlib import Path

import numpy as np
import pandas as pd

from handact.errors import LabelError
from handact.formats.loading import parse_number
from handact.formats.marks import PALM, HandOptions, Mark, MarkFile, Picture, palm_centre
from handact.formats.reading import VIDEO_SUFFIXES
from handact.formats.text import parse_numbers, read_table, show_path
from handact.formats.to_hands import side_of_name

__all__ = ["looks_like_landmarks", "read"]

_JOINTS = ("mcp", "pip", "dip", "tip")
_NAMES_OF_POINTS = (
    "wrist", "thumb_cmc", "thumb_mcp", "thumb_ip", "thumb_tip",
    *(f"{finger}_{joint}" for finger in ("index", "middle", "ring", "pinky") for joint in _JOINTS),
)  # fmt: skip
_FILLERS = {
    "finger", "hand", "joint", "keypoint", "kp", "landmark", "landmarks", "lm", "point", "pt",
}  # fmt: skip
_SIDES = {"left": "Left", "l": "Left", "lh": "Left", "right": "Right", "r": "Right", "rh": "Right"}
_OPPOSITES = (("left", "right"), ("Left", "Right"), ("LEFT", "RIGHT"))

_HANDS = ("handedness", "hand", "side", "hand_label", "hand_type", "hand_side", "type", "label")
_NO_HANDS = ("face", "pose", "body")
_POINTS = (
    "landmark", "landmark_id", "landmark_index", "landmark_idx", "landmark_name", "point",
    "point_id", "keypoint", "joint",
)  # fmt: skip
_SCORES = ("score", "handedness_score", "hand_score", "handedness_confidence", "confidence")
_VIDEOS = ("video", "video_name", "video_id", "video_file")
_FRAMES = ("frame", "frame_id", "frame_index", "frame_idx", "frame_number", "frame_num", "frame_no")
_TIMES = {
    "timestamp_ms": 1e-3, "time_ms": 1e-3, "timestamp_s": 1, "time_s": 1, "timestamp_sec": 1,
    "time_sec": 1, "seconds": 1, "timestamp": 1e-3, "time": 1e-3,
}  # fmt: skip
_BARE_TIMES = ("timestamp", "time")
_FILES = ("image", "image_name", "image_path", "file", "filename", "file_name", "path")
_NAMES = (*_HANDS, *_POINTS, *_SCORES, *_VIDEOS, *_FRAMES, *_TIMES, *_FILES, "x", "y", "z")

_LONGEST_SECONDS = 1e7  # of a video; beyond it the time is that of a clock
_LARGEST_FRACTION = 2.0  # of a landmark outside the picture; beyond it the number is of pixels
_LARGEST_METRES = 0.2  # from the middle of a hand, where world landmarks count from, to its edge

_Column = tuple[str, int, str]
"""What a column holds: "Left" or "Right", "" where another column says it; point; x or y."""


@dataclass(frozen=True, slots=True)
class _Hand:
    """A hand that was found.

    Attributes:
        row: Line of the file.
        name: What the file calls it.
        palm: (5, 2) x and y of the landmarks `PALM`; NaN where they are empty.
    """

    row: int
    name: str
    palm: np.ndarray


def read(path: Path, options: HandOptions) -> MarkFile:
    """Read a table of landmarks; a frame without a row says nothing, a hand without one is absent.

    Args:
        path: The table.
        options: `sides` must say which hand is which; `score` leaves out hands that are less sure,
            where there is such a column; `pixels` says that positions are pixels.

    Raises:
        LabelError: Not such a table, nobody said which hand is which, positions that are no
            fractions of the picture.
    """
    file = show_path(path)
    table = read_table(path, (), _NAMES)
    found = MarkFile(
        file=file,
        format="MediaPipe landmarks",
        rule=f"the mean of the landmarks {', '.join(map(str, PALM))}",
        rows=len(table),
    )
    table, locate = _find_places(table, path)
    columns = _find_columns(table.columns, file)
    hands = _hands_of_rows(table, columns, file) if columns else _hands_of_points(table, file)
    pictures = _gather_pictures(table, locate)
    found.labels = list(dict.fromkeys(n for h in hands for n in (h.name, _other(h.name))))
    if found.labels and not options.sides:
        _refuse_sides(found)
    hands = _take_likely(hands, table, options.score, found)
    _check_units(hands, options, file)
    for hand in hands:
        x, y = _centre(hand.palm)
        pictures[hand.row].marks.append(Mark(hand.row, (hand.name,), x, y, by_points=True))
    found.pictures = list({id(picture): picture for picture in pictures.values()}.values())
    for picture in found.pictures:
        picture.width = picture.height = None if options.pixels else 1
    return found


def looks_like_landmarks(header: Sequence[str]) -> bool:
    """Whether these are the columns of such a table."""
    names = {name.strip().strip('"').lower() for name in header}
    if {"x", "y"} <= names and names & set(_POINTS):
        return True
    try:
        return bool(_find_columns(header, ""))
    except LabelError:
        return False


# ------------------------------------------------------------------------------------------ columns


def _find_columns(names: Iterable[str], file: str) -> dict[_Column, str]:
    """Return the columns of the palm of each hand that is complete; none: a row a landmark.

    Raises:
        LabelError: Two columns for one landmark.
    """
    columns: dict[_Column, str] = {}
    for name in names:
        for side, point, axis in _read_name(name):
            if (side, point, axis) in columns:
                raise LabelError(
                    f"{file}: {columns[side, point, axis]} and {name} are the same landmark"
                )
            columns[side, point, axis] = name
    if {point for _, point, _ in columns} == set(range(1, 22)):
        columns = {(side, point - 1, axis): name for (side, point, axis), name in columns.items()}
    wanted = [(point, axis) for point in PALM for axis in "xy"]
    sides = dict.fromkeys(side for side, _, _ in columns)
    whole = [side for side in sides if all((side, *rest) in columns for rest in wanted)]
    return {(side, *rest): columns[side, *rest] for side in whole for rest in wanted}


def _read_name(name: str) -> list[_Column]:
    """Return what a column holds, if all of its words are known."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", name[:100])
    words = re.findall(r"[a-z]+|[0-9]+", spaced.lower())
    axes = [word for word in words if word in ("x", "y")]
    sides = [_SIDES[word] for word in words if word in _SIDES]
    rest = [word for word in words if word not in (*_SIDES, *_FILLERS, "x", "y")]
    point = "_".join(rest)
    if len(axes) != 1 or len(sides) > 1:
        return []
    if point in _NAMES_OF_POINTS:
        number = _NAMES_OF_POINTS.index(point)
    elif point.isdecimal() and len(point) <= 2 and int(point) <= 21:
        number = int(point)
    else:
        return []
    return [(sides[0] if sides else "", number, axes[0])]


def _find_places(
    table: pd.DataFrame, path: Path
) -> tuple[pd.DataFrame, Callable[[int, Mapping[str, str]], Picture]]:
    """Return the table with a column "video", and what makes an empty picture of a row.

    Raises:
        LabelError: No column of frames, times or pictures.
    """
    file = show_path(path)
    video, frame, time, name = (
        next((column for column in wanted if column in table.columns), None)
        for wanted in (_VIDEOS, _FRAMES, _TIMES, _FILES)
    )
    if frame is None and time is None and name is None:
        raise LabelError(
            f"{file}: has no column of frames; its columns are: {', '.join(table.columns[:12])}",
            "add a column frame or timestamp_ms",
        )
    if video is None and name is not None and _holds_videos(table[name]):
        video, name = name, None
    if video is None:
        names = pd.Series(path.stem, table.index, name="video")
        table = pd.concat([table.drop(columns="video", errors="ignore"), names], axis=1)
    else:
        table = table.rename(columns={video: "video"})
    if frame is not None:
        return table, lambda row, cells: _picture_of_frame(row, cells["video"], cells[frame], file)
    if time is None:
        return table, lambda row, cells: Picture(row, cells[name])
    if time in _BARE_TIMES and not table[time].str.fullmatch(r"[0-9]*(?:[.,]0+)?").all():
        raise LabelError(
            f"{file}: does not tell whether {time} is in seconds or in milliseconds",
            f"rename the column {time} to timestamp_s or timestamp_ms",
        )

    def locate(row: int, cells: Mapping[str, str]) -> Picture:
        text = cells[time].replace(",", ".")
        # Milliseconds since 1970 are beyond any number of a label.
        is_long = len(text) > 10 and text.partition(".")[0][10:].isdecimal()
        number = inf if is_long else parse_number(text, time, f"{file}:{row}")
        seconds = number * _TIMES[time]
        if seconds > _LONGEST_SECONDS:
            raise LabelError(
                f"{file}:{row}: {time} is that of a clock, not of a video: {cells[time]}",
                "add a column frame",
            )
        return Picture(row, "", cells["video"], seconds=seconds)

    return table, locate


def _gather_pictures(
    table: pd.DataFrame, locate: Callable[[int, Mapping[str, str]], Picture]
) -> dict[int, Picture]:
    """Return the picture of each row, the same one for rows about the same frame."""
    pictures: dict[tuple[object, ...], Picture] = {}
    by_row = {}
    for row, cells in zip(table.index, table.to_dict("records"), strict=True):
        picture = locate(int(row), cells)
        key = (picture.image, picture.video, picture.frame, picture.seconds)
        by_row[int(row)] = pictures.setdefault(key, picture)
    return by_row


def _holds_videos(column: pd.Series) -> bool:
    return column.map(lambda cell: Path(cell).suffix.lower() in VIDEO_SUFFIXES).any()


def _picture_of_frame(row: int, video: str, cell: str, file: str) -> Picture:
    number = re.fullmatch(r"([0-9]{1,12})(?:[.,]0)?", cell)
    if number:
        return Picture(row, "", video, int(number[1]))
    if not re.search(r"[A-Za-z]", cell):
        raise LabelError(f"{file}:{row}: the frame is not a whole number: {cell!r}")
    return Picture(row, cell)


# -------------------------------------------------------------------------------------------- hands


def _hands_of_rows(table: pd.DataFrame, columns: Mapping[_Column, str], file: str) -> list[_Hand]:
    """Return the hands of a table with a row for each hand, or for both hands of a frame."""
    hands = []
    for side in dict.fromkeys(side for side, _, _ in columns):
        numbers = [
            parse_numbers(table, column, file).to_numpy()
            for (of, _, _), column in columns.items()
            if of == side
        ]
        palms = np.stack(numbers, axis=1).reshape(len(table), len(PALM), 2)
        names = [side] * len(table) if side else table[_hand_column(table, file)].tolist()
        hands += map(_Hand, map(int, table.index), names, palms)
    return [hand for hand in hands if _is_there(hand.palm)]


def _hands_of_points(table: pd.DataFrame, file: str) -> list[_Hand]:
    """Return the hands of a table with a row for each landmark."""
    point_column = next((c for c in _POINTS if c in table.columns), None)
    if point_column is None or not {"x", "y"} <= set(table.columns):
        raise LabelError(
            f"{file}: has no columns of the landmarks {', '.join(map(str, PALM))}; its columns "
            f"are: {', '.join(table.columns[:12])}",
            "they are called x0,y0 to x20,y20, or left_x0 and right_x0; or a row for each "
            "landmark has hand,landmark,x,y",
        )
    hand_column = _hand_column(table, file)
    # MediaPipe Holistic has landmarks of face and body as well.
    table = table[~table[hand_column].str.lower().isin(_NO_HANDS)]
    names = table[hand_column].tolist()
    points = [_number_of(cell, f"{file}:{row}") for row, cell in table[point_column].items()]
    shift = 1 if set(points) == set(range(1, 22)) else 0
    x, y = (parse_numbers(table, axis, file).to_numpy() for axis in "xy")
    where = [c for c in (*_VIDEOS, *_FRAMES, *_TIMES, *_FILES, "hand", "hand_id", "hand_index")]
    groups = [c for c in where if c in table.columns]
    open_hands: dict[tuple[str, ...], tuple[_Hand, set[int]]] = {}
    hands = []
    keys = zip(names, *(table[c] for c in groups), strict=True)
    for i, (row, key) in enumerate(zip(table.index, keys, strict=True)):
        hand, seen = open_hands.get(key, (None, set()))
        point = points[i] - shift
        if hand is None or point in seen:  # a second hand of the same name
            hand, seen = _Hand(int(row), names[i], np.full((len(PALM), 2), nan)), set()
            open_hands[key] = hand, seen
            hands.append(hand)
        seen.add(point)
        if point in PALM:
            hand.palm[PALM.index(point)] = x[i], y[i]
    return [hand for hand in hands if _is_there(hand.palm)]


def _number_of(cell: str, place: str) -> int:
    words = re.findall(r"[a-z]+|[0-9]+", cell[:100].lower())
    name = "_".join(word for word in words if word not in _FILLERS)
    if name in _NAMES_OF_POINTS:
        return _NAMES_OF_POINTS.index(name)
    if not name.isdecimal() or int(name) > 21:
        raise LabelError(f"{place}: is not one of the 21 landmarks: {cell!r}")
    return int(name)


def _hand_column(table: pd.DataFrame, file: str) -> str:
    column = next((column for column in _HANDS if column in table.columns), None)
    if column is None:
        raise LabelError(f"{file}: has no column that says which hand it is, such as handedness")
    return column


def _is_there(palm: np.ndarray) -> bool:
    """Who fills the place of a missing hand fills it with nothing, or with zeros."""
    return _centre(palm) is not None and bool((np.nan_to_num(palm) != 0).any())


def _centre(palm: np.ndarray) -> tuple[float, float] | None:
    points = [None if isnan(x + y) else (x, y) for x, y in palm.tolist()]
    return palm_centre(points)


def _take_likely(
    hands: list[_Hand], table: pd.DataFrame, score: float, found: MarkFile
) -> list[_Hand]:
    column = next((column for column in _SCORES if column in table.columns), None)
    if column is None:
        return hands
    scores = parse_numbers(table, column, found.file)
    for hand in hands:
        if scores[hand.row] < score:
            found.drop(hand.row, f"the score {scores[hand.row]:g} is below {score:g}")
    return [hand for hand in hands if not scores[hand.row] < score]


def _other(name: str) -> str:
    """Return what the other hand is called, which may not be in the table."""
    for left, right in _OPPOSITES:
        if left in name or right in name:
            return name.replace(left, right) if left in name else name.replace(right, left)
    return name


def _refuse_sides(found: MarkFile) -> None:
    """Raise the error that asks for `--map`, with the names of the file in it."""
    by_side = {side_of_name(name): name for name in found.labels}
    left, right = by_side.get("left", "NAME"), by_side.get("right", "OTHER")
    raise LabelError(
        f"{found.file}: which hand is meant by {', '.join(found.labels[:10])} depends on how "
        "MediaPipe was run",
        f'`--map "{left}=left,{right}=right"` for the Tasks API and video that is not mirrored; '
        f'`--map "{left}=right,{right}=left"` for the old Solutions API (mp.solutions), which '
        "took all pictures for mirrored",
    )


def _check_units(hands: Sequence[_Hand], options: HandOptions, file: str) -> None:
    """Refuse landmarks that are no positions in a picture, and pixels without the option."""
    if not hands:
        return
    palms = np.stack([hand.palm for hand in hands])
    if np.nanmax(np.abs(palms)) < _LARGEST_METRES and np.nanmin(palms) < 0:
        raise LabelError(
            f"{file}: its landmarks are around 0: world landmarks, in metres, are no positions in "
            "the picture",
            "save hand_landmarks, not hand_world_landmarks",
        )
    if (palms[:, 0] == 0).all():
        raise LabelError(
            f"{file}: all wrists are at 0: its landmarks are relative to the wrist",
            "save the landmarks as MediaPipe gives them",
        )
    if options.pixels:
        return
    for hand in hands:
        largest = max(_centre(hand.palm))
        if largest > _LARGEST_FRACTION:
            raise LabelError(
                f"{file}:{hand.row}: {largest:g} looks like pixels, not like a fraction of the "
                "picture",
                "`--pixels` turns pixels into fractions",
            )
