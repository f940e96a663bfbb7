"""What readers of hand files give: hands that were marked in pictures, or tracked along a video.

A reader says where a tool put a hand and what it called it; `handact.formats.to_hands` finds video,
frame and side, and makes fractions of the picture of it. A box stands for its centre. Of key
points, `palm_centre` takes the mean of the visible palm.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "PALM",
    "HandOptions",
    "Key",
    "Mark",
    "MarkFile",
    "Picture",
    "Track",
    "gather_keys",
    "palm_centre",
]

PALM = (0, 5, 9, 13, 17)
"""Of 21 points of a hand: the wrist and where the fingers begin (MediaPipe, COCO-WholeBody)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOptions:
    """What a person says of a file of hands because it does not say it itself.

    Attributes:
        sides: "left" or "right" by what the file calls it.
        first_frame: The number that it gives to a video's first frame.
        fps: Frames a second in which it counts; "video": it counts the video's frames.
        offset: Seconds that the tool showed at the first frame of a video.
        video: The video that all of the file is about.
        pixels: Whether positions of a table are in pixels; None: told by their size.
        first_pixel: Number of a picture's first pixel, 0 or 1, where tools of one format differ.
        score: Detections below it are left out.
    """

    sides: dict[str, str] | None = None
    first_frame: int | None = None
    fps: float | Literal["video"] | None = None
    offset: float | None = None
    video: str | None = None
    pixels: bool | None = None
    first_pixel: int | None = None
    score: float = 0.5


@dataclass(frozen=True, slots=True)
class Mark:
    """A hand as a tool marked it in one picture.

    Attributes:
        place: Where in the file: in words, "annotation 7", or as a line of it.
        names: What may tell its side, tried in order: attributes, then the label. Empty:
            nobody said what it is, so its picture does not tell that a hand is absent.
        x: Centre, from the picture's left edge; NaN where it is marked without a place.
        y: The same from the top edge.
        by_points: Whether it was made of key points; these are preferred to a box of the same hand.
        group: Points of one side with the same group are points of one hand, and their mean counts.
    """

    place: str | int
    names: tuple[str, ...]
    x: float
    y: float
    by_points: bool = False
    group: str = ""


@dataclass(slots=True)
class Picture:
    """A picture that a tool looked at. Without a mark, both hands are absent from it.

    Attributes:
        place: Where in the file: in words, "image v1_000123.jpg", or as a line of it.
        image: Its file name, such as VIDEO_000123.jpg or VIDEO/000123.jpg; "" if `frame` or
            `seconds` is given.
        video: What the file calls the video, if `frame` or `seconds` is given.
        frame: Its number, counted as the file does.
        width: That x counts in; 1 for fractions, None for the pixels of the video.
        height: The same for y.
        marks: The hands in it.
        seconds: When it is shown, in place of a number.
    """

    place: str | int
    image: str = ""
    video: str = ""
    frame: int | None = None
    width: float | None = None
    height: float | None = None
    marks: list[Mark] = field(default_factory=list)
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A key frame of a track.

    Attributes:
        frame: Counted as the file does.
        x: Centre, as in `Mark`.
        y: The same.
        visible: Whether the hand is there from this frame on.
        alone: Whether the hand is there in this frame and not after it.
    """

    frame: float
    x: float
    y: float
    visible: bool = True
    alone: bool = False


@dataclass(slots=True)
class Track:
    """A hand along a video; between key frames it moves in straight lines.

    Attributes:
        place: Where in the file: in words, "track 3", or as a line of it.
        names: What may tell its side, as in `Mark`.
        video: What the file calls the video.
        keys: In the order of their frames.
        end: One past the last frame up to which the last key holds; None: it holds for one frame.
        width: As in `Picture`.
        height: The same.
        by_points: As in `Mark`.
        step: Every how many frames the tool showed one, counted from the first key frame; the
            frames between say nothing.
    """

    place: str | int
    names: tuple[str, ...]
    video: str
    keys: list[Key]
    end: float | None = None
    width: float | None = None
    height: float | None = None
    by_points: bool = False
    step: int = 1


@dataclass(slots=True, kw_only=True)
class MarkFile:
    """What a reader found, in the file's own way of counting.

    Attributes:
        file: The file or folder, as a person would name it.
        format: The format, in words.
        rule: How boxes and points became one position, in words.
        pictures: Those the file says something of.
        tracks: Those of its videos.
        first_frame: The number of a video's first frame; None: the format leaves it open.
        fps: Frames a second that it counts in, by what it calls the video, where that is not sure
            to be the video's.
        labels: Names that the file lists as its vocabulary, used or not.
        sided: Whether its names are "left" and "right" and nothing else, by the format.
        stem: Name of the file itself, where it is about one video and calls that otherwise.
        rows: How many rows (or annotations, shapes, ...) were read.
        dropped: What was left out: row, reason.
        notes: Further things a person should know, each one sentence.
    """

    file: str
    format: str
    rule: str = "centres of boxes"
    pictures: list[Picture] = field(default_factory=list)
    tracks: list[Track] = field(default_factory=list)
    first_frame: int | None = None
    fps: dict[str, float] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    sided: bool = False
    stem: str | None = None
    rows: int = 0
    dropped: list[tuple[int | None, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def drop(self, row: int | None, reason: str) -> None:
        """Note that something was left out."""
        self.dropped.append((row, reason))


def gather_keys(tracks: Iterable[Track]) -> list[Picture]:
    """Return the key frames of tracks as pictures, where every frame that counts is one."""
    pictures: dict[tuple[str, float], Picture] = {}
    for track in tracks:
        for key in filter(lambda key: key.visible, track.keys):
            place = f"frame {key.frame:g}"
            empty = Picture(place, "", track.video, int(key.frame), track.width, track.height)
            mark = Mark(f"{track.place}, {place}", track.names, key.x, key.y, track.by_points)
            pictures.setdefault((track.video, key.frame), empty).marks.append(mark)
    return list(pictures.values())


def palm_centre(points: Sequence[tuple[float, float] | None]) -> tuple[float, float] | None:
    """Return the mean of the visible points; of 21 points of a hand, that of the visible palm.

    Args:
        points: Positions; None where a point is not visible or not labelled.

    Returns:
        None where no point is visible.
    """
    seen = [point for point in points if point is not None]
    if len(points) == 21:
        seen = [points[i] for i in PALM if points[i] is not None] or seen
    if not seen:
        return None
    return sum(x for x, _ in seen) / len(seen), sum(y for _, y in seen) / len(seen)
