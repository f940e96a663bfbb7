"""The page of `report metrics`: its figures, its pictures, and the segments that are worst."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from handact.dataset import Dataset
from handact.metrics import WrongSegment, worst_segments
from handact.report.page import Card, Gallery, Picture, Section, Table, Text, present, write_page
from handact.report.tables import (
    boundary_table,
    class_table,
    data_facts,
    show_clock,
    summary_table,
    trimmed_table,
)
from handact.report.thumbnails import as_jpeg, read_thumbnails
from handact.results import Sequences

__all__ = ["write_metrics_page"]

Thumbnails = Mapping[tuple[str, int], np.ndarray]
"""Video name and frame to a small picture."""

_MOST_SEGMENTS = 24
_FAULTS = (
    "A true segment is missed where no frame of it got its class, and partly wrong where some did"
    " not. A predicted segment never was where no frame of it is right, and is too long where it"
    " reaches into background. Each wrong frame belongs to one of them."
)
_TIMELINE = (
    "Each video: the prediction in the colours of the classes, wrong frames black, over the truth"
    " in grey."
)
_CONFUSION = (
    "Frames of the long videos: what became of those of each true class (a row), in percent."
)


def write_metrics_page(
    folder: Path, report: Mapping[str, Any], result: Sequences, dataset: Dataset | None = None
) -> tuple[Path, tuple[str, ...]]:
    """Write metrics.html, a page of its own, beside the files of `write_metrics_report`.

    Args:
        folder: Where those files lie; the page takes the pictures among them.
        report: From `describe_sequences`.
        result: What it is about.
        dataset: Where the videos are; without it there are no pictures of frames.

    Returns:
        The page, and a sentence for each video that cannot be read.
    """
    worst = worst_segments(result.truth, result.predicted, result.classes, result.background)
    wanted = [(s.video, frame) for s in worst[:_MOST_SEGMENTS] for frame in s.examples]
    thumbnails, notes = read_thumbnails(dataset, wanted) if dataset else ({}, ())
    sections = [
        Section("Summary", present(summary_table(report), boundary_table(report))),
        Section(
            "Classes",
            [
                *present(class_table(report), trimmed_table(report)),
                Picture(folder / "metrics.png", "F1 of each class."),
            ],
        ),
        Section("Timeline", [Picture(folder / "timeline.png", _TIMELINE)]),
        Section("Confusion", [Picture(folder / "confusion.png", _CONFUSION)]),
        Section("Worst segments", _tell_segments(worst, result, thumbnails, notes)),
    ]
    about = f"{dataset.name}, {result.split} split" if dataset else result.how
    path = folder / "metrics.html"
    facts = data_facts(dataset, report["variant"], _facts(report, result))
    write_page(path, f"Metrics: {about}", facts, sections)
    return path, notes


def _facts(report: Mapping[str, Any], result: Sequences) -> dict[str, str]:
    variant = report["variant"]
    counted = "counted as a class" if variant["background_in_edit_and_f1"] else "left out"
    average = {"pooled": "pooled over videos", "video": "mean over videos"}[variant["average"]]
    facts = {
        "videos": f"{variant['num_videos']}, {variant['num_frames']} frames",
        "classes": f"{len(result.classes)}; the background is {result.background!r}",
        "frame accuracy": f"background counted as a class; {average}",
        "edit": f"background {counted}; {variant['edit']}",
        "F1@k": f"background {counted}; {average}; matched in {variant['matching']}",
        "per class": variant["per_class"],
    }
    if report["segment_level"]:
        number = report["segment_level"]["num_segments"]
        facts["trimmed"] = f"{number} segments by their central clips, background among them"
    if result.notes:
        facts["notes"] = "; ".join(result.notes)
    return facts


# ---------------------------------------------------------------------------------- worst segments


def _tell_segments(
    worst: Sequence[WrongSegment],
    result: Sequences,
    thumbnails: Thumbnails,
    notes: Sequence[str],
) -> list[Text | Table | Gallery]:
    if not worst:
        return [Text("No frame is wrong.")]
    shown = worst[:_MOST_SEGMENTS]
    num_shown, num_all = (sum(s.num_wrong for s in some) for some in (shown, worst))
    caption = f"{len(shown)} of {len(worst)} segments with wrong frames, the worst first"
    note = " ".join(
        [f"They hold {num_shown} of {num_all} wrong frames.", *(f"{n}." for n in notes)]
    )
    if not thumbnails:
        return [Text(_FAULTS), _segment_table(shown, result, caption, note)]
    text = f"{_FAULTS} The pictures are the first, the middle and the last wrong frame."
    cards = [_segment_card(segment, result, thumbnails) for segment in shown]
    return [Text(text), Gallery(caption, cards, note)]


def _segment_table(
    worst: Sequence[WrongSegment], result: Sequences, caption: str, note: str
) -> Table:
    columns = ("video", "from", "to", "wrong frames", "of", "fault", "true", "predicted")
    rows = [
        (
            s.video,
            *(_moment(result, s.video, edge) for edge in (s.start_frame, s.end_frame)),
            *(s.num_wrong, s.end_frame - s.start_frame, s.fault, s.truth, s.predicted),
        )
        for s in worst
    ]
    return Table(caption, columns, rows, note)


def _segment_card(segment: WrongSegment, result: Sequences, thumbnails: Thumbnails) -> Card:
    video = segment.video
    edges = (_moment(result, video, edge) for edge in (segment.start_frame, segment.end_frame))
    times = {frame: _moment(result, video, frame) for frame in segment.examples}
    pictures = [
        Picture(as_jpeg(thumbnails[video, frame]), time, f"Video {video} at {time}")
        for frame, time in times.items()
        if (video, frame) in thumbnails
    ]
    length = segment.end_frame - segment.start_frame
    facts = {
        "true": segment.truth,
        "predicted": segment.predicted,
        "wrong": f"{segment.num_wrong} of {length} frames: {segment.fault}",
    }
    return Card(f"{video}, {' to '.join(edges)}", facts, pictures)


def _moment(result: Sequences, video: str, frame: int) -> str:
    """Say when a frame begins: by the clock where that is known, otherwise by its number."""
    if video in result.edges:
        return show_clock(float(result.edges[video][frame]))
    if video in result.fps:
        return show_clock(frame / result.fps[video])
    return f"frame {frame}"
