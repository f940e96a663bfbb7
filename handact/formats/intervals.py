"""What readers of action files give: intervals, in the file's own way of counting.

A reader says what a file holds and how the tool that wrote it counts; `handact.formats.to_segments`
turns that into frames of the dataset's videos.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["ActionOptions", "Interval", "IntervalFile", "runs", "runs_of_labels"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionOptions:
    """What a person says of a file of actions because it does not say it itself.

    Attributes:
        unit: Of its times, where the columns leave it open.
        fps: Frames a second in which the file counts; "video": it counts the video's frames.
        first_frame: The number that it gives to a video's first frame.
        end: Whether the last frame of an interval is the one that it names, or the one before.
        offset: Seconds that the tool showed at the first frame of a video.
        video: The video that all of the file is about.
        column: What holds the labels: a column, an attribute.
        tier: The tier, track or subject to take; None: all.
        split: Number of the split to take over, where a format has several.
        allow_length_mismatch: Take labels that are more or fewer than the frames of the video.
    """

    unit: Literal["seconds", "frames"] | None = None
    fps: float | Literal["video"] | None = None
    first_frame: int | None = None
    end: Literal["included", "excluded"] | None = None
    offset: float | None = None
    video: str | None = None
    column: str | None = None
    tier: str | None = None
    split: int | None = None
    allow_length_mismatch: bool = False


@dataclass(frozen=True, slots=True)
class Interval:
    """An action as a tool wrote it down.

    Attributes:
        row: Line of the file, or number of the annotation in it, from 1.
        video: What the file calls the video: a name, a file name, a path, an address.
        start: In the unit of the file; of seconds, minus infinite for the first frame.
        end: The same; infinite for the end of the video.
        label: The action.
        tier: Tier, track, subject or hand that it belongs to, if the format has such.
    """

    row: int
    video: str
    start: float
    end: float
    label: str
    tier: str = ""


@dataclass(slots=True, kw_only=True)
class IntervalFile:
    """What a reader found, in the file's own way of counting.

    Attributes:
        file: The file or folder, as a person would name it.
        format: The format, in words.
        unit: Of the times; None: the format leaves it open.
        rate: Whose frames it counts: those of the "video"; those of its own at `fps`, by its
            "format"; or of a rate that the tool was set to, which is "unsure". "settled": time
            codes at `ActionOptions.fps`, which number the video's frames if it has that rate.
        fps: Frames a second in which it counts, where it says so; perhaps by video.
        durations: Seconds that it says its videos last; where they last otherwise, a note says so.
        first_frame: The number of a video's first frame; None: the format leaves it open.
        end_included: Whether `end` is the last frame; None: the format leaves it open.
        intervals: In the order of the file.
        listed: For formats with a label for each frame: how many each video has.
        stem: Name of the file itself, where it is about one video and calls that otherwise, or
            does not name it ("").
        prefix: What some tools put before the names of videos, and others do not.
        empty: Videos that the file is about although nothing happens in them.
        classes: Names in the order in which the file lists them, where it has such a list.
        without_blanks: Whether the format cannot hold blanks in names of classes: `_` may be one.
        splits: The split of videos, where the file has one.
        rows: How many rows (or lines, annotations, ...) were read.
        dropped: Rows that were left out: number, what the file calls the video, reason.
        notes: Further things a person should know, each one sentence.
    """

    file: str
    format: str
    unit: Literal["seconds", "frames"] | None
    rate: Literal["video", "format", "unsure", "settled"] = "video"
    fps: float | dict[str, float] | None = None
    durations: dict[str, float] = field(default_factory=dict)
    first_frame: int | None = 0
    end_included: bool | None = False
    intervals: list[Interval] = field(default_factory=list)
    listed: dict[str, int] = field(default_factory=dict)
    stem: str | None = None
    prefix: str = ""
    empty: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    without_blanks: bool = False
    splits: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    dropped: list[tuple[int | None, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def drop(self, row: int | None, reason: str) -> None:
        """Note that a row was left out."""
        self.dropped.append((row, reason))


def runs_of_labels(labels: Sequence[str], video: str) -> Iterator[Interval]:
    """Give the runs of equal labels, one label a frame, as intervals [start, end) from 0."""
    start = 0
    for i in range(1, len(labels) + 1):
        if i == len(labels) or labels[i] != labels[start]:
            yield Interval(start + 1, video, start, i, labels[start])
            start = i


def runs(frames: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Give first frame and one past the last of each run of neighbouring frames, in order."""
    start = end = None
    for frame in frames:
        if frame != end:
            if start is not None:
                yield start, end
            start = frame
        end = frame + 1
    if start is not None:
        yield start, end
