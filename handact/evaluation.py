"""Predictions next to truth, for the reports: whole videos, trimmed segments, and hands."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from handact.align import align_dataset, load_localizer
from handact.checkpoint import load_checkpoint
from handact.config import HandsConfig, SegmentConfig
from handact.data.clips import ClipSet
from handact.data.hands import load_hand_frames
from handact.dataset import Dataset, Video, read_dataset
from handact.engine import ActionModel, load_action_model
from handact.errors import LabelError
from handact.labels import frames_from_segments
from handact.scores import Scores
from handact.segment import (
    clean_scores,
    current_scores,
    score_video,
    segment_table,
    write_segment_table,
)
from handact.training.action import labelled_clips, predict_clips
from handact.training.hands import predict_hands, split_hand_frames
from handact.training.loop import pick_device

__all__ = [
    "ClipResult",
    "HandResult",
    "SequenceResult",
    "evaluate_clips",
    "evaluate_hands",
    "evaluate_sequences",
]

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class SequenceResult:
    """Labels of every frame of some videos.

    Attributes:
        classes: K class names.
        background: One of them.
        truth: (N,) class indices by video.
        predicted: The same.
        fps: Frames a second by video.
        split: Name of the split.
        run: Name or path of the run folder.
        how: How the data were split, and with which settings segmented, in one sentence.
    """

    classes: tuple[str, ...]
    background: str
    truth: dict[str, np.ndarray]
    predicted: dict[str, np.ndarray]
    fps: dict[str, float]
    split: str
    run: str
    how: str


@dataclass(frozen=True)
class ClipResult:
    """Class indices (M,) of trimmed segments, from the central clip of each."""

    classes: tuple[str, ...]
    truth: np.ndarray
    predicted: np.ndarray


@dataclass(frozen=True)
class HandResult:
    """Hands (N, 2, 3) P, x, y in labelled frames, and which frames these are (video, frame)."""

    truth: np.ndarray
    predicted: np.ndarray
    frames: pd.DataFrame
    split: str
    how: str


def evaluate_sequences(
    root: Path,
    *,
    run: str = "action",
    split: str = "test",
    device: str = "auto",
    config: SegmentConfig | None = None,
    on_progress: Progress | None = None,
) -> SequenceResult:
    """Segment the labelled videos of a split and return labels next to truth.

    Scores that `segment` left in runs/RUN/segments and that are up to date are used again.

    Raises:
        HandactError: No checkpoint, no labelled video in the split, a video cannot be read.
    """
    config = config or SegmentConfig()
    dataset = read_dataset(root)
    model = load_action_model(dataset.run(run) / "best.pt", pick_device(device))
    _require_same_classes(dataset, model)
    videos = _labelled(dataset, split)
    truth, predicted = {}, {}
    total, done = sum(video.frames for video in videos), 0
    for video in videos:

        def report(frame: int, _: int | None, before: int = done) -> None:
            if on_progress:
                on_progress(before + frame, total)

        scores = _scores(dataset, run, model, video, config, report)
        segments = clean_scores(scores, config, model.durations)
        predicted[video.name] = frames_from_segments(
            segments, video.frames, dataset.classes, dataset.background
        )
        truth[video.name] = frames_from_segments(
            dataset.actions[video.name], video.frames, dataset.classes, dataset.background
        )
        table = segment_table(video.name, segments, scores)
        write_segment_table(_outputs(dataset, run) / f"{video.name}.segments.csv", table)
        done += video.frames
    return SequenceResult(
        classes=dataset.classes,
        background=dataset.background,
        truth=truth,
        predicted=predicted,
        fps={video.name: video.fps for video in videos},
        split=split,
        run=run,
        how=f"split by video; windows engine, window stride {config.window_stride}, "
        f"cleaning {config.cleaning}",
    )


def evaluate_clips(
    root: Path,
    *,
    run: str = "action",
    split: str = "test",
    device: str = "auto",
    on_progress: Progress | None = None,
) -> ClipResult:
    """Classify the central clip of every labelled segment of a split, background included.

    Raises:
        HandactError: No checkpoint, no labelled video in the split, a video cannot be read.
    """
    dataset = read_dataset(root)
    where = pick_device(device)
    model = load_action_model(dataset.run(run) / "best.pt", where)
    _require_same_classes(dataset, model)
    videos = _labelled(dataset, split)
    caches = align_dataset(dataset, videos, model.align, model.localizer, on_progress=on_progress)
    clips = labelled_clips(dataset, videos, caches)
    clip_set = ClipSet(
        clips,
        offsets=model.offsets,
        crop_size=model.input["crop_size"],
        sampling=model.input["sampling"],
        view=model.input["view"],
        with_hands=model.network.hand_use != "none",
        with_frames=model.network.hand_use != "only",
    )
    logits = predict_clips(model.network, clip_set, batch_size=16, device=where)
    truth = np.array([clip.label for clip in clips])
    index = np.array([dataset.classes.index(name) for name in model.classes])
    return ClipResult(dataset.classes, truth, index[logits.argmax(1)])


def evaluate_hands(
    root: Path,
    *,
    run: str = "hands",
    split: str = "test",
    device: str = "auto",
    on_progress: Progress | None = None,
) -> HandResult:
    """Run the localiser on the labelled frames of a split, frame by frame, without any track.

    The split is that of the run: by video, or the random frames that it kept aside.

    Raises:
        HandactError: No checkpoint, no labelled frame in the split.
    """
    dataset = read_dataset(root)
    where = pick_device(device)
    checkpoint = load_checkpoint(dataset.run(run) / "best.pt", "hands")
    settings = {**checkpoint["config"], "milestones": tuple(checkpoint["config"]["milestones"])}
    config = HandsConfig(**settings)
    frames = load_hand_frames(dataset, config.input_size, on_progress=on_progress)
    chosen = np.flatnonzero(split_hand_frames(dataset, frames, config) == split)
    if not len(chosen):
        raise LabelError(
            f"{dataset.root / 'hands.csv'}: no labelled frame in the {split} split",
            "`--split` names another, `handact split` makes new ones",
        )
    frames = frames.take(chosen)
    network = load_localizer(dataset.run(run) / "best.pt", where).network
    predicted = predict_hands(network, frames, batch_size=config.batch_size, device=where)
    how = {
        "video": "split by video: no frame of these videos was trained on",
        "frame": "split by random frame: frames of the same videos were trained on, "
        "which flatters the figures",
    }[config.split]
    return HandResult(frames.truth, predicted, frames.table, split, how)


def _labelled(dataset: Dataset, split: str) -> list[Video]:
    videos = [video for video in dataset.in_split(split) if dataset.actions.get(video.name)]
    if not videos:
        raise LabelError(
            f"{dataset.root / 'actions.csv'}: no labelled video in the {split} split",
            "`--split` names another, `handact split` makes new ones",
        )
    return videos


def _scores(
    dataset: Dataset,
    run: str,
    model: ActionModel,
    video: Video,
    config: SegmentConfig,
    on_progress: Progress,
) -> Scores:
    path = _outputs(dataset, run) / f"{video.name}.scores.npz"
    scores = current_scores(path, model, video.path, config)
    if scores is None:
        scores = score_video(model, video.path, config, fps=video.fps, on_progress=on_progress)
        scores.save(path)
    return scores


def _outputs(dataset: Dataset, run: str) -> Path:
    """Return where a run's segments of this dataset's videos lie, also of another dataset's run."""
    return dataset.runs / Path(run).name / "segments"


def _require_same_classes(dataset: Dataset, model: ActionModel) -> None:
    if unknown := sorted(set(model.classes) - set(dataset.classes)):
        raise LabelError(
            f"{dataset.root / 'dataset.toml'}: lacks the class {unknown[0]!r} of the run",
            "a run can be judged only on videos that are labelled with its classes",
        )
