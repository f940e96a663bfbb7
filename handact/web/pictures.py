"""Exact frames of a video as JPEG, decoded ahead in the direction in which they are asked for."""

from collections import OrderedDict
from pathlib import Path
from threading import Condition, Thread

from handact.errors import HandactError
from handact.report.thumbnails import as_jpeg
from handact.video import VideoIndex, VideoReader

__all__ = ["Pictures"]

_QUALITY = 90
_AHEAD = 32  # frames decoded before anybody asks
_BEHIND = 48  # frames kept of a run that has to be decoded from its key frame anyway
_MOST_BYTES = 192 << 20


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
        self._wanted: list[int] = []
        self._ahead: list[int] = []
        self._last = -1
        self._error: HandactError | None = None
        self._closed = False
        self._changed = Condition()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def get(self, frame: int) -> bytes:
        """Return a frame.

        Raises:
            IndexError: There is none of that number.
            VideoError: It cannot be read.
        """
        if not 0 <= frame < self._index.num_frames:
            raise IndexError(frame)
        with self._changed:
            self._plan(frame)
            if frame not in self._kept:
                self._wanted.append(frame)
            self._changed.notify_all()
            self._changed.wait_for(lambda: frame in self._kept or self._error or self._closed)
            if frame not in self._kept:
                error, self._error = self._error, None
                raise error or RuntimeError("closed")
            self._kept.move_to_end(frame)
            return self._kept[frame]

    def close(self) -> None:
        """Stop decoding."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _plan(self, frame: int) -> None:
        """Decide what is likely to be wanted after this frame."""
        step, self._last = frame - self._last, frame
        if -_BEHIND < step < 0:
            first = max(0, frame - _BEHIND)
            near = range(frame - 1, max(-1, frame - _BEHIND // 3), -1)
            # Only when what is there runs out: then the run before it, as a whole.
            missing = [i for i in near if i not in self._kept]
            self._ahead = [i for i in range(first, frame) if i not in self._kept] if missing else []
        else:
            last = min(self._index.num_frames, frame + 1 + _AHEAD)
            self._ahead = [i for i in range(frame + 1, last) if i not in self._kept]

    def _run(self) -> None:
        with VideoReader(self._path, self._index) as reader:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._wanted or self._ahead or self._closed)
                    if self._closed:
                        return
                    frame = self._next()
                if frame is None:
                    continue
                try:
                    self._keep(frame, as_jpeg(reader[frame].image, _QUALITY))
                except HandactError as error:
                    with self._changed:
                        self._error, self._ahead = error, []
                        self._changed.notify_all()

    def _next(self) -> int | None:
        if self._wanted:
            frame = self._wanted.pop()
            if self._ahead and frame > self._ahead[0]:
                # Backwards: the decoder passes by these on its way to the frame.
                self._wanted.append(frame)
                frame = self._ahead.pop(0)
        else:
            frame = self._ahead.pop(0)
        return None if frame in self._kept else frame

    def _keep(self, frame: int, data: bytes) -> None:
        with self._changed:
            self._kept[frame] = data
            self._size += len(data)
            while self._size > _MOST_BYTES and len(self._kept) > 2 * (_AHEAD + _BEHIND):
                _, old = self._kept.popitem(last=False)
                self._size -= len(old)
            self._wanted = [i for i in self._wanted if i != frame]
            self._changed.notify_all()
