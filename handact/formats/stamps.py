"""From seconds to frames of the dataset's videos, by their time stamps."""

from collections.abc import Mapping
from math import inf

import numpy as np

from handact.errors import LabelError
from handact.formats.reading import IndexOf
from handact.formats.videos import Video
from handact.labels import frame_edges
from handact.video import VideoIndex

__all__ = ["TAIL_SECONDS", "Stamps", "counts_the_same", "late_start", "other_rate"]

# The picture ends a little before the sound in many files, and tools offer the longer of the two.
TAIL_SECONDS = 0.5
# Where tools print times with two or three decimals, a boundary may land just before its frame.
_ROUNDING_SECONDS = 0.0051


def late_start(index: VideoIndex, fps: float) -> float:
    """Return the time of a video's first frame in its file, 0 if it is within half a frame of 0."""
    first = float(index.start * index.time_base)
    return first if abs(first) > 0.5 / fps else 0.0


def counts_the_same(fps: float, video: Video) -> bool:
    """Return whether frames at a rate are those of a video to within half a frame at its end."""
    return abs(fps / video.fps - 1) * video.frames < 0.5


def other_rate(fps: float, video: Video, place: str) -> LabelError:
    """Return the error of a file that counts in another rate than a video's, nobody said whose."""
    return LabelError(
        f"{place}: counts {fps:.6g} frames a second, but video {video.name!r} has {video.fps:.6g}",
        f"say `--fps {fps:.6g}` if its frames are so long, `--fps video` if they are those of the "
        "video",
    )


class Stamps:
    """Turns seconds into frames, and remembers how far it moved the boundaries of intervals.

    A time becomes the frame that is shown then; one that is just before a frame, by no more than
    tools round, becomes that frame.

    Args:
        videos: The dataset's videos.
        index_of: Gives the index of a video.
        said: Seconds that the tool showed at the first frame of a video, if a person said so.
    """

    def __init__(
        self, videos: Mapping[str, Video], index_of: IndexOf, said: float | None = None
    ) -> None:
        self._videos = videos
        self._index_of = index_of
        self._said = said
        self._edges: dict[str, np.ndarray] = {}
        self._moved: list[float] = []

    def frames(self, start: float, end: float, video: str, place: str) -> tuple[int, int]:
        """Return first frame and one past the last of an interval, in seconds since the first.

        Raises:
            LabelError: It ends before it starts, or the video is not as long.
        """
        if end < start:
            raise LabelError(f"{place}: end {end:g} s is before start {start:g} s")
        edges = self._load(video)
        start = 0.0 if start == -inf else start
        end = float(edges[-1]) if end == inf else end
        if end > edges[-1] + TAIL_SECONDS:
            raise LabelError(
                f"{place}: end {end:g} s is beyond the end of video {video!r}, "
                f"which lasts {edges[-1]:.3f} s",
                "are these frames? Then say `--unit frames`; or was another version of the video "
                "labelled?",
            )
        # A little before the first frame is that frame: tools have a time of their own.
        if start < -TAIL_SECONDS:
            raise LabelError(f"{place}: start {start:g} s is before the first frame of {video!r}")
        placed = self._find(start, video), self._find(end, video)
        self._moved += [start - float(edges[placed[0]]), end - float(edges[placed[1]])]
        return placed

    def frame(self, seconds: float, video: str, place: str) -> int:
        """Return the frame that is shown at a time, in seconds since the first.

        Raises:
            LabelError: The video is not as long.
        """
        edges = self._load(video)
        if not -TAIL_SECONDS <= seconds <= edges[-1] + TAIL_SECONDS:
            raise LabelError(
                f"{place}: {seconds:g} s is not within video {video!r}, "
                f"which lasts {edges[-1]:.3f} s",
                "was another version of the video labelled?",
            )
        return min(self._find(seconds, video), len(edges) - 2)

    def offset(self, video: str, place: str) -> float:
        """Return what the tool showed at the first frame: what was said, or 0.

        Raises:
            LabelError: Nothing was said, and the first frame has another time in its file.
        """
        if self._said is not None:
            return self._said
        first = late_start(self._index_of(video), self._videos[video].fps)
        if first:
            raise LabelError(
                f"{place}: the first frame of video {video!r} has the time {first:.3f} s in its "
                "file: some tools count from there, others from the frame",
                f"`--offset 0` if the tool shows 0 at the first frame, `--offset {first:.3f}` if "
                "it shows that",
            )
        return 0.0

    def describe(self) -> list[str]:
        """Say how far boundaries were moved, if any were."""
        moved = np.abs(np.array(self._moved)) * 1000
        if not len(moved) or moved.max() < 0.05:
            return []
        return [
            f"boundaries moved to the beginning of the frame shown then: by {moved.mean():.1f} ms "
            f"in the mean, {moved.max():.1f} ms at most"
        ]

    def _find(self, seconds: float, video: str) -> int:
        edges = self._load(video)
        # At 60 a second, two decimals move a boundary by up to a third of a frame.
        tolerance = min(_ROUNDING_SECONDS, 0.5 / self._videos[video].fps)
        shown = max(0, int(np.searchsorted(edges, seconds, side="right")) - 1)
        nearest = min(
            (shown, min(shown + 1, len(edges) - 1)), key=lambda i: abs(edges[i] - seconds)
        )
        return nearest if abs(edges[nearest] - seconds) <= tolerance else shown

    def _load(self, video: str) -> np.ndarray:
        if video not in self._edges:
            seconds = self._index_of(video).seconds
            self._edges[video] = frame_edges(seconds, self._videos[video].fps)
        return self._edges[video]
