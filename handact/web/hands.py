"""What the page for labelling hands shows and changes."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from handact.labelling import (
    APART,
    BETWEEN,
    Edit,
    guess_between,
    keep_apart,
    spread_frames,
    to_rows,
)
from handact.web.project import Project

__all__ = ["edit_hands", "guess_hands", "hand_state", "propose_frames", "step_hands", "sum_up"]

_UNSURE = 0.1  # doubt above which a frame is worth a label before those that are spread
_DOUBTS_APART = 0.25  # seconds: what is doubtful close to a label is worth one all the same


def hand_state(project: Project, video: str) -> dict[str, Any]:
    """Return the labelled frames of a video."""
    return project.state("hands", video, "labels")


def edit_hands(
    project: Project, video: str, remove: Sequence[Any], add: Sequence[Any], id: str = ""
) -> dict[str, Any]:
    """Change labelled frames as one step of undo, and return them all.

    Raises:
        StaleEdit: Somebody else changed what is to be changed.
        LabelError: It makes no sense.
    """
    project.edit(Edit("hands", video, to_rows("hands", remove), to_rows("hands", add)), id)
    return hand_state(project, video)


def step_hands(project: Project, kind: str, id: str = "") -> dict[str, Any]:
    """Undo or redo the last change of any video; `video` is None where there is none."""
    step = project.store.undo if kind == "undo" else project.store.redo
    edit = step("hands", "", id)
    if edit is None:
        return {"video": None, "frame": None}
    frame = (*edit.add, *edit.remove)[0][0]
    return {"video": edit.video, "frame": frame, **hand_state(project, edit.video)}


def sum_up(project: Project) -> dict[str, Any]:
    """Return how many frames are labelled, with how many hands, in all and by video."""
    rows = project.store.all_rows("hands")
    videos = [
        {"name": video.name, "frames": video.frames, **_count(rows.get(video.name, []))}
        for video in project.dataset.videos.values()
    ]
    keys = ("labelled", "both", "one", "none")
    return {key: sum(v[key] for v in videos) for key in keys} | {"videos": videos}


def _count(rows: Sequence[Sequence[Any]]) -> dict[str, int]:
    number = [(row[1] is not None) + (row[3] is not None) for row in rows]
    counts = {"both": number.count(2), "one": number.count(1), "none": number.count(0)}
    return {"labelled": len(rows), **counts}


def propose_frames(project: Project, num: int, video: str | None) -> dict[str, Any]:
    """Return frames to label next: those that the localiser is unsure of, then spread ones."""
    chosen = [v for v in project.dataset.videos.values() if video in (None, v.name)]
    rows = project.store.all_rows("hands")
    labelled = {v.name: [row[0] for row in rows.get(v.name, ())] for v in chosen}
    apart, close = (
        {v.name: max(1, round(seconds * v.fps)) for v in chosen}
        for seconds in (APART, _DOUBTS_APART)
    )
    scout = project.scout
    found = [f for f in scout.findings() if f[0] in labelled] if scout else []
    why = {(name, frame): reason for name, frame, doubt, reason in found if doubt > _UNSURE}
    frames = list(keep_apart(list(why), labelled, apart=close))[:num]
    _note(labelled, frames)
    lengths = {v.name: v.frames for v in chosen}
    for distance in (apart, dict.fromkeys(apart, 1)):  # at last, short videos are filled up
        more = spread_frames(lengths, labelled, num - len(frames), apart=distance)
        frames += more
        _note(labelled, more)
    state = {key: getattr(scout, key) for key in ("state", "done", "total")} if scout else None
    return {
        "frames": [
            {"video": v, "frame": f, "why": why.get((v, f), "spread over the videos")}
            for v, f in frames
        ],
        "localizer": state or {"state": "none", "done": 0, "total": 0},
    }


def _note(labelled: dict[str, list[int]], frames: Sequence[tuple[str, int]]) -> None:
    for video, frame in frames:
        labelled[video].append(frame)


def guess_hands(project: Project, video: str, frame: int) -> dict[str, Any]:
    """Return where the hands of a frame may be: on the way between labels, or by the localiser."""
    most = round(BETWEEN * project.dataset.videos[video].fps)
    between = guess_between(project.store.rows("hands", video), frame, most)
    if between is not None:
        return {"source": "between labels", **_places(*between), "p": None}
    if project.scout is None:
        return {"source": None, "left": None, "right": None, "p": None}
    found = project.scout.guess(_decode(project.picture(video, frame)))
    seen = np.where(found[:, :1] > 0.5, found[:, 1:], np.nan).clip(0, 1)
    cells = [None if np.isnan(x) else round(float(x), 5) for x in seen.ravel()]
    return {"source": "localizer", **_places(*cells), "p": found[:, 0].round(3).tolist()}


def _places(
    left_x: float | None, left_y: float | None, right_x: float | None, right_y: float | None
) -> dict[str, list[float] | None]:
    return {
        "left": None if left_x is None or left_y is None else [left_x, left_y],
        "right": None if right_x is None or right_y is None else [right_x, right_y],
    }


def _decode(jpeg: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
