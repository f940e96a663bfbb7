"""ANVIL annotations (.anvil): tracks of elements in seconds, each with attributes.

An element of a primary track has a time. One of a secondary track has that of an element of the
track that it refers to ("singleton"), from one to another of these ("span"), or a part of one
("subdivision").

Source: Kipp, "ANVIL: The Video Annotation Research Tool", and how SPPAS and Advene read its files.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import Element

from handact.errors import LabelError
from handact.formats.actions.elan import one_line, put_parents_first
from handact.formats.intervals import ActionOptions, Interval, IntervalFile
from handact.formats.loading import load_xml, xml_number
from handact.formats.text import show_path

__all__ = ["read"]

_USUAL = ("action", "label", "class", "step")

_Span = tuple[float, float]


def read(path: Path, options: ActionOptions) -> IntervalFile:
    """Read the elements of all tracks; points in time are left out.

    Args:
        path: An .anvil file.
        options: `column` is the attribute that names the action; by default the only one there is,
            or the one called action, label, class or step.

    Raises:
        LabelError: It is no .anvil file, or has several attributes and nobody says which to take.
    """
    file = show_path(path)
    root = load_xml(path)
    if root.tag != "annotation" or root.find("body") is None:
        raise LabelError(f"{file}: is no file of ANVIL: it begins with <{root.tag}>")
    tracks = root.findall("body//track")
    found = IntervalFile(file=file, format="ANVIL annotation", unit="seconds", stem=path.stem)
    video = _find_video(root) or path.stem
    name = _choose_attribute(tracks, file, options)
    spans = _find_spans(tracks, file)
    elements = [
        (track.get("name", ""), element)
        for track in tracks
        for element in (*track.findall("el"), *track.findall("el-group/el"))
    ]
    for row, (tier, element) in enumerate(elements, 1):
        found.rows += 1
        label = _read_attribute(element, name)
        if element not in spans:
            is_point = "time" in element.attrib
            reason = "is a point in time" if is_point else "refers to an element that is not there"
            found.drop(row, f"{reason} (track {tier!r})")
        elif not label:
            found.drop(row, f"has no attribute {name!r} (track {tier!r})")
        else:
            found.intervals.append(Interval(row, video, *spans[element], label, tier))
    return found


def _find_video(root: Element) -> str:
    videos = root.findall("head/video")
    masters = [video for video in videos if video.get("master") == "true"]
    return next((src for video in (*masters, *videos) if (src := video.get("src"))), "")


def _choose_attribute(tracks: list[Element], file: str, options: ActionOptions) -> str:
    asked = [track for track in tracks if options.tier in (None, track.get("name"))]
    names = dict.fromkeys(
        attribute.get("name", "")
        for track in asked
        for path in ("el/attribute", "el-group/el/attribute")
        for attribute in track.findall(path)
    )
    listed = ", ".join(names)
    if options.column is not None:
        if options.column not in names:
            raise LabelError(
                f"{file}: has no attribute {options.column!r}", f"its attributes are: {listed}"
            )
        return options.column
    usual = [name for name in names if name.casefold() in _USUAL]
    likely = usual if len(names) > 1 else list(names)
    if len(likely) > 1 or (names and not likely):
        raise LabelError(
            f"{file}: its elements have several attributes: {listed}",
            "say which one names the action: `--column NAME`",
        )
    return next(iter(likely), "")


def _read_attribute(element: Element, name: str) -> str:
    for attribute in element.findall("attribute"):
        if attribute.get("name", "") == name:
            return one_line(attribute.text)
    return ""


def _find_spans(tracks: list[Element], file: str) -> dict[Element, _Span]:
    """Return start and end of each element that has them, of its own or by what it refers to."""
    spans: dict[Element, _Span] = {}
    by_track: dict[str | None, dict[str | None, _Span]] = {None: {}}
    for track in put_parents_first(tracks, "name", "ref"):
        others = by_track.get(track.get("ref"), {})
        own = dict(_track_spans(track, others, file))
        spans |= own
        by_track[track.get("name", "")] = {e.get("index"): span for e, span in own.items()}
    return spans


def _track_spans(
    track: Element, others: Mapping[str | None, _Span], file: str
) -> Iterator[tuple[Element, _Span]]:
    """Give the elements of a track whose times can be told.

    Args:
        track: Any track.
        others: Those of the track that it refers to, by their indices.
        file: For messages.
    """
    kind = track.get("type", "primary")
    if kind == "subdivision":
        for group in track.findall("el-group"):
            if group.get("ref") in others:
                yield from _subdivide(group, others[group.get("ref")], file)
        return
    for element in track.findall("el"):
        if kind in ("singleton", "span"):
            names = ("ref", "ref") if kind == "singleton" else ("start", "end")
            first, last = (others.get(element.get(name)) for name in names)
            if first and last:
                yield element, (first[0], last[1])
        elif "time" not in element.attrib:
            place = f"{file}: element {element.get('index')} of track {track.get('name')!r}"
            yield (
                element,
                (xml_number(element, "start", place), xml_number(element, "end", place)),
            )


def _subdivide(group: Element, whole: _Span, file: str) -> Iterator[tuple[Element, _Span]]:
    """Give the parts of an element; all but the first say where they start."""
    parts = group.findall("el")
    place = f"{file}: part of element {group.get('ref')}"
    starts = [xml_number(part, "start", place) for part in parts[1:]]
    # Of a group without parts there is an edge pair too many.
    yield from zip(parts, pairwise((whole[0], *starts, whole[1])), strict=False)
