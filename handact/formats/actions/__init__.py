"""Files of actions, a module each: `read`, and `write` where we write the format.

Readers take a path and `ActionOptions`, and return an `IntervalFile`; writers take an
`ActionExport`, and return the text of each file by its name.
"""

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
from handact.formats.format import Format
from handact.formats.intervals import ActionOptions, IntervalFile
from handact.formats.outgoing import ActionExport

__all__ = ["FORMATS"]


FORMATS: dict[str, Format[ActionOptions, IntervalFile, ActionExport]] = {
    "csv": Format(table.read, table.write, files="*.[ct][sx][vt]"),
    "activitynet": Format(activitynet.read, activitynet.write, files="*.json"),
    "anvil": Format(anvil.read, files="*.anvil"),
    "assembly101": Format(assembly101.read),
    "audacity": Format(audacity.read, audacity.write, files="*.txt"),
    "boris": Format(
        boris.read,
        boris.write,
        files="*.[bct][os][rv]*",  # .boris, .csv, .tsv
    ),
    "clips": Format(table.read_clips),
    "cvat": Format(cvat.read, cvat.write, files="*.xml"),
    "deepethogram": Format(deepethogram.read, files="*.csv"),
    "elan": Format(elan.read, elan.write, files="*.eaf"),
    "elan-text": Format(elan_text.read, files="*.txt"),
    "epic": Format(epic.read),
    "labelstudio": Format(labelstudio.read, labelstudio.write, files="*.json"),
    "mstcn": Format(mstcn.read, mstcn.write),
    "srt": Format(subtitles.read, files="*.srt"),
    "via": Format(via.read, files="*.[cj]s*"),
    "webvtt": Format(subtitles.read, subtitles.write, files="*.vtt"),
}
