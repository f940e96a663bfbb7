"""Files of actions, a module each: `read`, and `write` where we write the format.

Readers take a path and `ActionOptions`, and return an `IntervalFile`; writers take an
`ActionExport`, and return the text of each file by its name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from handact.formats.actions import (
    activitynet,
    anvil,
    assembly101,
    audacity,
    boris,
    cvat,
    deepethogram,
    elan,
    elan_text,
    epic,
    labelstudio,
    mstcn,
    subtitles,
    table,
    via,
)
from handact.formats.intervals import ActionOptions, IntervalFile
from handact.formats.outgoing import ActionExport

__all__ = ["FORMATS", "ActionFormat"]


@dataclass(frozen=True)
class ActionFormat:
    """A format.

    Attributes:
        about: What it is, for `--help`.
        read: Its reader.
        write: Its writer, if we write it.
        files: Pattern of its files, where a folder may hold one for each video; None: the reader
            takes the folder itself, or there is only ever one file.
    """

    about: str
    read: Callable[[Path, ActionOptions], IntervalFile]
    write: Callable[[ActionExport], dict[str, str]] | None = None
    files: str | None = None


FORMATS: dict[str, ActionFormat] = {
    "csv": ActionFormat(
        "rows in frames, seconds or time codes", table.read, table.write, files="*.csv"
    ),
    "activitynet": ActionFormat(
        "JSON of ActivityNet, THUMOS", activitynet.read, activitynet.write, files="*.json"
    ),
    "anvil": ActionFormat("ANVIL .anvil", anvil.read, files="*.anvil"),
    "assembly101": ActionFormat("Assembly101, coarse and fine", assembly101.read),
    "audacity": ActionFormat(
        "label track of Audacity", audacity.read, audacity.write, files="*.txt"
    ),
    "boris": ActionFormat(
        "BORIS events as CSV, .boris project",
        boris.read,
        boris.write,
        files="*.[bct][os][rv]*",  # .boris, .csv, .tsv
    ),
    "clips": ActionFormat("a table with one row a trimmed video", table.read_clips),
    "cvat": ActionFormat("CVAT 1.1, tracks or tags", cvat.read, cvat.write, files="*.xml"),
    "deepethogram": ActionFormat("a column a behaviour", deepethogram.read, files="*.csv"),
    "elan": ActionFormat("ELAN .eaf", elan.read, elan.write, files="*.eaf"),
    "elan-text": ActionFormat("ELAN tab-delimited text", elan_text.read, files="*.txt"),
    "epic": ActionFormat("EPIC-KITCHENS-100 CSV", epic.read),
    "labelstudio": ActionFormat(
        "Label Studio JSON, timelines", labelstudio.read, labelstudio.write, files="*.json"
    ),
    "mstcn": ActionFormat("MS-TCN: a folder with groundTruth/", mstcn.read, mstcn.write),
    "srt": ActionFormat("SubRip subtitles", subtitles.read, files="*.srt"),
    "via": ActionFormat("VIA 3 JSON and CSV", via.read, files="*.json"),
    "webvtt": ActionFormat("WebVTT subtitles", subtitles.read, subtitles.write, files="*.vtt"),
}
