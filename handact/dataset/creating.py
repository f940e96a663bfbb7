"""Making a dataset folder from videos, and adding videos to one."""

import os
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from handact.dataset.folder import Dataset, index_path, read_dataset
from handact.errors import LabelError, VideoError
from handact.files import check_writable
from handact.formats.reading import VIDEO_SUFFIXES
from handact.formats.settings import Settings, add_classes, write_settings
from handact.formats.text import merge_rows, show_path
from handact.formats.videos import SPLITS, VIDEO_COLUMNS
from handact.video import VideoIndex, scan_video

__all__ = ["create_dataset", "find_videos", "name_videos"]

_PICTURE_SUFFIXES = (".jpeg", ".jpg", ".png")


def create_dataset(
    root: str | Path,
    videos: Iterable[str | Path],
    *,
    name: str | None = None,
    classes: Sequence[str] = (),
    background: str | None = None,
    fps: float | None = None,
    allow_damaged: bool = False,
    split: str = "train",
    on_progress: Callable[[int, int | None], None] | None = None,
) -> Dataset:
    """Make a dataset folder, or add videos to one; each new video is decoded once.

    Args:
        root: The folder. Rows that its tables have already stay; videos in them are skipped.
        videos: Files and folders; see `find_videos`.
        name: Of the dataset; the folder's by default.
        classes: Names of the classes; the background is put before them if it is not among them.
        background: Name of the background class, "background" by default.
        fps: Frames per second, for folders of pictures.
        allow_damaged: Whether to take damaged and cut-off videos as far as they can be read.
        split: Of the new videos.
        on_progress: Called with how many videos are done, and of how many.

    Returns:
        The dataset without its labels.

    Raises:
        LabelError: There is no video, or the folder holds another dataset than the arguments say.
        VideoError: A video cannot be read, is damaged or cut off. Nothing was written.
        OSError: The folder cannot be written.
    """
    root = Path(os.path.abspath(root))
    _check_folder(root, split)
    existing = None
    if (root / "dataset.toml").exists():
        existing = read_dataset(root, with_labels=False)
    if existing:
        _check_same(existing, name, background)
    known = {video.path.resolve() for video in existing.videos.values()} if existing else set()
    paths = [
        path
        for path in find_videos(videos, skipped=(root / "runs", root / "cache"))
        if path.resolve() not in known
    ]
    indices = _scan(paths, fps, allow_damaged, on_progress)
    names = name_videos(paths, existing.videos if existing else ())
    for path in paths:
        indices[path].save(index_path(root, names[path]))
    rows = [_video_row(root, path, names[path], indices[path], split) for path in paths]
    if rows:
        merge_rows(root / "videos.csv", VIDEO_COLUMNS, rows)
    _write_classes(root, existing, name, classes, background or "background")
    return read_dataset(root, with_labels=False)


def find_videos(paths: Iterable[str | Path], *, skipped: Collection[Path] = ()) -> list[Path]:
    """Return the videos meant by files and folders, as absolute paths, without doubles.

    A folder stands for the video files below it, or, where a folder has pictures and no video,
    for one video whose frames they are. Files are taken whatever their names end with.

    Args:
        paths: Files and folders.
        skipped: Folders that are not looked into.

    Raises:
        LabelError: A path does not exist, or a folder has no video in it.
    """
    found: dict[Path, None] = {}
    for given in paths:
        path = Path(os.path.abspath(given))
        if not path.exists():
            raise LabelError(f"{show_path(given)}: no such file or folder")
        below = _find_below(path, skipped) if path.is_dir() else [path]
        if not below:
            endings = ", ".join(sorted(VIDEO_SUFFIXES))
            raise LabelError(f"{show_path(given)}: has no video in it", f"looked for: {endings}")
        found |= dict.fromkeys(below)
    for path in found:
        try:
            str(path).encode()
        except UnicodeEncodeError as error:
            raise LabelError(
                f"{os.fsencode(path)!r}: a file name that is not UTF-8 cannot stand in a table",
                "rename the file, or set a UTF-8 locale",
            ) from error
    if not found:
        raise LabelError("no video is named", "name videos, or a folder of videos")
    return list(found)


def name_videos(paths: Sequence[Path], taken: Iterable[str]) -> dict[Path, str]:
    """Give each video a short name that no other has: `v1`, else `folder_v1`, else `folder_v1_2`.

    Names that differ in upper and lower case alone count as the same, as on many disks.
    """
    used = {name.casefold() for name in taken}
    stems = [_clean_name(_stem(path)).casefold() for path in paths]
    names: dict[Path, str] = {}
    for path, stem in zip(paths, stems, strict=True):
        name = _clean_name(_stem(path))
        if stem in used or stems.count(stem) > 1:
            name = _clean_name(f"{path.parent.name}_{name}")
        free, number = name, 2
        while free.casefold() in used:
            free, number = f"{name}_{number}", number + 1
        used.add(free.casefold())
        names[path] = free
    return names


def _check_folder(root: Path, split: str) -> None:
    """Find out before the videos are decoded what would fail after it."""
    if split not in SPLITS:
        raise LabelError(f"unknown split {split!r}", f"use one of: {', '.join(SPLITS)}")
    if root.exists() and not root.is_dir():
        raise LabelError(
            f"{show_path(root)}: is a file, not a folder",
            "the first argument is the dataset's folder: `handact init DIR VIDEO...`",
        )
    check_writable(root)


def _check_same(existing: Dataset, name: str | None, background: str | None) -> None:
    for key, given in (("name", name), ("background", background)):
        there = getattr(existing, key)
        if given is not None and given != there:
            raise LabelError(
                f"{show_path(existing.root / 'dataset.toml')}: {key} is {there!r}, not {given!r}",
                "change it there, or make another dataset in a new folder",
            )


def _scan(
    paths: Sequence[Path],
    fps: float | None,
    allow_damaged: bool,
    on_progress: Callable[[int, int | None], None] | None,
) -> dict[Path, VideoIndex]:
    """Decode every video once; raise if one cannot be used, naming all that cannot."""
    indices: dict[Path, VideoIndex] = {}
    errors: list[VideoError] = []
    for i, path in enumerate(paths):
        try:
            indices[path] = _scan_one(path, fps, allow_damaged)
        except VideoError as error:
            errors.append(error)
        if on_progress:
            on_progress(i + 1, len(paths))
    if errors:
        others = "".join(f"; {error.message}" for error in errors[1:4])
        more = f"; and {len(errors) - 4} more videos" if len(errors) > 4 else ""
        raise VideoError(errors[0].message + others + more, errors[0].hint)
    return indices


def _scan_one(path: Path, fps: float | None, allow_damaged: bool) -> VideoIndex:
    if path.is_dir() and fps is None:
        raise VideoError(
            f"{show_path(path)}: a folder of pictures has no frame rate", "give it with --fps"
        )
    index = scan_video(path, fps=fps if path.is_dir() else None)
    problem = index.problem()
    if problem and not allow_damaged:
        file = show_path(path)
        message = problem if problem.startswith((file, str(path))) else f"{file}: {problem}"
        hint = "`--allow-damaged` takes what can be read; better is a whole copy"
        raise VideoError(message, hint)
    return index


def _find_below(folder: Path, skipped: Collection[Path]) -> list[Path]:
    entries = sorted(
        (entry for entry in folder.iterdir() if not entry.name.startswith(".")), key=_natural
    )
    files = [entry for entry in entries if entry.is_file()]
    videos = [file for file in files if file.suffix.lower() in VIDEO_SUFFIXES]
    if not videos and any(file.suffix.lower() in _PICTURE_SUFFIXES for file in files):
        return [folder]
    folders = (entry for entry in entries if entry.is_dir() and entry not in skipped)
    return videos + [path for below in folders for path in _find_below(below, skipped)]


def _natural(path: Path) -> list[tuple[int, str]]:
    """Order v2 before v10."""
    parts = re.findall(r"\d+|\D+", path.name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _stem(path: Path) -> str:
    return path.name if path.is_dir() else path.stem


def _clean_name(name: str) -> str:
    return re.sub(r'[/\\:*?"<>|]|\s+', " ", name).strip() or "video"


def _video_row(
    root: Path, path: Path, name: str, index: VideoIndex, split: str
) -> tuple[object, ...]:
    inside = path.is_relative_to(root)
    shown = path.relative_to(root).as_posix() if inside else str(path)
    return name, shown, split, float(index.fps), index.num_frames, index.width, index.height


def _write_classes(
    root: Path,
    existing: Dataset | None,
    name: str | None,
    classes: Sequence[str],
    background: str,
) -> None:
    path = root / "dataset.toml"
    wanted = list(dict.fromkeys(text.strip() for text in classes if text.strip()))
    if existing:
        new = [text for text in wanted if text not in existing.classes]
        if new:
            add_classes(path, new)
        return
    if background not in wanted:
        wanted.insert(0, background)
    write_settings(path, Settings(name or root.name, tuple(wanted), background))
