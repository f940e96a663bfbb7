"""Exact frames of a video as JPEG, decoded ahead in the direction in which they are asked for."""

from collections import OrderedDict
from concurrent.futures import Future
from pathlib import Path
from threading import Condition, Thread

from handact.errors import HandactError, VideoError
from handact.report.thumbnails import as_jpeg
from handact.video import VideoIndex, VideoReader

__all__ = ["Dropped", "Pictures"]

_QUALITY = 90
_AHEAD = 32  # frames decoded before anybody asks
_BEHIND = (
    48  # the same going backwards: a run of frames has to be decoded from its key frame anyway
)
_MOST_BYTES = 96 << 20
_FEWEST = 8  # frames that are kept however large they are
_MOST_WISHES = 4  # frames that are waited for: a person sees one, and a browser loads a few ahead


class Dropped(Exception):
    """A frame is not wanted any more: newer wishes have pushed it out, or the video was closed."""


class Pictures:
    """The frames of one video, each as the bytes of a JPEG.

    One thread decodes: first what somebody waits for, the newest wish first, then what is likely to
    be wanted next. Going backwards, a whole run of frames is decoded at once, since each of
    them needs all those since its key frame.

    Args:
        path: A video file, or a folder of pictures.
        index: Of the video.
    """

    def __init__(self, path: Path, index: VideoIndex) -> None:
        self._path, self._index = path, index
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._size = 0
        self._wishes: OrderedDict[int, Future[bytes]] = OrderedDict()
        self._ahead: list[int] = []
        self._goes_back = False
        self._last = 0
        self._end: Exception | None = None  # why nothing more is decoded
        self._changed = Condition()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def get(self, frame: int) -> bytes:
        """Return a frame.

        Raises:
            IndexError: There is none of that number.
            VideoError: It cannot be read.
            Dropped: It was pushed out by newer wishes.
        """
        if not 0 <= frame < self._index.num_frames:
            raise IndexError(f"{self._path.name}: no frame {frame}")
        with self._changed:
            self._plan(frame)
            if frame in self._kept:
                self._kept.move_to_end(frame)
                self._changed.notify()
                return self._kept[frame]
            if self._end is not None:
                raise self._end
            wish = self._wishes.setdefault(frame, Future())
            self._wishes.move_to_end(frame)
            if len(self._wishes) > _MOST_WISHES:
                self._wishes.popitem(last=False)[1].set_exception(Dropped())
            self._changed.notify()
        return wish.result()

    def close(self) -> None:
        """Stop decoding; whoever waits for a frame is told that it is dropped."""
        self._stop(Dropped())
        self._thread.join()

    def _stop(self, why: Exception) -> None:
        with self._changed:
            self._end = self._end or why
            for wish in self._wishes.values():
                wish.set_exception(self._end)
            self._wishes.clear()
            self._changed.notify()

    def _plan(self, frame: int) -> None:
        """Decide what is likely to be wanted after this frame; of a jump, nothing is known yet."""
        step, self._last = frame - self._last, frame
        self._goes_back = -_BEHIND < step < 0
        if self._goes_back:
            near = range(frame - 1, max(-1, frame - _BEHIND // 3), -1)
            runs_out = any(i not in self._kept for i in near)
            planned = range(max(0, frame - _BEHIND), frame) if runs_out else range(0)
        elif 0 < step <= _AHEAD:
            planned = range(frame + 1, min(self._index.num_frames, frame + 1 + _AHEAD))
        else:
            planned = range(0)
        self._ahead = [i for i in planned if i not in self._kept]

    def _run(self) -> None:
        try:
            with VideoReader(self._path, self._index) as reader:
                while (frame := self._next()) is not None:
                    self._decode(reader, frame)
        except Exception as error:  # the file is gone: everybody who asks has to know
            self._stop(self._explain(error))

    def _next(self) -> int | None:
        """Wait for something to do; None when it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._wishes or self._ahead or self._end)
            if self._end is not None:
                return None
            if not self._wishes:
                return self._ahead.pop(0)
            frame = next(reversed(self._wishes))
            if self._goes_back and self._ahead and 0 < frame - self._ahead[0] <= _BEHIND:
                return self._ahead.pop(0)  # the decoder passes by it on its way to the frame
            return frame

    def _decode(self, reader: VideoReader, frame: int) -> None:
        try:
            data = as_jpeg(reader[frame].image, _QUALITY)
        except Exception as error:
            self._settle(frame, error=self._explain(error, frame))
        else:
            self._settle(frame, data)

    def _settle(
        self, frame: int, data: bytes | None = None, error: Exception | None = None
    ) -> None:
        with self._changed:
            wish = self._wishes.pop(frame, None)
            if data is None:
                self._ahead = []  # likely to fail as well; whoever wants them will be told
                if wish is not None:
                    wish.set_exception(error)
                return
            self._size += len(data) - len(self._kept.pop(frame, b""))
            self._kept[frame] = data
            while self._size > _MOST_BYTES and len(self._kept) > _FEWEST:
                self._size -= len(self._kept.popitem(last=False)[1])
            if wish is not None:
                wish.set_result(data)

    def _explain(self, error: Exception, frame: int | None = None) -> Exception:
        if isinstance(error, HandactError):
            return error
        what = "it cannot be read" if frame is None else f"frame {frame} cannot be read"
        return VideoError(f"{self._path}: {what}: {error}", "has the file changed?")
