"""CVAT's XML 1.1, "for images" and "for video": tasks, tracks and pictures as it says them.

The readers of hands and of actions share this. Frames count from 0 and are those of the source,
whatever the step of the task; only exports of projects count on from task to task, which is undone
here. A shape that is outside is absent from its frame on, and repeats where it was. Shapes that are
no key frames were filled in between for programs that do not; CVAT does not read them, and neither
do we, except that they tell how far a track goes.

Source: https://docs.cvat.ai/docs/manual/advanced/xml_format/ and what CVAT writes it with:
cvat/apps/dataset_manager/formats/cvat.py and bindings.py
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import nan
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from handact.errors import LabelError
from handact.formats.loading import load_xml, parse_number, xml_number
from handact.formats.marks import palm_centre
from handact.formats.text import show_path
from handact.formats.videos import Video

__all__ = [
    "CvatFile",
    "CvatPicture",
    "CvatTask",
    "CvatTrack",
    "Shape",
    "add_box",
    "new_document",
    "read_cvat",
    "xml_text",
]

_SHAPES = ("box", "cuboid", "ellipse", "mask", "points", "polygon", "polyline", "skeleton")
_FRAME_NAME = re.compile(r"frame_(\d{1,12})(?:\.\w+)?", re.IGNORECASE)
_STEP = re.compile(r"step\s*=\s*(\d{1,9})")
_OURS = "handact"


@dataclass(frozen=True, slots=True)
class CvatTask:
    """What the file says of a task.

    Attributes:
        video: The file that was labelled, else the name of the task; "" if neither is told.
        of_video: Whether it is one; else its pictures have names; None: not told.
        start: First frame.
        stop: Last frame.
        step: Every how many frames it shows one.
        ahead: Frames that the export of a project counts before those of this task.
        width: Of the video.
        height: The same.
    """

    video: str = ""
    of_video: bool | None = None
    start: int = 0
    stop: int | None = None
    step: int = 1
    ahead: int = 0
    width: float | None = None
    height: float | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """A box, a skeleton, ... in one frame.

    Attributes:
        label: Its own, or that of the track.
        attributes: Name and value.
        x: Centre in pixels; NaN for shapes without one.
        y: The same.
        by_points: Whether it was made of points.
        visible: Whether it is there.
        frame: Of the source; -1 in pictures.
        is_key: Whether it is a key frame.
    """

    label: str
    attributes: tuple[tuple[str, str], ...]
    x: float
    y: float
    by_points: bool = False
    visible: bool = True
    frame: int = -1
    is_key: bool = True


@dataclass(frozen=True, slots=True)
class CvatTrack:
    """A track.

    Attributes:
        row: Its number in the file, from 1.
        place: What to call it in messages.
        task: That it belongs to.
        keys: Its key frames in order.
        last: The last frame in which it is there, if its last key frame is visible; None: not told.
    """

    row: int
    place: str
    task: CvatTask
    keys: list[Shape]
    last: int | None


@dataclass(frozen=True, slots=True)
class CvatPicture:
    """A picture, or a frame of a video that was exported as one.

    Attributes:
        row: Its number in the file, from 1.
        name: Of the picture file.
        task: That it belongs to.
        frame: Of the source, where the task is of a video; else None.
        width: In pixels.
        height: The same.
        shapes: In it.
        tags: Labels of the whole picture.
    """

    row: int
    name: str
    task: CvatTask
    frame: int | None
    width: float | None
    height: float | None
    shapes: list[Shape]
    tags: list[Shape]


@dataclass(slots=True)
class CvatFile:
    """What a file holds.

    Attributes:
        file: As a person would name it.
        of_video: Whether its frames are numbers in videos; else its pictures have names.
        tasks: That the file tells of.
        labels: Those of its tasks, and the values that their attributes may have.
        tracks: In the order of the file.
        pictures: The same.
        absent: Of a file that we wrote: the frames that were looked at and show no hand.
    """

    file: str
    of_video: bool
    tasks: list[CvatTask]
    labels: list[str]
    tracks: list[CvatTrack] = field(default_factory=list)
    pictures: list[CvatPicture] = field(default_factory=list)
    absent: list[int] | None = None


def read_cvat(path: Path) -> CvatFile:
    """Read an export of a task, a job or a project, as XML or in its ZIP.

    Raises:
        LabelError: Not CVAT's XML, a shape without a place, tracks of a task of pictures.
    """
    file = show_path(path)
    root = load_xml(path)
    if root.tag != "annotations":
        raise LabelError(f"{file}: is not of CVAT: it begins with <{root.tag}>, not <annotations>")
    meta = root.find("meta")
    meta = Element("meta") if meta is None else meta
    tasks = _settle_ahead(_read_tasks(meta, file), root, file)
    of_video = {_task_of(item, tasks).of_video for item in root if item.tag in ("track", "image")}
    if len(of_video) > 1:
        raise LabelError(
            f"{file}: is of tasks of videos, and of tasks of pictures",
            "export the tasks one by one",
        )
    if of_video <= {None}:
        of_video = {root.find("image") is None}
    found = CvatFile(file, True in of_video, list(tasks.values()), _vocabulary(meta))
    found.absent = _read_absent(meta, file)
    orders = _orders_of_parts(meta)
    for item in root:
        if item.tag == "track":
            _add_track(item, _task_of(item, tasks), orders, found)
        elif item.tag == "image":
            _add_picture(item, _task_of(item, tasks), orders, found)
    if found.tracks and not found.of_video:
        raise LabelError(
            f"{file}: has tracks through pictures, and does not name these",
            "export the task as `CVAT for images 1.1`",
        )
    return found


# ----------------------------------------------------------------------------------- what meta says


def _read_tasks(meta: Element, file: str) -> dict[str, CvatTask]:
    """Return the tasks by their id, or the one that all of the file is about as "".

    What an export of a project counts before each is that of CVAT: on through a subset.
    """
    project = meta.find("project")
    if project is None:
        item = next((e for e in meta if e.tag in ("task", "job")), meta)
        return {"": _read_task(item, meta, file)}
    tasks: dict[str, CvatTask] = {}
    subset, ahead = None, 0
    for item in project.iterfind("tasks/task"):
        if _text(item, "subset") != subset:
            subset, ahead = _text(item, "subset"), 0
        task = _read_task(item, meta, file)
        tasks[_text(item, "id")] = replace(task, ahead=ahead)
        ahead += task.start + task.step * (_whole(item, "size", file) or 0)
    return tasks


def _read_task(item: Element, meta: Element, file: str) -> CvatTask:
    source, name = _text(item, "source") or _text(meta, "source"), _text(item, "name")
    mode = _text(item, "mode")
    start, stop = _whole(item, "start_frame", file) or 0, _whole(item, "stop_frame", file)
    size = _whole(item, "size", file)
    step = _STEP.search(_text(item, "frame_filter"))
    every = max(1, int(step[1])) if step else 1
    if stop is None and size:
        stop = start + (size - 1) * every
    original = item.find("original_size")
    original = meta.find("original_size") if original is None else original
    extent = [None if original is None else _whole(original, e, file) for e in ("width", "height")]
    return CvatTask(
        # Our own files say how the dataset calls the video.
        video=(name or source) if meta.find(_OURS) is not None else (source or name),
        of_video={"interpolation": True, "annotation": False}.get(mode),
        start=start,
        stop=stop,
        step=every,
        width=extent[0] or None,
        height=extent[1] or None,
    )


def _settle_ahead(tasks: Mapping[str, CvatTask], root: Element, file: str) -> dict[str, CvatTask]:
    """Take back what was counted before a task where its numbers are too small for that."""
    lowest: dict[str, int] = {}
    for item in root:
        key = item.get("task_id", "")
        if tasks.get(key, CvatTask()).ahead:
            numbers = [item.get("id")] if item.tag == "image" else [e.get("frame") for e in item]
            for number in filter(None, numbers):
                frame = _frame(number, f"{file}: <{item.tag}>")
                lowest[key] = min(lowest.get(key, frame), frame)
    return {
        key: replace(task, ahead=0) if lowest.get(key, 0) < task.start + task.ahead else task
        for key, task in tasks.items()
    }


def _task_of(item: Element, tasks: Mapping[str, CvatTask]) -> CvatTask:
    return tasks.get("") or tasks.get(item.get("task_id", "")) or CvatTask()


def _vocabulary(meta: Element) -> list[str]:
    """Return the labels, without those of parts of skeletons, and what attributes may be."""
    names: list[str] = []
    for label in meta.iterfind(".//labels/label"):
        if not _text(label, "parent"):
            names.append(_text(label, "name"))
        for attribute in label.iterfind("attributes/attribute"):
            if _text(attribute, "input_type") in ("select", "radio"):
                names += _text(attribute, "values").split("\n")
    return [name for name in dict.fromkeys(map(str.strip, names)) if name]


def _orders_of_parts(meta: Element) -> dict[str, list[str]]:
    """Return the labels of the points of each skeleton, in their order."""
    orders: dict[str, list[str]] = {}
    for label in meta.iterfind(".//labels/label"):
        parent = _text(label, "parent")
        if parent:
            orders.setdefault(parent, []).append(_text(label, "name"))
    return orders


def _read_absent(meta: Element, file: str) -> list[int] | None:
    text = meta.findtext(f"{_OURS}/absent")
    return None if text is None else [_frame(e, f"{file}: <absent>") for e in text.split()]


def _text(item: Element, name: str) -> str:
    return (item.findtext(name) or "").strip()


def _whole(item: Element, name: str, file: str) -> int | None:
    text = _text(item, name)
    return int(parse_number(text, name, f"{file}: <meta>")) if text else None


# --------------------------------------------------------------------------------------- the shapes


def _add_track(
    item: Element, task: CvatTask, orders: Mapping[str, list[str]], found: CvatFile
) -> None:
    row = len(found.tracks) + len(found.pictures) + 1
    place = f"track {item.get('id', row)}"
    label = item.get("label", "")
    shapes = []
    for element in item:
        if element.tag in _SHAPES:
            at = f"{found.file}: {place}"
            frame = _frame(element.get("frame"), f"{at}: <{element.tag}>")
            shape = _read_shape(element, label, orders.get(label), f"{at}, frame {frame}")
            shapes.append(replace(shape, frame=frame - task.ahead))
    keys = sorted((s for s in shapes if s.is_key), key=lambda s: s.frame)
    last = _last_frame(keys, shapes, task) if keys else None
    found.tracks.append(CvatTrack(row, place, task, keys, last))


def _last_frame(keys: list[Shape], shapes: Iterable[Shape], task: CvatTask) -> int | None:
    """Return the last frame of a track that is visible at its last key frame."""
    at = keys[-1].frame
    filled = max((s.frame for s in shapes), default=at)
    if filled > at:
        return filled
    if task.stop is None:
        return None
    # A shape of one frame, written as a track, lacks its end where that is the end of the task.
    is_single = len(keys) == 1 and at + task.step >= task.stop
    return at if is_single else max(at, task.stop)


def _add_picture(
    item: Element, task: CvatTask, orders: Mapping[str, list[str]], found: CvatFile
) -> None:
    row = len(found.tracks) + len(found.pictures) + 1
    name = item.get("name", "")
    place = f"{found.file}: image {name}"
    shapes = [
        _read_shape(e, e.get("label", ""), orders.get(e.get("label", "")), place)
        for e in item
        if e.tag in _SHAPES
    ]
    tags = [Shape(e.get("label", ""), _attributes(e), nan, nan) for e in item if e.tag == "tag"]
    frame = None
    if found.of_video:
        match = _FRAME_NAME.fullmatch(name)
        frame = _frame(match[1] if match else item.get("id"), place) - task.ahead
    size = [xml_number(item, e, place) if item.get(e) else None for e in ("width", "height")]
    found.pictures.append(
        CvatPicture(row, name, task, frame, size[0] or None, size[1] or None, shapes, tags)
    )


def _read_shape(element: Element, label: str, order: list[str] | None, place: str) -> Shape:
    visible, is_key = element.get("outside") != "1", element.get("keyframe") != "0"
    if element.tag == "skeleton":
        points, is_key = _read_skeleton(element, order, place, is_key)
        centre = palm_centre(points)
        visible = centre is not None
    else:
        centre = _centre(element, place)
    x, y = centre or (nan, nan)
    by_points = element.tag in ("points", "skeleton")
    return Shape(label, _attributes(element), x, y, by_points, visible, is_key=is_key)


def _centre(element: Element, place: str) -> tuple[float, float] | None:
    """Return the centre; of a box it is the same however the box is turned."""

    def number(name: str) -> float:
        return xml_number(element, name, place)

    if element.tag == "box":
        return (number("xtl") + number("xbr")) / 2, (number("ytl") + number("ybr")) / 2
    if element.tag == "ellipse":
        return number("cx"), number("cy")
    if element.tag == "mask":
        return number("left") + number("width") / 2, number("top") + number("height") / 2
    if element.tag == "points":
        return palm_centre(_read_points(element, place))
    if element.tag == "polygon":
        xs, ys = zip(*_read_points(element, place), strict=True)
        return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    return None


def _read_skeleton(
    element: Element, order: list[str] | None, place: str, is_key: bool
) -> tuple[list[tuple[float, float] | None], bool]:
    """Return the points in the order of the label; whether there is a key frame is said in them."""
    parts = element.findall("points")
    names = order or [part.get("label", "") for part in parts]
    there = {
        part.get("label", ""): _read_points(part, place)[0]
        for part in parts
        if part.get("outside") != "1"
    }
    keys = [part.get("keyframe") != "0" for part in parts if part.get("keyframe")]
    known = [there.pop(name, None) for name in names]
    return [*known, *there.values()], any(keys) if keys else is_key


def _read_points(element: Element, place: str) -> list[tuple[float, float]]:
    points = []
    for pair in element.get("points", "").split(";"):
        x, _, y = pair.partition(",")
        points.append((parse_number(x, "x", place), parse_number(y, "y", place)))
    return points


def _attributes(element: Element) -> tuple[tuple[str, str], ...]:
    return tuple((a.get("name", ""), (a.text or "").strip()) for a in element.iterfind("attribute"))


def _frame(number: str | None, place: str) -> int:
    value = parse_number(number, "frame", place)
    if value < 0 or value % 1:
        raise LabelError(f"{place}: frame is not a whole number: {number!r}")
    return int(value)


# ------------------------------------------------------------------------------------------ writing


def new_document(
    video: Video, labels: Iterable[str], absent: Iterable[int] | None = None
) -> Element:
    """Return <annotations> of a task of that video, without tracks yet.

    CVAT reads nothing of <meta>; what stands there is for programs, ours among them.

    Args:
        video: It is about.
        labels: That tracks may have; the task in CVAT must have them too.
        absent: Frames that were looked at and show nothing; None: that is not known.
    """
    root = Element("annotations")
    SubElement(root, "version").text = "1.1"
    meta = SubElement(root, "meta")
    task = SubElement(meta, "task")
    says = {
        "name": video.name,
        "size": str(video.frames),
        "mode": "interpolation",
        "overlap": "0",
        "start_frame": "0",
        "stop_frame": str(video.frames - 1),
        "frame_filter": "",
    }
    for name, text in says.items():
        SubElement(task, name).text = text
    listed = SubElement(task, "labels")
    for name in labels:
        label = SubElement(listed, "label")
        SubElement(label, "name").text = name
        SubElement(label, "type").text = "rectangle"
        SubElement(label, "attributes")
    size = SubElement(task, "original_size")
    SubElement(size, "width").text = str(video.width)
    SubElement(size, "height").text = str(video.height)
    SubElement(task, "source").text = video.path.name
    ours = SubElement(meta, _OURS)
    if absent is not None:
        SubElement(ours, "absent").text = " ".join(map(str, absent))
    return root


def add_box(
    track: Element, frame: int, corners: tuple[float, float, float, float], *, outside: bool = False
) -> None:
    """Add a key frame to a track: xtl, ytl, xbr, ybr in pixels."""
    names = ("xtl", "ytl", "xbr", "ybr")
    # Two digits more than CVAT writes, so that positions come back as they were.
    places = {name: f"{value:.4f}" for name, value in zip(names, corners, strict=True)}
    said = {"frame": str(frame), "keyframe": "1", "outside": str(int(outside)), "occluded": "0"}
    SubElement(track, "box", {**said, **places, "z_order": "0"})


def xml_text(root: Element) -> str:
    """Return a document as text."""
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"
