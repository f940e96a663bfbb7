"""Label tracks of Audacity: start, end in seconds and a text, with tabs between them.

A second line that begins with a backslash holds the frequencies of the label above it. A label at
a point has its start as its end, and is dropped since it holds no frame.

Source: https://manual.audacityteam.org/man/importing_and_exporting_labels.html
"""

import re
from pathlib import Path

from handact.errors import LabelError
from handact.formats.intervals import ActionOptions, Interval, IntervalFile
from handact.formats.loading import parse_number
from handact.formats.outgoing import ActionExport
from handact.formats.text import read_text, show_path

__all__ = ["looks_like_labels", "read", "write"]

_LABEL = re.compile(r"-?[0-9]+[.,][0-9]+\t-?[0-9]+[.,][0-9]+(?:\t.*)?")


def looks_like_labels(text: str) -> bool:
    """Tell whether the first line of a text is a label."""
    return bool(_LABEL.fullmatch(text.partition("\n")[0]))


def read(path: Path, options: ActionOptions) -> IntervalFile:
    """Read an exported label track; its name is that of the video.

    Raises:
        LabelError: A line that does not begin with two times.
    """
    found = IntervalFile(file=show_path(path), format="Audacity label track", unit="seconds")
    for row, line in enumerate(read_text(path).split("\n"), 1):
        start, *others = line.split("\t")
        if not line.strip() or start.strip() == "\\":
            continue
        found.rows += 1
        place = f"{found.file}:{row}"
        if not others:
            raise LabelError(
                f"{place}: is not a start, an end and a text with tabs between them",
                "`--format` says it if these are no labels of Audacity",
            )
        # The comma is that of a decimal in some languages.
        times = [
            parse_number(text.strip().replace(",", "."), what, place)
            for what, text in (("start", start), ("end", others[0]))
        ]
        label = " ".join(others[1:]).strip()
        if label:
            found.intervals.append(Interval(row, path.stem, *times, label))
        else:
            found.drop(row, "has no text")
    return found


def write(export: ActionExport) -> dict[str, str]:
    """Return NAME.txt for each video."""
    files = {}
    for name in export.videos:
        edges = export.edges(name)
        files[f"{name}.txt"] = "".join(
            f"{edges[s.start_frame]:.6f}\t{edges[s.end_frame]:.6f}\t{s.action}\n"
            for s in export.actions[name]
            if s.action != export.background
        )
    return files
