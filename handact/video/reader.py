"""Reading frames: all of them in order, or any of them by index."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Self

import numpy as np
from av.video.frame import VideoFrame

from handact.errors import ConfigError, VideoError
from handact.video.index import Frame, Tally, VideoIndex, scan_video, to_seconds
from handact.video.packets import Source
from handact.video.pictures import as_rate, list_pictures, no_pictures, read_picture

__all__ = ["DECODERS", "FrameStream", "VideoReader"]

DECODERS = ("av", "decord")
_FOLDER_FPS = 30.0
_MOST_MISSES = 3  # seeks that went wrong before a reader gives seeking up


class FrameStream:
    """The frames of a video in presentation order, from the first to the last, decoded once.

    Never seeks; skips damaged packets; holds a few frames at a time.

        with FrameStream("bench.mp4") as frames:
            for frame in frames:
                ...

    Args:
        path: A video file, or a folder of pictures.
        decoder: "av", or "decord", which refuses files that it would read wrongly.
        threads: Decoding threads; 0 lets FFmpeg choose. Use 1 in worker processes.
        fps: Frame rate of a folder of pictures; a file knows its own times.

    Attributes:
        width: Upright, in pixels.
        height: The same.
        num_read: Frames given out so far.
        fps_hint: Frame rate by the header, for progress only; None where it is not known.
        num_frames_hint: Frames by the header, for progress only; None where it is not known.

    Raises:
        VideoError: As `scan_video`; also while iterating, when a picture of a folder or decord
            fails.
        ConfigError: There is no such decoder.
    """

    def __init__(
        self, path: str | Path, *, decoder: str = "av", threads: int = 0, fps: float | None = None
    ) -> None:
        if decoder not in DECODERS:
            raise ConfigError(f"no decoder {decoder!r}", f"choose one of {', '.join(DECODERS)}")
        self.path = Path(path)
        self.num_read = 0
        self.fps_hint: float | None = None
        self.num_frames_hint: int | None = None
        self._source: Source | None = None
        self._index: VideoIndex | None = None
        images = self._open(decoder, threads, fps)
        try:
            first = next(images, None)
            if first is None:
                raise self._nothing()
        except BaseException:
            self.close()
            raise
        self.height, self.width = first[1].shape[:2]
        self._images = chain([first], images)

    def _open(
        self, decoder: str, threads: int, fps: float | None
    ) -> Iterator[tuple[float, np.ndarray]]:
        if self.path.is_dir():
            pictures = list_pictures(self.path)
            self.fps_hint, self.num_frames_hint = fps or _FOLDER_FPS, len(pictures)
            return self._read_pictures(pictures)
        self._source = Source(self.path, threads)
        self.fps_hint = float(self._source.rate)
        self.num_frames_hint = self._source.num_frames_hint
        if decoder == "decord":
            from handact.video.decord_reader import read_with_decord

            self.close()
            return read_with_decord(self.path)
        return self._decode(self._source)

    def _nothing(self) -> VideoError:
        if self._source is None:
            return no_pictures(self.path)
        return self._source.nothing_decodable()

    def problem(self) -> str | None:
        """After the iteration: what `VideoIndex.problem` says, or None where nothing is known."""
        return None if self._index is None else self._index.problem()

    def __iter__(self) -> Iterator[Frame]:
        for seconds, image in self._images:
            self.num_read += 1
            yield Frame(self.num_read - 1, seconds, image)

    def _decode(self, source: Source) -> Iterator[tuple[float, np.ndarray]]:
        tally, size = Tally(source), None
        for frame in source.frames():
            tick = tally.add(frame)
            image = upright_image(source, frame, size)
            size = size or image.shape[1::-1]
            yield to_seconds(tick, tally.clock.time_base), image
        if size:
            self._index = tally.index()

    def _read_pictures(self, pictures: Sequence[Path]) -> Iterator[tuple[float, np.ndarray]]:
        base, size = 1 / as_rate(self.fps_hint), None
        for i, picture in enumerate(pictures):
            image = read_picture(picture, size)
            size = size or image.shape[1::-1]
            yield to_seconds(i, base), image

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        if self._source is not None:
            self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class VideoReader:
    """Any frame of a video, by its index.

    Seeks by the index's time stamps to the key frame before and decodes on to the very stamp that
    was asked for. Where that fails, or the file has no usable stamps (AVI), it reads from the
    beginning instead of guessing. Sorted requests are the quickest.

    Args:
        path: A video file, or a folder of pictures.
        index: From `scan_video`; made here, by decoding the whole video, if not given.
        threads: Decoding threads; 0 lets FFmpeg choose. Use 1 in worker processes.
        fps: Frame rate of a folder of pictures; a file knows its own times.

    Raises:
        VideoError: As `scan_video`.
    """

    def __init__(
        self,
        path: str | Path,
        index: VideoIndex | None = None,
        *,
        threads: int = 0,
        fps: float | None = None,
    ) -> None:
        self.path = Path(path)
        self.index = index or scan_video(path, fps=fps or _FOLDER_FPS)
        self._pictures = list_pictures(self.path) if self.path.is_dir() else None
        # As it was read when the index was made, see `Source.frames`.
        is_damaged = self.index.damaged or len(self.index.torn)
        self._threads = 1 if is_damaged else threads
        self._source: Source | None = None
        if self._pictures is None:
            self._source = Source(self.path, self._threads)
        self._seekable = len(self.index.keys) > 0
        self._keys = frozenset(self.index.keys.tolist())
        self._misses = 0
        self._frames: Iterator[VideoFrame] | None = None
        self._at = -1  # index of the frame that came out last; -1: none
        self._counting = False  # whether _at is known by counting from the beginning

    def __len__(self) -> int:
        return self.index.num_frames

    def __getitem__(self, i: int) -> Frame:
        return self.frames([i])[0]

    def frames(self, indices: Sequence[int]) -> list[Frame]:
        """Return the frames of these indices, in this order.

        Each frame is decoded once, in presentation order, however the indices are sorted. All of
        them are held at once: ask for long runs in pieces.

        Raises:
            IndexError: There is no such frame; negative ones count from the end.
            VideoError: The video no longer holds what its index says.
        """
        places = [range(len(self))[int(i)] for i in indices]
        found = {i: self._read(i) for i in sorted(set(places))}
        return [found[i] for i in places]

    def _read(self, i: int) -> Frame:
        size = (self.index.width, self.index.height)
        if self._pictures is not None:
            image = read_picture(self._pictures[i], size)
        else:
            image = upright_image(self._source, self._find(i), size)
        return Frame(i, to_seconds(int(self.index.ticks[i]), self.index.time_base), image)

    def _find(self, i: int) -> VideoFrame:
        if self._at < i and self._frames and not self._key_between(self._at, i):
            frame = self._count_to(i) if self._counting else self._decode_to(i)
            if frame is not None:
                return frame
        frame = self._seek_to(i) if self._seekable else None
        if frame is None:
            frame = self._from_beginning(i)
        if frame is None:
            raise VideoError(
                f"{self.path}: frame {i} cannot be found again",
                "the file has changed since it was first read: run the command again",
            )
        return frame

    def _key_between(self, at: int, i: int) -> bool:
        if not self._seekable:
            return False
        ticks, keys = self.index.ticks, self.index.keys
        near, far = np.searchsorted(keys, (ticks[max(at, 0)], ticks[i]), side="right")
        return bool(far > near) and i - at > 1

    def _seek_to(self, i: int) -> VideoFrame | None:
        """Try the last key frame at or before frame i, then the one before that."""
        last = int(np.searchsorted(self.index.keys, self.index.ticks[i], side="right"))
        for key in self.index.keys[max(0, last - 2) : last][::-1]:
            if not self._source.seek(int(key) + self.index.start):
                break
            self._frames, self._counting, self._at = self._source.decode(), False, -1
            frame = self._decode_to(i)
            if frame is not None:
                return frame
        # Near the beginning a miss costs nothing and says little: transport streams land behind.
        self._misses += last > 2
        self._seekable = self._misses < _MOST_MISSES
        return None

    def _decode_to(self, i: int) -> VideoFrame | None:
        """Decode on to the very stamp of frame i, or return None.

        After a seek, pictures that come out before a key frame may lack what they refer to, so
        nothing counts until one was seen.
        """
        target = int(self.index.ticks[i])
        sound = self._at >= 0
        for frame in self._frames:
            tick = None if frame.pts is None else frame.pts - self.index.start
            if tick is None or tick > target:
                break
            sound = sound or tick in self._keys
            if tick == target and sound:
                self._at = i
                return frame
        self._frames = None
        return None

    def _from_beginning(self, i: int) -> VideoFrame | None:
        self._source.close()
        self._source = Source(self.path, self._threads)
        self._frames, self._counting, self._at = self._source.frames(), True, -1
        return self._count_to(i)

    def _count_to(self, i: int) -> VideoFrame | None:
        for frame in self._frames:
            self._at += 1
            if self._at == i:
                return frame
        self._frames = None
        return None

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        self._frames = None
        if self._source is not None:
            self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def upright_image(source: Source, frame: VideoFrame, size: tuple[int, int] | None) -> np.ndarray:
    """Return (H, W, 3) uint8, scaled to (width, height) if the picture changed its size."""
    return source.to_rgb(frame, *(size or ()))
