"""Scenes: a script and a look, drawn into videos and written down as an ordinary dataset."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from handact.bench.drawing import Look, draw_look, draw_moment, project
from handact.bench.script import BACKGROUND, CLASSES, Moment, write_script
from handact.errors import LabelError
from handact.formats.settings import Settings, write_settings
from handact.formats.tables import write_actions
from handact.formats.text import write_table
from handact.formats.videos import VIDEO_COLUMNS
from handact.labels import HAND_COLUMNS, Segment
from handact.progress import Progress
from handact.video import VideoWriter

__all__ = ["BenchVideo", "Scene", "plan_video", "write_dataset", "write_video"]

# Noise is dear to code, and these videos are looked at by networks.
_CODING = {"crf": 28, "preset": "ultrafast"}


@dataclass(frozen=True)
class BenchVideo:
    """Exact ground truth of one video.

    Attributes:
        name: Of the video.
        fps: Frames a second.
        width, height: Pixels.
        segments: Actions in order; background is not listed.
        hands: (N, 2, 3) of the left and right hand: present (0 or 1), x, y of the palm's centre in
            0..1; NaN positions where it is out of the picture.
    """

    name: str
    fps: float
    width: int
    height: int
    segments: tuple[Segment, ...]
    hands: np.ndarray

    @property
    def num_frames(self) -> int:
        """N."""
        return len(self.hands)


@dataclass(frozen=True)
class Scene:
    """A video before it is drawn: frames can be drawn in any order, and come out the same."""

    truth: BenchVideo
    look: Look
    moments: list[Moment]

    def draw(self, frame: int) -> np.ndarray:
        """Return a frame (H, W, 3) uint8 RGB."""
        return draw_moment(self.look, self.moments[frame], frame)


def plan_video(
    name: str,
    *,
    seed: int | tuple[int, ...],
    seconds: float = 25,
    fps: float = 10,
    width: int = 1280,
    height: int = 720,
) -> Scene:
    """Plan a video: timetable, poses and look, all from the seed; nothing is drawn yet."""
    rng = np.random.default_rng(seed)
    look = draw_look(rng, width, height)
    moments, segments = write_script(rng, num_frames=round(seconds * fps), fps=fps)
    palms = np.array([[moment.left.at, moment.right.at] for moment in moments])
    position = project(look, palms) / [width, height]
    present = ((position >= 0) & (position < 1)).all(-1, keepdims=True)
    hands = np.concatenate([present, np.where(present, position, np.nan)], axis=-1)
    return Scene(BenchVideo(name, fps, width, height, tuple(segments), hands), look, moments)


def write_video(path: Path, scene: Scene, *, on_progress: Progress | None = None) -> BenchVideo:
    """Draw a scene into a video file and return its ground truth."""
    truth = scene.truth
    with VideoWriter(path, truth.width, truth.height, fps=truth.fps, **_CODING) as writer:
        for frame in range(truth.num_frames):
            writer.write(scene.draw(frame))
            if on_progress:
                on_progress(frame + 1, truth.num_frames)
    return truth


def write_dataset(
    folder: str | Path,
    *,
    seed: int = 0,
    train: int = 22,
    val: int = 3,
    test: int = 5,
    seconds: float = 25,
    fps: float = 10,
    width: int = 1280,
    height: int = 720,
    hand_label_every: int = 5,
    on_progress: Progress | None = None,
) -> None:
    """Write videos and their labels as a dataset folder.

    Videos and tables that are there already are kept, so that a run that was stopped goes on, and
    what a person changed in the tables since stays.

    Args:
        folder: The dataset folder.
        seed: Of everything.
        train: Number of training videos.
        val: Number of validation videos.
        test: Number of test videos.
        seconds: Length of each.
        fps: Frames a second.
        width: Of the pictures.
        height: Of the pictures.
        hand_label_every: Every n-th frame gets a row in hands.csv.
        on_progress: Told how many frames are drawn, of how many.

    Raises:
        LabelError: The folder holds another dataset, or a bench of another seed or size.
    """
    folder = Path(folder)
    made_by = (
        f"seed {seed}, videos {train}+{val}+{test} of {seconds:g} s at {fps:g} fps, "
        f"{width}x{height}, hands every {hand_label_every}"
    )
    _claim(folder, made_by)
    splits = [("train", train), ("val", val), ("test", test)]
    scenes = [
        (split, plan_video(f"{split}-{i + 1}", seed=(seed, part, i), seconds=seconds, fps=fps,
                           width=width, height=height))
        for part, (split, number) in enumerate(splits)
        for i in range(number)
    ]  # fmt: skip
    total, done = sum(scene.truth.num_frames for _, scene in scenes), 0
    for _, scene in scenes:
        path = folder / "videos" / f"{scene.truth.name}.mp4"

        def report(frame: int, _: int | None, before: int = done) -> None:
            if on_progress:
                on_progress(before + frame, total)

        if not path.exists():
            write_video(path, scene, on_progress=report)
        done += scene.truth.num_frames
    _write_tables(folder, scenes, hand_label_every)


def _write_tables(folder: Path, scenes: list[tuple[str, Scene]], every: int) -> None:
    """Write the tables that are not there; a person may have changed those that are."""
    truths = [scene.truth for _, scene in scenes]
    if not (path := folder / "videos.csv").exists():
        rows = [
            (t.name, f"videos/{t.name}.mp4", split, t.fps, t.num_frames, t.width, t.height)
            for (split, _), t in zip(scenes, truths, strict=True)
        ]
        write_table(path, VIDEO_COLUMNS, rows)
    if not (path := folder / "actions.csv").exists():
        write_actions(path, {t.name: t.segments for t in truths})
    if not (path := folder / "hands.csv").exists():
        rows = [
            (t.name, frame, *t.hands[frame, :, 1:].ravel())
            for t in truths
            for frame in range(0, t.num_frames, every)
        ]
        write_table(path, HAND_COLUMNS, rows)


def _claim(folder: Path, made_by: str) -> None:
    """Write dataset.toml first: labels of one bench must never meet the videos of another."""
    path = folder / "dataset.toml"
    mark = f"Drawn by handact ({made_by}); the labels are exact."
    if path.exists():
        if mark not in path.read_text(encoding="utf-8-sig"):
            raise LabelError(
                f"{path} is of another dataset than this bench ({made_by})",
                hint="give another folder, or the seed and sizes that made this one",
            )
        return
    if folder.exists() and any(folder.iterdir()):
        raise LabelError(
            f"{folder} is not empty and has no dataset.toml", hint="give a new or an empty folder"
        )
    write_settings(path, Settings("work bench", CLASSES, BACKGROUND, notes=mark))
