"""CVAT 1.1: boxes, points and skeletons of hands, "for video" and "for images", told by content.

Frames count from 0. Between the key frames of a track a hand moves in straight lines, and from the
frame where it is outside it is absent. Which side it is, an attribute may tell (`side`: `left`), or
the label. Of an export for images of a video the same is taken: a frame without any shape is one
where both hands are absent if it lies between frames with a hand, unless these are single ones.

`write` makes a file for each video that CVAT imports as "CVAT for video 1.1" into a task of this
video which has the labels left_hand and right_hand.

Source: https://docs.cvat.ai/docs/manual/advanced/xml_format/
"""

from itertools import groupby, pairwise
from math import isnan
from pathlib import Path
from xml.etree.ElementTree import SubElement

import pandas as pd

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
from handact.formats.intervals import runs
from handact.formats.marks import HandOptions, Key, Mark, MarkFile, Picture, Track, gather_keys
from handact.formats.outgoing import HAND_LABELS, HandExport
from handact.formats.videos import Video

__all__ = ["read", "write"]


def read(path: Path, options: HandOptions) -> MarkFile:
    """Read an export of a task, a job or a project: annotations.xml, or the ZIP with it.

    Raises:
        LabelError: Not of CVAT, or of a task of pictures and exported for video.
    """
    cvat = read_cvat(path)
    found = MarkFile(
        file=cvat.file,
        format=f"CVAT for {'video' if cvat.tracks else 'images'}",
        rule="the mean of the visible points, of 21 those of the palm; else centres of boxes",
        first_frame=0 if cvat.of_video else None,
        labels=cvat.labels,
        stem=path.stem if len(cvat.tasks) == 1 else None,
        rows=len(cvat.tracks) + sum(len(picture.shapes) for picture in cvat.pictures),
    )
    for track in cvat.tracks:
        found.tracks += _split_track(track)
    for picture in cvat.pictures:
        if cvat.of_video:
            found.tracks += [_single(picture, shape) for shape in picture.shapes]
        else:
            found.pictures.append(_picture(picture))
    empty = sum(not picture.marks for picture in found.pictures)
    if empty:
        found.notes.append(f"{empty} pictures have no shape: both hands are absent from them")
    if cvat.absent is not None:
        found.pictures, found.tracks = _read_ours(cvat, found), []
    return found


def write(export: HandExport) -> dict[str, str]:
    """Return NAME.xml for each video: a track for each hand, a key frame for each labelled frame.

    A frame without a label is, for CVAT, one without hands.
    """
    return {
        f"{name}.xml": _write_video(export, video, export.hands[export.hands["video"] == name])
        for name, video in export.videos.items()
    }


# ------------------------------------------------------------------------------------------ reading


def _names(shape: Shape) -> tuple[str, ...]:
    """Return what may tell the side: values of attributes, names of ticked ones, the label."""
    names = []
    for name, value in shape.attributes:
        if value.lower() == "true":
            names.append(name)
        elif value.lower() != "false" and not value.replace(".", "").isdecimal():
            names.append(value)
    return (*filter(None, names), shape.label)


def _split_track(track: CvatTrack) -> list[Track]:
    """Return a track for each run of key frames with the same attributes."""
    parts = [list(part) for _, part in groupby(track.keys, _names)]
    found = []
    for part, after in pairwise([*parts, None]):
        keys = [_key(shape) for shape in part]
        end = None if track.last is None else track.last + 1
        if after is not None:
            # Up to the change it moves as it would without.
            keys += _last_before(part[-1], after[0])
            end = after[0].frame
        found.append(_track(track.place, part[0], keys, end, track))
    return found


def _last_before(shape: Shape, after: Shape) -> list[Key]:
    distance = after.frame - shape.frame
    if distance < 2 or not (shape.visible and after.visible):
        return []
    share = (distance - 1) / distance
    x, y = shape.x + share * (after.x - shape.x), shape.y + share * (after.y - shape.y)
    return [Key(after.frame - 1, x, y)]


def _key(shape: Shape) -> Key:
    return Key(shape.frame, shape.x, shape.y, visible=shape.visible)


def _track(
    place: str, shape: Shape, keys: list[Key], end: int | None, of: CvatTrack | CvatPicture
) -> Track:
    return Track(
        place,
        _names(shape),
        of.task.video,
        keys,
        end,
        of.task.width,
        of.task.height,
        by_points=shape.by_points,
        step=of.task.step,
    )


def _single(picture: CvatPicture, shape: Shape) -> Track:
    key = Key(picture.frame, shape.x, shape.y, visible=shape.visible)
    track = _track(f"image {picture.name}", shape, [key], None, picture)
    track.width, track.height = picture.width or track.width, picture.height or track.height
    return track


def _picture(picture: CvatPicture) -> Picture:
    place = f"image {picture.name}"
    marks = [Mark(place, _names(s), s.x, s.y, s.by_points) for s in picture.shapes if s.visible]
    return Picture(place, picture.name, "", None, picture.width, picture.height, marks)


def _read_ours(cvat: CvatFile, found: MarkFile) -> list[Picture]:
    """Return the frames that were labelled when we wrote the file, and no others."""
    task = cvat.tasks[0]
    absent = [
        Picture(f"frame {i}", "", task.video, i, task.width, task.height) for i in cvat.absent
    ]
    return [*gather_keys(found.tracks), *absent]


# ------------------------------------------------------------------------------------------ writing


def _write_video(export: HandExport, video: Video, hands: pd.DataFrame) -> str:
    is_absent = hands["left_x"].isna() & hands["right_x"].isna()
    root = new_document(video, HAND_LABELS.values(), hands["frame"][is_absent])
    half = export.box * min(video.width, video.height) / 2
    for side, label in HAND_LABELS.items():
        rows = hands[["frame", f"{side}_x", f"{side}_y"]].itertuples(index=False, name=None)
        boxes = {
            int(frame): (
                x * video.width - half, y * video.height - half,
                x * video.width + half, y * video.height + half,
            )
            for frame, x, y in rows
            if not isnan(x)
        }  # fmt: skip
        if not boxes:
            continue
        track = SubElement(root, "track", {"id": str(len(root) - 2), "label": label})
        for start, end in runs(boxes):
            for frame in range(start, end):
                add_box(track, frame, boxes[frame])
            if end < video.frames:
                add_box(track, end, boxes[end - 1], outside=True)
    return xml_text(root)
