"""How other readers do on a person's own video, against PyAV read in order.

The other readers run in a process of their own with a time limit, because they can hang or crash
inside native code: `python -m handact.video.comparison` is that process.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from handact.video.index import VideoIndex
from handact.video.reader import FrameStream, VideoReader

__all__ = ["ReaderResult", "compare_readers"]

FOREIGN = ("decord", "opencv")
_THUMB = (64, 36)
_MOST_IN_ORDER = 200  # frames that a reader is timed over
_TOLERANCE = 3.0  # grey levels of a thumbnail, after gain and offset


@dataclass(frozen=True, slots=True)
class ReaderResult:
    """How one reader did.

    Attributes:
        reader: Its name, with the way of reading.
        frames: How many frames it says the video has.
        wrong: Random frames that were another frame, or none at all.
        asked: Random frames that were asked for.
        ms_in_order: Milliseconds a frame, from the beginning on.
        ms_random: Milliseconds a frame, at random.
        note: Why there are no figures.
    """

    reader: str
    frames: int | None = None
    wrong: int | None = None
    asked: int | None = None
    ms_in_order: float | None = None
    ms_random: float | None = None
    note: str | None = None


def compare_readers(
    index: VideoIndex,
    *,
    num_random: int = 32,
    seed: int = 0,
    timeout: float = 60,
    on_progress: Callable[[int, int | None], None] | None = None,
) -> list[ReaderResult]:
    """Read seeded random frames of a video with each reader and compare them with the truth.

    Args:
        index: From `scan_video`.
        num_random: Frames to ask for; no more than there are.
        seed: Chooses the frames.
        timeout: Seconds that each of the other readers may take.
        on_progress: Called with the frames of the first pass that are done, and their number.

    Raises:
        VideoError: The video cannot be read any more.
    """
    count = min(num_random, index.num_frames)
    asked = np.random.default_rng(seed).choice(index.num_frames, count, replace=False)
    thumbs, exact, in_order = _read_truth(index, asked.tolist(), on_progress)
    results = [in_order, _try_own_random(index, asked.tolist(), exact)]
    if not index.path.is_dir():
        results += [_try_foreign(name, index, asked.tolist(), thumbs, timeout) for name in FOREIGN]
    return results


def _read_truth(
    index: VideoIndex, asked: Sequence[int], on_progress: Callable[[int, int | None], None] | None
) -> tuple[dict[int, np.ndarray], dict[int, int], ReaderResult]:
    """Return thumbnails of the asked frames and their neighbours, hashes, and the timing."""
    near = {i + step for i in asked for step in (-1, 0, 1)}
    wanted, thumbs, exact, spent = set(asked), {}, {}, 0.0
    with FrameStream(index.path, fps=index.fps) as frames:
        began = time.perf_counter()
        for frame in frames:
            spent += time.perf_counter() - began
            if frame.index in near:
                thumbs[frame.index] = _thumbnail(frame.image)
            if frame.index in wanted:
                exact[frame.index] = hash(frame.image.tobytes())
            if on_progress:
                on_progress(frame.index + 1, index.num_frames)
            began = time.perf_counter()
    ms = 1000 * spent / max(1, frames.num_read)
    return thumbs, exact, ReaderResult("PyAV, in order", frames.num_read, ms_in_order=ms)


def _try_own_random(index: VideoIndex, asked: Sequence[int], exact: dict[int, int]) -> ReaderResult:
    wrong, spent = 0, 0.0
    with VideoReader(index.path, index) as reader:
        for i in asked:
            began = time.perf_counter()
            image = reader[i].image
            spent += time.perf_counter() - began
            wrong += hash(image.tobytes()) != exact.get(i)
    ms = 1000 * spent / len(asked)
    return ReaderResult("PyAV, at random", len(reader), wrong, len(asked), ms_random=ms)


def _try_foreign(
    name: str,
    index: VideoIndex,
    asked: Sequence[int],
    thumbs: dict[int, np.ndarray],
    timeout: float,
) -> ReaderResult:
    with tempfile.TemporaryDirectory() as folder:
        order = {"reader": name, "path": str(index.path), "asked": asked, "folder": folder}
        command = [sys.executable, "-m", "handact.video.comparison", json.dumps(order)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            return ReaderResult(name, note=f"no answer in {timeout:.0f} s")
        answer = Path(folder, "answer.json")
        if done.returncode or not answer.exists():
            return ReaderResult(name, note=_describe_end(done))
        figures = json.loads(answer.read_bytes())
        read = np.load(Path(folder, "thumbs.npy"))
    wrong = sum(_is_wrong(i, thumb, thumbs) for i, thumb in zip(asked, read, strict=True))
    return ReaderResult(wrong=wrong, asked=len(asked), **figures)


def _describe_end(done: subprocess.CompletedProcess) -> str:
    if done.returncode < 0:
        return f"crashed ({signal.Signals(-done.returncode).name})"
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1][:80] if lines else f"ended with code {done.returncode}"


def _is_wrong(i: int, thumb: np.ndarray, thumbs: dict[int, np.ndarray]) -> bool:
    """Whether a thumbnail is another frame's: far from frame i, or nearer to a neighbour."""
    if np.isnan(thumb).any():
        return True
    own = _distance(thumb, thumbs[i])
    near = [_distance(thumb, thumbs[j]) for j in (i - 1, i + 1) if j in thumbs]
    return own > _TOLERANCE or any(other + 0.25 < own for other in near)


def _distance(thumb: np.ndarray, truth: np.ndarray) -> float:
    # Gain and offset are left free: readers differ in colour matrix and range.
    x, y = thumb.ravel() - thumb.mean(), truth.ravel() - truth.mean()
    gain = np.clip(x @ y / max(x @ x, 1e-6), 0.8, 1.25)
    return float(np.abs(gain * x - y).mean())


def _thumbnail(image: np.ndarray) -> np.ndarray:
    """Return (36, 64) float32 grey of an (H, W, 3) RGB image."""
    import cv2

    small = cv2.resize(image, _THUMB, interpolation=cv2.INTER_AREA)
    return small.astype(np.float32).mean(axis=2)


def _serve(order: dict) -> None:
    """Be the other process: read, leave thumbnails and figures in the folder."""
    start = {"decord": _open_decord, "opencv": _open_opencv}[order["reader"]]
    version, frames, read_next, read_at = start(order["path"])
    began, in_order = time.perf_counter(), 0
    while in_order < min(_MOST_IN_ORDER, frames) and read_next() is not None:
        in_order += 1
    ms_in_order = 1000 * (time.perf_counter() - began) / max(1, in_order)
    thumbs, spent = np.full((len(order["asked"]), *_THUMB[::-1]), np.nan, np.float32), 0.0
    for row, i in enumerate(order["asked"]):
        began = time.perf_counter()
        image = read_at(i)
        spent += time.perf_counter() - began
        if image is not None:
            thumbs[row] = _thumbnail(image)
    np.save(Path(order["folder"], "thumbs.npy"), thumbs)
    figures = {
        "reader": f"{order['reader']} {version}",
        "frames": frames,
        "ms_in_order": ms_in_order,
        "ms_random": 1000 * spent / max(1, len(thumbs)),
    }
    Path(order["folder"], "answer.json").write_text(json.dumps(figures))


_Opened = tuple[
    str, int, Callable[[], np.ndarray | None], Callable[[int], np.ndarray | None]
]  # version, frames, the next frame, frame i


def _open_decord(path: str) -> _Opened:
    from handact.video.decord_reader import import_decord

    decord = import_decord()
    errors = (decord.DECORDError, decord.DECORDLimitReachedError, StopIteration, IndexError)
    reader = decord.VideoReader(path, ctx=decord.cpu(0), num_threads=1, fault_tol=1)

    def guard(read: Callable) -> np.ndarray | None:
        try:
            return read().asnumpy()
        except errors:
            return None

    return (
        decord.__version__,
        len(reader),
        lambda: guard(reader.next),
        lambda i: guard(lambda: reader[i]),
    )


def _open_opencv(path: str) -> _Opened:
    import cv2

    capture = cv2.VideoCapture(path)
    if not capture.isOpened():
        sys.exit("the file cannot be opened")

    def read() -> np.ndarray | None:
        good, image = capture.read()
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if good else None

    def read_at(i: int) -> np.ndarray | None:
        capture.set(cv2.CAP_PROP_POS_FRAMES, i)
        return read()

    return cv2.__version__, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), read, read_at


if __name__ == "__main__":
    from handact.errors import HandactError

    try:
        _serve(json.loads(sys.argv[1]))
    except HandactError as error:
        sys.exit(error.message)
