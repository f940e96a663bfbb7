"""BORIS: its exports of events (tabular, aggregated, those before version 8.11), its projects.

Times are seconds since the observation began: the media files of the first player one after the
other, plus a time offset. A state is what lies between a START and the STOP of the same subject,
behaviour and modifiers; in a project, which calls them neither, between two such events.

Written is a project, which BORIS opens as it is.

Source: BORIS's own code, versions 7.0 to 9.12, and its user guide.
"""

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from handact.errors import LabelError
from handact.formats.intervals import ActionOptions, Interval, IntervalFile
from handact.formats.loading import load_json, member, parse_number
from handact.formats.outgoing import ActionExport
from handact.formats.text import read_table, read_text, show_path
from handact.formats.videos import Video
from handact.labels import Segment

__all__ = ["looks_like_export", "read", "write"]

_COLUMNS = ("observation id", "behavior", "behavior type")
_OTHER_COLUMNS = (
    "time", "start (s)", "stop (s)", "subject", "source", "time offset (s)", "media duration (s)",
    "media file name", "media file",
)  # fmt: skip
# The line above the events of an old export; what comes before it has any number of lines.
_OLD_HEADER = re.compile(r'^"?Time"?([,;\t])"?Media file path"?\1', re.MULTILINE)
_PLAYER = re.compile(r"(?:^|[|\s])player #(\d+):", re.IGNORECASE)
_NOTHING = ("", "NA", "Not found")
_NO_SUBJECT = "No focal subject"
_KEYS = "abcdefghijklmnopqrstuvwxyz0123456789"
# Required by BORIS. The same labels give the same file.
_DATE = "1970-01-01T00:00:00"


@dataclass(frozen=True, slots=True)
class _Observation:
    """What an observation is about.

    Attributes:
        name: Its id.
        media: Files of the first player, which shows them one after the other.
        durations: Of each of them, in seconds; None where the file does not say them.
        offset: Seconds at which its times begin.
    """

    name: str
    media: tuple[str, ...]
    durations: tuple[float, ...] | None
    offset: float


@dataclass(frozen=True, slots=True)
class _Event:
    """A row of a file, or an event of a project.

    Attributes:
        row: Line, or number.
        observation: That it belongs to.
        subject: Who is observed.
        behavior: The label.
        modifiers: Of the behaviour.
        kind: START, STOP or POINT; STATE for a START or a STOP, which take turns.
        time: As in the file; None where there is none.
    """

    row: int
    observation: _Observation
    subject: str
    behavior: str
    modifiers: tuple[str, ...]
    kind: str
    time: float | None


@dataclass(frozen=True, slots=True)
class _State:
    """What lies between a START, whose row it has, and its STOP."""

    row: int
    observation: _Observation
    subject: str
    behavior: str
    start: float
    stop: float


def looks_like_export(text: str) -> bool:
    """Tell whether a text is an export of events, of any version."""
    header = text.partition("\n")[0].lower()
    is_table = all(name in header for name in _COLUMNS)
    return is_table or _OLD_HEADER.search(text) is not None


def read(path: Path, options: ActionOptions) -> IntervalFile:
    """Read the states of all subjects; point events are left out, and what has no partner.

    Args:
        path: A .boris project, or tabular or aggregated events as CSV or TSV.
        options: Nothing of them is needed.

    Raises:
        LabelError: It is neither, or strings videos together without saying how long each is.
    """
    text = read_text(path)
    found = IntervalFile(file=show_path(path), format="", unit="seconds", stem=path.stem)
    old = _OLD_HEADER.search(text)
    if text.lstrip().startswith("{"):
        found.format = "BORIS project"
        states = _pair(_read_project(path, found), found)
    elif old:
        found.format = "BORIS tabular events of an old version"
        states = _pair(_read_old(text, old[1], found), found)
    else:
        states = _read_table(path, found)
    for state in sorted(states, key=lambda state: state.row):
        found.intervals += _place(state, found)
    _note_offsets(states, found)
    return found


def write(export: ActionExport) -> dict[str, str]:
    """Return actions.boris: a project with one observation for each video, its name being the id.

    Raises:
        LabelError: A class has a character that BORIS does not allow.
    """
    classes = [name for name in export.classes if name != export.background]
    bad = next((name for name in classes if "|" in name), None)
    if bad is not None:
        raise LabelError(f"the class {bad!r} has a '|', which BORIS does not allow")
    project = {
        "time_format": "s",
        "project_date": _DATE,
        "project_name": "handact",
        "project_description": "",
        "project_format_version": "7.0",
        "subjects_conf": {},
        "behaviors_conf": {
            str(i): _describe_behavior(name, _KEYS[i : i + 1]) for i, name in enumerate(classes)
        },
        "observations": {
            name: _describe_observation(
                video,
                export.edges(name),
                [s for s in export.actions[name] if s.action != export.background],
            )
            for name, video in export.videos.items()
        },
        "behavioral_categories": [],
        "independent_variables": {},
        "coding_map": {},
        "behaviors_coding_map": [],
        "converters": {},
    }
    # BORIS reads it in the encoding of the machine: ASCII is in all of them.
    return {"actions.boris": json.dumps(project, indent=1) + "\n"}


# ------------------------------------------------------------------------------------------ exports


def _read_table(path: Path, found: IntervalFile) -> list[_State]:
    table = read_table(path, _COLUMNS, _OTHER_COLUMNS)
    rows = list(zip(map(int, table.index), table.to_dict("records"), strict=True))
    found.rows = len(rows)
    _refuse_media_without_source(rows, found)
    if {"start (s)", "stop (s)"} <= set(table.columns):
        found.format = "BORIS aggregated events"
        return list(_read_states(rows, found))
    if "time" not in table.columns:
        raise LabelError(f"{found.file}: has neither a column Time, nor Start (s) and Stop (s)")
    found.format = "BORIS tabular events"
    return _pair([_read_event(row, cells, found.file) for row, cells in rows], found)


_Cells = Mapping[str, str]


def _refuse_media_without_source(rows: Iterable[tuple[int, _Cells]], found: IntervalFile) -> None:
    """Refuse several media files in an observation of an old version, which lists none."""
    media: dict[str, set[str]] = defaultdict(set)
    for row, cells in rows:
        if "source" not in cells:
            names = media[cells["observation id"]]
            names.add(cells.get("media file") or cells.get("media file name", ""))
            if len(names) > 1:
                raise _unknown_durations(row, cells["observation id"], found)
    if media:
        found.notes.append(
            "this version of BORIS does not list the media files: each observation is taken to "
            "have one"
        )


def _read_states(rows: Iterable[tuple[int, _Cells]], found: IntervalFile) -> Iterator[_State]:
    for row, cells in rows:
        event = _read_event(row, {**cells, "time": cells["start (s)"]}, found.file)
        stop = _parse_time(cells["stop (s)"], "stop", f"{found.file}:{row}")
        _note_modifiers(event, found)
        reason = _tell_useless(event) or ("" if stop is not None else "has no time")
        if reason:
            found.drop(row, reason)
        else:
            span = (event.time, stop)
            yield _State(row, event.observation, event.subject, event.behavior, *span)


def _read_event(row: int, cells: _Cells, file: str) -> _Event:
    return _Event(
        row,
        _read_observation(cells, f"{file}:{row}"),
        cells.get("subject") or _NO_SUBJECT,
        cells["behavior"],
        tuple(cell for name, cell in cells.items() if name.lower().startswith("modifier")),
        cells["behavior type"].upper(),
        _parse_time(cells["time"], "time", f"{file}:{row}"),
    )


def _read_observation(cells: _Cells, place: str) -> _Observation:
    source = cells.get("source", cells.get("media file", cells.get("media file name", "")))
    media = _list_media(source)
    lasting = cells.get("media duration (s)", "").partition("|")[0].split(";")
    durations = [_parse_time(cell.strip(), "media duration", place) for cell in lasting]
    is_known = len(durations) == len(media) and None not in durations
    offset = _parse_time(cells.get("time offset (s)", ""), "time offset", place)
    name = cells["observation id"]
    return _Observation(name, media, tuple(durations) if is_known else None, offset or 0.0)


def _list_media(source: str) -> tuple[str, ...]:
    """Return the files of player #1 in `player #1:a.mp4;b.mp4|player #2:c.mp4`."""
    first, *others = _PLAYER.split(source)
    players = dict(zip(others[::2], others[1::2], strict=True)) if others else {"1": first}
    names = [name.strip(" |") for name in players.get("1", "").split(";")]
    return tuple(name for name in names if name not in _NOTHING)


def _parse_time(cell: str, what: str, place: str) -> float | None:
    return None if cell in _NOTHING else parse_number(cell.replace(",", "."), what, place)


def _read_old(text: str, separator: str, found: IntervalFile) -> Iterator[_Event]:
    """Give the events of a file of one observation; lines about the latter come first."""
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    about: dict[str, list[str]] = defaultdict(list)
    header: list[str] = []
    begins_at = 1
    try:
        for record in reader:
            row, begins_at = begins_at, reader.line_num + 1
            cells = [cell.strip() for cell in record]
            if header and any(cells):
                found.rows += 1
                named = dict(zip(header, cells, strict=False))
                yield _read_old_event(row, named, about, found)
            elif cells[:2] == ["Time", "Media file path"]:
                header = [cell.lower() for cell in cells]
            elif any(cells):
                about[cells[0].lower()] += cells[1:2]
    except csv.Error as error:
        raise LabelError(f"{found.file}:{begins_at}: {error}") from error


def _read_old_event(
    row: int, cells: dict[str, str], about: Mapping[str, Sequence[str]], found: IntervalFile
) -> _Event:
    media = about.get("player #1") or [cells.get("media file path", "")]
    named = {
        "observation id": "".join(about.get("observation id", ())),
        "source": ";".join(media),
        "time offset (s)": "".join(about.get("time offset (s)", ())),
        "behavior type": cells.get("status", ""),
    }
    return _read_event(row, {"behavior": "", **cells, **named}, found.file)


# ----------------------------------------------------------------------------------------- projects


def _read_project(path: Path, found: IntervalFile) -> Iterator[_Event]:
    project = load_json(path)
    kinds = _read_kinds(member(project, "behaviors_conf", dict, found.file), found.file)
    for name, entry in member(project, "observations", dict, found.file).items():
        place = f"{found.file}: observation {name!r}"
        observation = _read_project_observation(name, entry, place)
        for event in member(entry, "events", list, place):
            found.rows += 1
            if not isinstance(event, list) or len(event) < 4:
                raise LabelError(f"{found.file}:{found.rows}: is not an event")
            texts = ["" if value is None else str(value) for value in event[:4]]
            time, subject, behavior, modifiers = texts
            yield _Event(
                found.rows,
                observation,
                subject or _NO_SUBJECT,
                behavior,
                tuple(filter(None, modifiers.split("|"))),
                kinds.get(behavior, "not defined"),
                _parse_time(time, "time", f"{found.file}:{found.rows}"),
            )


def _read_kinds(behaviors: Mapping[str, Any], file: str) -> dict[str, str]:
    kinds = {}
    for number, behavior in behaviors.items():
        place = f"{file}: behaviour {number}"
        kind = member(behavior, "type", str, place)
        kinds[member(behavior, "code", str, place)] = kind.split(" ")[0].upper()
    return kinds


def _read_project_observation(name: str, entry: Any, place: str) -> _Observation:
    players = (
        member(entry, "file", dict, place) if member(entry, "type", str, place) == "MEDIA" else {}
    )
    if entry.get("media_creation_date_as_offset"):
        raise LabelError(
            f"{place}: counts from the date at which its video was made",
            "code it in BORIS without that option, or import another observation",
        )
    media = tuple(map(str, players.get("1", ())))
    told = entry.get("media_info", {}).get("length", {})
    durations = [parse_number(told[m], "media_info", place) for m in media if m in told]
    offset = parse_number(entry.get("time offset", 0), "time offset", place)
    is_known = len(durations) == len(media)
    return _Observation(name, media, tuple(durations) if is_known else None, offset)


# ---------------------------------------------------------------------------- events to intervals


def _pair(events: Iterable[_Event], found: IntervalFile) -> list[_State]:
    """Put each START and its STOP together, and note what cannot be taken."""
    started: dict[tuple[object, ...], _Event] = {}
    states = []
    for event in sorted(_drop_useless(events, found), key=lambda event: event.time):
        key = (event.observation.name, event.subject, event.behavior, event.modifiers)
        before = started.pop(key, None)
        if event.kind == "START" or (event.kind == "STATE" and before is None):
            started[key] = event
            if before is not None:
                found.drop(before.row, f"is a START of {before.behavior!r} without a STOP")
        elif before is None:
            found.drop(event.row, f"is a STOP of {event.behavior!r} without a START")
        else:
            span = (before.time, event.time)
            states.append(
                _State(before.row, event.observation, event.subject, event.behavior, *span)
            )
    for event in started.values():
        found.drop(event.row, f"is a START of {event.behavior!r} without a STOP")
    return states


def _drop_useless(events: Iterable[_Event], found: IntervalFile) -> Iterator[_Event]:
    for event in events:
        _note_modifiers(event, found)
        reason = _tell_useless(event)
        if reason:
            found.drop(event.row, reason)
        else:
            yield event


def _tell_useless(event: _Event) -> str:
    """Return why an event is no part of a state; "" if it is."""
    if event.kind == "POINT":
        return f"is a point event: {event.behavior!r}"
    if event.kind not in ("START", "STOP", "STATE"):
        return f"is neither a state nor a point event: {event.kind[:40]!r}"
    if event.time is None:
        return "has no time"
    return "" if event.behavior else "has no behaviour"


def _note_modifiers(event: _Event, found: IntervalFile) -> None:
    note = "behaviours have modifiers: the labels are the behaviours alone"
    if any(event.modifiers) and note not in found.notes:
        found.notes.append(note)


def _note_offsets(states: Iterable[_State], found: IntervalFile) -> None:
    for observation in dict.fromkeys(state.observation for state in states):
        if observation.offset:
            found.notes.append(
                f"times of observation {observation.name!r} begin at {observation.offset:g} s: "
                "that is taken off"
            )


def _place(state: _State, found: IntervalFile) -> Iterator[Interval]:
    """Give the part of a state in each of the videos that an observation strings together."""
    about = state.observation
    start, stop = state.start - about.offset, state.stop - about.offset
    media = about.media or (about.name,)
    durations = about.durations or ()
    if len(media) > 1 and not durations:
        raise _unknown_durations(state.row, about.name, found)
    begins = [0.0, *accumulate(durations[:-1])]
    edges = [-inf, *begins[1:], inf]
    for video, begin, (first, last) in zip(media, begins, pairwise(edges), strict=True):
        if start < last and (stop > first or start >= first):
            part = (max(start, first) - begin, stop - begin if stop < last else inf)
            yield Interval(state.row, video, *part, state.behavior, state.subject)


def _unknown_durations(row: int, observation: str, found: IntervalFile) -> LabelError:
    return LabelError(
        f"{found.file}:{row}: observation {observation!r} shows several videos one after the "
        "other, and the file does not tell how long each of them is",
        "import the .boris project, or export the events again with BORIS 8.11 or newer",
    )


# ------------------------------------------------------------------------------------------ writing


def _describe_behavior(name: str, key: str) -> dict[str, Any]:
    return {
        "type": "State event",
        "key": key,
        "code": name,
        "description": "",
        "color": "",
        "category": "",
        "modifiers": {},
        "excluded": "",
        "coding map": "",
    }


def _describe_observation(
    video: Video, edges: np.ndarray, segments: Iterable[Segment]
) -> dict[str, Any]:
    path = video.path.as_posix()
    times = [round(float(second), 3) for second in edges]
    events = [
        [times[frame], "", segment.action, "", "", "NA"]
        for segment in segments
        for frame in (segment.start_frame, segment.end_frame)
    ]
    return {
        "type": "MEDIA",
        "date": _DATE,
        "description": "",
        "time offset": 0.0,
        "observation time interval": [0, 0],
        "file": {"1": [path], **{str(player): [] for player in range(2, 9)}},
        "media_info": {
            "length": {path: times[-1]},
            "fps": {path: video.fps},
            "hasVideo": {path: True},
            "hasAudio": {path: False},
            "offset": {"1": 0.0},
        },
        "media_creation_date_as_offset": False,
        "media_scan_sampling_duration": 0,
        "image_display_duration": 1,
        "close_behaviors_between_videos": False,
        "visualize_spectrogram": False,
        "visualize_waveform": False,
        "independent_variables": {},
        "events": events,
    }
