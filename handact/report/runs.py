"""Several runs next to one truth."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from handact.dataset import read_dataset
from handact.errors import LabelError
from handact.formats.tables import read_actions, tables_in
from handact.formats.text import show_path
from handact.report.reading import read_sequences
from handact.results import Sequences

__all__ = ["check_runs", "gather_notes", "read_runs", "require_same_truth"]


def check_runs(root: Path, runs: Iterable[str]) -> None:
    """See that all runs can be judged on a dataset, before hours go by with the first of them.

    Args:
        root: The dataset folder.
        runs: Names or paths of runs of `train-action`.

    Raises:
        CheckpointError: One has no checkpoint that can be read.
        LabelError: One knows a class that the dataset lacks.
    """
    from handact.checkpoint import load_checkpoint  # torch, which bare tables do without

    dataset = read_dataset(root, with_labels=False)
    for run in runs:
        classes = load_checkpoint(dataset.run(run) / "best.pt", "action")["classes"]
        if unknown := sorted(set(classes) - set(dataset.classes)):
            raise LabelError(
                f"{show_path(dataset.root / 'dataset.toml')}: lacks the class {unknown[0]!r} of the"
                f" run {run}",
                "a run can be judged only on videos that are labelled with its classes",
            )


def read_runs(
    truth: str | Path,
    predicted: Sequence[str | Path],
    *,
    same_videos: bool = False,
    background: str = "background",
    frames: Mapping[str, int] | None = None,
    videos: str | Path | None = None,
    fps: float | None = None,
) -> list[Sequences]:
    """Read several tables of predictions beside one of the truth.

    All get the classes of all, and a video is as long as the longest table has it. Each is named
    after its file, or after its path where files bear the same name.

    Args:
        truth: As in `read_sequences`, like all that is not told here.
        predicted: A table or a folder for each run.
        same_videos: Refuse tables of which one lacks a video of the truth that another has.
        background: Name of the background class.
        frames: Number of frames by video.
        videos: Table with the columns video, frames and perhaps fps.
        fps: Frames per second of all videos.

    Raises:
        LabelError: As `read_sequences`; or the videos differ.
    """
    results = [
        read_sequences(truth, path, background=background, frames=frames, videos=videos, fps=fps)
        for path in predicted
    ]
    if same_videos:
        _require_same_videos(predicted, results[0].truth)
    classes = tuple(dict.fromkeys(name for result in results for name in result.classes))
    lengths = {v: max(len(result.truth[v]) for result in results) for v in results[0].truth}
    return [
        replace(
            result,
            run=name,
            classes=classes,
            truth=_respell(result, result.truth, classes, lengths),
            predicted=_respell(result, result.predicted, classes, lengths),
        )
        for result, name in zip(results, _name_files(predicted), strict=True)
    ]


def gather_notes(results: Sequence[Sequences]) -> list[str]:
    """Return what a person should know about some runs; of several, each note says of which."""
    return [
        f"{result.run}: {note}" if len(results) > 1 and result.run else note
        for result in results
        for note in result.notes
    ]


def _name_files(paths: Sequence[str | Path]) -> list[str]:
    names = [Path(path).name.removesuffix(".csv").removesuffix(".segments") for path in paths]
    return names if len(set(names)) == len(names) else [show_path(path) for path in paths]


def _respell(
    result: Sequences,
    labels: Mapping[str, np.ndarray],
    classes: tuple[str, ...],
    lengths: Mapping[str, int],
) -> dict[str, np.ndarray]:
    """Labels in terms of more classes, followed by background up to greater lengths."""
    index = np.array([classes.index(name) for name in result.classes])
    background = classes.index(result.background)
    return {
        v: np.pad(index[x], (0, lengths[v] - len(x)), constant_values=background)
        for v, x in labels.items()
    }


def _require_same_videos(tables: Sequence[str | Path], truth: Collection[str]) -> None:
    """A video without a row may have been forgotten, and would count as wrong throughout."""
    found = [
        {v for file in tables_in(Path(path), "*.segments.csv") for v in read_actions(file)}
        for path in tables
    ]
    for path, videos in zip(tables[1:], found[1:], strict=True):
        _refuse_difference(
            "video",
            (show_path(tables[0]), found[0] & set(truth)),
            (show_path(path), videos & set(truth)),
            "where nothing was found in a video, give it one row of background",
        )


def require_same_truth(a: Sequences, b: Sequences) -> None:
    """Refuse to compare runs that are about different videos, classes or labels.

    Raises:
        LabelError: Says what differs.
    """
    one, other = a.run or "one run", b.run or "the other run"
    hint = "compare runs on the same videos and labels"
    _refuse_difference("class", (one, set(a.classes)), (other, set(b.classes)), hint)
    _refuse_difference("video", (one, set(a.truth)), (other, set(b.truth)), hint)
    if a.classes != b.classes:
        raise LabelError(f"{one} and {other} have their classes in different orders", hint)
    for v in a.truth:
        if not np.array_equal(a.truth[v], b.truth[v]):
            raise LabelError(f"{one} and {other} have different true labels of video {v!r}", hint)


def _refuse_difference(
    noun: str, one: tuple[str, set[str]], other: tuple[str, set[str]], hint: str
) -> None:
    for (name, here), (lacking, there) in ((one, other), (other, one)):
        if only := sorted(here - there):
            more = f" and {len(only) - 1} more" if len(only) > 1 else ""
            raise LabelError(f"{lacking}: lacks the {noun} {only[0]!r}{more} of {name}", hint)
