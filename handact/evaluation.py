"""Predictions next to truth, for the reports: whole videos, trimmed segments, and hands."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pandas as pd

from handact.align import align_dataset, load_localizer
from handact.checkpoint import load_checkpoint
from handact.config import SegmentConfig
from handact.data.clips import ClipSet
from handact.data.hands import HandFrames, load_hand_frames
from handact.dataset import Dataset, Video, read_dataset
from handact.device import describe_exhaustion, pick_device
from handact.engine import ActionModel, load_action_model
from handact.errors import LabelError
from handact.labels import Segment, frames_from_segments
from handact.outputs import clean_scores, segment_table, write_segment_table
from handact.progress import Progress
from handact.results import Clips, EngineResult, HandPairs, Sequences
from handact.scores import Scores
from handact.segment import describe_engine, kept_scores, run_engine, score_video
from handact.training.action import labelled_clips, predict_clips
from handact.training.hands import predict_hands
from handact.video import FrameStream

__all__ = [
    "evaluate_cleanings",
    "evaluate_clips",
    "evaluate_engines",
    "evaluate_hands",
    "evaluate_sequences",
]


def evaluate_sequences(
    root: Path,
    *,
    run: str = "action",
    split: str = "test",
    device: str = "auto",
    config: SegmentConfig | None = None,
    on_progress: Progress | None = None,
) -> Sequences:
    """Segment the labelled videos of a split and return labels next to truth.

    Scores that `segment` left in runs/RUN/segments and that are up to date are used again.

    Raises:
        HandactError: No checkpoint, no labelled video in the split, a video cannot be read.
    """
    config = config or SegmentConfig()
    dataset, model, videos = _open(root, run, split, device)
    predicted, edges = {}, {}
    for video, scores in _scored(dataset, videos, run, model, config, on_progress):
        segments = clean_scores(scores, config)
        predicted[video.name] = _frames(dataset, video, segments)
        if len(scores.seconds) == video.frames:  # it could be decoded as videos.csv has it
            edges[video.name] = scores.edges
        table = segment_table(video.name, segments, scores)
        write_segment_table(_outputs(dataset, run) / f"{video.name}.segments.csv", table)
    how = f"{describe_engine(model, config)}, cleaning {config.cleaning}"
    return _next_to_truth(dataset, videos, predicted, run, split, how, edges)


def evaluate_cleanings(
    root: Path,
    configs: Iterable[SegmentConfig],
    *,
    run: str = "action",
    split: str = "val",
    device: str = "auto",
    on_progress: Progress | None = None,
) -> list[Sequences]:
    """Clean the labels of a split's labelled videos in several ways, from scores made once.

    Args:
        root: The dataset folder.
        configs: Settings that differ in the cleaning alone.
        run: Name of the run folder, or its path.
        split: Whose videos.
        device: auto, cpu, cuda or cuda:N.
        on_progress: Told how many frames are segmented, of how many.

    Raises:
        HandactError: No checkpoint, no labelled video in the split, a video cannot be read.
    """
    configs = list(configs)
    dataset, model, videos = _open(root, run, split, device)
    scored = list(_scored(dataset, videos, run, model, configs[0], on_progress))
    results = []
    for config in configs:
        predicted = {v.name: _frames(dataset, v, clean_scores(s, config)) for v, s in scored}
        how = f"{describe_engine(model, config)}, cleaning {config.cleaning}"
        results.append(_next_to_truth(dataset, videos, predicted, run, split, how))
    return results


def _open(
    root: Path, run: str, split: str, device: str
) -> tuple[Dataset, ActionModel, list[Video]]:
    """Return a dataset, the network of a run on it, and the labelled videos of a split."""
    dataset = read_dataset(root)
    model = load_action_model(dataset.run(run) / "best.pt", pick_device(device))
    _require_same_classes(dataset, model)
    return dataset, model, _labelled(dataset, split)


def _scored(
    dataset: Dataset,
    videos: list[Video],
    run: str,
    model: ActionModel,
    config: SegmentConfig,
    on_progress: Progress | None,
) -> Iterator[tuple[Video, Scores]]:
    """Yield each video with its scores, which `segment` may have left in runs/RUN/segments."""
    total, done = sum(video.frames for video in videos), 0
    for video in videos:

        def report(frame: int, _: int | None, before: int = done) -> None:
            if on_progress:
                on_progress(before + frame, total)

        path = _outputs(dataset, run) / f"{video.name}.scores.npz"
        yield (
            video,
            kept_scores(path, model, video.path, config, fps=video.fps, on_progress=report),
        )
        done += video.frames


def evaluate_engines(
    root: Path,
    *,
    run: str = "action",
    split: str = "test",
    device: str = "auto",
    config: SegmentConfig | None = None,
    on_progress: Progress | None = None,
) -> list[EngineResult]:
    """Segment the labelled videos of a split with either engine, and time it; leaves no files.

    Raises:
        HandactError: No checkpoint, no labelled video in the split, a video cannot be read.
    """
    dataset, model, videos = _open(root, run, split, device)
    engines = [replace(config or SegmentConfig(), engine=name) for name in ("windows", "stream")]
    _warm_up(model, videos[0], engines)
    cleaned: list[dict[str, np.ndarray]] = [{}, {}]
    raw: list[dict[str, np.ndarray]] = [{}, {}]
    seconds = [0.0, 0.0]
    total, done = len(engines) * sum(video.frames for video in videos), 0
    for video in videos:
        # Taking turns at being first, neither always meets cold files.
        for i, engine in sorted(enumerate(engines), reverse=len(raw[0]) % 2 == 1):

            def report(frame: int, _: int | None, before: int = done) -> None:
                if on_progress:
                    on_progress(before + frame, total)

            start = time.perf_counter()
            scores = score_video(model, video.path, engine, fps=video.fps, on_progress=report)
            segments = clean_scores(scores, engine)
            seconds[i] += time.perf_counter() - start
            cleaned[i][video.name] = _frames(dataset, video, segments)
            raw[i][video.name] = scores.probabilities.argmax(1)
            done += video.frames
    both = " against ".join(describe_engine(model, engine) for engine in engines)
    how = f"{both}, cleaning {engines[0].cleaning}"
    return [
        EngineResult(
            engine.engine,
            _next_to_truth(dataset, videos, cleaned[i], run, split, how),
            raw[i],
            seconds[i],
        )
        for i, engine in enumerate(engines)
    ]


def _warm_up(model: ActionModel, video: Video, engines: list[SegmentConfig]) -> None:
    """Let both engines run over a moment of a video, so that neither pays for the start."""
    for engine in engines:
        with FrameStream(video.path, fps=video.fps) as stream:
            beginning = islice(stream, model.network.num_frames)
            run_engine(model, beginning, engine, fps=video.fps)


def _frames(dataset: Dataset, video: Video, segments: list[Segment]) -> np.ndarray:
    return frames_from_segments(segments, video.frames, dataset.classes, dataset.background)


def _next_to_truth(
    dataset: Dataset,
    videos: list[Video],
    predicted: dict[str, np.ndarray],
    run: str,
    split: str,
    how: str,
    edges: dict[str, np.ndarray] | None = None,
) -> Sequences:
    about = load_checkpoint(dataset.run(run) / "best.pt", "action")["about"]
    num_trained_on = sum(video.name in about["trained_on"] for video in videos)
    return Sequences(
        classes=dataset.classes,
        background=dataset.background,
        truth={v.name: _frames(dataset, v, dataset.actions[v.name]) for v in videos},
        predicted=predicted,
        fps={video.name: video.fps for video in videos},
        edges=edges or {},
        split=split,
        run=run,
        how=f"{_describe_split(dataset, run, split, 'video', num_trained_on)}; {how}",
    )


@describe_exhaustion()
def evaluate_clips(
    root: Path,
    *,
    run: str = "action",
    split: str = "test",
    device: str = "auto",
    on_progress: Progress | None = None,
) -> Clips:
    """Classify the central clip of every labelled segment of a split, background included.

    Raises:
        HandactError: No checkpoint, no labelled video in the split, a video cannot be read.
    """
    dataset, model, videos = _open(root, run, split, device)
    caches = align_dataset(dataset, videos, model.align, model.localizer, on_progress=on_progress)
    by_video = [labelled_clips(dataset, [video], caches) for video in videos]
    clips = list(chain.from_iterable(by_video))
    clip_set = ClipSet(
        clips,
        offsets=model.offsets,
        crop_size=model.input["crop_size"],
        sampling=model.input["sampling"],
        view=model.input["view"],
        with_hands=model.network.hand_use != "none",
        with_frames=model.network.hand_use != "only",
    )
    logits = predict_clips(
        model.network,
        clip_set,
        (model.input["mean"], model.input["std"]),
        batch_size=16,
        device=model.device,
        precision=model.precision,
    )
    truth = np.array([clip.label for clip in clips])
    index = np.array([dataset.classes.index(name) for name in model.classes])
    names = np.repeat([video.name for video in videos], [len(one) for one in by_video])
    return Clips(dataset.classes, truth, index[logits.argmax(1)], names)


def evaluate_hands(
    root: Path,
    *,
    run: str = "hands",
    split: str = "test",
    device: str = "auto",
    on_progress: Progress | None = None,
) -> HandPairs:
    """Run the localiser on the labelled frames of a split, frame by frame, without any track.

    The split is that of the run: by video, or the random frames that it kept aside.

    Raises:
        HandactError: No checkpoint, no labelled frame in the split.
    """
    dataset = read_dataset(root)
    where = pick_device(device)
    path = dataset.run(run) / "best.pt"
    checkpoint = load_checkpoint(path, "hands")
    size, by = checkpoint["input"]["size"], checkpoint["about"]["split"]
    frames = load_hand_frames(dataset, size, on_progress=on_progress)
    trained = _trained_splits(dataset, run, frames)
    if by == "frame" and _is_own(dataset, run):
        chosen = np.flatnonzero(trained == split)
        how = "split by random frame; frames of the same videos were trained on, which flatters"
    else:
        splits = [dataset.videos[name].split for name in frames.table["video"]]
        chosen = np.flatnonzero(np.array(splits) == split)
        how = _describe_split(dataset, run, split, "frame", int((trained[chosen] == "train").sum()))
    if not len(chosen):
        raise LabelError(
            f"{dataset.root / 'hands.csv'}: no labelled frame in the {split} split",
            "`--split` names another, `handact split` makes new ones",
        )
    frames = frames.take(chosen)
    network = load_localizer(path, where).network
    pixels = checkpoint["input"]["mean"], checkpoint["input"]["std"]
    predicted = predict_hands(network, frames, pixels, batch_size=64, device=where)
    return HandPairs(frames.truth, predicted, frames.table, split, how)


def _trained_splits(dataset: Dataset, run: str, frames: HandFrames) -> np.ndarray:
    """Return the split of each labelled frame when the run was trained; "" of one it has not seen.

    A run of another dataset has seen none.
    """
    path = dataset.run(run) / "split.csv"
    if not _is_own(dataset, run) or not path.exists():
        return np.full(len(frames), "", dtype=object)
    kept = pd.read_csv(path, dtype={"video": str, "split": str}, keep_default_na=False)
    joined = frames.table.merge(kept, on=["video", "frame"], how="left")
    return joined["split"].fillna("").to_numpy(object)


def _labelled(dataset: Dataset, split: str) -> list[Video]:
    videos = [video for video in dataset.in_split(split) if dataset.actions.get(video.name)]
    if not videos:
        raise LabelError(
            f"{dataset.root / 'actions.csv'}: no labelled video in the {split} split",
            "`--split` names another, `handact split` makes new ones",
        )
    return videos


def _outputs(dataset: Dataset, run: str) -> Path:
    """Return where a run's segments of this dataset's videos lie, also of another dataset's run."""
    folder = dataset.run(run).resolve()
    if _is_own(dataset, run):
        return folder / "segments"
    return dataset.runs / f"{folder.parent.parent.name}-{folder.name}" / "segments"


def _is_own(dataset: Dataset, run: str) -> bool:
    return dataset.runs.resolve() in dataset.run(run).resolve().parents


def _describe_split(dataset: Dataset, run: str, split: str, noun: str, num_trained_on: int) -> str:
    """Say whether the run has seen these videos or frames in training."""
    if not _is_own(dataset, run):
        return "split by video; a run of another dataset"
    if split == "train":
        return "split by video; trained on"
    if num_trained_on:
        return f"split by video, but {num_trained_on} of these {noun}s were trained on"
    return f"split by video; none of these {noun}s was trained on"


def _require_same_classes(dataset: Dataset, model: ActionModel) -> None:
    if unknown := sorted(set(model.classes) - set(dataset.classes)):
        raise LabelError(
            f"{dataset.root / 'dataset.toml'}: lacks the class {unknown[0]!r} of the run",
            "a run can be judged only on videos that are labelled with its classes",
        )
