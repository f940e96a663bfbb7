"""Reading in order with decord, for those who ask for it, and refusing what it reads wrongly.

decord 0.6.0 gave 2,139 wrong frames of 8,308 without a word, hung on a trimmed file, and decodes
ahead of a slow consumer without a bound (20 GB after 1,500 frames of 1080p). So: one thread,
readers that live for a bounded number of frames, and a look at the packets beforehand.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from handact.errors import VideoError
from handact.video.packets import Source

__all__ = ["import_decord", "read_with_decord"]

_MOST_BYTES = 256 << 20  # of frames that one reader may decode ahead
_HINT = "leave --decoder decord away: the default reader reads this file rightly"


@dataclass(frozen=True, slots=True)
class _Plan:
    """(N,) stamps in presentation order, and their unit in seconds."""

    stamps: np.ndarray
    time_base: Fraction


def read_with_decord(path: Path) -> Iterator[tuple[float, np.ndarray]]:
    """Yield (seconds since the first frame, (H, W, 3) uint8 RGB upright) of each frame, in order.

    Raises:
        VideoError: decord is not installed, the file is of a kind that it reads wrongly, or it
            fails on the way, as it does on damaged files.
    """
    decord = import_decord()
    plan = _plan(path)
    at, run = 0, 1
    while at < len(plan.stamps):
        images = _read_run(decord, path, at, min(run, len(plan.stamps) - at), len(plan.stamps))
        for i, image in enumerate(images, at):
            since = int(plan.stamps[i] - plan.stamps[0])
            yield since * plan.time_base.numerator / plan.time_base.denominator, image
            run = max(32, _MOST_BYTES // image.nbytes)
        at = i + 1


def _read_run(
    decord: Any, path: Path, start: int, length: int, expected: int
) -> Iterator[np.ndarray]:
    at = start
    try:
        reader = decord.VideoReader(str(path), ctx=decord.cpu(0), num_threads=1, fault_tol=1)
        if len(reader) != expected:
            raise VideoError(f"{path}: decord counts {len(reader)} frames of {expected}", _HINT)
        if start:
            reader.seek_accurate(start)
        for _ in range(length):
            yield reader.next().asnumpy()
            at += 1
    # DECORDLimitReachedError is no DECORDError; StopIteration must not end this generator.
    except (decord.DECORDError, decord.DECORDLimitReachedError, StopIteration) as error:
        raise VideoError(f"{path}: decord stopped at frame {at} of {expected}", _HINT) from error


def import_decord() -> Any:
    """Import decord with a bound on its retries, without which it hangs at a damaged end."""
    os.environ.setdefault("DECORD_EOF_RETRY_MAX", "128")
    try:
        import decord
    except (ImportError, OSError, RuntimeError) as error:
        raise VideoError(
            "decord is not installed",
            "pip install decord (Linux on x86-64 and Windows), or leave --decoder decord away",
        ) from error
    return decord


def _plan(path: Path) -> _Plan:
    source = Source(path)
    try:
        kind = source.container.format.name
        reasons = {"this container": "mp4" not in kind and "matroska" not in kind}
        stamps, key, leading = [], None, False
        for packet in source.packets():
            if packet.pts is None:
                reasons["missing time stamps"] = True
                break
            key = packet.pts if packet.is_keyframe else key
            leading |= key is None or packet.pts < key
            stamps.append(packet.pts)
        reasons["an edit list"] = source.discarded > 0
        reasons["an open group of pictures"] = leading
        reasons["doubled time stamps"] = len(set(stamps)) < len(stamps)
        reasons["damaged packets"] = source.corrupt > 0
    finally:
        source.close()
    for reason, holds in reasons.items():
        if holds:
            raise VideoError(f"{path}: decord does not read {reason} rightly", _HINT)
    return _Plan(np.sort(np.array(stamps, np.int64)), source.time_base)
