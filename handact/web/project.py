"""What the pages show of a dataset, and what they change: plain values, without a word of HTTP."""

import hashlib
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from handact.dataset import Dataset, Video, read_dataset, video_index
from handact.errors import LabelError, VideoError
from handact.formats.settings import add_classes, read_settings
from handact.formats.tables import read_tracks
from handact.formats.validate import fold_name
from handact.labelling import BETWEEN, Edit, LabelStore, predicted_videos
from handact.labels import frame_edges
from handact.plots import class_colours
from handact.progress import Log, Progress
from handact.video import VideoIndex, file_fingerprint
from handact.web.jobs import PIECES, Job, Jobs, browser_plays, is_made, make_proxy, measure_motion
from handact.web.pictures import Pictures

if TYPE_CHECKING:
    from handact.labelling.scout import Scout

__all__ = ["CLASS_KEYS", "Project", "Task", "pieces"]

T = TypeVar("T")

CLASS_KEYS = "123456789bcdeghjkqtvxy"
"""Keys of classes, the first ones first; the other letters are commands of the pages."""
_MOST_OPEN = 8  # videos that are decoded at once


@dataclass(frozen=True, slots=True)
class Task:
    """What a person came for.

    Attributes:
        view: "hands", "actions" or "review".
        annotator: Whose table is edited; "" is actions.csv.
        run: Whose predictions are reviewed; None for none.
        video: What to open first; None for any.
        hands_run: The run whose localiser helps.
    """

    view: str
    annotator: str = ""
    run: str | None = None
    video: str | None = None
    hands_run: str = "hands"


class Project:
    """A dataset folder with the labels that people work on.

    Args:
        root: The dataset folder.
        task: What a person came for.
        log: Takes a line for people.

    Raises:
        LabelError: The folder is not in order, or another server works on it.
    """

    def __init__(self, root: Path, task: Task, log: Log) -> None:
        self.dataset: Dataset = read_dataset(root)
        self.task, self._log = task, log
        self.jobs = Jobs()
        self._indices: dict[str, VideoIndex] = {}
        self._pictures: dict[str, Pictures] = {}
        self._memory: dict[tuple[str, ...], tuple[object, Any]] = {}
        self._opening = Lock()
        self._indexing: defaultdict[str, Lock] = defaultdict(Lock)  # one video's may take long
        self._scout: Scout | None = None
        self._scouting, self._naming = Lock(), Lock()
        self._classes_of = 0  # when dataset.toml was changed that the classes are from
        self.store = LabelStore(self.dataset, log)

    def close(self) -> None:
        """Save everything and stop what runs in the background."""
        with ExitStack() as stack:
            for pictures in self._pictures.values():
                stack.callback(pictures.close)
            if self._scout is not None:
                stack.callback(self._scout.close)
            stack.callback(self.jobs.close)
            stack.callback(self.store.close)

    # --------------------------------------------------------------------------------- the dataset

    def describe(self) -> dict[str, Any]:
        """Return names, classes with their colours and keys, videos, runs, annotators."""
        self.look_at_classes()
        data, task = self.dataset, self.task
        runs = {path.name: predicted_videos(path) for path in sorted(data.runs.glob("*"))}
        runs = {run: [v for v in data.videos if v in names] for run, names in runs.items()}
        return {
            "id": self.id,
            "name": data.name,
            "background": data.background,
            "classes": self._classes(),
            "videos": [self._describe_video(video) for video in data.videos.values()],
            "runs": {run: names for run, names in runs.items() if names},
            "run": task.run,
            "between": BETWEEN,
            "annotators": self.store.annotators(),
            "annotator": task.annotator,
            "video": task.video,
        }

    def _classes(self) -> list[dict[str, Any]]:
        names, background = self.dataset.classes, self.dataset.background
        colours = class_colours(len(names), names.index(background))
        keys = iter(CLASS_KEYS)
        return [
            {
                "name": name,
                "colour": "#" + bytes(colour).hex().upper(),
                "key": "0" if name == background else next(keys, None),
            }
            for name, colour in zip(names, colours.tolist(), strict=True)
        ]

    def _describe_video(self, video: Video) -> dict[str, Any]:
        return {
            "name": video.name,
            "frames": video.frames,
            "fps": video.fps,
            "width": video.width,
            "height": video.height,
            "split": video.split,
            "seconds": video.frames / video.fps,
            "segments": len(self.store.rows(self.table(self.task.annotator), video.name)),
            "hand_frames": len(self.store.rows("hands", video.name)),
        }

    def look_at_classes(self) -> None:
        """Take up what another program has made of the classes in dataset.toml.

        Raises:
            LabelError: It is not in order.
        """
        path = self.dataset.root / "dataset.toml"
        with self._naming:
            stamp = path.stat().st_mtime_ns
            if stamp != self._classes_of:
                its = read_settings(path)
                self.dataset = replace(self.dataset, classes=its.classes, background=its.background)
                self._classes_of = stamp

    def add_class(self, name: str) -> dict[str, Any]:
        """Add a class to dataset.toml and return the description anew.

        Raises:
            LabelError: It has no name, or is there already.
        """
        name = " ".join(str(name).split())
        if not name or len(name) > 200:
            raise LabelError("a class needs a name of up to 200 letters")
        self.look_at_classes()
        with self._naming:
            like = [its for its in self.dataset.classes if fold_name(its) == fold_name(name)]
            if like:
                raise LabelError(f"the class {like[0]!r} is there already")
            add_classes(self.dataset.root / "dataset.toml", [name])
        return self.describe()

    # ----------------------------------------------------------------------------------- one video

    def video(self, name: str) -> dict[str, Any]:
        """Return what the player needs to know of a video."""
        video, index = self.dataset.videos[name], self.index(name)
        return {
            "name": name,
            "frames": index.num_frames,
            "fps": video.fps,
            "width": index.width,
            "height": index.height,
            "seconds": float(self.edges(name)[-1]),
            "version": f"{index.size:x}-{index.mtime_ns:x}",
            "variable": index.variable_rate,
            "problem": index.problem(),
            "plays": self._has_proxy(name) or browser_plays(video.path),
        }

    def index(self, name: str) -> VideoIndex:
        """Return the index of a video, which says that it is a video and what frames it has.

        Raises:
            VideoError: It cannot be read.
        """
        path = self.dataset.videos[name].path
        if not path.exists():
            raise VideoError(f"{path}: the video is gone", "move it back")
        with self._indexing[name]:
            index = self._indices.get(name)
            # A folder of pictures is too many files to look at for each of its pictures.
            changed = index is not None and path.is_file() and not _is_of(index, path)
            if index is None or changed:
                index = video_index(self.dataset, self.dataset.videos[name])
                self._indices[name] = index
        if changed:
            self._close_pictures(name)
        return index

    def _close_pictures(self, name: str) -> None:
        with self._opening:
            pictures = self._pictures.pop(name, None)
        if pictures is not None:
            pictures.close()

    def edges(self, name: str) -> np.ndarray:
        """Return when each frame begins and the last one ends: (N + 1,) seconds."""
        index = self.index(name)
        return frame_edges(index.seconds, index.fps)

    def picture(self, name: str, frame: int) -> bytes:
        """Return a frame as JPEG.

        Raises:
            IndexError: There is no such frame.
            VideoError: It cannot be read.
            Dropped: Newer wishes have pushed it out.
        """
        index = self.index(name)
        with self._opening:
            pictures = self._pictures.pop(name, None) or Pictures(index.path, index)
            self._pictures[name] = pictures  # at the end: that of the oldest goes
            oldest = next(iter(self._pictures)) if len(self._pictures) > _MOST_OPEN else None
        if oldest is not None:
            self._close_pictures(oldest)
        return pictures.get(frame)

    def media(self, name: str) -> Path | None:
        """Return the file that a browser plays; None where there is none."""
        if self._has_proxy(name):
            return self._proxy(name)
        path = self.index(name).path
        return path if path.is_file() else None

    def start_proxy(self, name: str) -> Job:
        """Begin to make a playable copy, unless there is one."""
        return self._start("proxy", name, self._proxy(name), make_proxy)

    def proxy_state(self, name: str) -> dict[str, Any]:
        """Return how far the playable copy is."""
        return asdict(Job("ready") if self._has_proxy(name) else self.jobs.state("proxy", name))

    def start_motion(self, name: str) -> Job:
        """Begin to measure how much a video moves, unless that is known."""
        return self._start("motion", name, self._motion_file(name), measure_motion)

    def _start(
        self, kind: str, name: str, path: Path, make: Callable[[Path, Path, float, Progress], None]
    ) -> Job:
        video = self.dataset.videos[name]
        if is_made(path, video.path):  # pages ask each time a video is opened
            return Job("ready")
        frames = self.index(name).num_frames
        return self.jobs.start(
            kind, name, frames, lambda told: make(path, video.path, video.fps, told)
        )

    def motion(self, name: str) -> dict[str, Any]:
        """Return motion and hand tracks of a video in equal pieces, or how far the former is."""
        path = self._motion_file(name)
        made = is_made(path, self.dataset.videos[name].path)
        state = Job("ready") if made else self.jobs.state("motion", name)
        motion = pieces(np.load(path)) if made else None
        if motion is not None:
            top = float(np.quantile(motion, 0.99)) or 1.0
            motion = np.minimum(motion / top, 1).round(3).tolist()
        return asdict(state) | {"motion": motion, "hands": self._tracks(name)}

    def _tracks(self, name: str) -> dict[str, list[list[float] | None]] | None:
        path = self.dataset.runs / "align" / f"{name}.csv"
        if not path.exists():
            return None
        tracks = read_tracks(path)
        chosen = np.linspace(0, len(tracks) - 1, min(PIECES, len(tracks))).round().astype(int)
        picked = tracks.iloc[chosen].round(3)
        return {
            side: [
                None if np.isnan(x) else [x, y]
                for x, y in picked[[f"{side}_x", f"{side}_y"]].to_numpy(float).tolist()
            ]
            for side in ("left", "right")
        }

    def _proxy(self, name: str) -> Path:
        return self.dataset.cache / "proxy" / f"{name}.mp4"

    def _motion_file(self, name: str) -> Path:
        return self.dataset.cache / "motion" / f"{name}.npy"

    def _has_proxy(self, name: str) -> bool:
        return is_made(self._proxy(name), self.dataset.videos[name].path)

    # ---------------------------------------------------------------------------------- its labels

    @property
    def id(self) -> str:
        """What tells the dataset from another that was served at the same address."""
        return hashlib.sha256(str(self.dataset.root).encode()).hexdigest()[:16]

    def edit(self, edit: Edit, id: str = "") -> None:
        """Change labels as one step of undo; see `LabelStore.edit`."""
        if edit.remove or edit.add:
            self.store.edit(edit, id)

    def state(self, table: str, video: str, name: str) -> dict[str, Any]:
        """Return the rows of a video under a name, and how many steps can be undone and redone."""
        undo, redo = self.store.count_steps(table, video)
        version = self.store.versions().get((table, video), 0)
        rows = self.store.rows(table, video)
        return {"version": version, name: rows, "undo": undo, "redo": redo}

    def table(self, tier: str) -> str:
        """Return the table of a tier: "" is actions.csv, "review" a draft, else an annotator's.

        Raises:
            LabelError: There is no such annotator.
        """
        if tier in ("", "review"):
            return tier or "actions"
        if tier != self.task.annotator and tier not in self.store.annotators():
            raise LabelError(f"there is no annotator {tier!r}")
        return f"annotators/{tier}"

    def remember(self, what: tuple[str, ...], stamp: object, make: Callable[[], T]) -> T:
        """Return what `make` returned when it was asked for last, unless the stamp is another."""
        known = self._memory.get(what)
        if known is None or known[0] != stamp:
            known = self._memory[what] = (stamp, make())
        return known[1]

    def versions(self) -> dict[str, Any]:
        """Return how often what was changed, and why a table cannot be written for now."""
        versions = {f"{table}/{video}": n for (table, video), n in self.store.versions().items()}
        return {"versions": versions, "problem": self.store.problem}

    @property
    def scout(self) -> "Scout | None":
        """The localiser at work, from the first time it is asked for; None where there is none."""
        with self._scouting:
            if self._scout is None and self._localizer_file.exists():
                from handact.labelling.scout import Scout  # which brings torch along

                self._scout = Scout(self.dataset, self._localizer_file, self._log)
            return self._scout

    @property
    def _localizer_file(self) -> Path:
        return self.dataset.run(self.task.hands_run) / "best.pt"


def _is_of(index: VideoIndex, path: Path) -> bool:
    return file_fingerprint(path) == (index.size, index.mtime_ns)


def pieces(values: np.ndarray) -> np.ndarray:
    """Return the means of at most PIECES equal parts of a curve."""
    starts = np.linspace(0, len(values), min(PIECES, len(values)), endpoint=False).astype(int)
    return np.add.reduceat(values, starts) / np.diff(np.append(starts, len(values)))
