"""Subtitles: WebVTT, and SubRip (.srt). A cue is an action, and a file is about the video it names.

WebVTT has a header, comments, styles and tags, and writes `<` as `&lt;`. `<v NAME>` names a
speaker, here a tier. In SubRip every cue has a number, times have a decimal comma, and tags are
those of HTML.

Source: https://www.w3.org/TR/webvtt1/
"""

import html
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from handact.errors import LabelError
from handact.formats.clock import parse_clock
from handact.formats.intervals import ActionOptions, Interval, IntervalFile
from handact.formats.outgoing import ActionExport
from handact.formats.text import read_text, show_path

__all__ = ["read", "write"]

_ARROW = "-->"
_TIMES = re.compile(r"([0-9:.,]+)\s*-->\s*([0-9:.,]+)(?:\s.*)?")  # settings may follow
_NO_CUE = re.compile(r"(?:WEBVTT|NOTE|STYLE|REGION)(?:\s|$)")
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s([^<>]*)>")
_VTT_TAG = re.compile(r"<[^<>]*>")
# In SubRip, other words in angle brackets may be part of a label.
_SRT_TAG = re.compile(r"</?(?:b|i|u|s|font)(?:\s[^<>]*)?>|\{\\[^{}]*\}", re.IGNORECASE)


def read(path: Path, options: ActionOptions) -> IntervalFile:
    """Read the cues of a WebVTT file, which begins with that word, or of a SubRip file.

    Args:
        path: The file; its name is that of the video.
        options: `offset` is needed where the times are those of a stream.

    Raises:
        LabelError: No times in a line that should have such, times of a stream.
    """
    file, text = show_path(path), read_text(path)
    is_vtt = text.startswith("WEBVTT")
    found = IntervalFile(file=file, format="WebVTT" if is_vtt else "SubRip", unit="seconds")
    if options.offset is None and is_vtt and "\nX-TIMESTAMP-MAP" in text.split("\n\n", 1)[0]:
        raise LabelError(
            f"{file}: its times are those of a stream (X-TIMESTAMP-MAP), not of a video",
            "`--offset SECONDS` says which of them the first frame has",
        )
    for first, block in _blocks(text.split("\n")):
        arrows = [i for i, line in enumerate(block) if _ARROW in line]
        if not arrows and not (is_vtt and _NO_CUE.match(block[0])):
            found.drop(first, f"is of no cue: {block[0]!r}")
        for at, after in pairwise([*arrows, None]):
            _read_cue(first + at, block[at], _text_of(block, at, after), is_vtt, path, found)
    return found


def write(export: ActionExport) -> dict[str, str]:
    """Return NAME.vtt for each video; players show it over the video."""
    files = {}
    for name in export.videos:
        edges = export.edges(name)
        cues = [
            f"{_clock(edges[s.start_frame])} {_ARROW} {_clock(edges[s.end_frame])}\n"
            f"{html.escape(s.action, quote=False)}\n"
            for s in export.actions[name]
            if s.action != export.background
        ]
        files[f"{name}.vtt"] = "\n".join(["WEBVTT\n", *cues])
    return files


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Give what stands between blank lines, with the number of its first line."""
    start = 0
    for i in range(len(lines) + 1):
        if i == len(lines) or not lines[i].strip():
            if i > start:
                yield start + 1, [line.strip() for line in lines[start:i]]
            start = i + 1


def _text_of(block: Sequence[str], at: int, after: int | None) -> list[str]:
    """Return the lines of a cue; where the blank line after it is missing, without the number of
    the next one.
    """
    lines = list(block[at + 1 : after])
    if after is not None and lines and lines[-1].isdecimal():
        lines.pop()
    return lines


def _read_cue(
    row: int, times: str, lines: Sequence[str], is_vtt: bool, path: Path, found: IntervalFile
) -> None:
    place = f"{found.file}:{row}"
    match = _TIMES.fullmatch(times)
    if not match:
        raise LabelError(f"{place}: is not `start --> end`: {times[:60]!r}")
    found.rows += 1
    start, end = (parse_clock(match[i], "a time", place) for i in (1, 2))
    text = " ".join(lines)
    voice = _VOICE.search(text) if is_vtt else None
    text = html.unescape(_VTT_TAG.sub("", text)) if is_vtt else _SRT_TAG.sub("", text)
    if not text.strip():
        found.drop(row, "has no text")
        return
    tier = voice[1].strip() if voice else ""
    found.intervals.append(Interval(row, path.stem, start, end, text.strip(), tier))


def _clock(seconds: float) -> str:
    minutes, milliseconds = divmod(round(float(seconds) * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds / 1000:06.3f}"
