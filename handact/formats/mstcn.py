"""The folder of MS-TCN: groundTruth/NAME.txt with one label a line and frame, mapping.txt, splits/.

Source: Abu Farha and Gall, "MS-TCN: Multi-Stage Temporal Convolutional Network for Action
Segmentation", CVPR 2019, and its code. Its readers lose the last line of a file that does not end
in a line break, and cut names at the first dot; this one does neither.
"""

from collections.abc import Mapping
from pathlib import Path

from handact.errors import LabelError
from handact.formats.reading import ActionLabels, VideoNames
from handact.formats.tables import ActionRow
from handact.formats.text import show_path
from handact.formats.videos import Video
from handact.labels import Segment

__all__ = ["is_mstcn_folder", "read_mstcn"]

_TRUTH = "groundTruth"


def is_mstcn_folder(path: str | Path) -> bool:
    """Return whether `path` looks like a folder in this format."""
    return (Path(path) / _TRUTH).is_dir()


def read_mstcn(
    path: str | Path,
    videos: Mapping[str, Video],
    *,
    background: str,
    allow_length_mismatch: bool = False,
    split: int | None = None,
) -> ActionLabels:
    """Read the labels of every video in the folder.

    Args:
        path: The folder with groundTruth/ in it.
        videos: The dataset's videos.
        background: The class whose frames get no segment.
        allow_length_mismatch: Whether labels may be more or fewer than the video's frames; what
            is over is cut off, what is missing is background.
        split: Number of the bundles in splits/ to read (train.splitN.bundle, ...), if any.

    Raises:
        LabelError: No such folder, a blank line between labels, lengths that differ.
    """
    folder = Path(path)
    if not is_mstcn_folder(folder):
        raise LabelError(
            f"{show_path(folder)}: has no folder {_TRUTH} in it",
            "an MS-TCN folder has groundTruth/NAME.txt, mapping.txt and splits/",
        )
    labels = ActionLabels(file=show_path(folder), format="MS-TCN folder", units="frames, 0-based")
    names = VideoNames(videos)
    for file in sorted((folder / _TRUTH).glob("*.txt")):
        name = names.find(file.name.removesuffix(".txt"))
        frames = _read_frames(file)
        labels.rows += len(frames)
        if name is None:
            labels.drop(None, None, f"{_TRUTH}/{file.name}: no such video in the dataset")
        else:
            _check_length(file, frames, videos[name], allow_length_mismatch, labels)
            _add_runs(frames[: videos[name].frames], name, background, labels)
    labels.classes = _read_mapping(folder / "mapping.txt", labels)
    if split is not None:
        labels.splits = _read_splits(folder / "splits", split, names, labels)
    return labels


def _read_lines(path: Path) -> list[str]:
    lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _read_frames(path: Path) -> list[str]:
    frames = _read_lines(path)
    if "" in frames:
        row = frames.index("") + 1
        raise LabelError(f"{show_path(path)}:{row}: is blank; each line is the label of a frame")
    return frames


def _check_length(
    path: Path, frames: list[str], video: Video, allowed: bool, labels: ActionLabels
) -> None:
    if len(frames) == video.frames:
        return
    found = f"has {len(frames)} labels, but video {video.name!r} has {video.frames} frames"
    if not allowed:
        raise LabelError(
            f"{show_path(path)}: {found}",
            "were they made at another frame rate? `--allow-length-mismatch` takes them anyway",
        )
    labels.notes.append(f"{path.name} {found}")


def _add_runs(frames: list[str], video: str, background: str, labels: ActionLabels) -> None:
    labels.labelled.add(video)
    start = 0
    for i in range(1, len(frames) + 1):
        if i < len(frames) and frames[i] == frames[start]:
            continue
        if frames[start] != background:
            segment = Segment(start, i, frames[start])
            labels.segments.append(ActionRow(start + 1, video, segment))
        start = i


def _read_mapping(path: Path, labels: ActionLabels) -> list[str]:
    """Read lines `0 take`, or `take 0` as some followers write them, ordered by number."""
    if not path.exists():
        labels.notes.append("there is no mapping.txt: classes are taken from the labels")
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


def _read_splits(
    folder: Path, split: int, names: VideoNames, labels: ActionLabels
) -> dict[str, str]:
    bundles = {part: folder / f"{part}.split{split}.bundle" for part in ("train", "val", "test")}
    if not any(path.exists() for path in bundles.values()):
        there = ", ".join(sorted(path.name for path in folder.glob("*.bundle"))) or "none"
        raise LabelError(
            f"{show_path(folder)}: has no bundle of split {split}; bundles there: {there}"
        )
    splits: dict[str, str] = {}
    for part, path in bundles.items():
        for line in filter(None, _read_lines(path) if path.exists() else []):
            video = names.find(line.removesuffix(".txt"))
            if video is None:
                labels.drop(None, None, f"splits/{path.name}: no video {line!r} in the dataset")
            elif splits.setdefault(video, part) != part:
                raise LabelError(f"{show_path(path)}: {video!r} is in {splits[video]} already")
    return splits
