"""Label Studio's JSON and JSON-MIN: the tasks, and the regions of the annotation that counts.

The readers of hands and of actions share this. Of several annotations of a task the ground truth
counts, else the latest; those that were skipped do not, and predictions only where there is no
annotation at all. The results of one region (a box, its label, choices about it) share an id.

Source: https://labelstud.io/guide/export.html, https://labelstud.io/tags/video.html, and the
converter in https://github.com/HumanSignal/label-studio-sdk
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from handact.errors import LabelError
from handact.formats.intervals import IntervalFile
from handact.formats.loading import load_json, member, parse_number
from handact.formats.marks import MarkFile
from handact.formats.reading import VIDEO_SUFFIXES
from handact.formats.videos import Video

__all__ = ["Region", "StudioTask", "ask_for_config", "looks_like_export", "new_task", "read_tasks"]

_OURS = "handact"
_ANNOTATIONS = ("annotations", "completions")  # the latter before version 1.0
_PARTS = (*_ANNOTATIONS, "predictions", "data")
_GEOMETRY = ("sequence", "ranges", "x", "points", "rle", "start")
_IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_WHOLE_RATES = (5.0, 10.0, 12.0, 15.0, 20.0, 24.0, 25.0, 30.0, 48.0, 50.0, 60.0, 90.0, 100.0, 120.0)
_RATES = (*_WHOLE_RATES, *(rate / 1.001 for rate in (24, 30, 60, 120)))
_UPLOAD_HASH = re.compile(r"^[0-9a-f]{4,8}-")


@dataclass(slots=True)
class Region:
    """What was marked: a box, a point, a range of time.

    Attributes:
        row: Number of its first result in the file, from 1.
        place: What to call it in messages.
        value: Where and when, as Label Studio says it.
        labels: By the control (`from_name`) that they were given with.
        choices: The same.
        result: Its first result, for what stands beside the value.
    """

    row: int
    place: str
    value: Mapping[str, Any] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)

    def all_labels(self) -> list[str]:
        """Return the labels of all controls."""
        return [name for names in self.labels.values() for name in names]

    def all_choices(self) -> list[str]:
        """Return the choices of all controls."""
        return [name for names in self.choices.values() for name in names]


@dataclass(slots=True)
class StudioTask:
    """A task that somebody has labelled.

    Attributes:
        place: What to call it in messages.
        media: What the file calls its video or picture.
        of_video: Whether it is a video.
        regions: Those of the annotation that counts.
        fps: Frames a second that were set for the video, where its boxes tell.
        is_predicted: Whether no person has labelled it.
        ours: What we noted beside a prediction of ours; else None.
    """

    place: str
    media: str
    of_video: bool
    regions: list[Region]
    fps: float | None
    is_predicted: bool = False
    ours: Mapping[str, Any] | None = None


def looks_like_export(data: Any) -> bool:
    """Return whether a JSON value is one that Label Studio exports."""
    first = data[0] if isinstance(data, list) and data else data
    if not isinstance(first, Mapping):
        return False
    if "data" in first and any(part in first for part in (*_ANNOTATIONS, "predictions")):
        return True
    return {"annotation_id", "annotator"} <= set(first) or (
        isinstance(first.get("task"), Mapping) and ("result" in first or "annotation" in first)
    )


def read_tasks(path: Path, found: MarkFile | IntervalFile) -> list[StudioTask]:
    """Read the tasks that are labelled; what was passed over is noted in `found`.

    Raises:
        LabelError: Not of Label Studio.
    """
    tasks: list[StudioTask] = []
    unlabelled = outdone = 0
    for number, (entry, results, is_predicted, version) in enumerate(_entries(path, found), 1):
        place = f"task {entry.get('id', number)}"
        if results is None:
            unlabelled += 1
            continue
        outdone += not is_predicted and bool(entry.get("predictions"))
        regions = _gather_regions(results, place, found)
        media = _find_media(entry.get("data", {}))
        suffix = Path(media).suffix.lower()
        of_video = suffix in VIDEO_SUFFIXES or any(
            "sequence" in region.value or "ranges" in region.value for region in regions
        )
        task = StudioTask(place, media, of_video, regions, _find_rate(regions), is_predicted)
        noted = entry.get("meta")
        if is_predicted and version == _OURS and isinstance(noted, Mapping) and _OURS in noted:
            task.ours = member(noted, _OURS, dict, f"{found.file}: {place}")
            task.media = member(task.ours, "video", str, f"{found.file}: {place}")
        tasks.append(task)
    if unlabelled:
        found.notes.append(f"{unlabelled} tasks have no annotation: left out")
    if outdone:
        found.notes.append(f"{outdone} tasks have predictions beside an annotation: left out")
    return tasks


# -------------------------------------------------------------------------- which annotation counts

_Entry = tuple[Mapping[str, Any], list[Any] | None, bool, str]
"""A task, the results that count, whether these are predicted, and by which model."""


def _entries(path: Path, found: MarkFile | IntervalFile) -> Iterator[_Entry]:
    data = load_json(path)
    entries = data if isinstance(data, list) else [data]
    if not all(isinstance(entry, Mapping) for entry in entries):
        raise LabelError(f"{found.file}: is not of Label Studio: its tasks are not objects")
    if any("annotation_id" in entry for entry in entries):
        found.format = "Label Studio JSON-MIN"
        yield from _take_flat(entries, found)
        return
    for number, entry in enumerate(map(_unwrap, entries), 1):
        if not any(part in entry for part in _PARTS):
            raise LabelError(
                f"{found.file}: is not of Label Studio: task {number} has neither annotations nor "
                "data"
            )
        yield _choose(entry, f"task {entry.get('id', number)}", found)


def _unwrap(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the task with its annotation, where a file holds an annotation with its task."""
    task = entry.get("task")
    annotation = entry.get("annotation", entry if "result" in entry else None)
    if isinstance(task, Mapping) and isinstance(annotation, Mapping):
        return {**task, "annotations": [annotation]}
    return entry


def _choose(entry: Mapping[str, Any], place: str, found: MarkFile | IntervalFile) -> _Entry:
    given = next((entry[key] for key in _ANNOTATIONS if entry.get(key)), None) or []
    annotations = [a for a in given if isinstance(a, Mapping)]
    kept = [a for a in annotations if not (a.get("was_cancelled") or a.get("skipped"))]
    for annotation in annotations:
        if annotation not in kept:
            found.drop(None, f"{place}: annotation {annotation.get('id', '?')} was skipped")
    is_predicted = not annotations
    if is_predicted:
        kept = [p for p in entry.get("predictions") or [] if isinstance(p, Mapping)]
    if not kept:
        return entry, None, False, ""
    best = max(
        range(len(kept)), key=lambda i: (bool(kept[i].get("ground_truth")), _age(kept[i]), i)
    )
    why = "ground truth" if kept[best].get("ground_truth") else "latest"
    what = "prediction" if is_predicted else "annotation"
    for other in kept[:best] + kept[best + 1 :]:
        found.drop(None, f"{place}: {what} {other.get('id', '?')} is not the {why}")
    results = kept[best].get("result") or []
    if not isinstance(results, list):
        raise LabelError(f"{found.file}: {place}: result is not a list")
    return entry, results, is_predicted, str(kept[best].get("model_version"))


def _age(annotation: Mapping[str, Any]) -> str:
    return str(annotation.get("updated_at") or annotation.get("created_at") or "")


def _take_flat(
    entries: Iterable[Mapping[str, Any]], found: MarkFile | IntervalFile
) -> Iterator[_Entry]:
    """Give the rows of JSON-MIN, one an annotation, in which the fields of a task lie flat."""
    latest: dict[Any, Mapping[str, Any]] = {}
    for entry in entries:
        key = str(entry.get("id"))
        other = latest.setdefault(key, entry)
        if other is not entry:
            older, latest[key] = sorted((other, entry), key=_age)
            found.drop(None, f"task {key}: annotation {older['annotation_id']} is not the latest")
    for entry in latest.values():
        if entry.get("annotation_id") is None:
            yield entry, None, False, ""
            continue
        regions = {
            key: [value for value in values if isinstance(value, Mapping)]
            for key, values in entry.items()
            if isinstance(values, list)
        }
        results = [
            {**v, "from_name": k, "value": v} for k, values in regions.items() for v in values
        ]
        yield {"id": entry.get("id"), "data": entry}, results, False, ""


# ------------------------------------------------------------------------------- regions of a task


def _gather_regions(results: list[Any], place: str, found: MarkFile | IntervalFile) -> list[Region]:
    regions: dict[Any, Region] = {}
    for result in results:
        found.rows += 1
        if isinstance(result, Mapping) and result.get("type") == "relation":
            continue  # between regions: it is neither a place nor a time, and nobody expects one
        value = result.get("value") if isinstance(result, Mapping) else None
        if not isinstance(value, Mapping):
            raise LabelError(f"{found.file}: {place}: has a result without a value")
        key = result.get("id") or _shape_of(value) or found.rows
        name = f"{place}, region {result.get('id') or found.rows}"
        region = regions.setdefault(str(key), Region(found.rows, name))
        if not region.value and any(part in value for part in _GEOMETRY):
            region.value, region.result = value, result
        control = str(result.get("from_name", ""))
        for what, names in value.items():
            if isinstance(names, list) and what.endswith("labels"):
                region.labels.setdefault(control, []).extend(map(str, names))
            elif isinstance(names, list) and what == "choices":
                region.choices.setdefault(control, []).extend(map(str, names))
    for region in regions.values():
        if not region.value:
            found.drop(region.row, f"{region.place}: is neither a place nor a time")
    return [region for region in regions.values() if region.value]


def _shape_of(value: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Return what results of one region have in common where they have no id."""
    if "x" not in value:
        return None
    return tuple(str(value.get(name)) for name in ("x", "y", "width", "height"))


def _find_media(data: Any) -> str:
    """Return the video or picture of a task: a path without what the server put around it."""
    if not isinstance(data, Mapping):
        return ""
    texts = [data.get("video"), data.get("image"), *data.values()]
    paths = [_path_of(text) for text in texts if isinstance(text, str) and text]
    suffixes = (*VIDEO_SUFFIXES, *_IMAGE_SUFFIXES)
    return next((p for p in paths if p.lower().endswith(suffixes)), paths[0] if paths else "")


def _path_of(text: str) -> str:
    if "://" not in text and not text.startswith("/"):
        return text
    address = urlsplit(text)
    path = parse_qs(address.query).get("d", [unquote(address.path)])[0]
    if "/upload/" in path:
        folder, _, name = path.rpartition("/")
        path = f"{folder}/{_UPLOAD_HASH.sub('', name)}"
    return path


def _find_rate(regions: Iterable[Region]) -> float | None:
    """Return the frame rate that was set, from a box in a video: it has frames and seconds."""
    for region in regions:
        value = region.value
        frames, seconds = value.get("framesCount"), value.get("duration")
        if "sequence" not in value or not frames or not seconds:
            continue
        place = region.place
        frames = parse_number(frames, "framesCount", place)
        seconds = parse_number(seconds, "duration", place)
        if frames <= 0 or seconds <= 0:
            continue
        # The number of frames is rounded; a rate in use that fits is the one that was set.
        rate = min(_RATES, key=lambda rate: abs(rate * seconds - frames))
        return rate if abs(rate * seconds - frames) < 1 else frames / seconds
    return None


# ------------------------------------------------------------------------------------------ writing


def new_task(
    number: int, video: Video, fps: float, results: list[Any], noted: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a task with a prediction, as Label Studio imports it.

    Args:
        number: Of the task, from 1.
        video: It is about.
        fps: Frames a second in which its results count.
        results: Regions.
        noted: What our own reader has to know beyond these.
    """
    for i, result in enumerate(results, 1):
        result["id"] = f"{_OURS}-{number}-{i}"
    prediction = {"model_version": _OURS, "result": results}
    scores = [result["score"] for result in results if "score" in result]
    if scores:
        prediction["score"] = round(sum(scores) / len(scores), 6)
    return {
        "data": {"video": video.path.name, "fps": fps},
        "meta": {_OURS: {"video": video.name, **noted}},
        "predictions": [prediction],
    }


def ask_for_config(controls: str) -> str:
    """Return what a person has to know to import the tasks.

    Args:
        controls: Of the labelling configuration, with their labels.
    """
    return (
        "the labelling configuration must have "
        f'<Video name="video" value="$video" frameRate="$fps"/> and {controls}; '
        "put in front of each video in the file where Label Studio finds it, such as "
        "/data/local-files/?d=FOLDER/"
    )
