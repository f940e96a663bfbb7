"""Who goes into train, val and test."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from handact.dataset.folder import Dataset
from handact.errors import LabelError
from handact.formats.reading import VideoNames
from handact.formats.text import read_table, show_path, write_table
from handact.formats.videos import SPLITS, VIDEO_COLUMNS

__all__ = [
    "assign_folds",
    "assign_splits",
    "fold_groups",
    "read_groups",
    "split_frames",
    "split_groups",
    "write_splits",
]


def split_frames(num: int, fractions: tuple[float, float, float], seed: int) -> np.ndarray:
    """Draw a split for each of `num` frames, independently of the video that they are from.

    Frames of one video in two splits flatter the figure: see `split_groups` for the other way.

    Args:
        num: N, number of frames.
        fractions: Of train, val and test; they add up to 1.
        seed: Of the draw.

    Returns:
        (N,) of the strings "train", "val", "test"; the counts are as close as they can be.

    Raises:
        ValueError: The fractions are not fractions of 1.
    """
    _check_fractions(fractions)
    ends = np.rint(np.cumsum(fractions[::-1]) * num).astype(int)
    counts = np.diff(ends, prepend=0)[::-1]
    names = np.repeat(np.array(SPLITS), counts)
    return np.random.default_rng(seed).permutation(names)


def split_groups(
    groups: Mapping[str, str], fractions: tuple[float, float, float], seed: int
) -> dict[str, str]:
    """Draw a split for each video so that videos of one group stay together.

    Which groups go into a split is drawn at random among those whose number of videos comes
    closest to the fraction.

    Args:
        groups: The group of each video; the video itself where each stands alone.
        fractions: Of train, val and test, by number of videos; they add up to 1.
        seed: Of the draw.

    Returns:
        The split of each video. A split with a fraction above 0 gets at least one group.

    Raises:
        ValueError: The fractions are not fractions of 1, or there are fewer groups than splits.
    """
    _check_fractions(fractions)
    wanted = [name for name, fraction in zip(SPLITS, fractions, strict=True) if fraction > 0]
    members: dict[str, list[str]] = {}
    for video in sorted(groups):
        members.setdefault(groups[video], []).append(video)
    if len(members) < len(wanted):
        raise ValueError(f"{len(members)} groups cannot fill the splits {', '.join(wanted)}")
    order = np.random.default_rng(seed).permutation(len(members))
    free = [sorted(members)[i] for i in order]
    chosen: dict[str, str] = {}
    # The largest split takes what is left, and so makes up for what the others could not meet.
    by_size = sorted(wanted, key=lambda name: fractions[SPLITS.index(name)])
    for i, name in enumerate(by_size[:-1]):
        target = fractions[SPLITS.index(name)] * len(groups)
        others = len(by_size) - 1 - i
        taken = _choose([len(members[group]) for group in free], target, len(free) - others)
        chosen |= {free[j]: name for j in taken}
        free = [group for group in free if group not in chosen]
    chosen |= dict.fromkeys(free, by_size[-1])
    return {video: chosen[groups[video]] for video in sorted(groups)}


def fold_groups(groups: Mapping[str, str], number: int, seed: int) -> dict[str, int]:
    """Divide videos into folds of as even a size as may be; videos of one group stay together.

    The largest group goes first, each into the fold that has the fewest videos so far; the seed
    draws the order of groups of one size.

    Args:
        groups: The group of each video.
        number: Of folds.
        seed: Of the draw.

    Returns:
        The fold of each video, from 0.

    Raises:
        ValueError: There are fewer groups than folds.
    """
    sizes = Counter(groups.values())
    if len(sizes) < number:
        raise ValueError(f"{len(sizes)} groups cannot fill {number} folds")
    drawn = np.random.default_rng(seed).permutation(sorted(sizes)).tolist()
    filled, fold_of = [0] * number, {}
    for group in sorted(drawn, key=lambda group: -sizes[group]):
        fold_of[group] = filled.index(min(filled))
        filled[fold_of[group]] += sizes[group]
    return {video: fold_of[groups[video]] for video in sorted(groups)}


def assign_folds(
    dataset: Dataset,
    groups: Mapping[str, str],
    fold: tuple[int, int],
    val: float = 0.0,
    seed: int = 0,
) -> Dataset:
    """Make one fold the test split, write that into videos.csv, and return the new dataset.

    Args:
        dataset: Its videos get new splits.
        groups: The group of each video, see `read_groups`.
        fold: (i, n): the i-th of n folds, from 0, is tested on.
        val: Fraction of the other folds' videos to validate on.
        seed: Of the draw; one seed gives one division into folds.

    Raises:
        LabelError: Nothing is left to train on, or there are fewer groups than folds, or than
            splits in the other folds.
    """
    if fold[1] < 2 or val >= 1:
        what = f"{fold[1]} fold" if fold[1] < 2 else f"--val {val:g}"
        raise LabelError(
            f"{what} leaves nothing to train on", "use more folds, and a smaller --val"
        )
    known = {name: groups[name] for name in dataset.videos}
    try:
        folds = fold_groups(known, fold[1], seed)
        rest = {name: group for name, group in known.items() if folds[name] != fold[0]}
        splits = dict.fromkeys(known, "test") | split_groups(rest, (1 - val, val, 0.0), seed)
    except ValueError as error:
        raise LabelError(str(error), "use fewer folds, or smaller groups") from error
    return _assign(dataset, splits)


def assign_splits(
    dataset: Dataset,
    groups: Mapping[str, str],
    fractions: tuple[float, float, float],
    seed: int = 0,
) -> Dataset:
    """Draw splits (see `split_groups`), write them into videos.csv, and return the new dataset.

    Args:
        dataset: Its videos get new splits.
        groups: The group of each video, see `read_groups`.
        fractions: Of train, val and test, by number of videos; they add up to 1.
        seed: Of the draw.

    Raises:
        LabelError: There are fewer groups than splits.
    """
    try:
        splits = split_groups({name: groups[name] for name in dataset.videos}, fractions, seed)
    except ValueError as error:
        raise LabelError(str(error), "use other fractions, or smaller groups") from error
    return _assign(dataset, splits)


def _assign(dataset: Dataset, splits: Mapping[str, str]) -> Dataset:
    write_splits(dataset, splits)
    videos = {name: replace(v, split=splits[name]) for name, v in dataset.videos.items()}
    return replace(dataset, videos=videos)


def read_groups(path: str | Path, column: str, dataset: Dataset) -> dict[str, str]:
    """Read the group of each video from a table with a column video or file.

    Args:
        path: The table.
        column: Its column of groups.
        dataset: Its videos need a group; rows about others are passed over.

    Raises:
        LabelError: A column is missing, a video has no group, or two.
    """
    file = show_path(path)
    table = read_table(path, (column.lower(),), ("video", "file"))
    key = next((name for name in ("video", "file") if name in table.columns), None)
    if key is None:
        columns = ", ".join(table.columns)
        raise LabelError(f"{file}: has no column video or file; its columns are: {columns}")
    names = VideoNames(dataset.videos)
    groups: dict[str, str] = {}
    for row, text, group in zip(table.index, table[key], table[column.lower()], strict=True):
        video = names.find(text)
        if video is not None and not group:
            raise LabelError(f"{file}:{row}: {column} is empty")
        if video is not None and groups.setdefault(video, group) != group:
            raise LabelError(f"{file}:{row}: {video!r} is in group {groups[video]!r} already")
    missing = [name for name in dataset.videos if name not in groups]
    if missing:
        others = f" and {len(missing) - 1} others" if len(missing) > 1 else ""
        raise LabelError(f"{file}: has no row for video {missing[0]!r}{others}")
    return groups


def write_splits(dataset: Dataset, splits: Mapping[str, str]) -> None:
    """Change the column split of videos.csv for the videos named; all else stays."""
    path = dataset.root / "videos.csv"
    table = read_table(path, VIDEO_COLUMNS)
    pairs = zip(table["video"], table["split"], strict=True)
    table["split"] = [splits.get(video, split) for video, split in pairs]
    write_table(path, list(table.columns), table.itertuples(index=False, name=None))


def _choose(sizes: Sequence[int], target: float, most: int) -> list[int]:
    """Choose between 1 and `most` of the sizes so that their sum is closest to the target.

    Subset sums: each sum keeps the first way in which it is reached, and so the order of `sizes`
    decides between ways.
    """
    counts = np.full(sum(sizes) + 1, -1)  # of sizes in the way to each sum; -1: not reached
    last = np.zeros_like(counts)  # the size that was added last
    counts[0] = 0
    for i, size in enumerate(sizes):
        before = counts[: len(counts) - size]
        new = size + np.flatnonzero((before >= 0) & (before < most) & (counts[size:] < 0))
        counts[new] = counts[new - size] + 1
        last[new] = i
    sums = np.flatnonzero(counts > 0)
    left = int(sums[np.argmin(np.abs(sums - target))])
    chosen = []
    while left:
        chosen.append(int(last[left]))
        left -= sizes[chosen[-1]]
    return chosen


def _check_fractions(fractions: Sequence[float]) -> None:
    if len(fractions) != 3 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError(f"fractions must be three numbers >= 0 that add up to 1, got {fractions}")
