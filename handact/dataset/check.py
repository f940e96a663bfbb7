"""Everything that is wrong with a dataset folder, in one go."""

from collections.abc import Callable, Iterator
from pathlib import Path

from handact.dataset.folder import Dataset, read_folder, video_index
from handact.errors import HandactError
from handact.formats.text import Problem, read_table, show_path
from handact.formats.videos import Video
from handact.video import VideoIndex

__all__ = ["check_dataset"]

# Beyond this share, a frame rate in videos.csv is another one and not a rounded one.
_RATE_TOLERANCE = 0.001


def check_dataset(
    root: str | Path,
    *,
    decode: bool = True,
    on_progress: Callable[[int, int | None], None] | None = None,
) -> list[Problem]:
    """Find all that is wrong with a dataset folder.

    Args:
        root: The folder.
        decode: Whether to compare the videos with videos.csv; a video that has not changed since
            it was decoded last is not decoded again.
        on_progress: Called with how many videos are done, and of how many.

    Returns:
        The problems by file and row; none if everything is well.

    Raises:
        LabelError: It is no dataset folder.
    """
    found: list[Problem] = []
    dataset = read_folder(root, found.append)
    if decode:
        found += _find_video_problems(dataset, on_progress)
    files = ("dataset.toml", "videos.csv", "actions.csv", "hands.csv")
    order = {show_path(dataset.root / name): i for i, name in enumerate(files)}
    return sorted(found, key=lambda p: (order.get(p.file, len(order)), p.row or 0))


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
