"""ELAN documents (.eaf): tiers of annotations, in milliseconds on the time line of the media.

Read are annotations with times of their own and those that inherit them; what has no time in the
file lies where ELAN shows it. Written is one tier for each video.

Source: the EAF schema 2.7 to 3.0 of the Max Planck Institute for Psycholinguistics, and what ELAN
does with a document. The position t of the time line is t + TIME_ORIGIN of a media file.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path, PurePosixPath
from urllib.parse import unquote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from handact.errors import LabelError
from handact.formats.intervals import ActionOptions, Interval, IntervalFile
from handact.formats.loading import load_xml, parse_number
from handact.formats.outgoing import ActionExport
from handact.formats.reading import VIDEO_SUFFIXES
from handact.formats.text import show_path

__all__ = ["Medium", "choose_medium", "one_line", "put_parents_first", "read", "write"]

_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
# Required by the schema. The same labels give the same file.
_DATE = "1970-01-01T00:00:00+00:00"
# What ELAN itself calls its media; it finds out what the others are.
_MIME_TYPES = {".mp4": "video/mp4", ".mov": "video/quicktime"} | dict.fromkeys(
    (".mpg", ".mpeg"), "video/mpeg"
)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_Span = tuple[float, float]
"""Start and end in milliseconds."""


@dataclass(frozen=True, slots=True)
class Medium:
    """A media file of a document.

    Attributes:
        name: Its address, or its path.
        offset: Seconds of it that lie before the time line of the document begins.
    """

    name: str
    offset: float


def read(path: Path, options: ActionOptions) -> IntervalFile:
    """Read the annotations of all tiers; those without a value are left out.

    Args:
        path: An .eaf file.
        options: `video` chooses among several media files that one document is about.

    Raises:
        LabelError: It is no .eaf file, or is about several videos at once.
    """
    file = show_path(path)
    root = load_xml(path)
    if root.tag != "ANNOTATION_DOCUMENT":
        raise LabelError(f"{file}: is no .eaf file of ELAN: it begins with <{root.tag}>")
    found = IntervalFile(file=file, format="ELAN document", unit="seconds", stem=path.stem)
    medium = choose_medium(_read_media(root, file), found, options)
    if medium.offset:
        found.notes.append(
            f"ELAN's time line begins at {medium.offset:g} s of the video: times are moved by that"
        )
    spans = _find_spans(root, found)
    for row, (tier, element) in enumerate(_list_annotations(root), 1):
        found.rows += 1
        label = one_line(element.findtext("ANNOTATION_VALUE"))
        if element not in spans:
            found.drop(row, "has no time: neither its own nor one to inherit")
        elif not label:
            found.drop(row, f"has no value (tier {tier!r})")
        else:
            start, end = (time / 1000 + medium.offset for time in spans[element])
            found.intervals.append(Interval(row, medium.name, start, end, label, tier))
    return found


def write(export: ActionExport) -> dict[str, str]:
    """Return a NAME.eaf for each video, with the tier "actions"; background is between segments.

    Raises:
        LabelError: A class has a character that XML cannot hold.
    """
    bad = next((name for name in export.classes if _NOT_XML.search(name)), None)
    if bad is not None:
        raise LabelError(f"the class {bad!r} has a character that an .eaf file cannot hold")
    return {f"{name}.eaf": _write_document(export, name) for name in export.videos}


def choose_medium(media: Sequence[Medium], found: IntervalFile, options: ActionOptions) -> Medium:
    """Return the media file that the labels are about.

    Args:
        media: On one time line, as ELAN plays them together.
        found: What there is of the file; its name stands in where there are no media.
        options: `video` names it.

    Raises:
        LabelError: There are several videos, and nobody says which one is meant.
    """
    media = list(dict.fromkeys(media))
    videos = [m for m in media if _path_of(m).suffix in VIDEO_SUFFIXES] or media
    named = [m for m in videos if options.video and _is_called(m, options.video)] or videos
    if len({m.offset for m in named}) > 1 or (len(named) > 1 and options.video is None):
        listed = ", ".join(f"{_path_of(m).name!r} from {m.offset:g} s on" for m in named)
        raise LabelError(
            f"{found.file}: is about {len(named)} videos at once: {listed}",
            "say which of them the dataset has, by its file name: `--video NAME`; one import for "
            "each, if it has several",
        )
    return named[0] if named else Medium(found.stem or "", 0.0)


def put_parents_first(
    tiers: Iterable[Element], name: str = "TIER_ID", parent: str = "PARENT_REF"
) -> list[Element]:
    """Order tiers so that each comes after the one that it depends on, if that is there.

    Args:
        tiers: In any order.
        name: Attribute that names a tier.
        parent: Attribute with the name of the tier that it depends on.
    """
    children: dict[str | None, list[Element]] = defaultdict(list)
    for tier in tiers:
        children[tier.get(parent)].append(tier)
    ordered = children.pop(None, [])
    for tier in ordered:  # which grows meanwhile
        ordered += children.pop(tier.get(name), [])
    return ordered + [tier for orphans in children.values() for tier in orphans]


def one_line(text: str | None) -> str:
    """Return what a person typed, which may have been in several lines."""
    return " ".join(line.strip() for line in (text or "").strip().split("\n"))


def _path_of(medium: Medium) -> PurePosixPath:
    return PurePosixPath(medium.name.replace("\\", "/").casefold())


def _is_called(medium: Medium, video: str) -> bool:
    return video.casefold() in (_path_of(medium).name, _path_of(medium).stem)


def _read_media(root: Element, file: str) -> list[Medium]:
    header = root.find("HEADER")
    if header is None:
        return []
    units = header.get("TIME_UNITS", "milliseconds")
    if units != "milliseconds":
        hint = "open it in ELAN and save it again"
        raise LabelError(f"{file}: counts in {units}, not in milliseconds", hint)
    media = []
    for entry in header.findall("MEDIA_DESCRIPTOR"):
        name = entry.get("MEDIA_URL") or entry.get("RELATIVE_MEDIA_URL") or ""
        origin = parse_number(entry.get("TIME_ORIGIN", "0"), "TIME_ORIGIN", file)
        media.append(Medium(unquote(name), origin / 1000))
    # The first documents had one media file and no descriptors.
    media = media or [Medium(unquote(header.get("MEDIA_FILE", "")), 0.0)]
    return [medium for medium in media if medium.name]


def _list_annotations(root: Element) -> Iterator[tuple[str, Element]]:
    """Give tier and annotation, in the order of the file."""
    for tier in root.findall("TIER"):
        for annotation in tier.findall("ANNOTATION/*"):
            if annotation.tag in ("ALIGNABLE_ANNOTATION", "REF_ANNOTATION"):
                yield tier.get("TIER_ID", ""), annotation


# ------------------------------------------------------------------------------------------- times


def _find_spans(root: Element, found: IntervalFile) -> dict[Element, _Span]:
    """Return when each annotation is, for those of which that can be told."""
    times = _read_slots(root, found.file)
    without = sum(time is None for time in times.values())
    if without:
        found.notes.append(
            f"{without} boundaries have no time in the file: they lie evenly between those that do"
        )
    tiers = put_parents_first(root.findall("TIER"))
    for tier in tiers:
        for chain in _find_chains(tier):
            _spread(chain, times)
    _spread(list(times), times)  # the file lists them in order
    spans: dict[Element, _Span] = {}
    by_id: dict[str, _Span] = {}
    for tier in tiers:
        for element, span in (*_own_spans(tier, times), *_inherited_spans(tier, by_id)):
            spans[element] = span
            by_id[element.get("ANNOTATION_ID", "")] = span
    return spans


def _read_slots(root: Element, file: str) -> dict[str, float | None]:
    times: dict[str, float | None] = {}
    for slot in root.findall("TIME_ORDER/TIME_SLOT"):
        name, value = slot.get("TIME_SLOT_ID", ""), slot.get("TIME_VALUE")
        place = f"{file}: time slot {name!r}"
        times[name] = None if value is None else parse_number(value, "TIME_VALUE", place)
    return times


def _find_chains(tier: Element) -> Iterator[list[str]]:
    """Give the slots of annotations that follow each other without a gap."""
    after = {
        element.get("TIME_SLOT_REF1", ""): element.get("TIME_SLOT_REF2", "")
        for element in tier.findall("ANNOTATION/ALIGNABLE_ANNOTATION")
    }
    ends = set(after.values())
    for first in [slot for slot in after if slot not in ends]:
        chain = [first]
        while chain[-1] in after:
            chain.append(after.pop(chain[-1]))
        yield chain


def _spread(slots: Sequence[str], times: dict[str, float | None]) -> None:
    """Give slots without a time one, evenly between their neighbours that have one."""
    timed = [(i, time) for i, slot in enumerate(slots) if (time := times.get(slot)) is not None]
    for (first, start), (last, end) in pairwise(timed):
        for i in range(first + 1, last):
            times[slots[i]] = start + (end - start) * (i - first) / (last - first)


def _own_spans(tier: Element, times: dict[str, float | None]) -> Iterator[tuple[Element, _Span]]:
    for element in tier.findall("ANNOTATION/ALIGNABLE_ANNOTATION"):
        start = times.get(element.get("TIME_SLOT_REF1", ""))
        end = times.get(element.get("TIME_SLOT_REF2", ""))
        if start is not None and end is not None:
            yield element, (start, end)


def _inherited_spans(tier: Element, by_id: dict[str, _Span]) -> Iterator[tuple[Element, _Span]]:
    """Give each annotation its share of the time of the one that it belongs to."""
    siblings: dict[str, list[Element]] = defaultdict(list)
    for element in tier.findall("ANNOTATION/REF_ANNOTATION"):
        siblings[element.get("ANNOTATION_REF", "")].append(element)
    for parent, parts in siblings.items():
        if parent in by_id:
            start, end = by_id[parent]
            edges = [start + (end - start) * i / len(parts) for i in range(len(parts) + 1)]
            yield from zip(_order_siblings(parts), pairwise(edges), strict=True)


def _order_siblings(parts: list[Element]) -> list[Element]:
    """Return them as they follow each other; in the order of the file where they do not say."""
    after = {element.get("PREVIOUS_ANNOTATION"): element for element in parts}
    ordered: list[Element] = []
    previous = None
    while previous in after:
        ordered.append(after.pop(previous))
        previous = ordered[-1].get("ANNOTATION_ID")
    return ordered if len(ordered) == len(parts) else parts


# ----------------------------------------------------------------------------------------- writing


def _write_document(export: ActionExport, name: str) -> str:
    root = Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "handact",
            "DATE": _DATE,
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": _INSTANCE,
            "xsi:noNamespaceSchemaLocation": _SCHEMA,
        },
    )
    _add_header(root, export.videos[name].path)
    order = SubElement(root, "TIME_ORDER")
    tier = SubElement(root, "TIER", LINGUISTIC_TYPE_REF="default-lt", TIER_ID="actions")
    edges, numbers = export.edges(name), count(1)
    segments = [s for s in export.actions[name] if s.action != export.background]
    for i, segment in enumerate(segments, 1):
        slots = [
            _add_slot(order, next(numbers), edges[frame])
            for frame in (segment.start_frame, segment.end_frame)
        ]
        annotation = SubElement(
            SubElement(tier, "ANNOTATION"),
            "ALIGNABLE_ANNOTATION",
            ANNOTATION_ID=f"a{i}",
            TIME_SLOT_REF1=slots[0],
            TIME_SLOT_REF2=slots[1],
        )
        SubElement(annotation, "ANNOTATION_VALUE").text = segment.action
    SubElement(
        root,
        "LINGUISTIC_TYPE",
        GRAPHIC_REFERENCES="false",
        LINGUISTIC_TYPE_ID="default-lt",
        TIME_ALIGNABLE="true",
    )
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _add_header(root: Element, video: Path) -> None:
    header = SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    # A file name may hold what neither XML nor UTF-8 can; ELAN then asks for the video.
    path = _NOT_XML.sub("?", video.as_posix())
    SubElement(
        header,
        "MEDIA_DESCRIPTOR",
        MEDIA_URL=f"file:///{path.removeprefix('/')}",
        MIME_TYPE=_MIME_TYPES.get(video.suffix.lower(), "unknown"),
        RELATIVE_MEDIA_URL=f"./{PurePosixPath(path).name}",
    )


def _add_slot(order: Element, number: int, seconds: float) -> str:
    value = str(round(float(seconds) * 1000))
    SubElement(order, "TIME_SLOT", TIME_SLOT_ID=f"ts{number}", TIME_VALUE=value)
    return f"ts{number}"
