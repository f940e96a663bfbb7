"""Label Studio: boxes and key points in pictures, boxes along videos; JSON and JSON-MIN.

Positions are percent of the picture. A turned box turns about its top left corner. The `width` of a
key point is the size of its dot. In videos, frames count from 1 at the rate that was set in the
<Video> tag, 24 by default whatever the video has; `framesCount` and `duration` tell it. Only key
frames are stored: a box that is not `enabled` is there in its frame and not after it, the last one
lasts to the end of the video if it is. Which side it is, choices about a region tell, or its label,
or that of the region that a key point belongs to.

`write` makes predictions: one task a video, boxes for the labels left_hand and right_hand. Label
Studio shows them in place with the configuration

    <View><Video name="video" value="$video" frameRate="$fps"/><VideoRectangle name="box"
    toName="video"/><Labels name="hands" toName="video"><Label value="left_hand"/><Label
    value="right_hand"/></Labels></View>

where `$fps` is in each task, and `video` is to be completed to where it finds the video.

Source: https://labelstud.io/guide/export.html, https://labelstud.io/tags/videorectangle.html
"""

import json
from collections.abc import Mapping
from math import cos, isnan, nan, radians, sin
from pathlib import Path
from typing import Any

import pandas as pd

from handact.errors import LabelError
from handact.formats.labelstudio_json import (
    Region,
    StudioTask,
    ask_for_config,
    new_task,
    read_tasks,
)
from handact.formats.loading import member, parse_number
from handact.formats.marks import HandOptions, Key, Mark, MarkFile, Picture, Track, gather_keys
from handact.formats.outgoing import HAND_LABELS, HandExport
from handact.formats.text import show_path
from handact.formats.videos import Video

__all__ = ["read", "write"]


def read(path: Path, options: HandOptions) -> MarkFile:
    """Read an export, JSON or JSON-MIN.

    Args:
        path: The file.
        options: `score` is the least of regions that were predicted.

    Raises:
        LabelError: Not of Label Studio, pictures and videos in one file, a region out of shape.
    """
    found = MarkFile(
        file=show_path(path),
        format="Label Studio JSON",
        rule="the mean of key points; else centres of boxes",
    )
    tasks = read_tasks(path, found)
    kinds = {task.of_video for task in tasks}
    if len(kinds) > 1:
        raise LabelError(
            f"{found.file}: has tasks of videos, and of pictures", "export them one after the other"
        )
    found.first_frame = 1 if True in kinds else None
    found.stem = path.stem if len(tasks) == 1 else None
    for task in tasks:
        regions = [r for r in task.regions if not _is_unsure(r, task, options.score, found)]
        if task.of_video:
            _read_video(task, regions, found)
        else:
            found.pictures.append(_read_picture(task, regions, found))
    return found


def write(export: HandExport) -> dict[str, str]:
    """Return hands.json: a task with a prediction for each video."""
    tasks = []
    for number, (name, video) in enumerate(export.videos.items(), 1):
        hands = export.hands[export.hands["video"] == name]
        results = [_write_track(export, video, hands, side) for side in HAND_LABELS]
        is_absent = hands["left_x"].isna() & hands["right_x"].isna()
        noted = {"absent": [int(frame) for frame in hands["frame"][is_absent]]}
        results = [result for result in results if result["value"]["sequence"]]
        tasks.append(new_task(number, video, video.fps, results, noted))
    labels = "".join(f'<Label value="{label}"/>' for label in HAND_LABELS.values())
    controls = (
        f'<VideoRectangle name="box" toName="video"/><Labels name="hands" toName="video">{labels}'
        "</Labels>"
    )
    export.notes.append(ask_for_config(controls))
    return {"hands.json": json.dumps(tasks, indent=1, ensure_ascii=False) + "\n"}


# ------------------------------------------------------------------------------------------ reading


def _is_unsure(region: Region, task: StudioTask, least: float, found: MarkFile) -> bool:
    score = region.result.get("score")
    if not task.is_predicted or score is None:
        return False
    score = parse_number(score, "score", f"{found.file}: {region.place}")
    if score < least:
        found.labels += region.all_labels()
        found.drop(region.row, f"{region.place}: has the score {score:g}, below {least:g}")
    return score < least


def _names(region: Region) -> tuple[str, ...]:
    return (*region.all_choices(), *region.all_labels())


def _read_video(task: StudioTask, regions: list[Region], found: MarkFile) -> None:
    if task.fps is not None and task.ours is None:
        found.fps[task.media] = task.fps
    tracks = []
    for region in regions:
        if "sequence" in region.value:
            tracks.append(_read_track(region, task, found))
        else:
            found.drop(region.row, f"{region.place}: is no box along the video")
    if task.ours is None:
        found.tracks += tracks
        return
    # What we wrote ourselves has a key frame in each frame that has a label, and no other frames.
    found.labels = list(HAND_LABELS.values())
    found.pictures += gather_keys(tracks)
    for frame in member(task.ours, "absent", list, f"{found.file}: {task.place}"):
        number = int(parse_number(frame, "absent", f"{found.file}: {task.place}")) + 1
        found.pictures.append(Picture(f"frame {number}", "", task.media, number, 1, 1))


def _read_track(region: Region, task: StudioTask, found: MarkFile) -> Track:
    place = f"{found.file}: {region.place}"
    keys = []
    for item in member(region.value, "sequence", list, place):
        frame = member(item, "frame", float, place)
        x, y = _centre(item, region, f"{place}, frame {frame:g}", found)
        # Trackers write boxes without an extent where they see nothing.
        is_there = any(parse_number(item.get(e, 1), e, place) > 0 for e in ("width", "height"))
        is_alone = not item.get("enabled", True)
        keys.append(Key(frame, x, y, visible=is_there, alone=is_alone))
    frames = region.value.get("framesCount")
    end = parse_number(frames, "framesCount", place) + 1 if frames else None
    names = _names(region) or ("without a label",)
    return Track(region.place, names, task.media, keys, end, 1, 1)


def _read_picture(task: StudioTask, regions: list[Region], found: MarkFile) -> Picture:
    picture = Picture(f"{task.place}, {task.media}", task.media, width=1, height=1)
    by_id = {str(region.result.get("id")): region for region in regions}
    for region in regions:
        x, y = _centre(region.value, region, f"{found.file}: {region.place}", found)
        is_point = _is_point(region)
        # A box may hold the points of a hand, and have the label.
        parent = str(region.result.get("parentID") or "") if is_point else ""
        names = (*_names(by_id[parent]), *_names(region)) if parent in by_id else _names(region)
        picture.marks.append(Mark(region.place, names, x, y, is_point, parent))
    return picture


def _is_point(region: Region) -> bool:
    return "x" in region.value and not {"height", "radiusX"} & region.value.keys()


def _centre(
    value: Mapping[str, Any], region: Region, place: str, found: MarkFile
) -> tuple[float, float]:
    """Return the centre as fractions of the picture; NaN where nobody can tell."""
    if "points" in value:
        corners = [
            (parse_number(x, "x", place), parse_number(y, "y", place))
            for x, y in member(value, "points", list, place)
        ]
        xs, ys = zip(*corners, strict=True)
        return (min(xs) + max(xs)) / 200, (min(ys) + max(ys)) / 200
    if "x" not in value:
        found.drop(region.row, f"{region.place}: is no box, nor a point")
        return nan, nan
    x, y = member(value, "x", float, place), member(value, "y", float, place)
    if "height" in value:
        half = [member(value, name, float, place) / 2 for name in ("width", "height")]
        dx, dy = _turn(half, parse_number(value.get("rotation") or 0, "rotation", place), region)
        x, y = x + dx, y + dy
    is_turned = bool(region.result.get("image_rotation"))
    if is_turned or isnan(x):
        what = "was marked in a turned picture" if is_turned else "is turned in a video"
        found.drop(region.row, f"{place.partition(': ')[2]}: {what}: where it is, is not told")
        return nan, nan
    return x / 100, y / 100


def _turn(half: list[float], degrees: float, region: Region) -> tuple[float, float]:
    """Return how far the centre is from the corner that a box turns about."""
    if not degrees % 360:
        return half[0], half[1]
    size = [region.result.get(f"original_{name}") for name in ("width", "height")]
    if not all(size):
        return nan, nan
    width, height = (parse_number(n, "original_width", region.place) for n in size)
    a, b = half[0] * width, half[1] * height
    c, s = cos(radians(degrees)), sin(radians(degrees))
    return (a * c - b * s) / width, (a * s + b * c) / height


# ------------------------------------------------------------------------------------------ writing


def _write_track(
    export: HandExport, video: Video, hands: pd.DataFrame, side: str
) -> dict[str, Any]:
    edge = export.box * min(video.width, video.height)
    width, height = 100 * edge / video.width, 100 * edge / video.height
    rows = hands[["frame", f"{side}_x", f"{side}_y"]].itertuples(index=False, name=None)
    seen = [(int(frame), x, y) for frame, x, y in rows if not isnan(x)]
    sequence = [
        {
            "frame": frame + 1,
            "time": round((frame + 1) / video.fps, 6),
            "enabled": i + 1 < len(seen) and seen[i + 1][0] == frame + 1,
            "rotation": 0,
            "x": round(100 * x - width / 2, 6),
            "y": round(100 * y - height / 2, 6),
            "width": round(width, 6),
            "height": round(height, 6),
        }
        for i, (frame, x, y) in enumerate(seen)
    ]
    return {
        "from_name": "box",
        "to_name": "video",
        "type": "videorectangle",
        "value": {
            "framesCount": video.frames,
            "duration": round(video.frames / video.fps, 6),
            "sequence": sequence,
            "labels": [HAND_LABELS[side]],
        },
    }
