"""Five hundred damaged videos: each is segmented with its gaps named, or refused in one line."""

import faulthandler
import os
import re
import resource
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from handact import segment
from handact.config import SegmentConfig
from handact.errors import VideoError
from handact.scores import Scores
from handact.video import FrameStream

SHARED = Path(os.environ.get("HANDACT_SHARED", Path(__file__).parents[2] / "shared"), "data")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SHARED.is_dir(), reason=f"no videos in {SHARED}"),
]

NUMBER = 500
MOST_QUIET = 10  # that have lost frames without a trace
TIMEOUT = 120  # seconds for one video, which takes a few
MOST_MEMORY = 2 << 30  # bytes, for one video
CLIPS = {
    ".mp4": ("libx264", {"g": "20", "bf": "2"}),
    ".mkv": ("libx265", {"x265-params": "keyint=20:log-level=none"}),
    ".ts": ("libx264", {"g": "20", "bf": "2"}),
    ".avi": ("mpeg4", {"g": "20", "bf": "2", "b": "400k"}),
    ".webm": ("libvpx-vp9", {"g": "20", "cpu-used": "8"}),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a video: the error that refused it, or what was read and what was said.

    Attributes:
        refused: The error's message; None if the video was segmented.
        seconds: (N,) times of the frames.
        damage: What was said to be wrong.
        memory: Peak of the process while it worked on this video, bytes.
    """

    refused: str | None
    seconds: np.ndarray
    damage: str
    memory: int


def test_each_is_segmented_with_its_gaps_named_or_refused(trained: Path, tmp_path: Path) -> None:
    checkpoint = trained / "runs" / "action" / "best.pt"
    sources = make_sources(tmp_path / "whole")
    pairs = [(path, path) for path in sources]
    pairs += make_damaged(sources, tmp_path / "damaged")
    outcomes: dict[Path, Outcome] = {}
    counts, quiet, refusals = Counter(), [], Counter()
    # One process does them all, so that what one leaves behind would show in the next.
    with ProcessPoolExecutor(1, get_context("spawn"), _begin) as pool:
        for path, source in pairs:
            try:
                outcome = pool.submit(_segment, path, checkpoint, tmp_path / "out").result()
            except BrokenProcessPool:
                pytest.fail(f"{path.name}: the process crashed, or was stopped after {TIMEOUT} s")
            assert outcome.memory < MOST_MEMORY, path.name
            outcomes[path] = outcome
            kind = _judge(outcome, outcomes[source])
            print(path.name, kind, outcome.damage or outcome.refused or "", outcome.memory >> 20)
            if path != source:
                counts[kind] += 1
                if kind == "refused":
                    refusals[re.sub(r"\d+", "N", outcome.refused.removeprefix(f"{path}: "))] += 1
                elif kind == "quiet":
                    quiet.append(path.name)
    peak = max(outcome.memory for outcome in outcomes.values()) >> 20
    print(dict(counts), dict(refusals), f"peak {peak} MiB", *quiet, sep="\n")
    # A few frames that vanish from Matroska leave less of a hole than a camera that stumbles; and
    # a stream that begins later is a shorter one.
    assert len(quiet) <= MOST_QUIET


def _judge(outcome: Outcome, whole: Outcome) -> str:
    if outcome.refused is not None:
        assert "\n" not in outcome.refused
        return "refused"
    if outcome.damage:
        return "named"
    return "quiet" if len(outcome.seconds) < len(whole.seconds) else "nothing to name"


def _begin() -> None:
    """Load the networks once and not for every video; see that memory has a hard limit."""
    segment.load_action_model = cache(segment.load_action_model)
    resource.setrlimit(resource.RLIMIT_DATA, (2 * MOST_MEMORY, 2 * MOST_MEMORY))


def _segment(path: Path, checkpoint: Path, output: Path) -> Outcome:
    faulthandler.dump_traceback_later(TIMEOUT, exit=True)  # in native code as well
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    seconds, damage, refused = np.zeros(0), "", None
    try:
        config = SegmentConfig(window_stride=50)
        segment.segment_videos(
            [str(path)], config, checkpoint=checkpoint, output=output, device="cpu"
        )
    except VideoError as error:
        refused = error.message
    else:
        scores = Scores.load(output / f"{path.stem}.scores.npz")
        seconds, damage = scores.seconds, scores.damage
    finally:
        faulthandler.cancel_dump_traceback_later()
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return Outcome(refused, seconds, damage, int(peak[1]) << 10)


def make_sources(folder: Path) -> list[Path]:
    """Return whole files: awkward ones, and the beginnings of clips of hands in five containers."""
    folder.mkdir()
    clips = [
        _write_beginning(clip, folder / f"{clip.stem}{suffix}")
        for clip in sorted((SHARED / "two_hands").glob("*.mp4"))
        for suffix in CLIPS
    ]
    return sorted((SHARED / "awkward_videos").iterdir()) + clips


def _write_beginning(clip: Path, path: Path) -> Path:
    codec, options = CLIPS[path.suffix]
    muxing = {"movflags": "+faststart"} if path.suffix == ".mp4" else {}
    with FrameStream(clip) as frames, av.open(str(path), "w", options=muxing) as container:
        stream = container.add_stream(codec, 30, options=options)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for frame in islice(frames, 60):
            picture = cv2.resize(frame.image, (320, 180), interpolation=cv2.INTER_AREA)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def make_damaged(sources: list[Path], folder: Path) -> Iterator[tuple[Path, Path]]:
    """Write damaged copies, the same ones every time; yield each with what it was made from."""
    folder.mkdir()
    kinds = list(KINDS)
    for i in range(NUMBER):
        source, kind = sources[i % len(sources)], kinds[i // len(sources) % len(kinds)]
        data = np.fromfile(source, np.uint8)
        damaged = KINDS[kind](data, np.random.default_rng([i, 2026]))
        path = folder / f"{i:03d}_{kind}_{source.stem}{source.suffix}"
        damaged.tofile(path)
        yield path, source


def _cut(data: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return data[: rng.integers(1, len(data))]


def _zero(data: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    start, end = _chunk(data, rng)
    data[start:end] = 0
    return data


def _flip(data: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    number = round(10 ** rng.uniform(0, 3.5))
    places = rng.integers(0, len(data), number)
    data[places] ^= (1 << rng.integers(0, 8, number)).astype(np.uint8)
    return data


def _behead(data: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return data[rng.integers(1, max(2, min(4096, len(data) // 4))) :]


def _garble_header(data: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    number = rng.integers(1, 20)
    data[rng.integers(0, min(len(data), 1500), number)] = rng.integers(0, 256, number)
    return data


def _remove(data: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    start, end = _chunk(data, rng)
    return np.delete(data, np.s_[start:end])


def _double(data: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    start, end = _chunk(data, rng)
    return np.concatenate([data[:end], data[start:]])


def _chunk(data: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    length = max(1, round(len(data) * 10 ** rng.uniform(-4, -0.7)))
    start = int(rng.integers(0, len(data) - length + 1))
    return start, start + length


KINDS = {
    "cut": _cut,
    "zero": _zero,
    "flip": _flip,
    "behead": _behead,
    "header": _garble_header,
    "remove": _remove,
    "double": _double,
}
