"""What the pages for labelling and reviewing actions show of segments, and change."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from handact.errors import LabelError
from handact.labelling import Edit, to_rows
from handact.labels import Segment, frames_from_segments
from handact.metrics import Intervals, cohen_kappa, match_intervals
from handact.timestudy import Spread, Step, step_times, steps_from_segments, waiting_times
from handact.web.project import Project

__all__ = ["action_state", "compare_tiers", "edit_actions", "step_actions", "study_times"]


def action_state(project: Project, video: str, tier: str) -> dict[str, Any]:
    """Return the segments of a tier; see `Project.table`."""
    return project.state(project.table(tier), video, "segments")


def edit_actions(
    project: Project,
    video: str,
    tier: str,
    remove: Sequence[Any],
    add: Sequence[Any],
    id: str = "",
) -> dict[str, Any]:
    """Change segments as one step of undo, and return them all.

    Raises:
        StaleEdit: Somebody else changed what is to be changed.
        LabelError: It makes no sense.
    """
    project.look_at_classes()
    rows = to_rows("actions", add)
    if unknown := [row[2] for row in rows if row[2] not in project.dataset.classes]:
        raise LabelError(f"there is no class {unknown[0]!r}", "add it first")
    project.edit(Edit(project.table(tier), video, to_rows("actions", remove), rows), id)
    return action_state(project, video, tier)


def step_actions(
    project: Project, video: str, tier: str, kind: str, id: str = ""
) -> dict[str, Any]:
    """Undo or redo, and return the segments."""
    step = project.store.undo if kind == "undo" else project.store.redo
    step(project.table(tier), video, id)
    return action_state(project, video, tier)


def compare_tiers(project: Project, video: str, one: str, other: str) -> dict[str, Any]:
    """Return how far two tiers of a video agree; boundaries in seconds."""
    background = project.dataset.background
    both = [project.store.segments(project.table(tier), video) for tier in (one, other)]
    labelled = [[s for s in its if s.action != background] for its in both]
    edges, frames = project.edges(video), project.index(video).num_frames
    actions = (s.action for its in both for s in its)
    names = tuple(dict.fromkeys((*project.dataset.classes, *actions)))
    a, b = (frames_from_segments(its, frames, names, background) for its in both)
    ours, theirs = (_intervals(its, edges) for its in labelled)
    pairs = match_intervals(ours, theirs)
    start, end = _mean_boundary_errors(ours, theirs, pairs)
    return {
        "kappa": cohen_kappa(a, b, len(names)),
        "agree": 100 * float((a == b).mean()),
        "matched": len(pairs),
        "only_a": len(labelled[0]) - len(pairs),
        "only_b": len(labelled[1]) - len(pairs),
        "start": start,
        "end": end,
        "text": "frames of both, background too; segments of one class match at tIoU 0.5",
    }


def _intervals(segments: Sequence[Segment], edges: np.ndarray) -> Intervals:
    starts = np.array([s.start_frame for s in segments], int)
    ends = np.array([s.end_frame for s in segments], int)
    return Intervals(np.array([s.action for s in segments], object), edges[starts], edges[ends])


def _mean_boundary_errors(
    one: Intervals, other: Intervals, pairs: Sequence[tuple[int, int]]
) -> tuple[float | None, float | None]:
    """Return the mean absolute differences of starts and of ends of matched segments."""
    if not pairs:
        return None, None
    i, j = (list(its) for its in zip(*pairs, strict=True))
    starts, ends = one.starts[i] - other.starts[j], one.ends[i] - other.ends[j]
    return float(np.abs(starts).mean()), float(np.abs(ends).mean())


def study_times(project: Project, video: str, segments: Sequence[Segment]) -> dict[str, Any]:
    """Return how long the steps of a video take, and the waiting between them, in seconds."""
    edges, data = project.edges(video), project.dataset
    steps: list[Step] = steps_from_segments(segments, data.background, edges)
    by_video = {video: steps}
    names = [name for name in data.classes if any(step.action == name for step in steps)]
    times = {name: step_times(name, by_video, None) for name in names}
    waiting = waiting_times(by_video, None)
    return {
        "steps": [
            {"action": name, **_describe(its.each), "share": its.share}
            for name, its in times.items()
        ],
        "waiting": _describe(waiting.each) | {"share": waiting.share},
        "watched": float(edges[-1]),
    }


def _describe(spread: Spread) -> dict[str, Any]:
    figures = {key: getattr(spread, key) for key in ("n", "mean", "sd", "median")}
    return figures | {"total": spread.n * (spread.mean or 0.0)}
