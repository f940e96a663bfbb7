"""Label Studio: ranges of a TimelineLabels control, or labels of older templates in seconds.

Ranges are frames, from 1, the last one included, at the rate that was set in the <Video> tag, 24 by
default whatever the video has. It is not in the file, except where the task has a box along the
video as well, whose `framesCount` and `duration` tell it. `--column` names the control whose labels
or choices are the actions, where there are several.

`write` makes predictions: one task a video, with scores. Label Studio shows them in place with the
configuration

    <View><Video name="video" value="$video" frameRate="$fps"/><TimelineLabels name="actions"
    toName="video"><Label value="..."/></TimelineLabels></View>

where `$fps` is in each task, and `video` is to be completed to where it finds the video. For a
video of variable rate it is as large as it takes to tell its frames apart.

Source: https://labelstud.io/tags/timelinelabels.html, https://labelstud.io/tags/video.html
"""

import json
from collections.abc import Iterator
from math import ceil, inf
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from handact.errors import LabelError
from handact.formats.intervals import ActionOptions, Interval, IntervalFile
from handact.formats.labelstudio_json import (
    Region,
    StudioTask,
    ask_for_config,
    new_task,
    read_tasks,
)
from handact.formats.loading import member, parse_number
from handact.formats.outgoing import ActionExport
from handact.formats.text import show_path
from handact.formats.videos import Video

__all__ = ["read", "write"]


def read(path: Path, options: ActionOptions) -> IntervalFile:
    """Read an export, JSON or JSON-MIN.

    Args:
        path: The file.
        options: `column` is the control that holds the actions.

    Raises:
        LabelError: Not of Label Studio, frames and seconds in one file, no such control.
    """
    found = IntervalFile(
        file=show_path(path),
        format="Label Studio JSON",
        unit="frames",
        rate="unsure",
        fps={},
        first_frame=1,
        end_included=True,
    )
    tasks = read_tasks(path, found)
    units: set[str] = set()
    for task in tasks:
        if not task.regions:
            found.empty.append(task.media)
        if task.ours is not None:
            found.fps[task.media] = member(task.ours, "fps", float, f"{found.file}: {task.place}")
        elif task.fps is not None:
            found.fps[task.media] = task.fps
        for region in task.regions:
            unit = _unit(region)
            if unit is None:
                found.drop(region.row, f"{region.place}: is no interval of time")
                continue
            units.add(unit)
            found.intervals += _read_region(region, task, options.column, found)
    if len(units) > 1:
        raise LabelError(
            f"{found.file}: has ranges of frames, and intervals in seconds",
            "export the tasks of one kind",
        )
    if tasks and all(task.ours is not None for task in tasks):
        found.rate = "format"
    if units == {"seconds"}:
        found.unit, found.first_frame, found.end_included = "seconds", 0, False
    found.stem = path.stem if len(tasks) == 1 else None
    if options.column and units and not found.intervals:
        raise LabelError(f"{found.file}: has no labels of a control {options.column!r}")
    return found


def write(export: ActionExport) -> dict[str, str]:
    """Return actions.json: a task with a prediction for each video."""
    tasks = []
    for number, (name, video) in enumerate(export.videos.items(), 1):
        edges = export.edges(name)
        fps = _choose_rate(edges, video)
        results = []
        for i, segment in enumerate(export.actions[name]):
            if segment.action == export.background:
                continue
            start, end = (
                _number(f, edges, fps, video) for f in (segment.start_frame, segment.end_frame)
            )
            result: dict[str, Any] = {
                "from_name": "actions",
                "to_name": "video",
                "type": "timelinelabels",
                "value": {
                    "ranges": [{"start": start + 1, "end": end}],
                    "timelinelabels": [segment.action],
                },
            }
            if export.confidence:
                result["score"] = round(export.confidence[name][i], 6)
            results.append(result)
        tasks.append(new_task(number, video, fps, results, {"fps": fps}))
    names = [name for name in export.classes if name != export.background]
    labels = "".join(f"<Label value={quoteattr(name)}/>" for name in names)
    controls = f'<TimelineLabels name="actions" toName="video">{labels}</TimelineLabels>'
    export.notes.append(ask_for_config(controls))
    return {"actions.json": json.dumps(tasks, indent=1, ensure_ascii=False) + "\n"}


# ------------------------------------------------------------------------------------------ reading


def _unit(region: Region) -> str | None:
    if "ranges" in region.value:
        return "frames"
    # Texts have offsets of letters.
    is_text = {"text", "startOffset", "paragraphlabels"} & region.value.keys()
    return "seconds" if "start" in region.value and not is_text else None


def _read_region(
    region: Region, task: StudioTask, column: str | None, found: IntervalFile
) -> Iterator[Interval]:
    place = f"{found.file}: {region.place}"
    labels = region.all_labels()
    if column is not None:
        labels = region.labels.get(column, []) + region.choices.get(column, [])
    if not labels:
        found.drop(region.row, f"{region.place}: has no label")
    spans = member(region.value, "ranges", list, place) if "ranges" in region.value else None
    for span in [region.value] if spans is None else spans:
        start, end = member(span, "start", float, place), span.get("end")
        # A range that was begun and not ended lasts.
        end = inf if end is None else parse_number(end, "end", place)
        for label in labels:
            yield Interval(region.row, task.media, start, end, label)


# ------------------------------------------------------------------------------------------ writing


def _choose_rate(edges: np.ndarray, video: Video) -> float:
    """Return the rate of the video, or of a variable one as many frames as tell its apart."""
    even = np.arange(len(edges)) / video.fps
    if np.abs(edges - even).max() < 0.25 / video.fps:
        return video.fps
    # Four frames to the shortest, so that none is taken for its neighbour.
    return float(ceil(4 / np.diff(edges).min() - 1e-6))


def _number(frame: int, edges: np.ndarray, fps: float, video: Video) -> int:
    """Return the number, from 0, of the first frame at that rate within a frame of the video."""
    return frame if fps == video.fps else ceil(edges[frame] * fps - 1e-6)
