"""`segment`: videos in, timed segments out."""

from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from handact.align import DECODE_AHEAD, align_frames
from handact.background import in_background
from handact.checkpoint import fingerprint
from handact.config import SegmentConfig
from handact.data.aligned import AlignedFrame
from handact.dataset import find_dataset_root, read_dataset, read_folder, run_folder
from handact.device import describe_exhaustion, pick_device
from handact.engine import ActionModel, interpolate, load_action_model, run_stream, run_windows
from handact.errors import CheckpointError, ConfigError, VideoError
from handact.files import check_writable
from handact.labels import Segment
from handact.outputs import clean_scores, write_segments
from handact.overlay import write_overlay
from handact.progress import Log, Progress
from handact.scores import Scores
from handact.video import Frame, FrameStream, file_fingerprint, holds_pictures

__all__ = [
    "RawScores",
    "SegmentedVideo",
    "describe_engine",
    "engine_of",
    "kept_scores",
    "load_model",
    "run_engine",
    "score_video",
    "segment_videos",
]


_ALIGN_AHEAD = 64  # scaled frames with their cut-outs that wait for the network
_MAX_FPS = 240.0  # above, a header's rate is its clock's


@dataclass(frozen=True, slots=True)
class SegmentedVideo:
    """What `segment` left of one video.

    Attributes:
        name: Of the video.
        table: NAME.segments.csv; None where the video could not be read.
        segments: In order; they cover the video.
        damage: What was wrong with the video, in words; empty where nothing was.
    """

    name: str
    table: Path | None
    segments: list[Segment]
    damage: str


@dataclass(frozen=True, slots=True)
class _Source:
    """A video to be segmented: its name in the outputs, its file, and its rate where known."""

    name: str
    path: Path
    fps: float | None


def segment_videos(
    videos: list[str],
    config: SegmentConfig,
    *,
    checkpoint: Path | None = None,
    dataset: Path = Path("."),
    run: str = "action",
    output: Path | None = None,
    runtime: str = "auto",
    overlay: bool = False,
    decoder: str = "av",
    fps: float | None = None,
    share: tuple[int, int] = (0, 1),
    device: str = "auto",
    on_progress: Progress | None = None,
    on_overlay_progress: Progress | None = None,
    log: Log = lambda line: None,
) -> list[SegmentedVideo]:
    """Segment videos and write NAME.segments.csv, NAME.scores.npz and NAME.timeline.png of each.

    Args:
        videos: Files, folders of frames, or names of videos of the dataset; none: its test split.
        config: Settings.
        checkpoint: Action checkpoint; that of the dataset's run if None.
        dataset: The dataset folder; need not be one where `checkpoint` is given.
        run: Name of the run folder below the dataset's runs/, or its path.
        output: Folder; by default runs/RUN/segments, or the current one with `checkpoint`.
        runtime: torch, onnx (onnxruntime), or auto: what `checkpoint` is for.
        overlay: Write NAME.overlay.mp4 too.
        decoder: av or decord.
        fps: Frames a second of folders of pictures that are not of the dataset.
        share: (i, n): only every n-th video, from the i-th, so that n processes divide them.
        device: auto, cpu, cuda or cuda:N.
        on_progress: Told how many frames of a video are done, of how many.
        on_overlay_progress: Told how many frames of an overlay are drawn, of how many.
        log: Takes a line for people about each video.

    Raises:
        HandactError: The checkpoint, a setting or the only video cannot be used. One of several
            videos that cannot be read does not stop the others.
    """
    sources = _find_sources(videos, dataset, fps)[share[0] :: share[1]]
    folder = run_folder(dataset, run)
    if output is None:
        output = Path(".") if checkpoint else folder / "segments"
    check_writable(output)
    model = load_model(checkpoint, dataset, folder, runtime, device)
    if not sources:
        log(f"nothing to do: share {share[0]}/{share[1]} of the videos is empty")
    results = []
    for source in sources:
        try:
            scores = kept_scores(
                output / f"{source.name}.scores.npz",
                model,
                source.path,
                config,
                fps=source.fps,
                decoder=decoder,
                on_progress=on_progress,
            )
        except VideoError as error:
            if len(sources) == 1:
                raise
            results.append(SegmentedVideo(source.name, None, [], error.message))
            continue
        segments = clean_scores(scores, config)
        table = write_segments(output, source.name, segments, scores)
        if overlay:
            write_overlay(
                output / f"{source.name}.overlay.mp4",
                source.path,
                scores,
                segments,
                on_progress=on_overlay_progress,
            )
        kept = sum(s.action != scores.background for s in segments)
        actions = "action" if kept == 1 else "actions"
        engine = describe_engine(model, config)
        log(f"{source.name}: {len(scores.seconds)} frames, {kept} {actions}, {engine}")
        results.append(SegmentedVideo(source.name, table, segments, scores.damage))
    return results


def load_model(
    checkpoint: Path | None, dataset: Path, folder: Path, runtime: str, device: str
) -> ActionModel:
    """Load the network that was named, otherwise that of the run in `folder`."""
    if checkpoint is None:
        find_dataset_root(dataset)  # its complaint helps more than that of a missing checkpoint
    path = checkpoint or folder / ("best.onnx" if runtime == "onnx" else "best.pt")
    _refuse_other_runtime(path, runtime)
    model = load_action_model(path, pick_device(device))
    if checkpoint is None and runtime == "onnx":
        _refuse_older_export(path, model)
    return model


def _refuse_other_runtime(network: Path, runtime: str) -> None:
    if runtime not in ("auto", "torch", "onnx"):
        raise ConfigError(f"no runtime {runtime!r}", "choose one of auto, torch, onnx")
    is_onnx = network.suffix.lower() == ".onnx"
    if runtime != "auto" and is_onnx != (runtime == "onnx"):
        hint = "`handact export network CHECKPOINT` makes an ONNX file of one"
        raise ConfigError(f"{network}: not for the runtime {runtime}", hint)
    if runtime == "onnx" and not network.exists():
        hint = f"`handact export network {network.with_suffix('.pt')}` makes it"
        raise CheckpointError(f"{network}: no such file", hint)


def _refuse_older_export(path: Path, model: ActionModel) -> None:
    """What stands for a run must not be of a network that the run has left behind."""
    best = path.with_suffix(".pt")
    if best.exists() and model.network.about.get("checkpoint") != fingerprint(best):
        raise CheckpointError(
            f"{path}: not exported from the {best.name} beside it",
            f"`handact export network {best}` makes it anew",
        )


def score_video(
    model: ActionModel,
    path: Path,
    config: SegmentConfig,
    *,
    fps: float | None = None,
    decoder: str = "av",
    on_progress: Progress | None = None,
) -> Scores:
    """Run an engine over a whole video.

    Args:
        model: What to run.
        path: A video file, or a folder of frames.
        config: Settings.
        fps: Frames a second where they are known better than from the file's header. Smoothing and
            the stream's sequences count in them; windows are sampled by the time stamps.
        decoder: av or decord.
        on_progress: Told how many frames are done, of how many (None: not known).

    Raises:
        VideoError: The video cannot be read at all. What is wrong with a part of it is told in
            `Scores.damage`.
    """
    with FrameStream(path, decoder=decoder, fps=fps) as stream:
        rate = fps or _plausible(stream.fps_hint) or 30.0
        raw = run_engine(
            model,
            stream,
            config,
            fps=rate,
            num_frames_hint=stream.num_frames_hint,
            on_progress=on_progress,
        )
        damage = stream.problem() or ""
    return Scores(
        probabilities=raw.probabilities,
        seconds=raw.seconds,
        hands=raw.hands,
        classes=model.classes,
        background=model.background,
        statistics=model.statistics,
        fps=_mean_rate(raw.seconds) or rate,
        made_by=_describe(model, path, config, fps, decoder),
        damage=damage,
    )


@dataclass(frozen=True, slots=True)
class RawScores:
    """What an engine says of each of N frames; see `Scores`."""

    probabilities: np.ndarray
    seconds: np.ndarray
    hands: np.ndarray


@describe_exhaustion("`--batch-size 1` needs the least")
def run_engine(
    model: ActionModel,
    frames: Iterable[Frame],
    config: SegmentConfig,
    *,
    fps: float,
    num_frames_hint: int | None = None,
    on_progress: Progress | None = None,
) -> RawScores:
    """Run an engine over frames, which are read in a thread of their own.

    Args:
        model: What to run.
        frames: In order, from the first.
        config: Settings.
        fps: Their rate.
        num_frames_hint: How many there may be, for progress.
        on_progress: Told how many frames are done, of how many (None: not known).
    """
    # Plain arrays: what is kept of a frame must be its numbers, not an object for each.
    centers, rows = array("q"), array("f")
    seconds, hands = array("d"), array("f")

    def noted(aligned: Iterable[AlignedFrame]) -> Iterator[AlignedFrame]:
        for frame in aligned:
            seconds.append(frame.seconds)
            hands.extend(frame.hands.ravel())
            if on_progress:
                on_progress(frame.index + 1, num_frames_hint)
            yield frame

    with _aligned(frames, model, fps) as aligned:
        if engine_of(model, config) == "stream":
            results = run_stream(model, noted(aligned), config, fps=fps)
        else:
            results = run_windows(model, noted(aligned), config)
        for center, probabilities in results:
            centers.append(center)
            rows.extend(probabilities)
    if on_progress:
        on_progress(len(seconds), len(seconds))  # a header may have promised more
    windows = np.frombuffer(rows, np.float32).reshape(len(centers), -1)
    return RawScores(
        probabilities=interpolate(np.array(centers), windows, len(seconds)),
        seconds=np.array(seconds),
        hands=np.frombuffer(hands, np.float32).reshape(-1, 2, 3),
    )


@contextmanager
def _aligned(
    frames: Iterable[Frame], model: ActionModel, fps: float
) -> Iterator[Iterator[AlignedFrame]]:
    """Decode in one thread and align in another, so that neither waits for the network."""
    with in_background(frames, ahead=DECODE_AHEAD) as decoded:
        aligned = align_frames(decoded, model.align, model.localizer, fps=fps)
        with in_background(aligned, ahead=_ALIGN_AHEAD) as ready:
            yield ready


def engine_of(model: ActionModel, config: SegmentConfig) -> str:
    """Return the engine that the settings ask for: windows or stream."""
    return model.trained_engine if config.engine == "auto" else config.engine


def describe_engine(model: ActionModel, config: SegmentConfig) -> str:
    """Say which engine made the scores, for a report."""
    if engine_of(model, config) == "stream":
        return "stream engine"
    return f"windows engine, window stride {config.window_stride}"


def _plausible(fps: float | None) -> float | None:
    """Return what a header says of the rate, unless it is nonsense."""
    return fps if fps is not None and 1 <= fps <= _MAX_FPS else None


def _mean_rate(seconds: np.ndarray) -> float | None:
    return None if len(seconds) < 2 else float((len(seconds) - 1) / (seconds[-1] - seconds[0]))


def _describe(
    model: ActionModel, path: Path, config: SegmentConfig, fps: float | None, decoder: str
) -> dict[str, Any]:
    """Return what decides a video's scores: video, checkpoint, and settings but the cleaning's."""
    size, mtime_ns = file_fingerprint(path)
    return {
        "video": path.name,
        "size": size,
        "mtime_ns": mtime_ns,
        "fps": fps,
        "decoder": decoder,
        "checkpoint": model.source,
        "engine": engine_of(model, config),
        "window_stride": 1 if engine_of(model, config) == "stream" else config.window_stride,
        "view": config.view,
    }


def kept_scores(
    path: Path,
    model: ActionModel,
    video: Path,
    config: SegmentConfig,
    *,
    fps: float | None,
    decoder: str = "av",
    on_progress: Progress | None = None,
) -> Scores:
    """Return the scores of a video from NAME.scores.npz, made and saved first if need be.

    Args:
        path: Of NAME.scores.npz; used again if it was made by just this.
        model: As all that follow, see `score_video`.
    """
    with suppress(OSError, ValueError, KeyError, TypeError, BadZipFile):
        scores = Scores.load(path)
        if scores.made_by == _describe(model, video, config, fps, decoder):
            return scores
    scores = score_video(model, video, config, fps=fps, decoder=decoder, on_progress=on_progress)
    scores.save(path)
    return scores


def _find_sources(videos: list[str], folder: Path, fps: float | None) -> list[_Source]:
    """Turn what a person typed into videos; one that the dataset lists goes by its name there."""
    in_dataset = (folder / "dataset.toml").exists()
    if not videos:
        if not in_dataset:
            raise VideoError("no video given", "name video files, or run this in a dataset folder")
        listed = read_dataset(folder, with_labels=False).in_split("test")
        return [_Source(v.name, v.path, v.fps) for v in listed]
    # A new video needs nothing of the dataset: what is wrong there must not be in its way.
    known = read_folder(folder, lambda _: None, with_labels=False).videos if in_dataset else {}
    by_path = {video.path.resolve(): video for video in known.values()}
    sources = []
    for text in videos:
        path = Path(text)
        video = known.get(text) or by_path.get(path.resolve())
        if video is not None:
            sources.append(_Source(video.name, video.path, video.fps))
        elif path.is_dir():
            if not holds_pictures(path):
                raise VideoError(
                    f"{text}: a folder without pictures", "of videos, name the files themselves"
                )
            if fps is None:
                raise VideoError(
                    f"{text}: a folder of pictures has no frame rate", "say it: `--fps 30`"
                )
            sources.append(_Source(path.resolve().name, path, fps))
        elif path.exists():
            sources.append(_Source(path.stem, path, None))
        else:
            what = "no such file" + (", nor a video of the dataset" if in_dataset else "")
            raise VideoError(f"{text}: {what}")
    names = [source.name for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise VideoError(f"two videos would both be written as {name}.segments.csv")
    return sources
