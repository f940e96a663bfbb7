"""Writing H.264 that browsers play, with true time stamps."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.frame import VideoFrame

from handact.errors import VideoError
from handact.files import atomic_path
from handact.video.pictures import as_rate

__all__ = ["VideoWriter"]

TICKS_PER_SECOND = 90_000  # the usual frame rates all divide it


class VideoWriter:
    """Write H.264 in an mp4 that browsers play, with true time stamps, whole or not at all.

        with VideoWriter("overlay.mp4", 1280, 720, fps=30) as writer:
            writer.write(image)

    Colours are BT.709, 4:2:0. An odd width or height is made even by repeating the last column or
    row. The file appears when the `with` block ends; when that raises, nothing is left.

    Args:
        path: The file to write; replaced if there.
        width: Of the images, in pixels.
        height: The same.
        fps: Frames per second, for frames that are written without a time.
        crf: Quality, 0 (best) to 51.
        preset: x264's trade of speed for size.
        options: More encoder options, such as {"g": "32", "bf": "0"}.

    Raises:
        VideoError: This PyAV has no H.264 encoder, or it fails.
        OSError: The folder cannot be written, or the disk is full.
    """

    def __init__(
        self,
        path: str | Path,
        width: int,
        height: int,
        fps: float | None = None,
        *,
        crf: int = 20,
        preset: str = "veryfast",
        options: dict[str, str] | None = None,
    ) -> None:
        self.path = Path(path)
        self.width, self.height = width, height
        self.num_written = 0
        self._rate = None if fps is None else as_rate(fps)
        self._options = {"crf": str(crf), "preset": preset} | (options or {})
        self._first: float | None = None
        self._last_tick = -1
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        temporary = self._stack.enter_context(atomic_path(self.path))
        try:
            self._container = av.open(
                f"file:{temporary}", "w", format="mp4", options={"movflags": "+faststart"}
            )
            self._stack.callback(self._close)
            self._stream = self._add_stream()
        except BaseException as error:
            self._stack.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def _add_stream(self) -> av.VideoStream:
        if "libx264" not in av.codecs_available:
            raise VideoError(
                f"{self.path}: this PyAV has no H.264 encoder",
                "install PyAV's own wheel: pip install av",
            )
        stream = self._container.add_stream("libx264", self._rate or 30, options=self._options)
        stream.width, stream.height = self.width + self.width % 2, self.height + self.height % 2
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = Fraction(1, TICKS_PER_SECOND)
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709
        context.color_range = 1  # 16 to 235
        return stream

    def write(self, image: np.ndarray, seconds: float | None = None) -> None:
        """Append a frame.

        Args:
            image: (height, width, 3) uint8 RGB.
            seconds: Its time; only differences to the first frame's count. Without it the frame
                follows at `fps`.

        Raises:
            ValueError: Another size than the writer's, no time and no `fps`, or a time that is
                not after the last frame's.
        """
        if image.shape != (self.height, self.width, 3) or image.dtype != np.uint8:
            raise ValueError(
                f"image is {image.shape} {image.dtype}, "
                f"the video needs ({self.height}, {self.width}, 3) uint8"
            )
        tick = self._tick(seconds)
        if tick <= self._last_tick:
            raise ValueError(f"frame {self.num_written} at {seconds} s is not after the one before")
        padding = ((0, self.height % 2), (0, self.width % 2), (0, 0))
        image = np.pad(image, padding, mode="edge") if self.height % 2 or self.width % 2 else image
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        frame.pts, frame.time_base = tick, Fraction(1, TICKS_PER_SECOND)
        self._encode(frame)
        self._last_tick = tick
        self.num_written += 1

    def _tick(self, seconds: float | None) -> int:
        if seconds is not None:
            self._first = seconds if self._first is None else self._first
            return round((seconds - self._first) * TICKS_PER_SECOND)
        if self._rate is None:
            raise ValueError("a frame needs `seconds`, or the writer needs `fps`")
        return round(self.num_written * TICKS_PER_SECOND / self._rate)

    def _encode(self, frame: VideoFrame | None) -> None:
        with self._named_errors():
            for packet in self._stream.encode(frame):
                self._container.mux(packet)

    def _close(self) -> None:
        with self._named_errors():
            self._container.close()

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        """Let FFmpeg's errors name the file that the person knows, and be of our own kinds."""
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error
        except av.FFmpegError as error:
            raise VideoError(f"{self.path}: the H.264 encoder failed: {error}") from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            if not self.num_written:
                raise VideoError(f"{self.path}: a video needs at least one frame")
            self._encode(None)
