"""Frames as they leave FFmpeg's decoder: what a damaged, trimmed or oddly packed file needs.

Only `handact.video` itself uses this file. The rules it follows, with the
measurements behind them: never believe a header's frame count; decode packet by packet, so that a
damaged one costs itself and not the rest; apply the display rotation, which PyAV does not; give
each frame a tick that always grows, also where the stamps in the file do not.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from handact.errors import VideoError
from handact.video.damage import Ledger

__all__ = ["Clock", "Source"]

_MOST_READ_ERRORS = 100  # in a row, before the rest of a file is given up
_MOST_PIXELS = 40 << 20  # 8K has 33 million
_TRANSPORT_PACKETS = (188, 192, 204)  # bytes; a transport stream is a whole number of one of them
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
        corrupt: Packets and frames that were decoded although parts of them are missing.
        ledger: Which packets gave no frame.
        rate: Frames per second as the header has it; 25 where it has none.
        promised: When the header says that the stream ends, in seconds of the container, or None.
        num_frames_hint: Frames by the header, which may be wrong by any amount, or None.
        is_avi: Whether this is AVI, whose stamps are those of storage and not of display.
        is_listed: Whether the file lists its frames, so that none can vanish without a trace.

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
            # A damaged header can claim any size; each frame of it would be gigabytes.
            self.stream.codec_context.options = {"max_pixels": str(_MOST_PIXELS)}
        except BaseException:
            self.container.close()
            raise
        self._read_header()
        self.damaged = self.discarded = self.corrupt = 0
        self.ledger = Ledger()
        self.interlaced = False
        self._last_end: Fraction | None = None
        self._threaded = threads != 1
        self._flushed = True

    def _read_header(self) -> None:
        # All at once and now: PyAV's objects point into freed memory when the file is closed.
        stream, kind = self.stream, self.container.format.name
        self.is_avi = kind == "avi"
        self.is_listed = self.is_avi or "mp4" in kind
        self.time_base = stream.time_base
        self.rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        self.promised = _promised_end(self.container, stream)
        self.num_frames_hint = stream.frames or None
        if self.num_frames_hint is None and self.promised:
            self.num_frames_hint = round(self.promised * self.rate)
        self._size = self.path.stat().st_size
        self._promised_size = _samples_end(stream) if "mp4" in kind else _promised_size(self.path)
        self._is_ragged = kind == "mpegts" and all(self._size % n for n in _TRANSPORT_PACKETS)
        if self.is_avi and self._promised_size > self._size:
            self.promised = None  # its index is lost, and FFmpeg guesses
        # Transport streams have no header; an mp4 in pieces promises nothing of use.
        self._promise_is_exact = kind in ("avi", "matroska,webm")

    def frames(self) -> Iterator[VideoFrame]:
        """Decode from the beginning to the end, in presentation order, whatever is damaged.

        Threads hide which packet failed, lose what they hold when the last ones do, and patch a
        picture from what others have done so far. So a file with damage is read again from its
        beginning by one thread, which gives the same frames on every machine, as far as FFmpeg
        does; frames that were given out already are passed over.
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
        for packet in self.packets():
            sent += 1
            frames = self._send(packet)
            if self._threaded and (self.damaged or self.corrupt):
                self._flushed = False
                return
            yield from frames
        flushed = self._send(None)
        if len(flushed) + self.discarded < min(sent, self._held_by_threads()):
            self._flushed = False
        if not self._flushed:
            return
        yield from flushed
        self.ledger.finish()

    def _send(self, packet: av.Packet | None) -> list[VideoFrame]:
        try:
            frames = self.stream.codec_context.decode(packet)
        except av.FFmpegError:
            if packet is None:
                # No packet is lost by this; threads may lose what they hold.
                self._flushed = not self._threaded
            else:
                self.damaged += 1
                self.ledger.refused.append(packet.pts)
            return []
        if packet is not None:
            self._enter(packet)
        for frame in frames:
            self.ledger.show(frame.pts)
            self.corrupt += frame.is_corrupt
            self.interlaced |= frame.interlaced_frame
        return frames

    def _enter(self, packet: av.Packet) -> None:
        if packet.is_corrupt:
            self.corrupt += 1
            self.ledger.torn.update({packet.pts} - {None})
        if not (packet.is_discard or self.is_avi):
            self.ledger.send(packet.pts)

    def is_torn(self, frame: VideoFrame) -> bool:
        """Whether parts of the picture are missing."""
        return frame.is_corrupt or frame.pts in self.ledger.torn

    def _held_by_threads(self) -> int:
        context = self.stream.codec_context
        if not self._threaded or not context.codec.capabilities & _FRAME_THREADS:
            return 0
        return context.thread_count - 1

    def packets(self) -> Iterator[av.Packet]:
        """Read packet by packet without decoding; go on behind a place that cannot be parsed."""
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
                failures += 1
            except IndexError:
                # At the end PyAV asks for streams too that damage made appear after the opening.
                return

    def _note(self, packet: av.Packet) -> None:
        self.discarded += packet.is_discard
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None:
            return
        end = (stamp + (packet.duration or 0)) * self.time_base
        self._last_end = end if self._last_end is None else max(self._last_end, end)

    def seek(self, stamp: int) -> bool:
        """Go to the key frame at or before a stamp; False where the file cannot do that."""
        try:
            self.container.seek(stamp, stream=self.stream, backward=True, any_frame=False)
        except (av.FFmpegError, OSError):
            return False
        self.damaged = 0
        self.ledger = Ledger()
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

    def is_cut_off(self) -> bool:
        """Whether the file is shorter than it says of itself; to be asked after decoding."""
        if self._promised_size > self._size or self._is_ragged:
            return True
        if self.promised is None or self._last_end is None or not self._promise_is_exact:
            return False
        return self.promised - self._last_end > Fraction(1, 4) + 2 / self.rate

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
        start: Stamp of the first frame (0 where frames are counted); None before it.
        repaired: Frames whose stamp could not be used as it was.
    """

    def __init__(self, source: Source) -> None:
        self._counts = source.is_avi
        self.time_base = 1 / source.rate if self._counts else source.time_base
        self.step = max(1, round(1 / (source.rate * self.time_base)))
        self.start: int | None = 0 if self._counts else None
        self.repaired = 0
        self._read = self._lost = 0
        self._last = -1
        self._shift = 0

    def tick(self, stamp: int | None) -> int:
        """Return the tick of the next frame."""
        if self._counts:
            tick = self._read + self._lost
        elif self.start is None:
            self.start, tick = stamp or 0, 0
            self.repaired += stamp is None
        else:
            tick = self._after_first(stamp)
        self._read += 1
        self._last = tick
        return tick

    def lose(self, stamp: int | None) -> int:
        """Return where a packet that gave no frame would stand, in ticks and not yet from 0."""
        if self._counts:
            self._lost += 1
            return self._read + self._lost - 1
        if stamp is None:
            return self._last + 1 + (self.start or 0)
        return stamp + self._shift

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


def _missing_index(path: Path) -> bool:
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
            if length < 8:
                break
            position += length
            if position <= size or kind == b"mdat":
                kinds.add(kind)
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
        raise _refusal(
            path, "not a video that can be read", "open it in a player to see whether it plays"
        ) from error


def _refusal(path: Path, reason: str, hint: str) -> VideoError:
    """Return the error to raise; an mp4 that lost its index can fail in several ways."""
    if _missing_index(path):
        reason = "the video is cut off: its index is missing"
        hint = "copy it again; a recording that broke off may be rebuilt by a tool such as untrunc"
    return VideoError(f"{path}: {reason}", hint)


def _pick_stream(container: av.container.InputContainer, path: Path) -> VideoStream:
    pictures = av.stream.Disposition.attached_pic
    streams = [s for s in container.streams.video if not s.disposition & pictures]
    if not streams:
        raise _refusal(
            path,
            f"there is no video in the file, only {_kinds(container)}",
            "choose the file that has the picture",
        )
    if streams[0].codec_context is None:
        raise _refusal(
            path, "no decoder for this kind of video", "convert it to H.264, as ffmpeg can"
        )
    return streams[0]


def _promised_end(container: av.container.InputContainer, stream: VideoStream) -> Fraction | None:
    if stream.duration:
        return (stream.duration + (stream.start_time or 0)) * stream.time_base
    tag = stream.metadata.get("DURATION", "")
    if re.fullmatch(r"\d+:\d+:\d+(\.\d+)?", tag):
        hours, minutes, seconds = tag.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    if container.duration and len(container.streams) == 1:
        return Fraction(container.duration, av.time_base)
    return None


def _samples_end(stream: VideoStream) -> int:
    """Return the byte where the last of the samples that an mp4's index lists ends."""
    entries = stream.index_entries
    return max((e.pos + e.size for e in entries[max(0, len(entries) - 8) :]), default=0)


def _promised_size(path: Path) -> int:
    """Return how many bytes an AVI or Matroska file, or the packets of a transport stream, need.

    0 where the file says nothing.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    if head[:4] == b"RIFF":
        return 8 + int.from_bytes(head[4:8], "little")
    at = head.find(b"\x18\x53\x80\x67")  # Segment
    if not head.startswith(b"\x1a\x45\xdf\xa3") or at < 0:
        return 0
    at += 4
    length = 9 - head[at].bit_length()  # of the size itself: one leading 0 bit for each more byte
    size = int.from_bytes(head[at : at + length], "big") & ((1 << 7 * length) - 1)
    unknown = size == (1 << 7 * length) - 1  # a live recording
    return 0 if unknown else at + length + size


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
