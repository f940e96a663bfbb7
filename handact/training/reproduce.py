"""`reproduce`: is all that a run was made of still there, and does it give the same run again?"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from handact.checkpoint import fingerprint, load_checkpoint
from handact.config import ActionConfig, AlignConfig, HandsConfig, read_config
from handact.dataset import Dataset, Video, find_dataset_root
from handact.device import pick_device
from handact.distributed import launched_processes
from handact.errors import TrainingError
from handact.progress import Log, ShowProgress
from handact.training.action import action_data, train_action
from handact.training.hands import hands_data, train_hands
from handact.training.loop import changed_settings
from handact.training.record import (
    RECORD,
    describe_machine,
    describe_videos,
    read_record,
)
from handact.weights import RELEASES

__all__ = [
    "Finding",
    "Outcome",
    "PastRun",
    "check_run",
    "compare_outcomes",
    "find_dataset",
    "read_run",
    "refuse_differences",
    "train_again",
]

_TOLD = ("command", "cpus")  # in a session, but of no consequence


@dataclass(frozen=True)
class PastRun:
    """A run as its folder describes it.

    Attributes:
        folder: Absolute.
        kind: hands or action.
        record: See `handact.training.record`.
        config: Its settings.
        align: Those of the aligned cache; None of a hands run.
    """

    folder: Path
    kind: str
    record: dict[str, Any]
    config: HandsConfig | ActionConfig
    align: AlignConfig | None


@dataclass(frozen=True)
class Finding:
    """One thing that a run was made of, then and now.

    Attributes:
        what: Its name, for people.
        then: As the record says; None: not there.
        now: As it is.
        required: Whether another one makes another run; versions and machine rarely do.
    """

    what: str
    then: str | None
    now: str | None
    required: bool = True

    @property
    def same(self) -> bool:
        """Whether nothing has changed."""
        return self.then == self.now


@dataclass(frozen=True)
class Outcome:
    """How far two runs lie apart.

    Attributes:
        epochs: Of either run.
        columns: The largest difference of each column of log.csv, and its epoch.
        tensors: Of best.pt; None where the runs are not of one length.
        differing: How many of these are not the same, bit for bit.
    """

    epochs: tuple[int, int]
    columns: dict[str, tuple[float, int]]
    tensors: int | None
    differing: int

    @property
    def same(self) -> bool:
        """Whether both runs are one, to the last digit."""
        apart = [difference for difference, _ in self.columns.values() if difference != 0]
        return bool(self.tensors) and self.differing == 0 and not apart


def read_run(folder: Path) -> PastRun:
    """Read what a run folder says of its run.

    Raises:
        TrainingError: It has no record.
        ConfigError: Its settings cannot be read.
    """
    record, settings = read_record(folder), folder / "config.toml"
    if record["kind"] == "hands":
        return PastRun(folder, "hands", record, read_config(HandsConfig, settings), None)
    align = read_config(AlignConfig, settings)
    return PastRun(folder, "action", record, read_config(ActionConfig, settings), align)


def find_dataset(run: PastRun) -> Path:
    """Return the dataset folder around a run, or that of its record.

    Raises:
        LabelError: The latter is none any more.
    """
    around = run.folder.parent.parent
    if (around / "dataset.toml").is_file():
        return around
    return find_dataset_root(run.record["dataset"]["folder"])


def check_run(run: PastRun, dataset: Dataset, device: str) -> list[Finding]:
    """Compare what a run was made of with what is there now.

    Args:
        run: See `read_run`.
        dataset: To train it on again.
        device: auto, cpu, cuda or cuda:N.

    Raises:
        HandactError: There is no such device, or the dataset has nothing to train on.
    """
    if run.kind == "hands":
        data = hands_data(dataset, run.config)
    else:
        hands_run = run.record["hands_run"]
        data = action_data(dataset, run.align, hands_run and hands_run["sha256"])
    return [
        _compare_settings(run),
        Finding("labels", run.record["dataset"]["labels"][:12], data.labels[:12]),
        *_compare_videos(run, dataset, data.videos),
        *_compare_files(run, dataset),
        *_compare_machines(run, device),
    ]


def refuse_differences(run: PastRun, findings: list[Finding]) -> None:
    """Raise TrainingError if a run would not be the same run."""
    names = [finding.what for finding in findings if finding.required and not finding.same]
    if names:
        raise TrainingError(
            f"{run.folder}: not what it was: {', '.join(names)}",
            "`--anyway` trains with what is there",
        )


def train_again(
    run: PastRun, dataset: Dataset, again: Path, *, device: str, show: ShowProgress, log: Log
) -> None:
    """Train with the settings of a run, into another folder; one that was stopped goes on.

    Args:
        run: See `read_run`.
        dataset: To train it on.
        again: Run folder.
        device: auto, cpu, cuda or cuda:N.
        show: Shows how far work has come.
        log: Takes a line for people.

    Raises:
        HandactError: See `train_hands` and `train_action`.
    """
    if again.resolve() == run.folder.resolve():
        raise TrainingError(f"{again}: is the run itself", "`--run NAME` names another")
    if (again / RECORD).exists():
        _refuse_other_conditions(read_run(again), dataset, device)
    config = _place_weights(run, dataset)
    if run.kind == "hands":
        with (
            show("labelled frames", "videos") as on_read,
            show("weights", "MB") as on_weights,
            show("train-hands", "epochs") as on_progress,
        ):
            train_hands(
                dataset.root,
                config,
                run=str(again),
                device=device,
                on_progress=on_progress,
                on_read_progress=on_read,
                on_weights_progress=on_weights,
                log=log,
            )
        return
    hands_file = _hands_file(run, dataset)
    with (
        show("weights", "MB") as on_weights,
        show("align", "frames") as on_align,
        show("train-action", "steps") as on_progress,
    ):
        train_action(
            dataset.root,
            config,
            run.align,
            run=str(again),
            hands_run=str(hands_file.parent) if hands_file else "none",
            device=device,
            on_progress=on_progress,
            on_align_progress=on_align,
            on_weights_progress=on_weights,
            log=log,
        )


def compare_outcomes(run: PastRun, again: Path) -> Outcome:
    """Compare log and best network of a run with those of another.

    Raises:
        CheckpointError: A run of epochs has no best.pt.
    """
    logs = [_read_log(folder) for folder in (run.folder, again)]
    epochs = len(logs[0]), len(logs[1])
    then, now = logs[0].align(logs[1], join="inner", axis=0)
    then, now = then.align(now, join="outer", axis=1)
    apart = (then - now).abs().mask(then.isna() & now.isna(), 0.0).fillna(math.inf)
    columns = {
        name: (float(column.max()), int(column.idxmax()))
        for name, column in apart.items()
        if len(column)
    }
    if not columns or epochs[0] != epochs[1]:
        return Outcome(epochs, columns, None, 0)
    old, new = (load_checkpoint(f / "best.pt", run.kind)["state"] for f in (run.folder, again))
    same = [key for key in old.keys() & new.keys() if torch.equal(old[key], new[key])]
    number = len(old.keys() | new.keys())
    return Outcome(epochs, columns, number, number - len(same))


def _refuse_other_conditions(again: PastRun, dataset: Dataset, device: str) -> None:
    """A repetition that was begun under other conditions shows nothing about these."""
    others = [finding.what for finding in check_run(again, dataset, device) if not finding.same]
    if others:
        raise TrainingError(
            f"{again.folder}: an earlier repetition, with other {', '.join(others)}",
            "`--run NAME` names another folder",
        )


def _place_weights(run: PastRun, dataset: Dataset) -> HandsConfig | ActionConfig:
    """Return the settings with the files of weights where they lie now: a dataset may move."""
    keys = {"localizer": "weights", "backbone": "weights", "hands": "hand_weights"}
    if run.kind == "action" and run.config.hand_weights is None:
        keys["hands"] = "weights"
    files = {
        keys[part]: str(dataset.root / start["source"])
        for part, start in run.record["starts"].items()
        if "://" not in start["source"]
    }
    return replace(run.config, **files)


def _hands_file(run: PastRun, dataset: Dataset) -> Path | None:
    hands_run = run.record["hands_run"]
    return hands_run and dataset.root / hands_run["path"]


def _compare_settings(run: PastRun) -> Finding:
    """Compare config.toml, which anybody can edit, with what the network says it was trained with.

    A run that was stopped in its first epoch has no network yet.
    """
    if not (run.folder / "best.pt").exists():
        return Finding("settings", "no network yet", "no network yet")
    best = load_checkpoint(run.folder / "best.pt", run.kind)
    changed = changed_settings(best["config"], run.config)
    if run.align is not None:
        changed += changed_settings(best["input"]["align"], run.align)
    return Finding(
        "settings", "as trained", f"other: {', '.join(changed)}" if changed else "as trained"
    )


def _compare_videos(run: PastRun, dataset: Dataset, videos: list[Video]) -> Iterator[Finding]:
    then = {video["video"]: video for video in run.record["dataset"]["videos"]}
    now = {video["video"]: video for video in describe_videos(dataset.root, videos)}
    yield Finding("videos", str(len(then)), str(len(now)))
    for name in then | now:
        old, new = (_size(table.get(name)) for table in (then, now))
        if old != new:
            yield Finding(f"video {name}", old, new)
    touched = [
        name for name in then if name in now and then[name]["mtime_ns"] != now[name]["mtime_ns"]
    ]
    if touched:
        # A copy has another one, too; most other videos are told by their size.
        named = "all others" if len(touched) == len(now) else f"others: {', '.join(touched)}"
        yield Finding("time stamps of videos", None, named, required=False)


def _size(video: dict[str, Any] | None) -> str | None:
    return video and f"{video['size']} bytes"


def _compare_files(run: PastRun, dataset: Dataset) -> Iterator[Finding]:
    """Compare the checkpoints and weights that the run began with."""
    if hands_run := run.record["hands_run"]:
        path, then = hands_run["path"], hands_run["sha256"]
        yield Finding(f"hands run {path}", then[:12], _sha256(dataset.root / path))
    published = {release.url: release.sha256 for release in RELEASES}
    for part, start in run.record["starts"].items():
        source, then = start["source"], start["sha256"]
        if source in published:  # what is downloaded is held against its publisher's digits
            digits = published[source]
            yield Finding(f"weights of {part}", then[: len(digits)], digits)
        else:
            now = _sha256(dataset.root / source)
            yield Finding(f"weights of {part} {source}", then[:12], now)


def _sha256(path: Path) -> str | None:
    return fingerprint(path)[:12] if path.is_file() else None


def _compare_machines(run: PastRun, device: str) -> Iterator[Finding]:
    """Compare versions and machine with those of every session of the run."""
    now = describe_machine(pick_device(device))
    now["processes"] = str(launched_processes().number)
    for key, value in now.items():
        if key not in _TOLD:
            values = [session.get(key) for session in run.record["sessions"]]
            then = ", ".join(dict.fromkeys(str(v) for v in values if v is not None))
            yield Finding(key, then or None, value, required=False)


def _read_log(folder: Path) -> pd.DataFrame:
    path = folder / "log.csv"
    if not path.exists():
        return pd.DataFrame()
    # Python reads numbers to the last bit, pandas does not in every version.
    return pd.read_csv(path, dtype=str).astype(float).set_index("epoch")
