"""Frames as they leave FFmpeg's decoder: what a damaged, trimmed or oddly packed file needs.

Only `handact.video` itself uses this file. The rules it follows, with the
measurements behind them: never believe a header's frame count; decode packet by packet, so that a
damaged one costs itself and not the rest; apply the display rotation, which PyAV does not; give
each frame a tick that always grows, also where the stamps in the file do not.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from handact.errors import VideoError

__all__ = ["Clock", "Source", "missing_index"]

_MOST_READ_ERRORS = 100  # in a row, before the rest of a file is given up
_FRAME_THREADS = 1 << 12  # AV_CODEC_CAP_FRAME_THREADS


class Source:
    """One open video file, its first real video stream, and what went wrong while reading it.

    Args:
        path: A file that FFmpeg can open.
        threads: Decoding threads; 0 lets FFmpeg choose.

    Attributes:
        stream: The stream that is decoded.
        damaged: Packets that the decoder refused so far.
        discarded: Packets that an edit list marks as not to be shown.
        corrupt: Frames that the decoder gave out although parts of them are missing.
        last_end: End of the last packet read, in seconds of the container, or None.

    Raises:
        VideoError: No such file, zero bytes, not a video, cut off before its index, no video
            stream, no decoder for it.
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        self.path = path
        self._matrix: np.ndarray | None = None
        self._open(threads)

    def _open(self, threads: int) -> None:
        self.container = _open_container(self.path)
        try:
            self.stream = _pick_stream(self.container, self.path)
            self.stream.thread_type = "AUTO"
            self.stream.thread_count = threads
        except BaseException:
            self.container.close()
            raise
        self.damaged = self.discarded = self.corrupt = 0
        self.interlaced = False
        self.last_end: Fraction | None = None
        self._threaded = threads != 1
        self._flushed = True

    @property
    def is_avi(self) -> bool:
        """Whether this is AVI, whose stamps are those of storage and not of display."""
        return self.container.format.name == "avi"

    @property
    def rate(self) -> Fraction:
        """Frames per second as the header has it; 25 where it has none."""
        return self.stream.average_rate or self.stream.guessed_rate or Fraction(25)

    @property
    def num_frames_hint(self) -> int | None:
        """Frames by the header, which may be wrong by any amount; None where it says nothing."""
        if self.stream.frames:
            return self.stream.frames
        seconds = self.promised_end()
        return round(seconds * self.rate) if seconds else None

    def frames(self) -> Iterator[VideoFrame]:
        """Decode from the beginning to the end, in presentation order, whatever is damaged.

        Threads hide which packet failed and lose what they hold when the last ones do. So a file
        with damage is read again from its beginning by one thread, which gives the same frames
        on every machine; frames that were given out already are passed over.
        """
        given = 0
        for frame in self.decode():
            given += 1
            yield frame
        if self._flushed:
            return
        self.close()
        self._open(threads=1)
        for i, frame in enumerate(self.decode()):
            if i >= given:
                yield frame

    def decode(self) -> Iterator[VideoFrame]:
        """Decode from where the file stands; stop at the first damage if there are threads."""
        self._flushed = True
        sent = 0
        for packet in self._packets():
            sent += 1
            frames = self._send(packet)
            if self.damaged and self._threaded:
                self._flushed = False
                return
            yield from frames
        flushed = self._send(None)
        if self._threaded and len(flushed) + self.discarded < min(sent, self._held_by_threads()):
            self._flushed = False
            return
        yield from flushed

    def _send(self, packet: av.Packet | None) -> list[VideoFrame]:
        try:
            frames = self.stream.codec_context.decode(packet)
        except av.FFmpegError:
            # The end of the stream itself is no damage: there is no packet that was lost.
            self.damaged += packet is not None
            return []
        for frame in frames:
            self.corrupt += frame.is_corrupt
            self.interlaced |= frame.interlaced_frame
        return frames

    def _held_by_threads(self) -> int:
        context = self.stream.codec_context
        if not context.codec.capabilities & _FRAME_THREADS:
            return 0
        return context.thread_count - 1

    def _packets(self) -> Iterator[av.Packet]:
        failures = 0
        while failures < _MOST_READ_ERRORS:
            try:
                for packet in self.container.demux(self.stream):
                    if packet.size == 0:  # a place held in AVI, or PyAV's request to flush
                        continue
                    failures = 0
                    self._note(packet)
                    yield packet
                return
            except av.FFmpegError:
                failures += 1  # a place that cannot be parsed: the next call goes on behind it

    def _note(self, packet: av.Packet) -> None:
        self.discarded += packet.is_discard
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None:
            return
        end = (stamp + (packet.duration or 0)) * self.stream.time_base
        self.last_end = end if self.last_end is None else max(self.last_end, end)

    def seek(self, stamp: int) -> bool:
        """Go to the key frame at or before a stamp; False where the file cannot do that."""
        try:
            self.container.seek(stamp, stream=self.stream, backward=True, any_frame=False)
        except (av.FFmpegError, OSError):
            return False
        self.damaged = 0
        return True

    def to_rgb(
        self, frame: VideoFrame, width: int | None = None, height: int | None = None
    ) -> np.ndarray:
        """Return (H, W, 3) uint8, upright; scaled to a size (of the upright picture) if given."""
        if self._matrix is None:
            self._matrix = _display_matrix(frame)
        sides = self._matrix[0, 0] == 0
        if width is not None and sides:
            width, height = height, width
        image = frame.to_ndarray(format="rgb24", width=width, height=height)
        return _turn_upright(image, self._matrix)

    def promised_end(self) -> Fraction | None:
        """When the header says that the stream ends, in seconds of the container, or None."""
        if self.stream.duration:
            return (self.stream.duration + (self.stream.start_time or 0)) * self.stream.time_base
        tag = self.stream.metadata.get("DURATION", "")
        if tag.count(":") == 2:
            hours, minutes, seconds = tag.split(":")
            return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
        if self.container.duration and len(self.container.streams) == 1:
            return Fraction(self.container.duration, av.time_base)
        return None

    def is_cut_off(self) -> bool:
        """Whether the file ends before what its header promises; to be asked after decoding."""
        name = self.container.format.name
        if "mp4" in name and self._has_samples_beyond():
            return True
        promised = self.promised_end()
        if promised is None or self.last_end is None or name not in ("avi", "matroska,webm"):
            return False
        return promised - self.last_end > Fraction(1, 4) + 2 / self.rate

    def _has_samples_beyond(self) -> bool:
        entries = self.stream.index_entries
        last = entries[max(0, len(entries) - 8) :]
        return any(e.pos + e.size > self.path.stat().st_size for e in last)

    def nothing_decodable(self) -> VideoError:
        """Return the error for a video without a single frame, to be raised."""
        return VideoError(
            f"{self.path}: no frame of the video can be decoded (damaged packets: {self.damaged})",
            "copy the file again from its source",
        )

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        self.container.close()


class Clock:
    """Turns the stamps of a file, frame by frame, into ticks from 0 that always grow.

    A good file's ticks are its stamps minus the first. A missing stamp counts as one frame after
    the last, a doubled one as one tick after it, and a jump back (joined transport streams) moves
    all that follows. AVI stamps say when a packet was stored, so its frames are counted, lost ones
    included.

    Attributes:
        time_base: Seconds per tick.
        step: Ticks that one frame lasts by the header.
        start: Stamp of the first frame (0 where frames are counted).
        repaired: Frames whose stamp could not be used as it was.
    """

    def __init__(self, source: Source) -> None:
        self._counts = source.is_avi
        self.time_base = 1 / source.rate if self._counts else source.stream.time_base
        self.step = max(1, round(1 / (source.rate * self.time_base)))
        self.start: int | None = None
        self.repaired = 0
        self._read = 0
        self._last = -1
        self._shift = 0

    def tick(self, stamp: int | None, damaged: int) -> int:
        """Return the tick of the next frame, `damaged` packets having been lost before it."""
        if self._counts:
            self.start = 0
            tick = max(self._last + 1, self._read + damaged)
        elif self.start is None:
            self.start, tick = stamp or 0, 0
            self.repaired += stamp is None
        else:
            tick = self._after_first(stamp)
        self._read += 1
        self._last = tick
        return tick

    def _after_first(self, stamp: int | None) -> int:
        tick = None if stamp is None else stamp - self.start + self._shift
        if tick is not None and tick > self._last:
            return tick
        self.repaired += 1
        if tick is None:
            return self._last + self.step
        if (self._last - tick) * self.time_base > 1:
            self._shift += self._last + self.step - tick
            return self._last + self.step
        return self._last + 1


def missing_index(path: Path) -> bool:
    """Whether this is an mp4 or mov without its index, as a recording that broke off leaves it."""
    kinds = set()
    with path.open("rb") as file:
        position, size = 0, path.stat().st_size
        while position + 8 <= size:
            file.seek(position)
            head = file.read(16)
            length, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            kinds.add(kind)
            if length < 8:
                break
            position += length
    return b"ftyp" in kinds and not kinds & {b"moov", b"moof"}


def _open_container(path: Path) -> av.container.InputContainer:
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError as error:
        raise VideoError(f"{path}: no such file", "check the name and the folder") from error
    if empty:
        raise VideoError(f"{path}: the file is empty (0 bytes)", "copy it again from its source")
    try:
        # "file:" and the whitelist: a colon in a name is no protocol, a playlist opens no network.
        return av.open(
            f"file:{path}",
            metadata_errors="replace",
            options={"protocol_whitelist": "file"},
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        if missing_index(path):
            raise VideoError(
                f"{path}: the video is cut off: its index is missing",
                "copy it again; if the recording itself broke off, a repair tool such as untrunc "
                "may rebuild it",
            ) from error
        raise VideoError(
            f"{path}: not a video that can be read", "open it in a player to see whether it plays"
        ) from error


def _pick_stream(container: av.container.InputContainer, path: Path) -> VideoStream:
    pictures = av.stream.Disposition.attached_pic
    streams = [s for s in container.streams.video if not s.disposition & pictures]
    if not streams:
        raise VideoError(
            f"{path}: there is no video in the file, only {_kinds(container)}",
            "choose the file that has the picture",
        )
    if streams[0].codec_context is None:
        raise VideoError(
            f"{path}: no decoder for this kind of video", "convert it to H.264, as ffmpeg can"
        )
    return streams[0]


def _kinds(container: av.container.InputContainer) -> str:
    kinds = sorted({s.type for s in container.streams})
    return " and ".join("a cover picture" if k == "video" else k for k in kinds) or "nothing"


def _display_matrix(frame: VideoFrame) -> np.ndarray:
    """Return the (2, 2) sign matrix [[a, b], [c, d]]: x' = a x + c y, y' = b x + d y."""
    for data in frame.side_data:
        if getattr(data.type, "name", "") == "DISPLAYMATRIX":
            values = np.frombuffer(bytes(data)[:36], np.int32).reshape(3, 3)[:2, :2]
            matrix = np.sign(np.where(np.abs(values) > 1 << 14, values, 0))
            if abs(round(np.linalg.det(matrix))) == 1 and np.count_nonzero(matrix) == 2:
                return matrix
    return np.eye(2, dtype=int)


def _turn_upright(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    (a, b), (c, d) = matrix
    if a == 0:
        image = image.transpose(1, 0, 2)
        a, d = c, b
    if a < 0:
        image = image[:, ::-1]
    if d < 0:
        image = image[::-1]
    return np.ascontiguousarray(image)
