"""The localiser looks through the videos for frames where a person's label would teach it most."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Lock, Thread

import numpy as np

from handact.align import Localizer, load_localizer
from handact.data.resize import resize
from handact.dataset import Dataset, Video, video_index
from handact.device import pick_device
from handact.errors import HandactError
from handact.labelling.frames import spread_frames
from handact.progress import Log
from handact.video import VideoReader

__all__ = ["Finding", "Scout", "doubt_of"]

_MOST_LOOKS = 600  # frames looked at in all
_NEAR = 0.2  # seconds to the frames that a track is made of
_FAR_OFF = 0.1  # of the picture: a hand that is as far from its own track is elsewhere

Finding = tuple[str, int, float, str]
"""Video, frame, doubt (the larger, the more worth a label), and why."""


def doubt_of(before: np.ndarray, now: np.ndarray, after: np.ndarray) -> tuple[float, str]:
    """Say how doubtful a detection is, and why.

    A hand is unsure by 1 - |2 P - 1|, and contradicts its track by its distance from the middle of
    where it is just before and just after, in tenths of the picture.

    Args:
        before: (2, 3) P, x, y of the left and right hand a moment earlier.
        now: Of the frame in question.
        after: A moment later.
    """
    unsure = float((1 - np.abs(2 * now[:, 0] - 1)).max())
    is_seen = (np.stack([before, now, after])[..., 0] > 0.5).all(0)
    jump = np.linalg.norm(now[:, 1:] - (before[:, 1:] + after[:, 1:]) / 2, axis=1) / _FAR_OFF
    jump = float(np.where(is_seen, jump, 0).max())
    if jump > max(1.0, unsure):
        return jump, "contradicts its track"
    return unsure, "the localiser is unsure"


class Scout:
    """A localiser that answers for single frames at once, and looks for doubtful ones meanwhile.

    Args:
        dataset: Whose videos.
        checkpoint: Of the localiser.
        log: Takes a line for people, where something goes wrong in the background.

    Attributes:
        state: "running", "ready", or "failed".
        done: Frames looked at so far.
        total: Of how many.
    """

    def __init__(self, dataset: Dataset, checkpoint: Path, log: Log = lambda line: None) -> None:
        self._dataset, self._checkpoint, self._log = dataset, checkpoint, log
        self._findings: list[Finding] = []
        self._localizer: Localizer | None = None
        self._finding, self._loading, self._stop = Lock(), Lock(), Event()
        self.done = self.total = 0
        self.state = "running"
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def findings(self) -> list[Finding]:
        """Return what was found so far, the most doubtful first."""
        with self._finding:
            return sorted(self._findings, key=lambda finding: -finding[2])

    def guess(self, image: np.ndarray) -> np.ndarray:
        """Return (2, 3) P, x, y of the hands in a frame (H, W, 3) uint8 RGB.

        Raises:
            CheckpointError: The localiser cannot be loaded.
        """
        localizer = self._load()
        square = resize(image, localizer.input_size, localizer.input_size)
        return localizer.detect([square])[0]

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()
        self._thread.join()

    def _load(self) -> Localizer:
        with self._loading:
            if self._localizer is None:
                self._localizer = load_localizer(self._checkpoint, pick_device("auto"))
            return self._localizer

    def _run(self) -> None:
        try:
            self._load()
            self._look()
            self.state = "ready"
        except Exception as error:  # in a thread of its own, nobody else would hear of it
            self.state = "failed"
            self._log(f"the localiser does not help: {error}")

    def _look(self) -> None:
        videos = self._dataset.videos
        lengths = {video.name: video.frames for video in videos.values()}
        wanted = spread_frames(lengths, {}, _MOST_LOOKS, apart=dict.fromkeys(videos, 1))
        self.total = len(wanted)
        for name in videos:  # one video after the other: seeking forward is the quickest
            frames = sorted(frame for video, frame in wanted if video == name)
            try:
                for finding in self._look_at(videos[name], frames):
                    with self._finding:
                        self._findings.append(finding)
            except HandactError as error:
                self._log(f"no frames of {name!r} are proposed: {error.message}")

    def _look_at(self, video: Video, frames: list[int]) -> Iterator[Finding]:
        step = max(1, round(_NEAR * video.fps))
        with VideoReader(video.path, video_index(self._dataset, video), threads=1) as reader:
            for frame in frames:
                if self._stop.is_set():
                    return
                near = np.clip([frame - step, frame, frame + step], 0, len(reader) - 1)
                doubt, why = doubt_of(*(self.guess(f.image) for f in reader.frames(near.tolist())))
                self.done += 1
                yield video.name, frame, doubt, why
