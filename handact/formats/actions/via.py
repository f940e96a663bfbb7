"""VIA 3, the VGG Image Annotator for videos: the JSON project, and its two exports as CSV.

A project lists `attribute`, `file`, `view` (which file is shown) and `metadata`, an entry for each
thing that was marked: `z` holds its seconds (two for a segment, one for a still frame, none for the
whole file), `xy` its shape in a picture, `av` its values of attributes. The value of a choice is
the id of an option, of several choices their ids with commas between them; that of a text is the
text, even where the attribute lists options.

The exports are tables with comments above them, and their header is one of these. One export holds
all that an entry has. The other holds start, end and the values by the names of attributes, and
nothing tells what the ids of options mean.

Source: https://gitlab.com/vgg/via, via-3.x.y/CodeDoc.md and src/js/_via_import_export.js
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from handact.errors import LabelError
from handact.formats.intervals import ActionOptions, Interval, IntervalFile
from handact.formats.loading import load_json, member, parse_json, parse_number
from handact.formats.text import read_text, show_path

__all__ = [
    "Attribute",
    "Entry",
    "Project",
    "load_export",
    "load_project",
    "looks_like_export",
    "looks_like_project",
    "read",
]

_PARTS = ("attribute", "file", "view", "metadata")
_TEXT, _SEVERAL = 1, 2
_TIMES = ("temporal_segment_start", "temporal_segment_end")
_FULL = ("metadata_id", "file_list", "temporal_coordinates", "spatial_coordinates", "metadata")
_SEGMENTS = ("metadata_id", "file_list", *_TIMES, "metadata")
# What VIA puts where nobody chose a value, and the option that it makes by itself.
_UNSET = ("", "_DEFAULT")
_OWN_OPTION = "default"


@dataclass(frozen=True, slots=True)
class Attribute:
    """What people say of the things that they mark.

    Attributes:
        name: As people see it.
        anchor: Of what it is, such as FILE1_Z2_XY0: of segments in time; "" if the file does not
            say more than its name.
        options: Names of choices by their ids; none for a text.
        several: Whether more than one may be chosen.
    """

    name: str
    anchor: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    several: bool = False

    def values(self, text: str) -> list[str] | None:
        """Return what an entry's value means: nothing, a text, or the names of options.

        None is returned for an id that no option has.
        """
        text = " ".join(text.split())  # it may be of several lines
        if not self.options or text in _UNSET:
            return [] if text in _UNSET else [text]
        ids = [part.strip() for part in text.split(",")] if self.several else [text]
        # Other programs that write projects put names where ids belong.
        known = {**{name: name for name in self.options.values()}, **self.options}
        return [known[i] for i in ids] if known.keys() >= set(ids) else None


@dataclass(frozen=True, slots=True)
class Entry:
    """A thing that was marked.

    Attributes:
        row: Its number in the project, or line of the table.
        name: Its id.
        file: Name of the video or picture that it is in.
        z: Seconds.
        xy: Number of a kind of shape, and its numbers in pixels.
        values: By the ids of attributes.
    """

    row: int
    name: str
    file: str
    z: tuple[float, ...]
    xy: tuple[float, ...]
    values: Mapping[str, str]


@dataclass(slots=True)
class Project:
    """What a file of VIA 3 holds.

    Attributes:
        file: As a person would name it.
        format: In words.
        attributes: By their ids.
        entries: In the order of the file, each once.
        files: Names of videos and pictures, with or without entries.
        rows: Entries that were read.
        dropped: Those that were left out: row, reason.
    """

    file: str
    format: str
    attributes: dict[str, Attribute] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    rows: int = 0
    dropped: list[tuple[int | None, str]] = field(default_factory=list)


def read(path: Path, options: ActionOptions) -> IntervalFile:
    """Read the segments in time of a VIA 3 project, or of one of its exports.

    Args:
        path: The file.
        options: `column` is the name of the attribute that holds the actions.

    Raises:
        LabelError: Not of VIA 3; several attributes may hold the actions.
    """
    is_json = path.suffix.lower() == ".json"
    project = load_project(load_json(path), show_path(path)) if is_json else load_export(path)
    found = IntervalFile(
        file=project.file,
        format=project.format,
        unit="seconds",
        stem=path.stem,
        rows=project.rows,
        dropped=list(project.dropped),
    )
    segments = [entry for entry in project.entries if _is_segment(entry, found)]
    chosen = _choose_attribute(project, segments, options.column)
    attribute = project.attributes.get(chosen, Attribute("a label"))
    found.classes = [name for i, name in attribute.options.items() if i != _OWN_OPTION]
    for entry in segments:
        found.intervals += _intervals(entry, attribute, entry.values.get(chosen, ""), found)
    labels = {interval.label for interval in found.intervals}
    if not attribute.anchor and labels and all(label.isdecimal() for label in labels):
        found.notes.append(
            "its labels are numbers, perhaps the ids of options: their names are in the project's "
            "JSON, and in the other CSV export"
        )
    return found


def looks_like_project(data: Any) -> bool:
    """Say whether JSON is a project of VIA 3."""
    return all(_has(data, part) for part in _PARTS)


def looks_like_export(text: str) -> bool:
    """Say whether a text is one of the tables that VIA 3 exports."""
    return "metadata_id,file_list," in text


def load_project(data: Any, file: str) -> Project:
    """Take in the JSON of a project.

    Raises:
        LabelError: It is none.
    """
    missing = [part for part in _PARTS if not _has(data, part)]
    if missing:
        hint = "those of VIA 2 mark pictures: `handact import hands`" if _is_via_2(data) else None
        raise LabelError(f"{file}: is no project of VIA 3: it has no object {missing[0]!r}", hint)
    project = Project(file, "VIA 3 project", rows=len(data["metadata"]))
    project.attributes = _read_attributes(data["attribute"], file)
    names = {i: _file_name(entry, f"{file}: file {i}") for i, entry in data["file"].items()}
    project.files = list(names.values())
    shown = {
        i: [str(fid) for fid in member(view, "fid_list", list, f"{file}: view {i}")]
        for i, view in data["view"].items()
    }
    entries = []
    for row, (name, entry) in enumerate(data["metadata"].items(), 1):
        place = f"{file}: metadata {row}"
        view = str(entry["vid"]) if _has(entry, "vid", str | int) else ""
        files = [names.get(fid, "") for fid in shown.get(view, [])]
        z, xy = (_numbers(member(entry, key, list, place), key, place) for key in ("z", "xy"))
        entries.append((row, name, files, z, xy, _texts(member(entry, "av", dict, place))))
    _add_entries(project, entries)
    return project


def load_export(path: Path) -> Project:
    """Take in a table that VIA 3 exported.

    Raises:
        LabelError: It is none, or a row is damaged.
    """
    file = show_path(path)
    comments, columns, records = _read_table(read_text(path), file)
    is_full = set(_FULL) <= set(columns)
    if not is_full and not set(_SEGMENTS) <= set(columns):
        raise LabelError(
            f"{file}: is no export of VIA 3: it names no columns metadata_id, file_list, ...",
            "they stand behind `# CSV_HEADER =`, in the last line of comments",
        )
    project = Project(file, f"VIA 3 CSV{'' if is_full else ' of segments'}", rows=len(records))
    if is_full and "ATTRIBUTE" in comments:
        attributes = parse_json(comments["ATTRIBUTE"], "the comment ATTRIBUTE", file)
        project.attributes = _read_attributes(attributes, file)
    _add_entries(project, [_read_row(row, record, columns, file) for row, record in records])
    project.files = list(dict.fromkeys(entry.file for entry in project.entries))
    if not project.attributes:
        project.attributes = {i: Attribute(i) for entry in project.entries for i in entry.values}
    return project


_Raw = tuple[int, str, list[str], tuple[float, ...], tuple[float, ...], dict[str, str]]
"""An entry with all the files that it may be in."""


def _add_entries(project: Project, entries: Sequence[_Raw]) -> None:
    """Add those that are of one file, and not there already."""
    seen: dict[tuple[Any, ...], str] = {}
    for row, text, files, z, xy, values in entries:
        name = " ".join(text.split())
        what = (tuple(files), z, xy, tuple(sorted(values.items())))
        reason = None
        if len(files) > 1:
            reason = f"is of {len(files)} files at once"
        elif not any(files):
            reason = "is of a file that is no longer listed"
        elif what in seen:
            reason = f"is the same as {seen[what]}"
        if reason:
            project.dropped.append((row, f"{name}: {reason}"))
        else:
            seen[what] = name
            project.entries.append(Entry(row, name, files[0], z, xy, values))


def _is_segment(entry: Entry, found: IntervalFile) -> bool:
    reason = None
    if entry.xy:
        reason = "marks a place in the picture, not a time"
    elif len(entry.z) == 1:
        reason = "is of a still frame, not of a segment"
    elif len(entry.z) > 2:
        reason = f"has {len(entry.z)} times"
    if reason:
        found.drop(entry.row, f"{entry.name}: {reason}")
    return reason is None


def _choose_attribute(project: Project, segments: Sequence[Entry], column: str | None) -> str:
    """Return the id of the attribute that holds the actions; "" if there is no value at all.

    Raises:
        LabelError: There is none of that name, or more than one may be meant.
    """
    names = {i: attribute.name for i, attribute in project.attributes.items()}
    if column is not None:
        chosen = next((i for i, name in names.items() if name == column), None)
        if chosen is None:
            listed = ", ".join(names.values()) or "none"
            raise LabelError(
                f"{project.file}: has no attribute {column!r}", f"its attributes are: {listed}"
            )
        return chosen
    used = [i for i in names if any(entry.values.get(i, "") not in _UNSET for entry in segments)]
    if len(used) > 1:
        listed = ", ".join(names[i] for i in used)
        raise LabelError(
            f"{project.file}: its segments have several attributes: {listed}",
            f'say which holds the actions: `--column "{names[used[0]]}"`',
        )
    return used[0] if used else ""


def _intervals(
    entry: Entry, attribute: Attribute, text: str, found: IntervalFile
) -> Iterator[Interval]:
    """Give an interval for each label; several at once overlap, and are treated as such."""
    labels = attribute.values(text)
    if labels is None:
        found.drop(entry.row, f"{entry.name}: {attribute.name} has no option {text!r}")
    elif not labels:
        found.drop(entry.row, f"{entry.name}: has no value of {attribute.name}")
    start, end = entry.z or (-inf, inf)
    for label in labels or ():
        yield Interval(entry.row, entry.file, start, end, label)


# ---------------------------------------------------------------------------------------- the parts


def _has(data: Any, key: str, kind: Any = dict) -> bool:
    return isinstance(data, dict) and isinstance(data.get(key), kind)


def _is_via_2(data: Any) -> bool:
    return _has(data, "_via_img_metadata")


def _read_attributes(data: Any, file: str) -> dict[str, Attribute]:
    if not isinstance(data, dict):
        raise LabelError(f"{file}: its attributes are not an object")
    attributes = {}
    for i, entry in data.items():
        place = f"{file}: attribute {i}"
        kind = member(entry, "type", float, place)
        options = entry.get("options") if kind != _TEXT and _has(entry, "options") else {}
        attributes[i] = Attribute(
            name=" ".join(member(entry, "aname", str, place).split()),
            anchor=str(entry.get("anchor_id", "")),
            options={key: str(name).strip() for key, name in options.items()},
            several=kind == _SEVERAL,
        )
    return attributes


def _file_name(entry: Any, place: str) -> str:
    name = entry.get("fname") or entry.get("src") if isinstance(entry, dict) else None
    if not isinstance(name, str):
        raise LabelError(f"{place}: has no name")
    return _plain(name)


def _plain(name: str) -> str:
    return unquote(name) if "://" in name else name


def _numbers(values: Sequence[Any], what: str, place: str) -> tuple[float, ...]:
    return tuple(parse_number(value, what, place) for value in values)


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {key: "" if value is None else str(value).strip() for key, value in values.items()}


# --------------------------------------------------------------------------------------- the tables


def _read_table(
    text: str, file: str
) -> tuple[dict[str, str], list[str], list[tuple[int, list[str]]]]:
    """Return comments `# NAME = ...` by name, the columns, and the records with their lines."""
    lines = text.split("\n")
    above = next((i for i, line in enumerate(lines) if not _is_comment(line)), len(lines))
    parts = (line.lstrip(' "#').partition("=") for line in lines[:above])
    comments = {name.strip(): rest.strip() for name, _, rest in parts}
    records = list(_read_records(lines[above:], above, file))
    columns = [name.strip(' "') for name in comments.get("CSV_HEADER", "").rstrip(",").split(",")]
    if records and records[0][1][0] == "metadata_id":
        columns = records.pop(0)[1]  # somebody made a common table of it
    return comments, columns, records


def _is_comment(line: str) -> bool:
    return not line.strip(' ",;\t') or line.lstrip(' "').startswith("#")


def _read_records(lines: list[str], above: int, file: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader([f"{line}\n" for line in lines])
    row = above + 1
    try:
        for record in reader:
            if any(record):
                yield row, [cell.strip() for cell in record]
            row = above + reader.line_num + 1
    except csv.Error as error:
        raise LabelError(f"{file}:{row}: {error}") from error


def _read_row(row: int, record: list[str], columns: list[str], file: str) -> _Raw:
    place = f"{file}:{row}"
    if len(record) < len(columns):
        raise LabelError(f"{place}: has {len(record)} cells where the header has {len(columns)}")
    cells = dict(zip(columns, record, strict=False))

    def take(column: str, kind: type) -> Any:
        return member({column: parse_json(cells[column], column, place)}, column, kind, place)

    if _TIMES[0] in cells:
        z, xy = [cells[name] for name in _TIMES if cells[name]], []
    else:
        z, xy = take("temporal_coordinates", list), take("spatial_coordinates", list)
    files = [_plain(str(name)) for name in take("file_list", list)]
    values = _texts(take("metadata", dict))
    name = cells["metadata_id"]
    return row, name, files, _numbers(z, "a time", place), _numbers(xy, "xy", place), values
