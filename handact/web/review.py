"""What the page for reviewing predictions shows, and how a finished review becomes labels."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from handact.errors import LabelError
from handact.labelling import (
    Place,
    Prediction,
    fill_gaps,
    find_places,
    predicted_videos,
    read_predictions,
)
from handact.labels import Segment
from handact.web.actions import edit_actions, study_times
from handact.web.project import Project, pieces

__all__ = ["finish_review", "list_reviews", "show_review", "study_tier"]


def show_review(project: Project, run: str, video: str) -> dict[str, Any]:
    """Return the predictions of a video, and where to look first."""
    predicted = read_predictions(_folder(project, run), video)
    frames = project.index(video).num_frames
    return {
        "segments": [
            (p.segment.start_frame, p.segment.end_frame, p.segment.action, p.confidence)
            for p in predicted
        ],
        "labelled": bool(project.store.rows("actions", video)),
        "confidence": _confidence(predicted, frames),
        "places": [asdict(place) for place in _places(project, video, predicted, frames)],
    }


def list_reviews(project: Project, run: str) -> dict[str, Any]:
    """Return the videos that a run has predictions for, and how far their review is."""
    folder = _folder(project, run)
    there = set(predicted_videos(folder))
    names = [name for name in project.dataset.videos if name in there]
    return {"videos": [_describe(project, folder, name) for name in names]}


def _describe(project: Project, folder: Path, name: str) -> dict[str, Any]:
    video = project.dataset.videos[name]
    labelled = bool(project.store.rows("actions", name))
    made = (folder / "segments" / f"{name}.segments.csv").stat().st_mtime_ns
    places = project.remember(
        ("places", folder.name, name),
        (made, project.store.versions().get(("actions", name))),
        lambda: _places(project, name, read_predictions(folder, name), video.frames),
    )
    seen = sum(end - start for start, end, _ in project.store.rows("review", name))
    doubtful = sum(place.kind == "doubtful" for place in places)
    return {
        "name": name,
        "split": video.split,
        "frames": video.frames,
        "labelled": labelled,
        "done": 1.0 if labelled else seen / video.frames,
        "wrong": len(places) - doubtful,
        "doubtful": doubtful,
    }


def _places(
    project: Project, video: str, predicted: Sequence[Prediction], frames: int
) -> list[Place]:
    data = project.dataset
    truth = project.store.segments("actions", video) or None
    return find_places(predicted, truth, frames, data.classes, data.background)


def _confidence(predicted: Sequence[Prediction], frames: int) -> list[float] | None:
    if not predicted or any(p.confidence is None for p in predicted):
        return None
    curve = np.zeros(frames)
    for p in predicted:
        curve[p.segment.start_frame : p.segment.end_frame] = p.confidence
    return pieces(curve).round(3).tolist()


def finish_review(project: Project, run: str, video: str, id: str = "") -> dict[str, Any]:
    """Make a person's draft, with predictions in its gaps, the labels of a video.

    Raises:
        LabelError: The video has labels already.
    """
    there = project.store.rows("actions", video)
    if there and project.store.knows(id):
        return {"segments": len(there)}
    if there:
        raise LabelError(f"video {video!r} has labels already", "correct those")
    rows = [(s.start_frame, s.end_frame, s.action) for s in _filled(project, run, video)]
    if not rows:  # said in so many words: a video without a row counts as not labelled
        rows = [(0, project.index(video).num_frames, project.dataset.background)]
    edit_actions(project, video, "", [], rows, id)
    return {"segments": len(rows)}


def study_tier(project: Project, video: str, tier: str, run: str | None) -> dict[str, Any]:
    """Return the times of a tier's steps; a run fills what a draft of a review leaves open."""
    if tier == "review" and run:
        return study_times(project, video, _filled(project, run, video))
    return study_times(project, video, project.store.segments(project.table(tier), video))


def _filled(project: Project, run: str, video: str) -> list[Segment]:
    return fill_gaps(
        project.store.segments("review", video),
        [p.segment for p in read_predictions(_folder(project, run), video)],
        project.index(video).num_frames,
        project.dataset.background,
    )


def _folder(project: Project, run: str) -> Path:
    folder = project.dataset.runs / run
    if Path(run).name != run or not (folder / "segments").is_dir():
        raise LabelError(f"no run {run!r} with predictions", "`handact segment` makes them")
    return folder
