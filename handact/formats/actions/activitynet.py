"""The JSON of ActivityNet and THUMOS, for temporal action detection: segments in seconds.

OpenTAD has the videos under "database"; MMAction2 has them at the top, with other names of the
same fields; results of either, with scores, are under "results". Some put `v_` before the names of
videos, others do not.

Source: https://github.com/activitynet/ActivityNet, https://github.com/sming256/OpenTAD,
https://github.com/open-mmlab/mmaction2 (docs, "Temporal Action Localization")
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from handact.errors import LabelError
from handact.formats.intervals import ActionOptions, Interval, IntervalFile
from handact.formats.loading import load_json, member, parse_number
from handact.formats.outgoing import ActionExport
from handact.formats.text import show_path

__all__ = ["looks_like_labels", "read", "write"]

_SUBSETS = {"train": "training", "val": "validation", "test": "testing"}
_SPLITS = {subset: split for split, subset in _SUBSETS.items()} | {name: name for name in _SUBSETS}
_AMBIGUOUS = "ambiguous"
# As in OpenTAD: annotations that agree as closely are one.
_SAME_SECONDS = 1e-3
_Cell = tuple[str, int, int]


def looks_like_labels(data: Any) -> bool:
    """Tell whether JSON is of this format."""
    if not isinstance(data, dict):
        return False
    if any(isinstance(data.get(key), dict) for key in ("database", "results")):
        return True
    first = next(iter(data.values()), None)
    has_duration = isinstance(first, dict) and first.keys() & {"duration_second", "duration"}
    return bool(has_duration) and isinstance(first.get("annotations"), list)


def read(path: Path, options: ActionOptions) -> IntervalFile:
    """Read annotations or results.

    Annotations that stand there twice, end before they start, or are of THUMOS' class "Ambiguous"
    are left out.

    Raises:
        LabelError: It is neither, or a field is missing.
    """
    file = show_path(path)
    found = IntervalFile(file=file, format="ActivityNet annotations", unit="seconds", prefix="v_")
    found.fps = rates = {}
    data = load_json(path)
    if isinstance(data, dict) and "results" in data:
        found.format = "ActivityNet results"
        found.notes.append("segments are taken whatever their score is")
    for name, entry, annotations in _videos(data, file):
        if entry.get("fps"):
            rates[name] = parse_number(entry["fps"], "fps", f"{file}: video {name!r}")
        lasting = entry.get("duration_second", entry.get("duration"))
        if lasting is not None:
            found.durations[name] = parse_number(lasting, "duration", f"{file}: video {name!r}")
        split = _SPLITS.get(str(entry.get("subset", "")).casefold())
        if split:
            found.splits[name] = split
        if not annotations:
            found.drop(None, f"video {name!r} has no annotations")
        _add_annotations(annotations, name, found)
    return found


def write(export: ActionExport) -> dict[str, str]:
    """Return annotations.json, and category_idx.txt and missing_files.txt, which OpenTAD asks for.

    Predictions become results.json.
    """
    names = [name for name in export.classes if name != export.background]
    videos = {
        name: [
            annotation
            for annotation in _annotations(export, name)
            if annotation["label"] != export.background
        ]
        for name in export.videos
    }
    if export.confidence is not None:
        data = {"version": "1.3", "results": videos, "external_data": {}}
        return {"results.json": json.dumps(data, indent=1) + "\n"}
    database = {
        name: {
            "subset": _SUBSETS[video.split],
            "duration": round(float(export.edges(name)[-1]), 6),
            "frame": video.frames,
            "annotations": [a | {"label_id": names.index(a["label"])} for a in videos[name]],
        }
        for name, video in export.videos.items()
    }
    data = {"version": "1.3", "database": database}
    return {
        "annotations.json": json.dumps(data, indent=1) + "\n",
        "category_idx.txt": "".join(f"{name}\n" for name in names),
        "missing_files.txt": "",
    }


def _annotations(export: ActionExport, name: str) -> Iterator[dict[str, Any]]:
    edges = export.edges(name)
    for i, s in enumerate(export.actions[name]):
        times = [round(float(edges[frame]), 6) for frame in (s.start_frame, s.end_frame)]
        sure = {"score": round(export.confidence[name][i], 6)} if export.confidence else {}
        yield {"segment": times, "label": s.action, **sure}


def _videos(data: Any, file: str) -> Iterator[tuple[str, Mapping[str, Any], list[Any]]]:
    """Give name, entry and annotations of each video."""
    if not isinstance(data, dict):
        raise LabelError(f"{file}: is not an object with videos")
    if "results" in data:
        results = member(data, "results", dict, file)
        for name in results:
            yield name, {}, member(results, name, list, f"{file}: results")
        return
    videos = member(data, "database", dict, file) if "database" in data else data
    for name, entry in videos.items():
        place = f"{file}: video {name!r}"
        yield name, entry, member(entry, "annotations", list, place)


def _add_annotations(annotations: Sequence[Any], video: str, found: IntervalFile) -> None:
    known: dict[_Cell, Interval] = {}
    for annotation in annotations:
        found.rows += 1
        place = f"{found.file}: annotation {found.rows}, of {video}"
        interval = _read_annotation(annotation, video, found.rows, place)
        reason = _reason_to_drop(interval, known)
        if reason:
            found.drop(found.rows, reason)
        else:
            known[_cell(interval)] = interval
            found.intervals.append(interval)


def _read_annotation(annotation: Any, video: str, number: int, place: str) -> Interval:
    segment = member(annotation, "segment", list, place)
    if len(segment) != 2:
        raise LabelError(f"{place}: segment is not a start and an end")
    start, end = (parse_number(value, "segment", place) for value in segment)
    return Interval(number, video, start, end, member(annotation, "label", str, place).strip())


def _reason_to_drop(interval: Interval, known: Mapping[_Cell, Interval]) -> str | None:
    if interval.label.casefold() == _AMBIGUOUS:
        return "is ambiguous"
    if interval.end <= interval.start:
        return f"does not end after it starts: {interval.start:g} to {interval.end:g}"
    # Those in the cells around are all that can be as near.
    label, start, end = _cell(interval)
    cells = ((label, start + i, end + j) for i in (-1, 0, 1) for j in (-1, 0, 1))
    same = next((known[cell] for cell in cells if _is_near(interval, known.get(cell))), None)
    return f"is the same as annotation {same.row}" if same else None


def _cell(interval: Interval) -> _Cell:
    return interval.label, *(int(t // _SAME_SECONDS) for t in (interval.start, interval.end))


def _is_near(a: Interval, b: Interval | None) -> bool:
    return b is not None and max(abs(a.start - b.start), abs(a.end - b.end)) <= _SAME_SECONDS
