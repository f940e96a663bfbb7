"""The page of `report timestudy`: its figures, the cycles, and what is odd about some of them."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from handact.dataset import Dataset
from handact.plots import plot_cycle
from handact.report.page import Card, Gallery, Picture, Section, Text, present, write_page
from handact.report.tables import data_facts, show_clock
from handact.report.thumbnails import as_jpeg, read_thumbnails
from handact.report.timestudy import TimeStudy
from handact.report.timestudy_tables import (
    agreement_table,
    cycle_summary_table,
    cycle_table,
    name_faults,
    standard_table,
    step_table,
)
from handact.report.writing import number_of
from handact.timestudy import Cycle

__all__ = ["write_timestudy_page"]

_MOST_CYCLES, _MOST_MOMENTS = 20, 6
_PICTURE = (
    "Cycles from their starts, with a number for each class; below them, every time of each step."
)
_ODD = (
    "Above, the order that the cycle should have, each step as long as it is on average; below it,"
    " the cycle. Outlined: a step that is extra or out of order. Cross: where a step is missing."
)


def write_timestudy_page(
    folder: Path, report: Mapping[str, Any], study: TimeStudy, dataset: Dataset | None = None
) -> tuple[Path, tuple[str, ...]]:
    """Write timestudy.html, a page of its own, beside the files of `write_timestudy_report`.

    Args:
        folder: Where those files lie; the page takes the picture among them.
        report: From `describe_timestudy`.
        study: What it is about.
        dataset: Where the videos are; without it there are no pictures of frames.

    Returns:
        The page, and a sentence for each video that cannot be read.
    """
    odd, notes = _tell_odd(report, study, dataset)
    sections = [
        Section("Summary", present(cycle_summary_table(report), standard_table(report))),
        Section("Steps", [step_table(report), Picture(folder / "timestudy.png", _PICTURE)]),
        Section("Odd cycles", odd),
        Section("Cycles", present(cycle_table(report))),
        Section("Predicted and manual times", present(agreement_table(report))),
    ]
    observations = study.observations
    about = f"{dataset.name}, {observations.split} split" if dataset else observations.how
    path = folder / "timestudy.html"
    facts = data_facts(dataset, report["variant"], _facts(report))
    sections = [section for section in sections if section.parts]
    write_page(path, f"Time study: {about}", facts, sections)
    return path, notes


def _facts(report: Mapping[str, Any]) -> dict[str, str]:
    variant = report["variant"]
    facts = {
        "videos": f"{variant['num_videos']}, {number_of(variant['num_steps'], 'step')}",
        "waiting": f"what lies between steps, background {variant['background']!r}",
    }
    if variant["order"]:
        facts["order"] = ", ".join(variant["order"])
    if variant["start"]:
        facts["a cycle begins with"] = variant["start"]
    if variant["cycle_time"]:
        facts |= {"cycle time": variant["cycle_time"], "partial": variant["partial_cycles"]}
    facts["95 % interval"] = variant["interval"]
    if report["agreement"]:
        facts |= {"matching": variant["matching"], "limits": variant["limits_of_agreement"]}
    if variant["notes"]:
        facts["notes"] = "; ".join(variant["notes"])
    return facts


# -------------------------------------------------------------------------------------- odd cycles


@dataclass(frozen=True, slots=True)
class _Moment:
    """Where to look at an odd step: its middle, or where a missing one should be."""

    video: str
    frame: int
    seconds: float
    step: str
    status: str


def _tell_odd(
    report: Mapping[str, Any], study: TimeStudy, dataset: Dataset | None
) -> tuple[list[Text | Picture | Gallery], tuple[str, ...]]:
    if not study.nominal.order:
        return [], ()
    odd = [cycle for cycle in study.cycles if cycle.is_odd]
    if not odd:
        return [Text("No cycle lacks a step, has one too many or has one out of order.")], ()
    shown = odd[:_MOST_CYCLES]
    moments = [_moments(cycle, study) for cycle in shown]
    wanted = [(moment.video, moment.frame) for its in moments for moment in its]
    thumbnails, notes = read_thumbnails(dataset, wanted) if dataset else ({}, ())
    parts = [
        Text(" ".join([f"{len(shown)} of {number_of(len(odd), 'odd cycle')}. {_ODD}", *notes]))
    ]
    for cycle, its in zip(shown, moments, strict=True):
        parts.append(_strip(cycle, report, study))
        if cards := [_card(m, thumbnails) for m in its if (m.video, m.frame) in thumbnails]:
            parts.append(Gallery(f"{_title(cycle)}: frames at odd steps", cards))
    return parts, notes


def _title(cycle: Cycle) -> str:
    return f"{cycle.video}, cycle {cycle.number}"


def _moments(cycle: Cycle, study: TimeStudy) -> list[_Moment]:
    edges = study.observations.edges.get(cycle.video)
    if edges is None:
        return []
    times = [
        ((step.start + step.end) / 2, step.action, status)
        for step, status in zip(cycle.steps, cycle.status, strict=True)
        if status != "ok"
    ]
    missing = zip(cycle.missing_at, cycle.missing, strict=True)
    times += [(at, name, "missing here") for at, name in missing]
    frames = [int(np.searchsorted(edges[1:-1], time, side="right")) for time, *_ in times]
    moments = [_Moment(cycle.video, frame, *its) for frame, its in zip(frames, times, strict=True)]
    return sorted(moments, key=lambda moment: moment.seconds)[:_MOST_MOMENTS]


def _card(moment: _Moment, thumbnails: Mapping[tuple[str, int], np.ndarray]) -> Card:
    clock = show_clock(moment.seconds)
    image = as_jpeg(thumbnails[moment.video, moment.frame])
    picture = Picture(image, "", f"Video {moment.video} at {clock}")
    return Card(clock, {"step": moment.step, "status": moment.status}, [picture])


def _strip(cycle: Cycle, report: Mapping[str, Any], study: TimeStudy) -> Picture:
    means = {name: its["mean"] for name, its in report["steps"].items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cycle.png"
        plot_cycle(path, cycle, study.nominal.order, means, study.colour_order())
        data = path.read_bytes()
    its = next(
        row
        for row in report["cycles"]["list"]
        if (row["video"], row["cycle"]) == (cycle.video, cycle.number)
    )
    times = f"{show_clock(cycle.start)} to {show_clock(cycle.end)}, {cycle.duration:.2f} s"
    partial = "" if cycle.is_complete else "; partial"
    return Picture(data, f"{_title(cycle)} ({times}{partial}): {name_faults(its)}")
