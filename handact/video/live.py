"""Frames as time goes by: of a camera, of a stream on the network, or of a file at its own rate."""

import math
import re
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from itertools import chain, count
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

_MOST_BYTES = 1 << 29  # of frames that wait, whatever `max_wait` says
_RETRY_SECONDS = (0.5, 1, 2, 5)  # between attempts to get a source back; the last one again
_WAKE_SECONDS = 0.1  # how often one who waits for frames looks up
_JOIN_SECONDS = 1.0  # that a thread gets to end, which may hang in a camera's driver
_CAMERA_FPS = 30.0  # of one that does not say
_MOST_APART = 1.0  # seconds between a stream's time stamps and the clock until they are set anew
_LEAST_APART = 1e-3  # seconds between two frames

Images = Generator[tuple[float | None, np.ndarray], None, None]


class LiveSource:
    """The frames of a source, given out as they come.

        with LiveSource("rtsp://camera/1") as frames:
            for frame in frames:
                ...

    A frame waits until it is asked for. When one is asked for, those that have waited longer than
    `max_wait` are dropped, all but the newest; so are the oldest when half a gigabyte of them
    waits. A camera or a stream that ends or stalls is asked for again.

    `Frame.index` counts all frames that came, dropped ones too. `Frame.seconds` is the time since
    the first frame and rises: by the time stamps of a file; by those of a stream while they agree
    with the clock to a second; otherwise by the clock.

    Args:
        source: Number of a camera, address of a stream (rtsp://, http:// ...), or a file.
        max_wait: Seconds.
        patience: Seconds without a frame after which a stream is asked for again.
        give_up: Seconds without a frame after which it is given up.
        on_event: Told "stalled" and "resumed", and the second when, by whom asks for frames.

    Attributes:
        name: Of the source, without a password.
        fps: The rate that the source tells; a guess where it tells none.
        width: Of the pictures, pixels; what comes otherwise later is scaled.
        height: The same.
        num_dropped: Frames that waited too long.
        num_interruptions: How often the source stalled.
        came: When the frame that was given out last had come, by `time.monotonic`.

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
        self.came = 0.0
        self._open = _opener(source, patience)
        self._frames: deque[tuple[float, Frame]] = deque()
        self._events: deque[tuple[str, float]] = deque()
        self._changed, self._unwanted, self._ended = Condition(), Event(), False
        self._error: BaseException | None = None
        self._number, self._last = 0, 0.0  # of frames that came; seconds of the newest
        self._images, self.fps, self.is_endless = self._open()
        # What a file holds waits for its time; what comes from a camera comes when it comes, but
        # playlists (HLS) deliver several seconds at once.
        self._is_paced = not self.is_endless or ".m3u8" in source
        first = next(self._images, None)
        if first is None:
            raise VideoError(f"{self.name}: gives no frame")
        self.height, self.width = first[1].shape[:2]
        self._start = time.monotonic()
        self._thread = Thread(target=self._fill, args=(first,), daemon=True)
        if self.is_endless:
            self._thread.start()  # what piles up before frames are asked for is not wanted

    def __iter__(self) -> Iterator[Frame]:
        """Give frames out; once only."""
        if not self.is_endless:
            self._start = time.monotonic()
            self._thread.start()
        while True:
            with self._changed:
                while not self._frames and not self._events and not self._ended:
                    self._changed.wait(_WAKE_SECONDS)
                events, frame = list(self._events), self._take()
                self._events.clear()
            for event in events:
                self.on_event(*event)
            if frame is not None:
                yield frame
            elif not events:
                break
        if self._error is not None:
            raise self._error

    def _take(self) -> Frame | None:
        """Take the oldest frame that has not waited too long, or the newest."""
        now = time.monotonic()
        while len(self._frames) > 1 and now - self._frames[0][0] > self.max_wait:
            self._drop()
        if not self._frames:
            return None
        self.came, frame = self._frames.popleft()
        return frame

    def _drop(self) -> None:
        self._frames.popleft()
        self.num_dropped += 1

    @property
    def _now(self) -> float:
        return time.monotonic() - self._start

    def _fill(self, first: tuple[float | None, np.ndarray]) -> None:
        try:
            self._read(chain([first], self._images))
            while self.is_endless and not self._unwanted.is_set():
                self._read(self._come_back())
        except Exception as error:  # whatever it is, the thread that wants the frames must know
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify()

    def _read(self, images: Iterator[tuple[float | None, np.ndarray]]) -> None:
        """Offer frames until the source ends or stalls."""
        offset, before = None, -math.inf  # from stamps to seconds; the last stamp
        try:
            for stamp, image in images:
                is_known = stamp is not None and offset is not None and stamp > before
                seconds = stamp + offset if is_known else self._now
                before = before if stamp is None else stamp
                if self.is_endless and abs(seconds - self._now) > _MOST_APART:
                    seconds = self._now
                seconds = max(seconds, self._last + _LEAST_APART) if self._number else 0.0
                offset = None if stamp is None else seconds - stamp
                wait = seconds - self._now if self._is_paced else 0.0
                if self._unwanted.wait(max(0.0, wait)):
                    return
                self._offer(seconds, image)
        except (av.FFmpegError, OSError) as error:
            if not self.is_endless:
                raise VideoError(f"{self.name}: {_reason(error)}") from error
        finally:
            self._images.close()

    def _offer(self, seconds: float, image: np.ndarray) -> None:
        if image.shape[:2] != (self.height, self.width):
            image = cv2.resize(image, (self.width, self.height), interpolation=cv2.INTER_AREA)
        with self._changed:
            if (len(self._frames) + 1) * image.nbytes > _MOST_BYTES and self._frames:
                self._drop()
            self._frames.append((time.monotonic(), Frame(self._number, seconds, image)))
            self._number, self._last = self._number + 1, seconds
            self._changed.notify()

    def _tell(self, what: str) -> None:
        with self._changed:
            self._events.append((what, self._now))
            self._changed.notify()

    def _come_back(self) -> Iterator[tuple[float | None, np.ndarray]]:
        """Open the source again, as often as it takes, and return its images."""
        stalled = time.monotonic()
        self.num_interruptions += 1
        self._tell("stalled")
        for attempt in count():
            if self._unwanted.wait(_RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)]):
                return iter(())
            try:
                self._images, self.fps, _ = self._open()
                first = next(self._images, None)
            except (VideoError, av.FFmpegError, OSError):
                first = None
            if first is not None:
                self._tell("resumed")
                return chain([first], self._images)
            if time.monotonic() - stalled > self.give_up:
                break
        raise VideoError(
            f"{self.name}: no frame for {self.give_up:g} s", "is the camera still there?"
        )

    def close(self) -> None:
        """Stop reading. Safe to call twice."""
        self._unwanted.set()
        if self._thread.ident is None:
            self._images.close()
        else:
            self._thread.join(_JOIN_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def hide_password(source: str) -> str:
    """Return an address as it may be shown: without who logs in and what is asked."""
    scheme, separator, rest = source.partition("://")
    if not separator:
        return source
    host = rest.rpartition("@")[2]
    return scheme + separator + ("***@" if host != rest else "") + re.sub(r"\?.*", "?***", host)


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
        raise VideoError(
            f"camera {number}: cannot be opened", "is it there, or does another program use it?"
        )
    told = camera.get(cv2.CAP_PROP_FPS)

    def images() -> Images:
        try:
            while (read := camera.read())[0]:
                yield None, cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB)
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
        with container:
            for frame in container.decode(video=0):
                yield frame.time, frame.to_ndarray(format="rgb24")

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
