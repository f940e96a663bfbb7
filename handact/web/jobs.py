"""Work on a video that takes minutes and is done once: a playable copy, and how much it moves."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock
from typing import Any

import av
import cv2
import numpy as np

from handact.errors import HandactError
from handact.files import atomic_path, write_json
from handact.progress import Progress
from handact.video import FrameStream, VideoWriter, file_fingerprint

__all__ = ["PIECES", "Job", "Jobs", "browser_plays", "is_made", "make_proxy", "measure_motion"]

PIECES = 4000
"""Of a curve that spans a whole video, at most."""

_PROXY_SIDE = 720  # pixels of the short side
_PROXY_KEYS = "15"  # frames between two where decoding can begin: seeking is quick
_GREY = (64, 36)  # pixels in which motion is measured

_PLAYABLE = {("mov,mp4,m4a,3gp,3g2,mj2", codec) for codec in ("h264", "av1", "vp9")}
_PLAYABLE |= {("matroska,webm", codec) for codec in ("vp8", "vp9", "av1")}


def browser_plays(path: Path) -> bool:
    """Tell whether browsers play a file as it is, as far as container and codec say."""
    if path.is_dir():
        return False
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            kind = container.format.name, stream.codec_context.name.removeprefix("lib")
            kind = kind[0], kind[1].replace("dav1d", "av1").replace("vpx-vp9", "vp9")
            return kind in _PLAYABLE and stream.codec_context.pix_fmt in ("yuv420p", "yuvj420p")
    except (av.FFmpegError, IndexError):
        return False


@dataclass
class Job:
    """How far some work is.

    Attributes:
        state: "none", "running", "ready" or "failed".
        done: Frames so far.
        total: Of how many.
        error: What went wrong.
    """

    state: str = "none"
    done: int = 0
    total: int = 0
    error: str | None = None


class _Stopped(Exception):
    pass


class Jobs:
    """Work in the background, one piece of a kind at a time, so that the pages stay quick."""

    def __init__(self) -> None:
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._jobs: dict[tuple[str, str], Job] = {}
        self._lock, self._stop = Lock(), Event()

    def state(self, kind: str, video: str) -> Job:
        """Return how far a job is."""
        return self._jobs.get((kind, video), Job())

    def start(self, kind: str, video: str, total: int, work: Callable[[Progress], None]) -> Job:
        """Begin a job, unless it runs already."""
        with self._lock:
            job = self._jobs.get((kind, video))
            if job is None or job.state != "running":
                job = self._jobs[kind, video] = Job("running", 0, total)
                pool = self._pools.setdefault(kind, ThreadPoolExecutor(1))
                pool.submit(self._run, job, work)
            return job

    def close(self) -> None:
        """Stop what runs; nothing half done is left."""
        self._stop.set()
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)

    def _run(self, job: Job, work: Callable[[Progress], None]) -> None:
        def on_progress(done: int, _: int | None) -> None:
            if self._stop.is_set():
                raise _Stopped
            job.done = done

        try:
            work(on_progress)
            job.state = "ready"
        except _Stopped:
            job.state = "none"
        except (HandactError, OSError) as error:
            job.state, job.error = "failed", str(error)
        except Exception as error:
            job.state, job.error = "failed", f"{type(error).__name__}: {error}"
            raise


def is_made(path: Path, video: Path) -> bool:
    """Tell whether a file was made of this very version of a video."""
    try:
        made_of = json.loads(_note(path).read_bytes())
    except (OSError, ValueError):
        return False
    # A link in its place may lead out of the dataset.
    return path.is_file() and not path.is_symlink() and made_of == _describe(video)


def make_proxy(path: Path, video: Path, fps: float, on_progress: Progress) -> None:
    """Write a copy of a video that every browser plays, with the same frames at the same times."""
    with FrameStream(video, fps=fps) as stream:
        scale = min(1, _PROXY_SIDE / min(stream.width, stream.height))
        size = max(2, round(stream.width * scale)), max(2, round(stream.height * scale))
        options = {"g": _PROXY_KEYS, "bf": "0"}
        with VideoWriter(path, *size, preset="ultrafast", crf=24, options=options) as writer:
            for frame in stream:
                image = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
                writer.write(image, frame.seconds)
                on_progress(frame.index + 1, None)
    write_json(_note(path), _describe(video))


def measure_motion(path: Path, video: Path, fps: float, on_progress: Progress) -> None:
    """Write how much each frame differs from the one before: (N,) float32, 0..255, in a .npy."""
    motion, before = [], None
    with FrameStream(video, fps=fps, threads=1) as stream:
        for frame in stream:
            small = cv2.resize(frame.image, _GREY, interpolation=cv2.INTER_AREA)
            grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
            motion.append(0.0 if before is None else float(cv2.absdiff(grey, before).mean()))
            before = grey
            on_progress(frame.index + 1, None)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, np.array(motion, np.float32))
    write_json(_note(path), _describe(video))


def _note(path: Path) -> Path:
    return path.with_suffix(".json")


def _describe(video: Path) -> dict[str, Any]:
    return {"video": list(file_fingerprint(video))}
