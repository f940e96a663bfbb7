"""The folder of MS-TCN: groundTruth/NAME.txt with one label a line and frame, mapping.txt, splits/.

Source: Abu Farha and Gall, "MS-TCN: Multi-Stage Temporal Convolutional Network for Action
Segmentation", CVPR 2019, and its code. Its readers lose the last line of a file that does not end
in a line break, and cut names at the first dot; this one does neither. They also split the lines of
mapping.txt at blanks, so that labels written for them must hold none.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from handact.errors import LabelError
from handact.formats.intervals import ActionOptions, IntervalFile, runs_of_labels
from handact.formats.loading import inside, list_files
from handact.formats.outgoing import ActionExport
from handact.formats.text import read_text, show_path
from handact.labels import fill_background

__all__ = ["looks_like_labels", "read", "write"]

_TRUTH = "groundTruth"
_MAPPING = "mapping.txt"
_MARK = "###"
_LOOKED_AT = 100


def looks_like_labels(text: str) -> bool:
    """Tell whether a text is a prediction, or has one word in each of its first lines."""
    lines = text.split("\n", _LOOKED_AT)[:_LOOKED_AT]
    words = [line.split() for line in lines if line.strip()]
    is_table = any(set(line) & set(",;\t") for line in lines)
    return text.startswith(f"{_MARK} ") or (
        len(words) > 1 and not is_table and all(len(line) == 1 for line in words)
    )


def read(path: Path, options: ActionOptions) -> IntervalFile:
    """Read the labels of every video in the folder, or those of one file.

    Folders in groundTruth/, such as left_hand/ and right_hand/, become tiers. Predictions, whose
    first line begins with `###`, are read from a folder of their own.

    Args:
        path: The folder with groundTruth/ in it; a folder of label files, or one of them.
        options: `split` is the number of the bundles in splits/ (train.splitN.bundle, ...).

    Raises:
        LabelError: No label files, a blank line between labels, no such bundle.
    """
    found = IntervalFile(
        file=show_path(path),
        format="MS-TCN folder",
        unit="frames",
        rate="unsure",
        without_blanks=True,
    )
    root, folder, files = _find_files(path, options.tier)
    for file in files:
        tier = file.parent.name if file.parent != folder else ""
        labels = _read_labels(file)
        name = file.name.removesuffix(".txt")
        number = found.listed.setdefault(name, len(labels))
        if number != len(labels):
            raise LabelError(
                f"{show_path(file)}: has {len(labels)} labels of {name!r}, another folder {number}",
                f"`--tier {tier}` takes one folder alone",
            )
        found.rows += len(labels)
        found.intervals += [replace(run, tier=tier) for run in runs_of_labels(labels, name)]
    found.classes = _read_mapping(root / _MAPPING, found)
    if options.split is not None:
        found.splits = _read_splits(root / "splits", options)
    return found


def write(export: ActionExport) -> dict[str, str]:
    """Return the files of the folder; blanks in labels become `_`, since its readers split there.

    Raises:
        LabelError: Two labels would be the same then.
    """
    names = {name: "_".join(name.split()) for name in export.classes}
    doubled = [name for name in names if list(names.values()).count(names[name]) > 1]
    if doubled:
        first, second = [name for name in doubled if names[name] == names[doubled[0]]][:2]
        raise LabelError(
            f"the classes {first!r} and {second!r} would be the same in an MS-TCN folder",
            "rename one: it cannot hold blanks",
        )
    changed = [name for name in names if names[name] != name]
    if changed:
        export.notes.append(f"blanks in labels became `_`: {', '.join(changed)}")
    dotted = [name for name in export.videos if "." in name]
    if dotted:
        export.notes.append(f"MS-TCN's own code cuts names at the first dot: {', '.join(dotted)}")
    files = {_MAPPING: "".join(f"{i} {name}\n" for i, name in enumerate(names.values()))}
    for name, video in export.videos.items():
        filled = fill_background(export.actions[name], video.frames, export.background)
        lines = "".join(f"{names[segment.action]}\n" * len(segment) for segment in filled)
        files[f"{_TRUTH}/{name}.txt"] = lines
    for split in sorted({video.split for video in export.videos.values()}):
        names_in = [name for name, video in export.videos.items() if video.split == split]
        files[f"splits/{split}.split1.bundle"] = "".join(f"{name}.txt\n" for name in names_in)
    return files


def _find_files(path: Path, tier: str | None) -> tuple[Path, Path, list[Path]]:
    """Return where mapping.txt is, the folder of the labels, and the files in it.

    Raises:
        LabelError: There are none.
    """
    folder = path / _TRUTH if (path / _TRUTH).is_dir() else path
    above = folder if folder.is_dir() else folder.parent
    nearest = (folder.absolute(), *folder.absolute().parents)[:3]
    root = next((place.parent for place in nearest if place.name == _TRUTH), above)
    if not folder.is_dir():
        return root, above, [path]
    files = [file for file in list_files(folder, "*", "*/*") if _holds_labels(file)]
    if not files:
        raise LabelError(
            f"{show_path(path)}: has no folder {_TRUTH}, and no files of labels in it",
            "an MS-TCN folder has groundTruth/NAME.txt, mapping.txt and splits/",
        )
    return root, folder, [file for file in files if file.parent.name == tier] or files


def _holds_labels(file: Path) -> bool:
    if file.suffix == ".txt":
        return file.name != _MAPPING
    with file.open("rb") as opened:
        return opened.read(len(_MARK)) == _MARK.encode()


def _read_lines(path: Path) -> list[str]:
    lines = [line.strip() for line in read_text(path).split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _read_labels(path: Path) -> list[str]:
    lines = _read_lines(path)
    if lines and lines[0].startswith(_MARK):
        return _read_predicted(lines, path)
    if "" in lines:
        row = lines.index("") + 1
        raise LabelError(f"{show_path(path)}:{row}: is blank; each line is the label of a frame")
    return lines


def _read_predicted(lines: Sequence[str], path: Path) -> list[str]:
    """Return the labels of a file of predictions: one line of them, below a heading."""
    heads = [i for i, line in enumerate(lines[:-1]) if line.startswith(f"{_MARK} Frame level")]
    if not heads:
        raise LabelError(f"{show_path(path)}: has no line {_MARK} Frame level recognition: {_MARK}")
    return lines[heads[0] + 1].split()


def _read_mapping(path: Path, found: IntervalFile) -> list[str]:
    """Read lines `0 take`, or `take 0` as some followers write them, ordered by number."""
    if not inside(path.parent, path).exists():
        found.notes.append("there is no mapping.txt: classes are taken from the labels")
        return []
    numbered, named = {}, {}
    lines = [line for line in _read_lines(path) if line]
    for row, line in enumerate(lines, 1):
        first, *rest = line.split(None, 1)
        *front, last = line.rsplit(None, 1)
        if rest and first.isdecimal():
            numbered[int(first)] = rest[0]
        if front and last.isdecimal():
            named[int(last)] = front[0]
        if not (rest and (first.isdecimal() or last.isdecimal())):
            raise LabelError(f"{show_path(path)}:{row}: is not a number and a class: {line!r}")
    # `2 hands 0` may be either: in one of the two orders, every line has a number of its own.
    pairs = numbered if len(numbered) == len(lines) else named
    if len(pairs) != len(lines):
        raise LabelError(f"{show_path(path)}: two classes have the same number")
    return [pairs[number] for number in sorted(pairs)]


def _read_splits(folder: Path, options: ActionOptions) -> dict[str, str]:
    bundles: dict[str, list[Path]] = {}
    for part in ("train", "val", "test"):
        name = f"{part}.split{options.split}.bundle"
        paths = [folder / name, *sorted(folder.glob(f"*/{name}"))]
        kept = (folder.name, options.tier)
        bundles[part] = [
            p for p in paths if p.exists() and (options.tier is None or p.parent.name in kept)
        ]
    if not any(bundles.values()):
        there = ", ".join(sorted(path.name for path in folder.glob("**/*.bundle"))) or "none"
        raise LabelError(
            f"{show_path(folder)}: has no bundle of split {options.split}; bundles there: {there}"
        )
    splits: dict[str, str] = {}
    for part, paths in bundles.items():
        for path in paths:
            for line in filter(None, _read_lines(inside(folder, path))):
                video = line.removesuffix(".txt")
                if splits.setdefault(video, part) != part:
                    raise LabelError(f"{show_path(path)}: {video!r} is in {splits[video]} already")
    return splits
