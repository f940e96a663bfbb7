"""From truth and prediction to figures as plain dicts, and from there to files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from handact.errors import ConfigError
from handact.files import check_writable, write_json
from handact.formats.tables import write_table
from handact.metrics import (
    HAND_THRESHOLDS,
    Average,
    Counts,
    clip_metrics,
    frame_accuracy,
    hand_counts,
    sequence_metrics,
)
from handact.plots import (
    TimelineRow,
    plot_class_scores,
    plot_confusion,
    plot_hand_errors,
    plot_timeline,
)
from handact.report.runs import require_same_truth
from handact.results import Clips, EngineResult, HandPairs, Sequences

__all__ = [
    "MAIN_FIGURES",
    "check_folder",
    "describe_engines",
    "describe_hands",
    "describe_sequences",
    "make_folder",
    "number_of",
    "remove_stale",
    "state_hands",
    "state_sequences",
    "title_videos",
    "write_engines_report",
    "write_hands_report",
    "write_metrics_report",
    "write_timeline",
]

MAIN_FIGURES = ("frame_accuracy", "edit", "f1@10", "f1@25", "f1@50")
_MAX_TIMELINES = 40


def describe_sequences(
    result: Sequences,
    clips: Clips | None = None,
    *,
    average: Average = "pooled",
    include_background: bool = False,
) -> dict[str, Any]:
    """Return all figures about actions as a dict for JSON.

    Args:
        result: Truth and prediction of long videos.
        clips: Truth and prediction of trimmed segments.
        average: As in `metrics.sequence_metrics`.
        include_background: As in `metrics.sequence_metrics`.

    Returns:
        What `metrics.sequence_metrics` gives, with `classes`, `segment_level` (what
        `metrics.clip_metrics` gives, or None) and `baselines`: `most_frequent_class` of the truth
        for every frame and clip, and `chance` (a class drawn evenly) for clips.
    """
    report = sequence_metrics(
        result.truth,
        result.predicted,
        list(result.classes),
        background=result.background,
        include_background=include_background,
        average=average,
        fps=result.fps or None,
    )
    report["variant"] |= {"split": result.split, "run": result.run, "how": result.how}
    report["classes"] = list(result.classes)
    report["segment_level"] = None
    report["baselines"] = {"most_frequent_class": _most_frequent(result, average)}
    if clips is not None:
        report["segment_level"] = clip_metrics(clips.truth, clips.predicted, clips.classes)
        report["baselines"]["most_frequent_class"] |= _most_frequent_clip(clips)
        report["baselines"]["chance"] = {"clip_accuracy": 100 / len(clips.classes)}
    return report


def _most_frequent(result: Sequences, average: Average) -> dict[str, Any]:
    counts = np.bincount(np.concatenate(list(result.truth.values())), minlength=len(result.classes))
    best = int(counts.argmax())
    shares = [frame_accuracy(x, np.full_like(x, best)) for x in result.truth.values()]
    pooled = 100.0 * float(counts[best]) / max(1, int(counts.sum()))
    return {
        "class": result.classes[best],
        "frame_accuracy": float(np.mean(shares)) if average == "video" else pooled,
    }


def _most_frequent_clip(clips: Clips) -> dict[str, Any]:
    best = int(np.bincount(clips.truth, minlength=len(clips.classes)).argmax())
    accuracy = frame_accuracy(clips.truth, np.full_like(clips.truth, best))
    return {"clip_class": clips.classes[best], "clip_accuracy": accuracy}


def state_sequences(report: Mapping[str, Any]) -> str:
    """Say in a sentence or two what the figures are about: videos, split, variant."""
    variant = report["variant"]
    split = f" of the {variant['split']} split" if variant["split"] else ""
    counted = "counted as a class" if variant["background_in_edit_and_f1"] else "left out"
    average = {"pooled": "pooled over videos", "video": "averaged over videos"}[variant["average"]]
    return (
        f"{number_of(variant['num_videos'], 'video')}{split}, {variant['num_frames']} frames"
        f" ({variant['how']}). F1 {average}; background {variant['background']!r} {counted} in"
        f" edit and F1, counted in frame accuracy."
    )


def describe_engines(results: Sequence[EngineResult]) -> dict[str, Any]:
    """Return what either engine costs and gives, as a dict for JSON.

    Returns:
        By engine `frame_accuracy`, `edit`, `f1@10`, `f1@25`, `f1@50` (percent, MS-TCN's
        conventions) and `frames_per_second`; `stream_speedup`, how many times faster the stream
        is; `agreement` and `agreement_before_cleaning`, percent of the frames on which both say
        the same; and `variant`.
    """
    report: dict[str, Any] = {}
    for result in results:
        figures = describe_sequences(result.sequences)
        frames = figures["variant"]["num_frames"]
        report[result.engine] = {
            **{key: figures[key] for key in MAIN_FIGURES},
            "frames_per_second": frames / result.seconds,
        }
        report.setdefault("variant", figures["variant"])
    windows, stream = results
    report["stream_speedup"] = windows.seconds / stream.seconds
    report["agreement"] = _agreement(windows.sequences.predicted, stream.sequences.predicted)
    report["agreement_before_cleaning"] = _agreement(windows.raw, stream.raw)
    return report


def _agreement(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> float:
    return frame_accuracy(np.concatenate(list(one.values())), np.concatenate(list(other.values())))


def write_engines_report(folder: str | Path, report: Mapping[str, Any]) -> list[Path]:
    """Write engines.json and engines.csv, and return the files."""
    folder = make_folder(folder)
    write_json(folder / "engines.json", report)
    columns = (*MAIN_FIGURES, "frames_per_second")
    rows = [(e, *(report[e][column] for column in columns)) for e in ("windows", "stream")]
    write_table(folder / "engines.csv", ("engine", *columns), rows)
    return [folder / name for name in ("engines.json", "engines.csv")]


def describe_hands(result: HandPairs) -> dict[str, Any]:
    """Return F1@T_L as a dict for JSON.

    Returns:
        "0.05", "0.1", "0.2", "0.3": `tp`, `fp`, `fn`, `precision`, `recall`, `f1` of both hands,
        and the same of `left` and `right`; and `variant`.
    """
    report: dict[str, Any] = {}
    for threshold in HAND_THRESHOLDS:
        counts = hand_counts(result.truth, result.predicted, threshold)
        report[f"{threshold:g}"] = {
            **_describe_counts(counts.total),
            "left": _describe_counts(counts.left),
            "right": _describe_counts(counts.right),
        }
    report["variant"] = {
        "num_frames": len(result.truth),
        "num_videos": int(result.frames["video"].nunique()),
        "num_frames_without_prediction": result.num_unpredicted,
        "distance": "Euclidean, x and y as fractions of the picture's width and height",
        "counting": "a hand in the wrong place is a false positive, not a miss as well",
        "split": result.split,
        "how": result.how,
    }
    return report


def _describe_counts(counts: Counts) -> dict[str, float]:
    scores = {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
    return asdict(counts) | scores


def state_hands(report: Mapping[str, Any]) -> str:
    """Say in a sentence what the figures are about: frames, videos, split."""
    variant = report["variant"]
    split = f" of the {variant['split']} split" if variant["split"] else ""
    return (
        f"{variant['num_frames']} labelled frames of {number_of(variant['num_videos'], 'video')}"
        f"{split} ({variant['how']}); {variant['counting']}."
    )


def number_of(number: int, noun: str) -> str:
    """Return `1 step`, `2 steps`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


# ------------------------------------------------------------------------------------------- files


def write_metrics_report(
    folder: str | Path, report: Mapping[str, Any], result: Sequences
) -> list[Path]:
    """Write metrics.json, metrics.csv, metrics.png, confusion.png and timeline.png.

    Args:
        folder: Made if it is not there; the page of an earlier report is removed from it.
        report: From `describe_sequences`.
        result: What it is about.

    Returns:
        The files.
    """
    folder = make_folder(folder)
    remove_stale(folder, "metrics.html")
    about = title_videos(report["variant"])
    write_json(folder / "metrics.json", report)
    _write_class_table(folder / "metrics.csv", report)
    _draw_class_scores(folder / "metrics.png", report, about)
    plot_confusion(
        folder / "confusion.png",
        np.array(report["confusion"]),
        result.classes,
        title=f"Frames: {about}",
    )
    write_timeline(folder / "timeline.png", result)
    names = ("metrics.json", "metrics.csv", "metrics.png", "confusion.png", "timeline.png")
    return [folder / name for name in names]


def title_videos(variant: Mapping[str, Any]) -> str:
    """Say in a few words how many videos figures are about, and of which split."""
    split = f", {variant['split']} split" if variant["split"] else ""
    return f"{number_of(variant['num_videos'], 'video')}{split}"


def _write_class_table(path: Path, report: Mapping[str, Any]) -> None:
    sequence = report["per_class"]
    segment = (report["segment_level"] or {}).get("per_class", {})
    keys = {"sequence": _keys(sequence), "segment": _keys(segment)}
    columns = ["class", *keys["sequence"], *(f"segment_level_{key}" for key in keys["segment"])]
    rows = [
        [
            name,
            *(sequence.get(name, {}).get(key) for key in keys["sequence"]),
            *(segment.get(name, {}).get(key) for key in keys["segment"]),
        ]
        for name in report["classes"]
        if name in sequence or name in segment
    ]
    write_table(path, columns, rows)


def _keys(per_class: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return list(next(iter(per_class.values()), {}))


def _draw_class_scores(path: Path, report: Mapping[str, Any], about: str) -> None:
    sequence = report["per_class"]
    scores = {"long videos, F1@50": {name: row["f1@50"] for name, row in sequence.items()}}
    support = {name: row["support"] for name, row in sequence.items()}
    if report["segment_level"]:
        rows = report["segment_level"]["per_class"]
        scores["trimmed segments, F1"] = {name: row["f1"] for name, row in rows.items()}
        support = {name: support.get(name, rows[name]["support"]) for name in report["classes"]}
    plot_class_scores(path, scores, support, title=f"F1 per class: {about}")


def write_timeline(path: str | Path, result: Sequences, *others: Sequences) -> int:
    """Draw prediction over truth, one row a video; of many videos the first 40.

    Args:
        path: Picture, .png, .pdf or .svg.
        result: What to draw.
        others: More runs to stack over the same truth, each with its name.

    Returns:
        How many videos the picture shows.

    Raises:
        LabelError: The runs are about different videos, classes or labels.
    """
    for other in others:
        require_same_truth(result, other)
    runs = (result, *others)
    names = list(result.truth)
    rows = [
        TimelineRow(
            v,
            np.stack([run.predicted[v] for run in runs]),
            result.truth[v],
            result.fps.get(v),
            runs=tuple(run.run or "predicted" for run in runs) if others else (),
        )
        for v in names[:_MAX_TIMELINES]
    ]
    title = f"first {len(rows)} of {len(names)} videos" if len(rows) < len(names) else None
    plot_timeline(path, rows, result.classes, result.background, title=title)
    return len(rows)


def write_hands_report(
    folder: str | Path, report: Mapping[str, Any], result: HandPairs
) -> list[Path]:
    """Write hands.json, hands.csv and hands.png.

    Args:
        folder: Made if it is not there; the page of an earlier report is removed from it.
        report: From `describe_hands`.
        result: What it is about.

    Returns:
        The files.
    """
    folder = make_folder(folder)
    remove_stale(folder, "hands.html")
    write_json(folder / "hands.json", report)
    columns = ("tp", "fp", "fn", "precision", "recall", "f1")
    rows = [
        (threshold, hand, *(counts[column] for column in columns))
        for threshold, both in report.items()
        if threshold != "variant"
        for hand, counts in (("both", both), ("left", both["left"]), ("right", both["right"]))
    ]
    write_table(folder / "hands.csv", ("threshold", "hand", *columns), rows)
    scores = ", ".join(f"{report[f'{t:g}']['f1']:.1f} at {t:g}" for t in HAND_THRESHOLDS)
    variant = report["variant"]
    about = f"{variant['num_frames']} frames of {title_videos(variant)}"
    plot_hand_errors(
        folder / "hands.png", result.truth, result.predicted, title=f"F1 {scores}: {about}"
    )
    return [folder / name for name in ("hands.json", "hands.csv", "hands.png")]


def check_folder(folder: Path) -> None:
    """See that a report can be written into a folder, before the work that would be lost.

    Raises:
        ConfigError: It is a file.
        OSError: It cannot be made or written.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: is a file", "give a folder for the report")
    check_writable(folder)


def make_folder(folder: str | Path) -> Path:
    """Return the folder of a report, made if it is not there; raises as `check_folder`."""
    folder = Path(folder)
    check_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def remove_stale(folder: Path, *names: str) -> None:
    """Remove files of an earlier report that this one may not write: they tell other figures."""
    for path in (folder / name for name in names):
        if path.is_file():
            path.unlink()
