"""Labels of Assembly101: coarse_labels/SEQUENCE.txt, and the tables of fine actions.

Frames count 30 a second from 0, whatever the rate of the video. A coarse file is about a sequence
that several cameras saw; its end is excluded, as in the code of the authors for segmentation. Of
the fine tables the end is open: their code for recognition includes it.

Source: Sener et al., "Assembly101", CVPR 2022,
https://github.com/assembly-101/assembly101-annotations
"""

import re
from pathlib import Path

from handact.errors import LabelError
from handact.formats.intervals import ActionOptions, Interval, IntervalFile
from handact.formats.loading import list_files
from handact.formats.text import read_table, read_text, show_path

__all__ = ["looks_like_labels", "read"]

_FPS = 30.0
_PARTS = ("assembly_", "disassembly_", "disassebly_")
_LABELS = ("action_cls", "verb_cls", "noun_cls", "action_id")
_COLUMNS = ("video", "start_frame", "end_frame")
_COARSE = re.compile(r"[0-9]{9}\t[0-9]{9}(?:\t.*)?")


def looks_like_labels(text: str) -> bool:
    """Tell whether the first line of a text is one of a coarse file."""
    return bool(_COARSE.fullmatch(text.partition("\n")[0]))


def read(path: Path, options: ActionOptions) -> IntervalFile:
    """Read a coarse file, a folder of them, or a table of fine actions.

    Args:
        path: The file, the folder coarse_labels/, or the one above; coarse_splits/ beside it gives
            the splits.
        options: `column` is that of the labels of fine tables: action_cls (the default), verb_cls,
            noun_cls or action_id.

    Raises:
        LabelError: Frames that are not whole, a column that is not there.
    """
    if path.is_dir():
        return _read_folder(path)
    if "," in read_text(path).partition("\n")[0]:
        return _read_fine(path, options)
    found = _coarse(path)
    found.stem = path.stem
    _read_coarse(path, found)
    return found


def _read_folder(path: Path) -> IntervalFile:
    """Read all files of a folder as one: assembly and disassembly are of the same video."""
    folder = path / "coarse_labels" if (path / "coarse_labels").is_dir() else path
    found = _coarse(folder)
    for file in list_files(folder, "*.txt"):
        _read_coarse(file, found)
    for file in sorted((folder.parent / "coarse_splits").glob("*_coarse_*.txt")):
        split = file.name.partition("_")[0].replace("validation", "val")
        for line in filter(None, read_text(file).split("\n")):
            sequence = _sequence(line.partition("\t")[0].strip().removesuffix(".txt"))
            if found.splits.setdefault(sequence, split) != split:
                raise LabelError(
                    f"{show_path(file)}: {sequence!r} is in {found.splits[sequence]} already"
                )
    return found


def _coarse(path: Path) -> IntervalFile:
    return IntervalFile(
        file=show_path(path), format="Assembly101, coarse", unit="frames", rate="format", fps=_FPS
    )


def _read_coarse(path: Path, found: IntervalFile) -> None:
    sequence = _sequence(path.stem)
    for row, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        found.rows += 1
        place = f"{show_path(path)}:{row}"
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) < 2:
            raise LabelError(f"{place}: is not start, end and action with tabs between them")
        start, end = (_frame(text, place) for text in cells[:2])
        if len(cells) > 2 and cells[2]:
            found.intervals.append(Interval(row, sequence, start, end, cells[2]))
        else:
            found.drop(row, f"{path.name}: its label is withheld, as in the test split")


def _read_fine(path: Path, options: ActionOptions) -> IntervalFile:
    file, column = show_path(path), (options.column or _LABELS[0]).lower()
    table = read_table(path, _COLUMNS, (*_LABELS, column))
    if column not in table.columns:
        raise LabelError(
            f"{file}: has no column {column}; its columns are: {', '.join(table.columns)}",
            f"`--column` names one of: {', '.join(_LABELS)}",
        )
    found = IntervalFile(
        file=file, format="Assembly101, fine", unit="frames", rate="format", fps=_FPS,
        end_included=None, rows=len(table),
    )  # fmt: skip
    for row, cells in zip(table.index, table.to_dict("records"), strict=True):
        start, end = (_frame(cells[name], f"{file}:{row}") for name in _COLUMNS[1:])
        found.intervals.append(Interval(int(row), cells["video"], start, end, cells[column]))
    return found


def _sequence(name: str) -> str:
    for part in _PARTS:
        name = name.removeprefix(part)
    return name


def _frame(text: str, place: str) -> float:
    if not (text.isdecimal() and len(text) <= 12):
        raise LabelError(f"{place}: is not the number of a frame: {text!r}")
    return float(text)
