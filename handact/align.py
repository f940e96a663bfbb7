"""`align`: hand tracks of whole videos, the cut-outs around them, and the aligned cache.

One pass over a video, in order, with bounded memory: a frame waits, at full resolution, only until
every detection that can still change its smoothed hand has been made.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from handact.alignment import cutout_boxes, scaled_size, smooth_track, track_reach
from handact.background import in_background
from handact.checkpoint import fingerprint, load_checkpoint
from handact.config import AlignConfig, format_toml
from handact.data.aligned import AlignedCache, AlignedFrame, is_current, write_aligned
from handact.data.augment import to_input
from handact.data.resize import resize, resize_to_all
from handact.dataset import Dataset, Video
from handact.device import describe_exhaustion
from handact.errors import VideoError
from handact.files import atomic_path, write_text
from handact.labels import TRACK_COLUMNS
from handact.models.fuse import load_fused
from handact.models.hands import HandLocalizer
from handact.progress import Progress
from handact.video import Frame, FrameStream, file_fingerprint

__all__ = [
    "DECODE_AHEAD",
    "Localizer",
    "align_dataset",
    "align_frames",
    "align_live",
    "load_localizer",
    "track_table",
    "write_tracks",
]


CACHE_VERSION = 4
_THREADS = max(1, min(8, (os.cpu_count() or 1) // 2))  # that shrink pictures
DECODE_AHEAD = 8  # frames of full resolution that wait to be aligned


class Localizer:
    """A trained hand localiser, ready to look at frames.

    Args:
        network: On `device`, for evaluation.
        input: What it must be fed with: size, mean, std.
        source: Fingerprint of the file that it comes from.
        device: Where it runs.
    """

    def __init__(
        self,
        network: Callable[[Tensor], Tensor],
        input: dict[str, Any],
        source: str,
        device: torch.device,
    ) -> None:
        self.network, self.input, self.source, self.device = network, input, source, device

    @classmethod
    def from_checkpoint(cls, checkpoint: dict[str, Any], device: torch.device) -> Self:
        """Build it from the content of a hands checkpoint: model, state, input and `source`."""
        network = load_fused(HandLocalizer(**checkpoint["model"]), checkpoint["state"])
        network.to(device, memory_format=torch.channels_last)
        return cls(network, checkpoint["input"], checkpoint["source"], device)

    @property
    def input_size(self) -> int:
        """Side of the squares it looks at, pixels."""
        return self.input["size"]

    def detect(self, squares: list[np.ndarray]) -> np.ndarray:
        """Return (B, 2, 3) P, x, y of the hands in whole frames resized to (size, size, 3)."""
        images = torch.from_numpy(np.stack(squares)).to(self.device)
        with torch.inference_mode():
            x = to_input(images, self.input["mean"], self.input["std"])
            return self.network(x.contiguous(memory_format=torch.channels_last)).cpu().numpy()


def load_localizer(path: Path, device: torch.device) -> Localizer:
    """Read a hands checkpoint.

    Raises:
        CheckpointError: See `load_checkpoint`.
    """
    content = {**load_checkpoint(path, "hands"), "source": fingerprint(path)}
    return Localizer.from_checkpoint(content, device)


def align_frames(
    frames: Iterable[Frame],
    config: AlignConfig,
    localizer: Localizer | None,
    *,
    fps: float,
    batch_size: int = 16,
) -> Iterator[AlignedFrame]:
    """Scale frames, find the hands in them, and cut these out.

    Args:
        frames: In order, from the first.
        config: Settings.
        localizer: None to leave hands out.
        fps: Frames a second; turns the settings' seconds into frames.
        batch_size: Frames the localiser looks at at once.
    """
    waiting: deque[_Shrunk] = deque()
    bridge = max(config.every - 1, round(config.bridge_seconds * fps))
    smooth = round(config.smooth_seconds * fps)
    reach = track_reach(bridge, smooth)
    detections = np.zeros((0, 2, 3))
    first = 0  # the frame that detections[0] belongs to
    frames = iter(frames)
    with ThreadPoolExecutor(_THREADS) as pool:

        def cut(number: int) -> Iterator[AlignedFrame]:
            track = smooth_track(detections, bridge=bridge, smooth=smooth)
            settled = [waiting.popleft() for _ in range(number)]
            hands = [track[shrunk.frame.index - first] for shrunk in settled]
            return pool.map(partial(_cut, config=config, localizer=localizer), settled, hands)

        shrink = partial(_shrink, config=config, localizer=localizer)
        while batch := list(pool.map(shrink, islice(frames, batch_size))):
            waiting.extend(batch)
            detections = np.concatenate([detections, _detect(batch, config.every, localizer)])
            settled = batch[-1].frame.index + 1 - reach
            yield from cut(max(0, settled - waiting[0].frame.index))
            keep = max(0, settled - reach - first)
            detections, first = detections[keep:], first + keep
        if waiting and waiting[-1].frame.index % config.every:
            # The frames at the end would have nothing behind them to interpolate to.
            detections[-1] = _detect([waiting[-1]], 1, localizer)[0]
        yield from cut(len(waiting))


def align_live(
    frames: Iterable[Frame], config: AlignConfig, localizer: Localizer | None, *, fps: float
) -> Iterator[AlignedFrame]:
    """Do what `align_frames` does, of each frame at once: hands are smoothed over the past alone.

    Args:
        frames: In order, in time as well; some may be missing.
        config: Settings; every frame is looked at, whatever they say.
        localizer: None to leave hands out.
        fps: Frames a second; turns the settings' seconds into frames.
    """
    bridge, smooth = round(config.bridge_seconds * fps), round(config.smooth_seconds * fps)
    reach = track_reach(bridge, smooth) / fps
    past: deque[tuple[float, np.ndarray]] = deque()
    for frame in frames:
        shrunk = _shrink(frame, config, localizer)
        past.append((frame.seconds, _detect([shrunk], 1, localizer)[0]))
        while frame.seconds - past[0][0] > reach:
            past.popleft()
        seen = np.stack([detection for _, detection in past])
        yield _cut(shrunk, smooth_track(seen, bridge=bridge, smooth=smooth)[-1], config, localizer)


@describe_exhaustion()
def align_dataset(
    dataset: Dataset,
    videos: list[Video],
    config: AlignConfig,
    localizer: Localizer | None,
    *,
    rebuild: bool = False,
    on_video: Callable[[Video, bool], None] | None = None,
    on_progress: Progress | None = None,
) -> dict[str, AlignedCache]:
    """Make the aligned cache of some videos where it is missing or was made by something else.

    Args:
        dataset: Where they belong.
        videos: Which ones.
        config: Settings.
        localizer: Finds the hands; None to leave them out.
        rebuild: Make every cache again.
        on_video: Told of each video, and whether its cache is made now.
        on_progress: Told how many frames are done, of how many.

    Returns:
        The caches by name of the video.
    """
    folder = dataset.cache / "aligned"
    made_by = {v.name: _made_by(v, config, localizer) for v in videos}
    stale = [v for v in videos if rebuild or not _is_current(folder, v, made_by[v.name], localizer)]
    done, total = 0, sum(v.frames for v in stale)
    for video in videos:
        if on_video:
            on_video(video, video in stale)
        if video not in stale:
            continue

        def report(frame: int, before: int = done) -> None:
            if on_progress:
                on_progress(before + frame, total)

        _align_video(folder, video, config, localizer, made_by[video.name], report)
        done += video.frames
    return {v.name: AlignedCache(folder, v.name) for v in videos}


def write_tracks(dataset: Dataset, caches: dict[str, AlignedCache], config: AlignConfig) -> None:
    """Leave in runs/align the hand track of each video, and the settings for `train-action`."""
    for name, cache in caches.items():
        if cache.cutout_side:
            with atomic_path(dataset.runs / "align" / f"{name}.csv") as temporary:
                table = track_table(name, cache.hands)
                table.to_csv(temporary, index=False, float_format="%.5g")
    write_text(dataset.runs / "align" / "config.toml", format_toml({"align": config}))


def track_table(video: str, hands: np.ndarray) -> pd.DataFrame:
    """Return a track (N, 2, 3) as a table with TRACK_COLUMNS."""
    table = pd.DataFrame(hands.reshape(-1, 6), columns=list(TRACK_COLUMNS[2:]))
    table.insert(0, "frame", np.arange(len(hands)))
    table.insert(0, "video", video)
    return table


@dataclass(frozen=True, slots=True)
class _Shrunk:
    """A frame as both networks want it, and as it was for the cut-outs to come.

    Attributes:
        frame: At full resolution.
        scaled: (h, w, 3), short side S.
        square: (size, size, 3) for the localiser, None where there is none.
    """

    frame: Frame
    scaled: np.ndarray
    square: np.ndarray | None


def _shrink(frame: Frame, config: AlignConfig, localizer: Localizer | None) -> _Shrunk:
    sizes = [scaled_size(*frame.image.shape[1::-1], config.short_side)]
    if localizer is not None:
        sizes.append((localizer.input_size, localizer.input_size))
    scaled, *squares = resize_to_all(frame.image, sizes)
    return _Shrunk(frame, scaled, squares[0] if squares else None)


def _detect(batch: list[_Shrunk], every: int, localizer: Localizer | None) -> np.ndarray:
    """Return (B, 2, 3), NaN for frames that the localiser is not shown."""
    result = np.full((len(batch), 2, 3), np.nan)
    rows = [row for row, shrunk in enumerate(batch) if shrunk.frame.index % every == 0]
    if localizer is not None and rows:
        result[rows] = localizer.detect([batch[row].square for row in rows])
    return result


def _cut(
    shrunk: _Shrunk, hands: np.ndarray, config: AlignConfig, localizer: Localizer | None
) -> AlignedFrame:
    frame = shrunk.frame
    height, width = frame.image.shape[:2]
    boxes = cutout_boxes(hands[:, 1:], width, height, config.cutout)
    cutouts = None
    if localizer is not None:
        side = config.cutout_input
        cutouts = np.zeros((2, side, side, 3), dtype=np.uint8)
        for hand, (x, y, w, h) in enumerate(boxes):
            if w:
                cutouts[hand] = resize(frame.image[y : y + h, x : x + w], side, side)
    source = width, height
    return AlignedFrame(frame.index, frame.seconds, source, shrunk.scaled, cutouts, hands, boxes)


def _align_video(
    folder: Path,
    video: Video,
    config: AlignConfig,
    localizer: Localizer | None,
    made_by: dict[str, Any],
    report: Callable[[int], None],
) -> None:
    with (
        FrameStream(video.path, fps=video.fps) as stream,
        in_background(stream, ahead=DECODE_AHEAD) as decoded,
    ):

        def counted() -> Iterator[AlignedFrame]:
            for frame in align_frames(decoded, config, localizer, fps=video.fps):
                report(frame.index + 1)
                yield frame
            if stream.num_read != video.frames:
                lost = f" ({stream.problem()})" if stream.problem() else ""
                raise VideoError(
                    f"{video.path}: {stream.num_read} frames{lost}, but videos.csv says"
                    f" {video.frames}",
                    "the file has changed: run `handact check`",
                )

        write_aligned(folder, video.name, counted(), made_by, jpeg_quality=config.jpeg_quality)


def _made_by(video: Video, config: AlignConfig, localizer: Localizer | None) -> dict[str, Any]:
    settings = asdict(config)
    frames = {
        "version": CACHE_VERSION,
        "video": list(file_fingerprint(video.path)),
        "fps": video.fps,
        "short_side": settings.pop("short_side"),
        "jpeg_quality": settings.pop("jpeg_quality"),
    }
    settings["cutout"] = list(config.cutout)
    hands = {"localizer": localizer.source, **settings} if localizer else None
    return {"frames": frames, "hands": hands}


def _is_current(
    folder: Path, video: Video, made_by: dict[str, Any], localizer: Localizer | None
) -> bool:
    # Without hands, a cache that has them as well will do.
    return is_current(folder, video.name, made_by, part=None if localizer else "frames")
