"""Everything that is wrong with a dataset folder, in one go, and what may well be."""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from handact.dataset.doubts import Doubt, find_action_doubts, find_hand_doubts
from handact.dataset.folder import Dataset, read_folder, video_index
from handact.errors import HandactError
from handact.formats.tables import ACTION_COLUMNS, parse_actions, parse_hands
from handact.formats.text import Problem, read_table, show_path
from handact.formats.videos import Video
from handact.labels import HAND_COLUMNS, Segment
from handact.video import VideoIndex

__all__ = ["check_dataset"]

# The row of each label: a segment, or the number of a frame, of a video.
_Rows = dict[tuple[str | None, Segment | int | None], int]

# Beyond this share, a frame rate in videos.csv is another one and not a rounded one.
_RATE_TOLERANCE = 0.001


def check_dataset(
    root: str | Path,
    *,
    decode: bool = True,
    on_progress: Callable[[int, int | None], None] | None = None,
) -> list[Problem]:
    """Find all that is wrong with a dataset folder, and what a person should look at.

    Labels that break no rule are looked at where the others are in order: beside labels that had
    to be left out, much would look odd.

    Args:
        root: The folder.
        decode: Whether to compare the videos with videos.csv; a video that has not changed since
            it was decoded last is not decoded again.
        on_progress: Called with how many videos are done, and of how many.

    Returns:
        Errors and warnings by file and row; none if everything is well.

    Raises:
        LabelError: It is no dataset folder.
    """
    found: list[Problem] = []
    dataset = read_folder(root, found.append)
    if decode:
        found += _find_video_problems(dataset, on_progress)
    found += _find_warnings(dataset, {problem.file for problem in found})
    files = ("dataset.toml", "videos.csv", "actions.csv", "hands.csv")
    order = {show_path(dataset.root / name): i for i, name in enumerate(files)}
    return sorted(found, key=lambda p: (order.get(p.file, len(order)), p.row or 0))


def _find_warnings(dataset: Dataset, wrong: Collection[str]) -> Iterator[Problem]:
    toml, actions, hands = (
        show_path(dataset.root / name) for name in ("dataset.toml", "actions.csv", "hands.csv")
    )
    if toml not in wrong and actions not in wrong:
        yield from _warn(dataset, list(find_action_doubts(dataset)), _action_rows)
    if hands not in wrong:
        yield from _warn(dataset, list(find_hand_doubts(dataset)), _hand_rows)


def _warn(
    dataset: Dataset, doubts: Sequence[Doubt], read_rows: Callable[[Path], _Rows]
) -> Iterator[Problem]:
    """Give doubts their rows; a dataset does not keep these, and hardly ever needs them."""
    rows = read_rows(dataset.root) if doubts else {}
    for doubt in doubts:
        row = rows.get((doubt.video, doubt.place))
        file = show_path(dataset.root / doubt.file)
        yield Problem(file, row, doubt.video, doubt.reason, doubt.hint, "warning")


def _action_rows(root: Path) -> _Rows:
    path = root / "actions.csv"
    rows = parse_actions(read_table(path, ACTION_COLUMNS), show_path(path))
    return {(row.video, row.segment): row.row for row in rows}


def _hand_rows(root: Path) -> _Rows:
    path = root / "hands.csv"
    hands = parse_hands(read_table(path, HAND_COLUMNS), show_path(path))
    places = zip(hands["video"], hands["frame"], strict=True)
    return dict(zip(places, map(int, hands.index), strict=True))


def _find_video_problems(
    dataset: Dataset, on_progress: Callable[[int, int | None], None] | None
) -> Iterator[Problem]:
    path = dataset.root / "videos.csv"
    if not dataset.videos:
        return
    table = read_table(path, ("video",))
    rows = {name: int(row) for row, name in table["video"][::-1].items()}
    for i, video in enumerate(dataset.videos.values()):
        if video.path.exists():
            for reason in _compare(dataset, video):
                yield Problem(show_path(path), rows[video.name], video.name, reason)
        if on_progress:
            on_progress(i + 1, len(dataset.videos))


def _compare(dataset: Dataset, video: Video) -> Iterator[str]:
    """Say what decoding gives that videos.csv does not say."""
    try:
        index = video_index(dataset, video)
    except HandactError as error:
        yield error.message
        return
    # What a damaged video has lost shows in its frames; where these agree, it was taken as it is.
    lost = f" ({index.problem()})" if index.problem() else ""
    if index.num_frames != video.frames:
        yield f"frames is {video.frames}, but decoding gives {index.num_frames}{lost}"
    if (index.width, index.height) != (video.width, video.height):
        yield (
            f"size is {video.width}x{video.height}, but decoding gives {index.width}x{index.height}"
        )
    if _rates_differ(index, video):
        yield f"fps is {video.fps:g}, but decoding gives {index.fps:g}"


def _rates_differ(index: VideoIndex, video: Video) -> bool:
    return abs(index.fps - video.fps) > _RATE_TOLERANCE * index.fps
