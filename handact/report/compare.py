"""What changes from one run to another: per class, overall, and how sure that is."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from handact.errors import LabelError
from handact.files import write_json
from handact.formats.tables import write_table
from handact.metrics import (
    VideoScores,
    change_intervals,
    clip_scores,
    draw_videos,
    sequence_scores,
)
from handact.plots import ChangeRow, plot_changes
from handact.report.runs import gather_notes, require_same_truth
from handact.report.writing import describe_sequences, make_folder, remove_stale, title_videos
from handact.results import Clips, Sequences

__all__ = ["COMPARE_LEVELS", "describe_compare", "state_compare", "write_compare_report"]

COMPARE_LEVELS = {
    "sequence_level": "long videos, F1@50",
    "segment_level": "trimmed segments, F1",
}
_FEWEST_VIDEOS = 5
_DRAWS, _SEED = 2000, 0
_MEAN = "mean of classes"
_CHANGE = ("a", "b", "change", "low", "high", "few_videos")

Runs = tuple[Sequences, Sequences]


def describe_compare(
    runs: Runs,
    clips: tuple[Clips, Clips] | None = None,
    *,
    include_background: bool = False,
) -> dict[str, Any]:
    """Return what changes from run A to run B as a dict for JSON.

    Args:
        runs: Both on long videos, the same ones.
        clips: Both on trimmed segments, the same ones; None where there are none.
        include_background: As in `metrics.sequence_metrics`.

    Returns:
        `a`, `b`, names of the runs; `sequence_level` and `segment_level` (or None), each with
        `overall` {score: ...} and `per_class` {class: ...}, greatest gain first. A change is `a`,
        `b`, `change`, `low`, `high` (95 % interval of the change; None from one video), all in
        percent, and `few_videos`, whether the interval is to be distrusted; that of a class has
        `support` (true segments) and `num_videos` (that they lie in) too. Classes that do not occur
        in the truth have no F1 and are left out. `variant` says how all this was computed, `notes`
        what to beware of.

    Raises:
        LabelError: The runs are about different videos, classes or labels.
    """
    require_same_truth(*runs)
    pair = clips or (None, None)
    a, b = (
        describe_sequences(run, clip, include_background=include_background)
        for run, clip in zip(runs, pair, strict=True)
    )
    weights = draw_videos(len(runs[0].truth), _DRAWS, _SEED)
    scores = _score_sequences(runs, include_background)
    report = {
        "a": runs[0].run or "A",
        "b": runs[1].run or "B",
        "sequence_level": _describe_level(a, b, "f1@50", scores, weights, runs[0].classes),
        "segment_level": None,
    }
    if clips:
        levels = a["segment_level"], b["segment_level"]
        clip = _score_clips(clips, list(runs[0].truth))
        report["segment_level"] = _describe_level(*levels, "f1", clip, weights, runs[0].classes)
    report["variant"] = _describe_variant(a["variant"], b["variant"], len(runs[0].truth))
    report["notes"] = (*gather_notes(runs), *_note_videos(report))
    return report


def _score_sequences(runs: Runs, include_background: bool) -> list[VideoScores]:
    at = None if include_background else runs[0].classes.index(runs[0].background)
    return [sequence_scores(r.truth, r.predicted, len(r.classes), at) for r in runs]


def _score_clips(clips: tuple[Clips, Clips], names: Sequence[str]) -> list[VideoScores]:
    for what in ("classes", "videos", "truth"):
        if not np.array_equal(*(getattr(clip, what) for clip in clips)):
            raise LabelError(
                f"the {what} of the two runs' trimmed segments differ",
                "compare runs on the same videos and labels",
            )
    return [clip_scores(c.truth, c.predicted, c.videos, names, len(c.classes)) for c in clips]


def _describe_level(
    a: Mapping[str, Any],
    b: Mapping[str, Any],
    key: str,
    scores: Sequence[VideoScores],
    weights: np.ndarray,
    classes: Sequence[str],
) -> dict[str, Any]:
    """Points are those that `report metrics` shows; only the intervals come from `scores`."""
    overall, by_class = change_intervals(*scores, weights)
    num_videos = (scores[0].support > 0).sum(axis=0).tolist()
    rows = {}
    for k, name in enumerate(classes):
        one, other = a["per_class"].get(name), b["per_class"].get(name)
        if one and one["support"]:  # else it is left out, or has no F1
            change = _describe_change(one[key], other[key], by_class[k], num_videos[k])
            rows[name] = change | {"support": one["support"], "num_videos": num_videos[k]}
    order = sorted(rows, key=lambda name: -rows[name]["change"])
    return {
        "overall": {
            name: _describe_change(a[name], b[name], interval, weights.shape[1])
            for name, interval in overall.items()
            if a[name] is not None
        },
        "per_class": {name: rows[name] for name in order},
    }


def _describe_change(
    a: float, b: float, interval: Sequence[float], num_videos: int
) -> dict[str, Any]:
    # What is drawn from one video is always that video, which would look like certainty.
    low, high = map(float, interval) if num_videos > 1 else (None, None)
    few = num_videos < _FEWEST_VIDEOS
    return {"a": a, "b": b, "change": b - a, "low": low, "high": high, "few_videos": few}


def _describe_variant(
    a: Mapping[str, Any], b: Mapping[str, Any], num_videos: int
) -> dict[str, Any]:
    variant = {key: value for key, value in a.items() if key not in ("run", "how")}
    return variant | {
        "how_a": a["how"],
        "how_b": b["how"],
        "interval": {
            "percent": 95,
            "method": "percentile bootstrap over videos, the same videos for both runs",
            "draws": _DRAWS,
            "seed": _SEED,
            "num_videos": num_videos,
        },
    }


def _note_videos(report: Mapping[str, Any]) -> tuple[str, ...]:
    number = report["variant"]["num_videos"]
    if number == 1:
        return ("one video gives no interval: how much videos differ cannot be told from one",)
    if number < _FEWEST_VIDEOS:
        return (f"{number} videos are too few: intervals from them mean next to nothing",)
    rare = dict.fromkeys(
        name
        for level in COMPARE_LEVELS
        for name, row in (report[level] or {"per_class": {}})["per_class"].items()
        if row["few_videos"]
    )
    if not rare:
        return ()
    names = ", ".join(repr(name) for name in rare)
    return (
        f"in fewer than {_FEWEST_VIDEOS} videos, so with no interval to trust: {names}",
        f"draws without such a class leave it out of the {_MEAN}, whose interval may lie off"
        " centre for that, or even beside the change",
    )


def state_compare(report: Mapping[str, Any]) -> str:
    """Say in a few sentences what the changes are about: videos, split, variant, runs."""
    variant = report["variant"]
    counted = "counted as a class" if variant["background_in_edit_and_f1"] else "left out"
    trimmed = " and on trimmed segments" if report["segment_level"] else ""
    interval = variant["interval"]
    return (
        f"{title_videos(variant)}, {variant['num_frames']} frames."
        f" A, {report['a']}: {variant['how_a']}. B, {report['b']}: {variant['how_b']}."
        f" F1 pooled over videos; background {variant['background']!r} {counted} in edit and F1 of"
        f" long videos, counted in frame accuracy{trimmed}. Intervals of 95 %:"
        f" {interval['method']}, {interval['draws']} draws."
    )


def write_compare_report(folder: str | Path, report: Mapping[str, Any]) -> list[Path]:
    """Write compare.json, compare.csv and compare.png, and return the files.

    Args:
        folder: Made if it is not there; the page of an earlier report is removed from it.
        report: From `describe_compare`.
    """
    folder = make_folder(folder)
    remove_stale(folder, "compare.html")
    write_json(folder / "compare.json", report)
    columns = ("level", "of", "name", *_CHANGE, "support", "num_videos")
    rows = [
        (level, of, name, *(row.get(column) for column in columns[3:]))
        for level in COMPARE_LEVELS
        if report[level]
        for of, part in (("all", "overall"), ("class", "per_class"))
        for name, row in report[level][part].items()
    ]
    write_table(folder / "compare.csv", columns, rows)
    _draw_changes(folder / "compare.png", report)
    return [folder / name for name in ("compare.json", "compare.csv", "compare.png")]


def _draw_changes(path: Path, report: Mapping[str, Any]) -> None:
    about = title_videos(report["variant"])
    panels = {
        title: _change_rows(report[level])
        for level, title in COMPARE_LEVELS.items()
        if report[level]
    }
    plot_changes(path, panels, title=f"From {report['a']} to {report['b']}: {about}")


def _change_rows(level: Mapping[str, Any]) -> list[ChangeRow]:
    """Classes, and their mean below them."""
    means = [(_MEAN, row) for name, row in level["overall"].items() if name.startswith("macro")]
    return [
        ChangeRow(
            name,
            row["a"],
            row["b"],
            interval=None if row["low"] is None else (row["low"], row["high"]),
            support=row.get("support"),
            few_videos=row["few_videos"],
        )
        for name, row in [*level["per_class"].items(), *means]
    ]
