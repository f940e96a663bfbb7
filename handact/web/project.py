"""What the pages show of a dataset, and what they change: plain values, without a word of HTTP."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from handact.dataset import Dataset, Video, read_dataset, video_index
from handact.errors import LabelError
from handact.formats.settings import add_classes
from handact.formats.tables import read_tracks
from handact.labelling import (
    Edit,
    LabelStore,
    Prediction,
    Scout,
    fill_gaps,
    find_places,
    guess_between,
    predicted_videos,
    read_predictions,
    spread_frames,
)
from handact.labelling.frames import APART, BETWEEN, keep_apart
from handact.labelling.store import to_rows
from handact.labels import Segment, frame_edges, frames_from_segments
from handact.metrics import Intervals, cohen_kappa, match_intervals
from handact.plots import class_colours
from handact.progress import Log
from handact.timestudy import Step, step_times, steps_from_segments, waiting_times
from handact.video import VideoIndex
from handact.web.jobs import PIECES, Job, Jobs, browser_plays, is_made, make_proxy, measure_motion
from handact.web.pictures import Pictures

__all__ = ["Project", "Task"]

_CLASS_KEYS = "123456789bcdeghjkqtvxy"  # the other letters are commands
_MOST_OPEN = 4  # videos that are decoded at once
_UNSURE = 0.35  # doubt above which a frame is worth a label before others


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
        self._opening = Lock()
        self.store = LabelStore(self.dataset, log)

    def close(self) -> None:
        """Save everything and stop what runs in the background."""
        self.store.close()
        self.jobs.close()
        if self.scout is not None:
            self.scout.close()
        for pictures in self._pictures.values():
            pictures.close()

    # --------------------------------------------------------------------------------- the dataset

    def describe(self) -> dict[str, Any]:
        """Return names, classes with their colours and keys, videos, runs, annotators."""
        data, task = self.dataset, self.task
        runs = {path.name: predicted_videos(path) for path in sorted(data.runs.glob("*"))}
        runs = {run: [v for v in names if v in data.videos] for run, names in runs.items()}
        return {
            "id": hashlib.sha256(str(data.root).encode()).hexdigest()[:16],
            "name": data.name,
            "background": data.background,
            "classes": self._classes(),
            "videos": [self._describe_video(video) for video in data.videos.values()],
            "runs": {run: names for run, names in runs.items() if names},
            "run": task.run,
            "has_localizer": self._localizer_file.exists(),
            "annotators": self.store.annotators(),
            "annotator": task.annotator,
            "video": task.video,
        }

    def _classes(self) -> list[dict[str, Any]]:
        names, background = self.dataset.classes, self.dataset.background
        colours = class_colours(len(names), names.index(background))
        keys = iter(_CLASS_KEYS)
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
            "segments": len(self.store.rows(self._table(self.task.annotator), video.name)),
            "hand_frames": len(self.store.rows("hands", video.name)),
        }

    def add_class(self, name: str) -> dict[str, Any]:
        """Add a class to dataset.toml and return the description anew.

        Raises:
            LabelError: It has no name, or is there already.
        """
        name = " ".join(str(name).split())
        if not name or len(name) > 200:
            raise LabelError("a class needs a name of up to 200 letters")
        if name in self.dataset.classes:
            raise LabelError(f"the class {name!r} is there already")
        add_classes(self.dataset.root / "dataset.toml", [name])
        self.dataset = read_dataset(self.dataset.root, with_labels=False)
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
        with self._opening:
            if name not in self._indices:
                self._indices[name] = video_index(self.dataset, self.dataset.videos[name])
            return self._indices[name]

    def edges(self, name: str) -> np.ndarray:
        """Return when each frame begins and the last one ends: (N + 1,) seconds."""
        index = self.index(name)
        return frame_edges(index.seconds, index.fps)

    def picture(self, name: str, frame: int) -> bytes:
        """Return a frame as JPEG.

        Raises:
            IndexError: There is no such frame.
            VideoError: It cannot be read.
        """
        index = self.index(name)
        with self._opening:
            pictures = self._pictures.pop(name, None) or Pictures(index.path, index)
            self._pictures[name] = pictures  # at the end: that of the oldest goes
            old = [next(iter(self._pictures))] if len(self._pictures) > _MOST_OPEN else []
            gone = [self._pictures.pop(oldest) for oldest in old]
        for pictures_gone in gone:
            pictures_gone.close()
        return pictures.get(frame)

    def media(self, name: str) -> Path | None:
        """Return the file that a browser plays; None where there is none."""
        if self._has_proxy(name):
            return self._proxy(name)
        path = self.index(name).path
        return path if path.is_file() else None

    def start_proxy(self, name: str) -> Job:
        """Begin to make a playable copy."""
        video = self.dataset.videos[name]
        path, frames = self._proxy(name), self.index(name).num_frames
        return self.jobs.start(
            "proxy", name, frames, lambda told: make_proxy(path, video.path, video.fps, told)
        )

    def proxy_state(self, name: str) -> dict[str, Any]:
        """Return how far the playable copy is."""
        return asdict(Job("ready") if self._has_proxy(name) else self.jobs.state("proxy", name))

    def start_strip(self, name: str) -> Job:
        """Begin to measure how much a video moves."""
        video = self.dataset.videos[name]
        path, frames = self._motion(name), self.index(name).num_frames
        return self.jobs.start(
            "strip", name, frames, lambda told: measure_motion(path, video.path, video.fps, told)
        )

    def strip(self, name: str) -> dict[str, Any]:
        """Return motion and hand tracks of a video in equal pieces, or how far the former is."""
        path = self._motion(name)
        made = is_made(path, self.dataset.videos[name].path)
        state = Job("ready") if made else self.jobs.state("strip", name)
        motion = _pieces(np.load(path)) if made else None
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

    def _motion(self, name: str) -> Path:
        return self.dataset.cache / "motion" / f"{name}.npy"

    def _has_proxy(self, name: str) -> bool:
        path = self._proxy(name)
        return not path.is_symlink() and is_made(path, self.dataset.videos[name].path)

    # ------------------------------------------------------------------------------------- actions

    def actions(self, video: str, track: str) -> dict[str, Any]:
        """Return the segments of a track: "" of actions.csv, "review" a draft, or an annotator."""
        return self._state(self._table(track), video, "segments")

    def edit_actions(
        self, video: str, track: str, remove: Sequence[Any], add: Sequence[Any], id: str = ""
    ) -> dict[str, Any]:
        """Change segments as one step of undo, and return them all.

        Raises:
            StaleEdit: Somebody else changed what is to be changed.
            LabelError: It makes no sense.
        """
        rows = to_rows("actions", add)
        if unknown := [row[2] for row in rows if row[2] not in self.dataset.classes]:
            raise LabelError(f"there is no class {unknown[0]!r}", "add it first")
        self._edit(Edit(self._table(track), video, to_rows("actions", remove), rows), id)
        return self.actions(video, track)

    def step_actions(self, video: str, track: str, kind: str, id: str = "") -> dict[str, Any]:
        """Undo or redo, and return the segments."""
        step = self.store.undo if kind == "undo" else self.store.redo
        step(self._table(track), video, id)
        return self.actions(video, track)

    def _edit(self, edit: Edit, id: str) -> None:
        if edit.remove or edit.add:
            self.store.edit(edit, id)

    def _state(self, table: str, video: str, name: str) -> dict[str, Any]:
        undo, redo = self.store.can_undo(table, video)
        version = self.store.versions().get((table, video), 0)
        return {
            "version": version,
            name: self.store.rows(table, video),
            "undo": undo,
            "redo": redo,
        }

    def _table(self, track: str) -> str:
        if track in ("", "review"):
            return track or "actions"
        if track != self.task.annotator and track not in self.store.annotators():
            raise LabelError(f"there is no annotator {track!r}")
        return f"annotators/{track}"

    def versions(self) -> dict[str, int]:
        """Return how often what was changed."""
        return {f"{table}/{video}": n for (table, video), n in self.store.versions().items()}

    def agreement(self, video: str, one: str, other: str) -> dict[str, Any]:
        """Return how far two tracks of a video agree; boundaries in seconds."""
        both = [self.store.segments(self._table(track), video) for track in (one, other)]
        frames, edges = self.index(video).num_frames, self.edges(video)
        background = self.dataset.background
        names = tuple(
            dict.fromkeys((*self.dataset.classes, *(s.action for its in both for s in its)))
        )
        a, b = (frames_from_segments(its, frames, names, background) for its in both)
        pairs = match_intervals(*(_intervals(its, edges, background) for its in both))
        kept = [[s for s in its if s.action != background] for its in both]
        late = np.array(
            [
                (
                    edges[kept[1][j].start_frame] - edges[kept[0][i].start_frame],
                    edges[kept[1][j].end_frame] - edges[kept[0][i].end_frame],
                )
                for i, j in pairs
            ]
        ).reshape(-1, 2)
        start, end = (float(v) for v in np.abs(late).mean(0)) if len(late) else (None, None)
        kappa = cohen_kappa(a, b, len(names))
        return {
            "kappa": kappa,
            "agree": 100 * float((a == b).mean()),
            "matched": len(pairs),
            "only_a": len(kept[0]) - len(pairs),
            "only_b": len(kept[1]) - len(pairs),
            "start": start,
            "end": end,
            "text": "frames of both, background too; segments of one class match at tIoU 0.5",
        }

    # --------------------------------------------------------------------------------------- hands

    def hands(self, video: str) -> dict[str, Any]:
        """Return the labelled frames of a video."""
        return self._state("hands", video, "labels")

    def edit_hands(
        self, video: str, remove: Sequence[Any], add: Sequence[Any], id: str = ""
    ) -> dict[str, Any]:
        """Change labelled frames as one step of undo; see `edit_actions`."""
        self._edit(Edit("hands", video, to_rows("hands", remove), to_rows("hands", add)), id)
        return self.hands(video)

    def step_hands(self, kind: str, id: str = "") -> dict[str, Any]:
        """Undo or redo the last change of any video; `video` is None where there is none."""
        step = self.store.undo if kind == "undo" else self.store.redo
        edit = step("hands", "", id)
        if edit is None:
            return {"video": None, "frame": None}
        frame = (*edit.add, *edit.remove)[0][0]
        return {"video": edit.video, "frame": frame, **self.hands(edit.video)}

    def hands_progress(self) -> dict[str, Any]:
        """Return how many frames are labelled, with how many hands, in all and by video."""
        rows = self.store.all_rows("hands")
        videos = [
            {"name": video.name, "frames": video.frames, **_count_hands(rows.get(video.name, []))}
            for video in self.dataset.videos.values()
        ]
        keys = ("labelled", "both", "one", "none")
        return {key: sum(v[key] for v in videos) for key in keys} | {"videos": videos}

    def hands_queue(self, num: int, video: str | None) -> dict[str, Any]:
        """Return frames to label next: those that the localiser is unsure of, then spread ones."""
        chosen = [v for v in self.dataset.videos.values() if video in (None, v.name)]
        rows = self.store.all_rows("hands")
        labelled = {v.name: [row[0] for row in rows.get(v.name, ())] for v in chosen}
        apart = {v.name: max(1, round(APART * v.fps)) for v in chosen}
        found = [f for f in self.scout.findings() if f[0] in labelled] if self.scout else []
        why = {(name, frame): reason for name, frame, doubt, reason in found if doubt > _UNSURE}
        frames = list(keep_apart(list(why), labelled, apart=apart))[:num]
        for name, frame in frames:
            labelled[name].append(frame)
        lengths = {v.name: v.frames for v in chosen}
        for distance in (apart, dict.fromkeys(apart, 1)):  # short videos are filled up at last
            more = spread_frames(lengths, labelled, num - len(frames), apart=distance)
            frames += more
            for name, frame in more:
                labelled[name].append(frame)
        spread = "spread over the videos"
        return {
            "frames": [
                {"video": name, "frame": frame, "why": why.get((name, frame), spread)}
                for name, frame in frames
            ],
            "localizer": self._describe_scout(),
        }

    def guess_hands(self, video: str, frame: int) -> dict[str, Any]:
        """Return where the hands of a frame may be."""
        most = round(BETWEEN * self.dataset.videos[video].fps)
        between = guess_between(self.store.rows("hands", video), frame, most)
        if between is not None:
            return {"source": "between labels", **_places(*between), "p": None}
        if self.scout is None:
            return {"source": None, "left": None, "right": None, "p": None}
        image = _decode(self.picture(video, frame))
        found = self.scout.guess(image)
        seen = np.where(found[:, :1] > 0.5, found[:, 1:], np.nan).clip(0, 1)
        cells = [None if np.isnan(x) else round(float(x), 5) for x in seen.ravel()]
        return {"source": "localiser", **_places(*cells), "p": found[:, 0].round(3).tolist()}

    @property
    def _localizer_file(self) -> Path:
        return self.dataset.run(self.task.hands_run) / "best.pt"

    @cached_property
    def scout(self) -> Scout | None:
        """The localiser at work; None where there is none, or nobody labels hands."""
        if self.task.view != "hands" or not self._localizer_file.exists():
            return None
        return Scout(self.dataset, self._localizer_file, self._log)

    def _describe_scout(self) -> dict[str, Any]:
        if self.scout is None:
            return {"state": "none", "done": 0, "total": 0}
        return {key: getattr(self.scout, key) for key in ("state", "done", "total")}

    # -------------------------------------------------------------------------------------- review

    def review(self, run: str, video: str) -> dict[str, Any]:
        """Return the predictions of a video, and where to look first."""
        predicted = read_predictions(self._run(run), video)
        labelled = bool(self.store.rows("actions", video))
        truth = self.store.segments("actions", video) if labelled else None
        frames = self.index(video).num_frames
        return {
            "segments": [
                (p.segment.start_frame, p.segment.end_frame, p.segment.action, p.confidence)
                for p in predicted
            ],
            "labelled": labelled,
            "confidence": _confidence(predicted, frames),
            "places": [asdict(place) for place in self._places(predicted, truth, frames)],
        }

    def _places(
        self, predicted: Sequence[Prediction], truth: Sequence[Segment] | None, frames: int
    ) -> list[Any]:
        data = self.dataset
        return find_places(predicted, truth, frames, data.classes, data.background)

    def review_videos(self, run: str) -> dict[str, Any]:
        """Return the videos that a run has predictions for, and how far their review is."""
        folder = self._run(run)
        names = [name for name in predicted_videos(folder) if name in self.dataset.videos]
        return {"videos": [self._describe_review(folder, name) for name in names]}

    def _describe_review(self, folder: Path, name: str) -> dict[str, Any]:
        video = self.dataset.videos[name]
        labelled = bool(self.store.rows("actions", name))
        truth = self.store.segments("actions", name) if labelled else None
        places = self._places(read_predictions(folder, name), truth, video.frames)
        seen = sum(end - start for start, end, _ in self.store.rows("review", name))
        doubtful = sum(place.kind == "doubtful" for place in places)
        return {
            "name": name,
            "split": video.split,
            "frames": video.frames,
            "labelled": labelled,
            "done": 1.0 if labelled else seen / video.frames,
            "wrong": len(places) - doubtful,
            "doubtful": doubtful,
        }

    def finish_review(self, run: str, video: str) -> dict[str, Any]:
        """Make a person's draft, with predictions in its gaps, the labels of a video.

        Raises:
            LabelError: The video has labels already.
        """
        if self.store.rows("actions", video):
            raise LabelError(f"video {video!r} has labels already", "correct those")
        filled = self._filled(run, video)
        if not filled:
            raise LabelError(f"video {video!r}: there is nothing but background to take over")
        rows = [(s.start_frame, s.end_frame, s.action) for s in filled]
        self.edit_actions(video, "", [], rows)
        return {"segments": len(rows)}

    def _filled(self, run: str, video: str) -> list[Segment]:
        return fill_gaps(
            self.store.segments("review", video),
            [p.segment for p in read_predictions(self._run(run), video)],
            self.index(video).num_frames,
            self.dataset.background,
        )

    def _run(self, name: str) -> Path:
        folder = self.dataset.runs / name
        if Path(name).name != name or not (folder / "segments").is_dir():
            raise LabelError(f"no run {name!r} with predictions", "`handact segment` makes them")
        return folder

    def timestudy(self, video: str, track: str, run: str | None) -> dict[str, Any]:
        """Return how long the steps of a video take; a draft's gaps are filled by a run."""
        edges, background = self.edges(video), self.dataset.background
        if track == "review" and run:
            segments = self._filled(run, video)
        else:
            segments = self.store.segments(self._table(track), video)
        steps = {video: steps_from_segments(segments, background, edges)}
        names = [n for n in self.dataset.classes if any(s.action == n for s in steps[video])]
        waiting = waiting_times(steps, None)
        return {
            "steps": [
                {"action": n, **_times(step_times(n, steps, None), n, steps[video])} for n in names
            ],
            "waiting": {key: getattr(waiting.each, key) for key in ("n", "mean", "sd", "median")}
            | {"total": (waiting.each.mean or 0) * waiting.each.n, "share": waiting.share},
            "watched": float(edges[-1]),
        }


def _times(times: Any, name: str, steps: Sequence[Step]) -> dict[str, Any]:
    total = sum(step.duration for step in steps if step.action == name)
    each = {key: getattr(times.each, key) for key in ("n", "mean", "sd", "median")}
    return each | {"total": total, "share": times.share}


def _pieces(values: np.ndarray) -> np.ndarray:
    """Return the means of at most PIECES equal parts of a curve."""
    starts = np.linspace(0, len(values), min(PIECES, len(values)), endpoint=False).astype(int)
    return np.add.reduceat(values, starts) / np.diff(np.append(starts, len(values)))


def _confidence(predicted: Sequence[Prediction], frames: int) -> list[float] | None:
    if not predicted or any(p.confidence is None for p in predicted):
        return None
    curve = np.zeros(frames)
    for p in predicted:
        curve[p.segment.start_frame : p.segment.end_frame] = p.confidence
    return _pieces(curve).round(3).tolist()


def _intervals(segments: Sequence[Segment], edges: np.ndarray, background: str) -> Intervals:
    kept = [s for s in segments if s.action != background]
    return Intervals(
        np.array([s.action for s in kept], object),
        edges[[s.start_frame for s in kept]] if kept else np.zeros(0),
        edges[[s.end_frame for s in kept]] if kept else np.zeros(0),
    )


def _count_hands(rows: Sequence[Sequence[Any]]) -> dict[str, int]:
    number = [(row[1] is not None) + (row[3] is not None) for row in rows]
    return {
        "labelled": len(rows),
        "both": number.count(2),
        "one": number.count(1),
        "none": number.count(0),
    }


def _places(
    left_x: float | None, left_y: float | None, right_x: float | None, right_y: float | None
) -> dict[str, list[float] | None]:
    return {
        "left": None if left_x is None or left_y is None else [left_x, left_y],
        "right": None if right_x is None or right_y is None else [right_x, right_y],
    }


def _decode(jpeg: bytes) -> np.ndarray:
    import cv2

    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
