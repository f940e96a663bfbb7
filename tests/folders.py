"""A small dataset folder for tests: three videos, made once, copied for each test."""

import shutil
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from videos import make_video

from handact.dataset import create_dataset

__all__ = ["LATE_TICKS", "VIDEOS", "make_dataset", "predict"]

VIDEOS = {"v1": 40, "v2.cam": 30, "late": 20}
"""Frames of each video; `late` has a variable rate."""

LATE_TICKS = [0, 40, 80, 120, 260, 300, 340, *range(400, 1700, 100)]
"""Milliseconds at which the frames of `late` are shown."""


@cache
def _template() -> Path:
    folder = Path(mkdtemp(prefix="handact-test-"))
    videos = folder / "line" / "videos"
    videos.mkdir(parents=True)
    make_video(videos / "v1.mp4", 40, fps=20)
    make_video(videos / "v2.cam.mp4", 30, fps=30)
    make_video(videos / "late.mkv", 20, fps=10, ticks=LATE_TICKS, time_base=Fraction(1, 1000))
    create_dataset(folder / "line", [videos], classes=["take", "turn screw"])
    return folder / "line"


def make_dataset(folder: Path, actions: str | None = None, hands: str | None = None) -> Path:
    """Make `folder`/line, a dataset with classes background, take, turn screw.

    Args:
        folder: An empty folder.
        actions: Rows of actions.csv, without the header.
        hands: Rows of hands.csv, without the header.
    """
    root = folder / "line"
    shutil.copytree(_template(), root)
    if actions is not None:
        (root / "actions.csv").write_text(f"video,start_frame,end_frame,action\n{actions}")
    if hands is not None:
        (root / "hands.csv").write_text(f"video,frame,left_x,left_y,right_x,right_y\n{hands}")
    return root


def predict(root: Path, video: str, rows: str, run: str = "action") -> None:
    """Leave predictions of a video as `segment` does."""
    folder = root / "runs" / run / "segments"
    folder.mkdir(parents=True, exist_ok=True)
    header = "video,start_frame,end_frame,start_seconds,end_seconds,action,confidence\n"
    (folder / f"{video}.segments.csv").write_text(header + rows)
