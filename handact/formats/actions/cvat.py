"""CVAT 1.1 as a tool for actions: tracks, and labels of pictures, taken as intervals.

CVAT has no intervals. A track, such as a rectangle that covers the picture, is an action from the
frame where it appears up to the one where it is outside. Exports "for images" have tags, which
exports for video lose: an action lasts over neighbouring frames with the same tag. `--column` names
the attribute that holds the action, in place of the label. What is labelled as a hand is no action.

`write` makes a file for each video that CVAT imports as "CVAT for video 1.1" into a task of this
video which has the actions as labels.

Source: https://docs.cvat.ai/docs/manual/advanced/xml_format/, cvat-ai/cvat issue 7782
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import SubElement

from handact.errors import LabelError
from handact.formats.cvat_xml import (
    CvatFile,
    CvatPicture,
    CvatTrack,
    Shape,
    add_box,
    new_document,
    read_cvat,
    xml_text,
)
from handact.formats.intervals import ActionOptions, Interval, IntervalFile, runs
from handact.formats.outgoing import ActionExport
from handact.formats.to_hands import frame_of_image
from handact.formats.videos import Video
from handact.labels import Segment

__all__ = ["read", "write"]

_HANDS = {"hand", "hands", "lefthand", "righthand", "handleft", "handright", "lhand", "rhand"}


def read(path: Path, options: ActionOptions) -> IntervalFile:
    """Read an export of a task, a job or a project: annotations.xml, or the ZIP with it.

    Args:
        path: The XML, or the ZIP.
        options: `column` is the attribute that holds the action.

    Raises:
        LabelError: Not of CVAT, a track without an end, an attribute that nothing has.
    """
    cvat = read_cvat(path)
    found = IntervalFile(
        file=cvat.file,
        format=f"CVAT for {'video' if cvat.tracks else 'images'}",
        unit="frames",
        first_frame=0 if cvat.of_video else None,
        stem=path.stem if len(cvat.tasks) == 1 else None,
        rows=len(cvat.tracks) + len(cvat.pictures),
    )
    for track in cvat.tracks:
        found.intervals += _read_track(track, options.column, found)
    _read_pictures(cvat, options.column, found)
    if options.column and not found.intervals and found.rows:
        raise LabelError(f"{found.file}: nothing in it has an attribute {options.column!r}")
    return found


def write(export: ActionExport) -> dict[str, str]:
    """Return NAME.xml for each video: a track that covers the picture for each segment."""
    return {
        f"{name}.xml": _write_video(export, video, export.actions[name])
        for name, video in export.videos.items()
    }


# ------------------------------------------------------------------------------------------ reading


def _action(shape: Shape, column: str | None) -> str:
    """Return the action that a shape means, "" if none."""
    if column is not None:
        return dict(shape.attributes).get(column, "")
    return shape.label


def _is_hand(label: str) -> bool:
    return "".join(filter(str.isalpha, label.lower())) in _HANDS


def _read_track(track: CvatTrack, column: str | None, found: IntervalFile) -> Iterator[Interval]:
    """Give an interval for each stretch in which the track is there and means the same."""
    task, start = track.task, None
    if not track.keys or _is_hand(track.keys[0].label):
        what = f"is a hand: {track.keys[0].label}" if track.keys else "has no key frame"
        found.drop(track.row, f"{track.place}: {what}")
        return
    for shape, after in pairwise([*track.keys, None]):
        action = _action(shape, column)
        if not shape.visible:
            continue
        if not action and column is not None:
            found.drop(track.row, f"{track.place}, frame {shape.frame}: has no attribute {column}")
            continue
        start = shape.frame if start is None else start
        if after is not None:
            if after.visible and _action(after, column) == action:
                continue
            end = after.frame
        elif track.last is None:
            raise LabelError(
                f"{found.file}: {track.place}: does not end, and <meta> does not say where its "
                "task ends",
                "export it from CVAT, or end it with a shape that is outside",
            )
        else:
            # What the next frame would show that the task has is not told.
            end = track.last + task.step
            end = end if task.stop is None else min(end, max(task.stop, track.last) + 1)
        yield Interval(track.row, task.video, start, end, action)
        start = None


def _read_pictures(cvat: CvatFile, column: str | None, found: IntervalFile) -> None:
    """Join the labels of neighbouring pictures; where there are tags, shapes are no labels."""
    is_tagged = any(picture.tags for picture in cvat.pictures)
    videos: dict[str, dict[int, CvatPicture]] = defaultdict(dict)
    for picture in cvat.pictures:
        video, frame = picture.task.video, picture.frame
        if frame is None:
            video, frame = frame_of_image(picture.name)
        if frame is None:
            reason = "its name has no number of a frame, as VIDEO_000123.jpg has"
            found.drop(picture.row, f"image {picture.name}: {reason}")
        elif videos[video].setdefault(frame, picture) is not picture:
            raise LabelError(f"{found.file}: image {picture.name} is there twice")
    for video, pictures in videos.items():
        frames = sorted(pictures)
        gaps = {b - a for a, b in pairwise(frames)}
        step = gaps.pop() if len(gaps) == 1 else pictures[frames[0]].task.step
        numbered: dict[str, list[int]] = defaultdict(list)
        for frame in frames:
            picture = pictures[frame]
            for label in _labels(picture, picture.tags if is_tagged else picture.shapes, column):
                numbered[label].append(frame // step)
        shift = frames[0] % step
        for label, numbers in numbered.items():
            for start, end in runs(numbers):
                row = pictures[start * step + shift].row
                last = pictures[(end - 1) * step + shift].task.stop
                stop = end * step + shift if last is None else min(end * step + shift, last + 1)
                found.intervals.append(Interval(row, video, start * step + shift, stop, label))
    found.intervals.sort(key=lambda interval: interval.row)


def _labels(picture: CvatPicture, shapes: list[Shape], column: str | None) -> list[str]:
    labels = [_action(s, column) for s in shapes if not _is_hand(s.label)]
    return list(dict.fromkeys(filter(None, labels)))


# ------------------------------------------------------------------------------------------ writing


def _write_video(export: ActionExport, video: Video, segments: list[Segment]) -> str:
    kept = [s for s in segments if s.action != export.background]
    names = [name for name in export.classes if name != export.background]
    root = new_document(video, names)
    whole = (0.0, 0.0, float(video.width), float(video.height))
    for i, segment in enumerate(kept):
        track = SubElement(root, "track", {"id": str(i), "label": segment.action})
        add_box(track, segment.start_frame, whole)
        if segment.end_frame < video.frames:
            add_box(track, segment.end_frame, whole, outside=True)
        elif len(segment) > 1:
            # CVAT has no frame after the last one to end it in; without this it would last too.
            add_box(track, segment.end_frame - 1, whole)
    return xml_text(root)
