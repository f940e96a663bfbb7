"""What frames a video has and when they are shown, found out by decoding it once."""

from array import array
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar
from zipfile import BadZipFile

import numpy as np
from av.video.frame import PictureType, VideoFrame

from handact.errors import VideoError
from handact.files import atomic_path
from handact.progress import Progress
from handact.video.damage import describe_gaps, describe_torn, find_gaps
from handact.video.packets import Clock, Source
from handact.video.pictures import as_rate, file_fingerprint, list_pictures, read_picture

__all__ = ["Frame", "Tally", "VideoIndex", "scan_video", "to_seconds"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One displayed frame.

    Attributes:
        index: Place in presentation order, from 0.
        seconds: Time since the first displayed frame.
        image: (H, W, 3) uint8 RGB, upright.
    """

    index: int
    seconds: float
    image: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class VideoIndex:
    """What decoding a video once found out; the truth about its frames.

    Attributes:
        path: The file, or the folder of pictures.
        width: Upright, after the display rotation, in pixels.
        height: The same.
        ticks: (N,) int64 presentation stamps minus that of the first displayed frame, strictly
            increasing.
        time_base: Seconds per tick.
        damaged: Packets that could not be decoded and were skipped.
        cut_off: Whether the file is shorter, in bytes or seconds, than it says of itself.
        gaps: (G, 2) int64 ticks [from, to) in which frames were lost.
        torn: (F,) int64 frames that FFmpeg gave although parts of the picture are missing.
        warnings: What is unusual, one short sentence each.
        start: Stamp of the first displayed frame in the file.
        keys: (K,) int64 ticks of the frames where decoding can begin.
        step: Ticks that one frame lasts by the header; the last frame's duration.
        promised: Seconds that the header promises, or None.
        size: Bytes of the file, and its `mtime_ns`, by which a saved index is known to be stale.
    """

    path: Path
    width: int
    height: int
    ticks: np.ndarray
    time_base: Fraction
    damaged: int
    cut_off: bool
    gaps: np.ndarray
    torn: np.ndarray
    warnings: tuple[str, ...]
    start: int
    keys: np.ndarray
    step: int
    promised: float | None
    size: int
    mtime_ns: int

    @property
    def num_frames(self) -> int:
        """N, the displayed frames that could be decoded."""
        return len(self.ticks)

    @property
    def seconds(self) -> np.ndarray:
        """(N,) float64 time of each frame since the first."""
        return to_seconds(self.ticks, self.time_base)

    @property
    def fps(self) -> float:
        """Mean frame rate over the video; the header's where there is one frame only."""
        if self.num_frames < 2:
            return float(1 / (self.step * self.time_base))
        return float((self.num_frames - 1) / (int(self.ticks[-1]) * self.time_base))

    @property
    def duration(self) -> float:
        """Seconds from the first frame to the end of the last."""
        return float((int(self.ticks[-1]) + self.step) * self.time_base)

    @property
    def variable_rate(self) -> bool:
        """Whether a step between frames differs from the usual one by more than rounding."""
        return _is_variable(self.ticks)

    def frame_at(self, seconds: float) -> int:
        """Return the last frame whose time is <= `seconds`; the first for times before it."""
        return max(0, int(np.searchsorted(self.seconds, seconds, side="right")) - 1)

    def problem(self) -> str | None:
        """Say in one line what is lost of this video and where, or None if nothing is."""
        parts = [self._describe_cut()] if self.cut_off else []
        skipped = f"{_count(self.damaged, 'damaged packet')} skipped" if self.damaged else ""
        gaps = describe_gaps(to_seconds(self.gaps, self.time_base), self.seconds)
        parts.append(": ".join(filter(None, (skipped, gaps))))
        parts.append(describe_torn(self.torn, self.seconds))
        return "; ".join(filter(None, parts)) or None

    def _describe_cut(self) -> str:
        step = self.step * self.time_base
        of = ""
        if self.promised is not None:
            promised = self.promised - self.start * self.time_base
            if promised - self.duration < 1.5 * step:
                return "parts of the file are missing"  # and not at its end
            of = f" of {float(promised):.1f}"
        return f"cut off after frame {self.num_frames - 1} ({self.duration:.1f}{of} s)"

    def save(self, path: str | Path) -> None:
        """Write the index to a .npz file, whole or not at all."""
        values = {name: getattr(self, name) for name in _PLAIN}
        values["promised"] = np.nan if self.promised is None else self.promised
        base = (self.time_base.numerator, self.time_base.denominator)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file, **values, time_base=base, path=str(self.path), warnings=list(self.warnings)
            )

    @classmethod
    def load(cls, path: str | Path, video: str | Path | None = None) -> "VideoIndex | None":
        """Read a saved index; None if there is none, or the video has changed since.

        Args:
            path: What `save` wrote.
            video: Where the video is now, if it has moved.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                values = {name: file[name] for name in file.files}
            plain = {name: values[name] for name in _PLAIN}
            plain |= {n: plain[n].item() for n in _PLAIN if plain[n].ndim == 0}
            promised = float(values["promised"])
            index = cls(
                **plain,
                promised=None if np.isnan(promised) else promised,
                time_base=Fraction(*(int(v) for v in values["time_base"])),
                path=Path(video or str(values["path"])),
                warnings=tuple(str(w) for w in values["warnings"]),
            )
            current = file_fingerprint(index.path) == (index.size, index.mtime_ns)
        except (OSError, KeyError, ValueError, EOFError, TypeError, BadZipFile):
            return None  # or half a file, from a disk that was full
        return index if current else None


_PLAIN = (
    "width", "height", "ticks", "damaged", "cut_off", "gaps", "torn", "start", "keys", "step",
    "size", "mtime_ns",
)  # fmt: skip


def _is_variable(ticks: np.ndarray) -> bool:
    if len(ticks) < 3:
        return False
    steps = np.diff(ticks)
    usual = np.median(steps)
    return bool(np.abs(steps - usual).max() > max(1.0, 0.05 * usual))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


Ticks = TypeVar("Ticks", int, np.ndarray)


def to_seconds(tick: Ticks, time_base: Fraction) -> Ticks:
    """Return a tick, or an array of them, in seconds; the same to the last bit."""
    return tick * time_base.numerator / time_base.denominator


def scan_video(
    path: str | Path, *, fps: float | None = None, on_progress: Progress | None = None
) -> VideoIndex:
    """Decode a video once from end to end and say what is in it. Memory stays flat.

    Args:
        path: A video file, or a folder of pictures.
        fps: Frame rate of a folder of pictures; a file knows its own times.
        on_progress: Called with frames done and, as far as the header can be believed, of how many.

    Raises:
        VideoError: No such file, empty, not a video, no video stream in it, cut off before its
            index, no frame that can be decoded; a folder without pictures or without `fps`.
    """
    path = Path(path)
    if path.is_dir():
        return _scan_folder(path, fps, on_progress)
    source = Source(path)
    try:
        return _scan_file(source, on_progress)
    finally:
        source.close()


class Tally:
    """What is gathered from the frames of a file, one by one; at their end, its index.

    Args:
        source: What they come from.
    """

    def __init__(self, source: Source) -> None:
        self.clock = Clock(source)
        self._source = source
        self._fingerprint = file_fingerprint(source.path)
        self._upright = (0, 0)
        self._ticks, self._keys, self._torn = array("q"), array("q"), array("q")
        self._refused: list[int] = []
        self._unshown: dict[int, int] = {}  # ticks by the packets' stamps
        self._sizes: dict[tuple[int, int], int] = {}
        self._faults = 0
        self._group_is_kept = False

    def add(self, frame: VideoFrame) -> int:
        """Take one frame in and return its tick."""
        if not self._ticks:
            self._upright = self._source.to_rgb(frame).shape[1::-1]
        self._add_lost()
        self._unshown.pop(frame.pts, None)  # it comes late
        tick = self.clock.tick(frame.pts)
        is_torn = self._source.is_torn(frame)
        self._add_key(frame, tick, is_torn)
        if is_torn:
            self._torn.append(len(self._ticks))
        self._ticks.append(tick)
        size = (frame.width, frame.height)
        self._sizes[size] = self._sizes.get(size, 0) + 1
        return tick

    def _add_lost(self) -> None:
        ledger = self._source.ledger
        # Before the first frame, a packet without a stamp has no place in time.
        has_begun = self.clock.start is not None
        known = [stamp for stamp in ledger.refused if stamp is not None or has_begun]
        self._refused += map(self.clock.lose, known)
        self._unshown |= {stamp: self.clock.lose(stamp) for stamp in ledger.unshown}
        ledger.refused, ledger.unshown = [], set()

    def _add_key(self, frame: VideoFrame, tick: int, is_torn: bool) -> None:
        faults = self._source.damaged + self._source.corrupt
        if faults > self._faults and self._group_is_kept and len(self._keys) > 1:
            # A frame behind damage looks as it does here only when reached in the same way:
            # through the group of pictures before it.
            self._keys.pop()
            self._group_is_kept = False
        self._faults = faults
        # A key frame that is not an I picture is intra refresh: nothing decodes rightly from it.
        # What is missing of a torn one is patched from the frames before it.
        if frame.key_frame and frame.pict_type == PictureType.I and not is_torn:
            self._keys.append(tick)
            self._group_is_kept = True

    def index(self) -> VideoIndex:
        """Return the index; to be asked once, behind the last frame and before the file is closed.

        Raises:
            VideoError: There was no frame.
        """
        source, clock = self._source, self.clock
        if not self._ticks:
            raise source.nothing_decodable()
        self._add_lost()
        ticks = np.array(self._ticks, np.int64)
        size, mtime_ns = self._fingerprint
        seekable = not (source.is_avi or clock.repaired)
        return VideoIndex(
            path=source.path,
            width=self._upright[0],
            height=self._upright[1],
            ticks=ticks,
            time_base=clock.time_base,
            damaged=source.damaged,
            cut_off=source.is_cut_off(),
            gaps=find_gaps(
                ticks,
                np.array(self._refused, np.int64) - clock.start,
                np.array(list(self._unshown.values()), np.int64) - clock.start,
                step=clock.step,
                is_listed=source.is_listed,
            ),
            torn=np.array(self._torn, np.int64),
            warnings=_warnings(source, clock, ticks, self._sizes),
            start=clock.start,
            keys=np.array(self._keys if seekable else [], np.int64),
            step=clock.step,
            promised=None if source.promised is None else float(source.promised),
            size=size,
            mtime_ns=mtime_ns,
        )


def _scan_file(source: Source, on_progress: Progress | None) -> VideoIndex:
    tally, done = Tally(source), 0
    for done, frame in enumerate(source.frames(), 1):
        tally.add(frame)
        if on_progress and done % 32 == 0:
            on_progress(done, source.num_frames_hint)
    index = tally.index()
    if on_progress:
        on_progress(done, done)
    return index


def _warnings(source: Source, clock: Clock, ticks: np.ndarray, sizes: dict) -> tuple[str, ...]:
    start = float(clock.start * clock.time_base)
    ratio = source.stream.codec_context.sample_aspect_ratio
    streams = len(source.container.streams.video)
    width, height = next(iter(sizes))
    other = sum(sizes.values()) - sizes[width, height]
    notes = {
        f"variable frame rate ({_rates(ticks, clock.time_base)})": _is_variable(ticks),
        f"the first frame stands at {start:.3f} s in the file": abs(start) >= 0.001,
        f"an edit list hides {_count(source.discarded, 'frame')}": source.discarded,
        f"{_count(clock.repaired, 'frame')} with a missing, doubled or backward time stamp":
            clock.repaired,
        "AVI has no display times: frames are counted at the header's rate": source.is_avi,
        f"the picture changes its size: {_count(other, 'frame')} scaled to {width}x{height}":
            other,
        "interlaced": source.interlaced,
        f"pixels are not square ({ratio})": ratio not in (None, 0, 1),
        f"{streams} video streams, the first is read": streams > 1,
    }  # fmt: skip
    return tuple(note for note, holds in notes.items() if holds)


def _rates(ticks: np.ndarray, time_base: Fraction) -> str:
    if len(ticks) < 2:
        return ""
    steps = np.diff(ticks)
    low, high = (float(1 / (int(s) * time_base)) for s in (steps.max(), steps.min()))
    return f"{low:.2f} to {high:.2f} frames a second"


def _scan_folder(folder: Path, fps: float | None, on_progress: Progress | None) -> VideoIndex:
    if fps is None:
        raise VideoError(
            f"{folder}: a folder of pictures has no frame rate", "say it, for example --fps 30"
        )
    pictures = list_pictures(folder)
    sizes: dict[tuple[int, int], int] = {}
    for i, picture in enumerate(pictures):
        size = read_picture(picture, None).shape[1::-1]
        sizes[size] = sizes.get(size, 0) + 1
        if on_progress:
            on_progress(i + 1, len(pictures))
    (width, height), *others = sizes
    scaled = sum(sizes[size] for size in others)
    note = f"the pictures differ in size: {_count(scaled, 'picture')} scaled to {width}x{height}"
    size, mtime_ns = file_fingerprint(folder)
    return VideoIndex(
        path=folder,
        width=width,
        height=height,
        ticks=np.arange(len(pictures), dtype=np.int64),
        time_base=1 / as_rate(fps),
        damaged=0,
        cut_off=False,
        gaps=np.zeros((0, 2), np.int64),
        torn=np.zeros(0, np.int64),
        warnings=(note,) if others else (),
        start=0,
        keys=np.arange(len(pictures), dtype=np.int64),
        step=1,
        promised=None,
        size=size,
        mtime_ns=mtime_ns,
    )
