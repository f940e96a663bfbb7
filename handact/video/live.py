"""Frames as time goes by: of a camera, of a stream on the network, or of a file at its own rate."""

import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from threading import Condition, Event, Thread
from typing import Any, Self

import av
import cv2
import numpy as np

from handact.errors import VideoError
from handact.video.index import Frame
from handact.video.reader import FrameStream

__all__ = ["LiveSource", "hide_password"]

_MOST_WAITING = 64  # frames, whatever their size
_RETRY_SECONDS = (0.5, 1, 2, 5)  # between attempts to get a source back; the last one again
_POLL_SECONDS = 0.1  # how soon a thread notices that it is not wanted any more
_CAMERA_FPS = 30.0  # of one that does not say

Images = Iterator[tuple[float, np.ndarray]]


class LiveSource:
    """The frames of a source, given out as they come.

        with LiveSource("rtsp://camera/1") as frames:
            for frame in frames:
                ...

    A frame is there when its time has come, in files too, and waits until it is asked for. When one
    is asked for, those that have waited longer than `max_wait` are dropped, all but the newest. A
    camera or a stream that ends or stalls is asked for again.

    `Frame.index` counts all frames that came, dropped ones too. `Frame.seconds` is the time since
    the first frame: by the time stamps of a file or stream, by the clock of a camera and across an
    interruption.

    Args:
        source: Number of a camera, address of a stream (rtsp://, http:// ...), or a file.
        max_wait: Seconds.
        patience: Seconds without a frame after which a stream is asked for again.
        give_up: Seconds without a frame after which it is given up.
        on_event: Told "stalled" and "resumed", and the second when.

    Attributes:
        fps: The rate that the source tells; a guess where it tells none.
        width: Of the pictures, pixels.
        height: The same.
        num_dropped: Frames that waited too long.
        num_interruptions: How often the source stalled and came back.

    Raises:
        VideoError: The source cannot be opened or, while iterating, did not come back in time.
    """

    def __init__(
        self,
        source: str,
        *,
        max_wait: float = 1.0,
        patience: float = 10.0,
        give_up: float = 60.0,
        on_event: Callable[[str, float], None] = lambda what, seconds: None,
    ) -> None:
        self.name = hide_password(source)
        self.max_wait, self.give_up, self.on_event = max_wait, give_up, on_event
        self.num_dropped = self.num_interruptions = 0
        self._open = _opener(source, patience)
        self._waiting: deque[tuple[float, Frame]] = deque()
        self._changed, self._unwanted, self._ended = Condition(), Event(), False
        self._error: BaseException | None = None
        self._came = 0
        self._images, self.fps, self.is_endless = self._open()
        first = next(self._images, None)
        if first is None:
            raise VideoError(f"{self.name}: gives no frame")
        self.height, self.width = first[1].shape[:2]
        self._images = chain([first], self._images)
        self._thread = Thread(target=self._fill, daemon=True)
        self._start: float | None = None

    @property
    def now(self) -> float:
        """Seconds since the first frame, by the clock."""
        return 0.0 if self._start is None else time.monotonic() - self._start

    def __iter__(self) -> Iterator[Frame]:
        """Begin to read; once only."""
        self._start = time.monotonic()
        self._thread.start()
        while True:
            with self._changed:
                while not self._waiting and not self._ended:
                    self._changed.wait(_POLL_SECONDS)
                if not self._waiting:
                    break
                oldest = time.monotonic() - self.max_wait
                while len(self._waiting) > 1 and self._waiting[0][0] < oldest:
                    self._drop()
                _, frame = self._waiting.popleft()
            yield frame
        if self._error is not None:
            raise self._error

    def _drop(self) -> None:
        self._waiting.popleft()
        self.num_dropped += 1

    def _fill(self) -> None:
        try:
            self._read()
            while self.is_endless and not self._unwanted.is_set():
                self._come_back()
                self._read()
        except Exception as error:  # whatever it is, the thread that wants the frames must know
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify()

    def _read(self) -> None:
        """Offer frames until the source ends or stalls."""
        try:
            for seconds, image in self._images:
                if self._unwanted.wait(max(0.0, seconds - self.now)):
                    return
                self._offer(seconds, image)
        except (av.FFmpegError, OSError) as error:
            if not self.is_endless:
                raise VideoError(f"{self.name}: {_reason(error)}") from error

    def _offer(self, seconds: float, image: np.ndarray) -> None:
        with self._changed:
            if len(self._waiting) == _MOST_WAITING:
                self._drop()
            self._waiting.append((time.monotonic(), Frame(self._came, seconds, image)))
            self._came += 1
            self._changed.notify()

    def _come_back(self) -> None:
        """Open the source again, as often as it takes."""
        stalled = time.monotonic()
        self.on_event("stalled", self.now)
        for attempt in range(1 << 30):
            wait = _RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)]
            if self._unwanted.wait(wait):
                self._images = iter(())
                return
            try:
                images, self.fps, _ = self._open()
                first = next(images, None)
            except (VideoError, av.FFmpegError, OSError):
                first = None
            if first is not None:
                break
            if time.monotonic() - stalled > self.give_up:
                raise VideoError(
                    f"{self.name}: no frame for {self.give_up:g} s", "is the camera still there?"
                )
        self.num_interruptions += 1
        self.on_event("resumed", self.now)
        self._images = _later(first, images, self.now)

    def close(self) -> None:
        """Stop reading. Safe to call twice."""
        self._unwanted.set()
        if self._start is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def hide_password(source: str) -> str:
    """Return an address as it may be shown."""
    return re.sub(r"(?<=://)([^/@:]*):[^/@]*@", r"\1:***@", source)


def _later(first: tuple[float, np.ndarray], images: Images, now: float) -> Images:
    """Yield the images of a source that was opened again, with times that go on."""
    offset = now - first[0]
    for seconds, image in chain([first], images):
        yield seconds + offset, image


def _opener(source: str, patience: float) -> Callable[[], tuple[Images, float, bool]]:
    """Return what opens a source: its images with their seconds, rate, whether it is endless."""
    if source.isdecimal():
        return lambda: _open_camera(int(source))
    if "://" in source:
        return lambda: _open_stream(source, patience)
    if not Path(source).exists():
        raise VideoError(
            f"{source}: no such file",
            "a camera is a number (0), a stream an address (rtsp://...)",
        )
    return lambda: _open_file(Path(source))


def _open_camera(number: int) -> tuple[Images, float, bool]:
    camera = cv2.VideoCapture(number)
    if not camera.isOpened():
        raise VideoError(f"camera {number}: cannot be opened", "is another program using it?")
    told = camera.get(cv2.CAP_PROP_FPS)

    def images() -> Images:
        start = time.monotonic()
        try:
            while (read := camera.read())[0]:
                yield time.monotonic() - start, cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB)
        finally:
            camera.release()

    return images(), told if 1 <= told <= 240 else _CAMERA_FPS, True


def _open_stream(address: str, patience: float) -> tuple[Images, float, bool]:
    options = {"rtsp_transport": "tcp"} if address.startswith("rtsp") else {}
    try:
        container = av.open(address, options=options, timeout=patience)
    except (av.FFmpegError, OSError) as error:
        raise VideoError(
            f"{hide_password(address)}: {_reason(error)}", "is the address right, and reachable?"
        ) from error
    if not container.streams.video:
        container.close()
        raise VideoError(f"{hide_password(address)}: has no picture")
    rate = container.streams.video[0].average_rate

    def images() -> Images:
        start = None
        with container:
            for frame in container.decode(video=0):
                seconds = time.monotonic() if frame.time is None else frame.time
                start = seconds if start is None else start
                yield seconds - start, frame.to_ndarray(format="rgb24")

    return images(), float(rate or _CAMERA_FPS), not container.duration


def _open_file(path: Path) -> tuple[Images, float, bool]:
    frames = FrameStream(path)

    def images() -> Images:
        with frames:
            for frame in frames:
                yield frame.seconds, frame.image

    return images(), frames.fps_hint or _CAMERA_FPS, False


def _reason(error: Any) -> str:
    return str(getattr(error, "strerror", None) or error).lower()
