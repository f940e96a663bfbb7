"""The folder of MS-TCN: groundTruth/NAME.txt with one label a line and frame, mapping.txt, splits/.

Source: Abu Farha and Gall, "MS-TCN: Multi-Stage Temporal Convolutional Network for Action
Segmentation", CVPR 2019, and its code. Its readers lose the last line of a file that does not end
in a line break, and cut names at the first dot; this one does neither. They also split the lines of
mapping.txt at blanks, so that labels written for them must hold none.
"""

from pathlib import Path

from handact.errors import LabelError
from handact.formats.intervals import ActionOptions, IntervalFile, runs_of_labels
from handact.formats.outgoing import ActionExport
from handact.formats.text import read_text, show_path
from handact.labels import fill_background

__all__ = ["read", "write"]

_TRUTH = "groundTruth"


def read(path: Path, options: ActionOptions) -> IntervalFile:
    """Read the labels of every video in the folder.

    Args:
        path: The folder with groundTruth/ in it.
        options: `split` is the number of the bundles in splits/ (train.splitN.bundle, ...).

    Raises:
        LabelError: No such folder, a blank line between labels, no such bundle.
    """
    if not (path / _TRUTH).is_dir():
        raise LabelError(
            f"{show_path(path)}: has no folder {_TRUTH} in it",
            "an MS-TCN folder has groundTruth/NAME.txt, mapping.txt and splits/",
        )
    found = IntervalFile(file=show_path(path), format="MS-TCN folder", unit="frames", rate="unsure")
    for file in sorted((path / _TRUTH).glob("*.txt")):
        labels = _read_labels(file)
        name = file.name.removesuffix(".txt")
        found.rows += len(labels)
        found.listed[name] = len(labels)
        found.intervals += runs_of_labels(labels, name)
    found.classes = _read_mapping(path / "mapping.txt", found)
    if options.split is not None:
        found.splits = _read_splits(path / "splits", options.split)
    return found


def write(export: ActionExport) -> dict[str, str]:
    """Return the files of the folder; blanks in labels become `_`, since its readers split there.

    Raises:
        LabelError: Two labels would be the same then.
    """
    names = {name: "_".join(name.split()) for name in export.classes}
    doubled = [name for name in names if list(names.values()).count(names[name]) > 1]
    if doubled:
        raise LabelError(
            f"the classes {doubled[0]!r} and {doubled[1]!r} would be the same in an MS-TCN folder",
            "rename one: it cannot hold blanks",
        )
    changed = [name for name in names if names[name] != name]
    if changed:
        export.notes.append(f"blanks in labels became `_`: {', '.join(changed)}")
    files = {"mapping.txt": "".join(f"{i} {name}\n" for i, name in enumerate(names.values()))}
    for name, video in export.videos.items():
        filled = fill_background(export.actions[name], video.frames, export.background)
        lines = "".join(f"{names[segment.action]}\n" * len(segment) for segment in filled)
        files[f"{_TRUTH}/{name}.txt"] = lines
    for split in sorted({video.split for video in export.videos.values()}):
        names_in = [name for name, video in export.videos.items() if video.split == split]
        files[f"splits/{split}.split1.bundle"] = "".join(f"{name}.txt\n" for name in names_in)
    return files


def _read_lines(path: Path) -> list[str]:
    lines = [line.strip() for line in read_text(path).split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _read_labels(path: Path) -> list[str]:
    labels = _read_lines(path)
    if "" in labels:
        row = labels.index("") + 1
        raise LabelError(f"{show_path(path)}:{row}: is blank; each line is the label of a frame")
    return labels


def _read_mapping(path: Path, found: IntervalFile) -> list[str]:
    """Read lines `0 take`, or `take 0` as some followers write them, ordered by number."""
    if not path.exists():
        found.notes.append("there is no mapping.txt: classes are taken from the labels")
        return []
    pairs = []
    for row, line in enumerate(_read_lines(path), 1):
        first, _, rest = line.partition(" ")
        name, _, last = line.rpartition(" ")
        if first.isdecimal() and rest:
            pairs.append((int(first), rest.strip()))
        elif last.isdecimal() and name:
            pairs.append((int(last), name.strip()))
        elif line:
            raise LabelError(f"{show_path(path)}:{row}: is not a number and a class: {line!r}")
    return [name for _, name in sorted(pairs)]


def _read_splits(folder: Path, split: int) -> dict[str, str]:
    bundles = {part: folder / f"{part}.split{split}.bundle" for part in ("train", "val", "test")}
    if not any(path.exists() for path in bundles.values()):
        there = ", ".join(sorted(path.name for path in folder.glob("*.bundle"))) or "none"
        raise LabelError(
            f"{show_path(folder)}: has no bundle of split {split}; bundles there: {there}"
        )
    splits: dict[str, str] = {}
    for part, path in bundles.items():
        for line in filter(None, _read_lines(path) if path.exists() else []):
            video = line.removesuffix(".txt")
            if splits.setdefault(video, part) != part:
                raise LabelError(f"{show_path(path)}: {video!r} is in {splits[video]} already")
    return splits
