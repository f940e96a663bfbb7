"""The time study: from steps in seconds to figures as a plain dict, and from there to files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from handact.files import write_json
from handact.formats.tables import write_table
from handact.plots import plot_cycles
from handact.report.nominal import HOW_TO_CYCLES
from handact.report.observations import Observations
from handact.report.workbook import Sheet, write_workbook
from handact.report.writing import make_folder, number_of, remove_stale, title_videos
from handact.timestudy import (
    Cycle,
    Nominal,
    Step,
    compare_cycles,
    compare_steps,
    compare_to_standard,
    compare_to_takt,
    compare_waiting,
    find_cycles,
    spread,
    step_times,
    waiting_times,
)

__all__ = [
    "FEWEST_TIMES",
    "TimeStudy",
    "describe_timestudy",
    "state_timestudy",
    "study_times",
    "write_timestudy_report",
]

FEWEST_TIMES = 5
"""Of fewer times, an interval says next to nothing."""

_CYCLE_TIME = (
    "from the start of a cycle's first step to the start of the next cycle; of the last cycle of a"
    " video to the end of its last step; partial cycles are left out"
)
_PARTIAL = {
    "order": "the first cycle of a video without steps from the beginning of the order, the last"
    " one without steps from its end",
    "start": "what stands before the first start step of a video, and its last cycle",
}
_INTERVAL = (
    "95 % confidence interval of the mean by Student's t; a lower end below 0 is given as 0; from"
    f" fewer than {FEWEST_TIMES} times (?) it means next to nothing"
)
_LIMITS = (
    "bias - 1.96 sd to bias + 1.96 sd (Bland and Altman 1986); from fewer than"
    f" {FEWEST_TIMES} pairs (?) they mean next to nothing"
)


@dataclass(frozen=True)
class TimeStudy:
    """Steps of some videos and the cycles that they make.

    Attributes:
        observations: The steps.
        nominal: What they should be.
        cycles: Of all videos; None where nothing says what a cycle is.
        true_cycles: By the manual steps; None where there are none, or no cycles.
    """

    observations: Observations
    nominal: Nominal
    cycles: list[Cycle] | None
    true_cycles: list[Cycle] | None

    def names(self) -> list[str]:
        """Return the steps to report on: as the order has them, then as the classes are."""
        both = (self.observations.steps, self.observations.truth or {})
        there = {step.action for steps in both for its in steps.values() for step in its}
        known = [name for name in self.observations.classes if name in there]
        return list(dict.fromkeys((*self.nominal.order, *known, *self.nominal.standard)))

    def colour_order(self) -> tuple[str, ...]:
        """Return all names, each at the place of its colour, as in the other pictures."""
        return tuple(dict.fromkeys((*self.observations.classes, *self.names())))


def study_times(observations: Observations, nominal: Nominal) -> TimeStudy:
    """Find the cycles."""

    def find(steps: Mapping[str, Sequence[Step]] | None) -> list[Cycle] | None:
        if steps is None or not (nominal.order or nominal.start):
            return None
        return [c for video in steps for c in find_cycles(video, steps[video], nominal)]

    return TimeStudy(observations, nominal, find(observations.steps), find(observations.truth))


def describe_timestudy(study: TimeStudy) -> dict[str, Any]:
    """Return all figures as a dict for JSON; times are seconds, shares percent.

    Returns:
        `cycles`: `n`, `complete`, `partial`, `odd` (steps missing, extra or out of order; None
        without an order), `time` of the complete ones (a `timestudy.Spread`), `time_not_odd` of
        those of them that are not odd (likewise; None without an order), `takt` (a
        `timestudy.Takt`, or None) and `list`; None where nothing says what a cycle is. `steps` by
        name: a `timestudy.Spread` of every occurrence, with `per_cycle` (a Spread), `frequency`,
        `share` and `standard` (a `timestudy.Deviation`, or None). `waiting`: the same.
        `agreement`, of the videos that have manual steps: `total`, `steps` by name, `waiting` and
        `cycles`, each a `timestudy.Agreement`; None without manual steps. `variant`: what all this
        is about, and by which rules.
    """
    observations, nominal = study.observations, study.nominal
    steps = {name: _describe_step(name, study) for name in study.names()}
    return {
        "cycles": None if study.cycles is None else _describe_cycles(study.cycles, nominal),
        "steps": steps,
        "waiting": _describe_times(waiting_times(observations.steps, study.cycles)),
        "agreement": _describe_agreement(study),
        "variant": _describe_variant(study),
    }


def _describe_step(name: str, study: TimeStudy) -> dict[str, Any]:
    times = step_times(name, study.observations.steps, study.cycles)
    standard = study.nominal.standard.get(name)
    compared = None if standard is None else asdict(compare_to_standard(times.each, standard))
    return _describe_times(times) | {"standard": compared}


def _describe_times(times: Any) -> dict[str, Any]:
    return asdict(times.each) | {
        "per_cycle": asdict(times.per_cycle),
        "frequency": times.frequency,
        "share": times.share,
    }


def _describe_cycles(cycles: Sequence[Cycle], nominal: Nominal) -> dict[str, Any]:
    takt = nominal.takt
    complete = [cycle for cycle in cycles if cycle.is_complete]
    not_odd = [cycle.duration for cycle in complete if not cycle.is_odd]
    return {
        "n": len(cycles),
        "complete": len(complete),
        "partial": len(cycles) - len(complete),
        "odd": sum(cycle.is_odd for cycle in cycles) if nominal.order else None,
        "time": asdict(spread([cycle.duration for cycle in complete])),
        "time_not_odd": asdict(spread(not_odd)) if nominal.order else None,
        "takt": None if takt is None else asdict(compare_to_takt(cycles, takt)),
        "list": [_describe_cycle(cycle, takt) for cycle in cycles],
    }


def _describe_cycle(cycle: Cycle, takt: float | None) -> dict[str, Any]:
    row = {
        "video": cycle.video,
        "cycle": cycle.number,
        "start": cycle.start,
        "end": cycle.end,
        "seconds": cycle.duration,
        "complete": cycle.is_complete,
        "waiting": cycle.waiting,
        "steps": len(cycle.steps),
        "missing": list(cycle.missing),
        "extra": cycle.named("extra"),
        "out_of_order": cycle.named("out of order"),
    }
    if takt is not None:
        row["over_takt"] = cycle.duration - takt if cycle.is_complete else None
    return row


def _describe_agreement(study: TimeStudy) -> dict[str, Any] | None:
    steps, truth = study.observations.steps, study.observations.truth
    if truth is None:
        return None
    both = [video for video in truth if video in steps]
    steps, truth = ({video: its[video] for video in both} for its in (steps, truth))
    there = {step.action for each in (steps, truth) for its in each.values() for step in its}
    cycles = None
    if study.cycles is not None:
        pairs = ([c for c in its if c.video in both] for its in (study.true_cycles, study.cycles))
        cycles = asdict(compare_cycles(*pairs))
    return {
        "num_videos": len(both),
        "total": asdict(compare_steps(truth, steps)),
        "steps": {n: asdict(compare_steps(truth, steps, n)) for n in study.names() if n in there},
        "waiting": asdict(compare_waiting(truth, steps)),
        "cycles": cycles,
    }


def _describe_variant(study: TimeStudy) -> dict[str, Any]:
    observations, nominal = study.observations, study.nominal
    by = "order" if nominal.order else "start" if nominal.start else None
    return {
        "split": observations.split,
        "run": observations.run,
        "how": observations.how,
        "num_videos": len(observations.steps),
        "num_steps": sum(map(len, observations.steps.values())),
        "background": observations.background,
        "unit": "seconds",
        "order": list(nominal.order) or None,
        "start": nominal.start,
        "takt": nominal.takt,
        "cycle_time": _CYCLE_TIME if by else None,
        "partial_cycles": _PARTIAL[by] if by else None,
        "interval": _INTERVAL,
        "matching": "F1@50: time order, best tIoU of the same class, first come first served",
        "limits_of_agreement": _LIMITS,
        "notes": [*observations.notes, *_note_cycles(study)],
    }


def _note_cycles(study: TimeStudy) -> list[str]:
    if study.cycles is None:
        return [f"nothing says what a cycle is: {HOW_TO_CYCLES}"]
    complete = [cycle for cycle in study.cycles if cycle.is_complete]
    if not complete:
        return ["no cycle is complete, so there is no cycle time"]
    notes, of = [], f"of {number_of(len(complete), 'complete cycle')}"
    if late := sum(_lacks_first(cycle, study.nominal.order) for cycle in complete):
        lack = "lacks its first step, and is" if late == 1 else "lack their first step, and are"
        notes.append(f"{late} {of} {lack} counted from the first step that was seen")
    last = {cycle.video: cycle for cycle in study.cycles}.values()
    if ended := sum(cycle.is_complete for cycle in last):
        end = "ends its video" if ended == 1 else "end their videos"
        notes.append(f"{ended} {of} {end}: timed without the waiting until the next cycle")
    return notes


def _lacks_first(cycle: Cycle, order: Sequence[str]) -> bool:
    """Whether the first place of the order is empty; its step may stand at other places too."""
    missing = zip(cycle.missing, cycle.missing_at, strict=True)
    return bool(order) and (order[0], cycle.start) in missing


def state_timestudy(report: Mapping[str, Any]) -> str:
    """Say in a sentence or two what the figures are about, and what a cycle time is."""
    variant = report["variant"]
    rule = f" Cycle time: {variant['cycle_time']}." if variant["cycle_time"] else ""
    waiting = (
        "Waiting is what lies between the steps of a video; what lies before its first and after"
        " its last is not counted."
    )
    return f"{_about(variant)} ({variant['how']}). {waiting}{rule}"


# ------------------------------------------------------------------------------------------- files


def write_timestudy_report(
    folder: str | Path, report: Mapping[str, Any], study: TimeStudy
) -> list[Path]:
    """Write timestudy.json, timestudy.xlsx, timestudy.png and tables of steps, cycles, events and
    agreement.

    Args:
        folder: Made if it is not there; what an earlier report wrote there and this one does not is
            removed.
        report: From `describe_timestudy`.
        study: What it is about.

    Returns:
        The files. Without cycles there is no timestudy_cycles.csv, without manual steps no
        timestudy_agreement.csv.
    """
    folder = make_folder(folder)
    remove_stale(folder, "timestudy_cycles.csv", "timestudy_agreement.csv", "timestudy.html")
    files = [folder / f"timestudy.{kind}" for kind in ("json", "xlsx", "png")]
    write_json(files[0], report)
    sheets = _sheets(report, study)
    write_workbook(files[1], sheets)
    plot_cycles(
        files[2],
        study.cycles or [],
        {name: _durations(study, name) for name in report["steps"]},
        study.colour_order(),
        takt=study.nominal.takt,
        standard=study.nominal.standard,
        title=_title(report),
    )
    for sheet in sheets:
        if sheet.name != "summary":
            files.append(folder / f"timestudy_{sheet.name}.csv")
            heads = [column.replace(" ", "_") for column in sheet.columns]
            rows = [[_plain(value) for value in row] for row in sheet.rows]
            write_table(files[-1], heads, rows)
    return files


def _plain(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    # To the millisecond in a shift of hours, too.
    return f"{round(value, 3):.12g}" if isinstance(value, float) else value


def _durations(study: TimeStudy, name: str) -> list[float]:
    steps = study.observations.steps.values()
    return [step.duration for its in steps for step in its if step.action == name]


def _title(report: Mapping[str, Any]) -> str:
    about, cycles = _about(report["variant"]), report["cycles"]
    if cycles is None:
        return about
    mean = cycles["time"]["mean"]
    time = "" if mean is None else f", mean {mean:.2f} s"
    odd = "" if cycles["odd"] is None else f", {cycles['odd']} odd"
    return f"{about}; {number_of(cycles['complete'], 'complete cycle')}{time}{odd}"


def _about(variant: Mapping[str, Any]) -> str:
    return f"{title_videos(variant)}, {number_of(variant['num_steps'], 'step')}"


def _sheets(report: Mapping[str, Any], study: TimeStudy) -> list[Sheet]:
    """Return what there is: summary, steps, cycles, events, agreement."""
    sheets = [Sheet("summary", ("about", "value"), _summary_rows(report)), _steps_sheet(report)]
    if report["cycles"] is not None:
        sheets.append(_cycles_sheet(report["cycles"]["list"], report["cycles"]["takt"]))
    sheets.append(_events_sheet(study))
    if report["agreement"] is not None:
        sheets.append(_agreement_sheet(report["agreement"]))
    return sheets


def _summary_rows(report: Mapping[str, Any]) -> list[tuple[str, object]]:
    cycles, variant = report["cycles"], report["variant"]
    rows: list[tuple[str, object]] = [("videos", variant["num_videos"])]
    rows.append(("steps seen", variant["num_steps"]))
    if cycles is not None:
        rows += [(f"cycles, {key}", cycles[key]) for key in ("complete", "partial", "odd")]
        rows += _named_spread("cycle time", cycles["time"])
        if not_odd := cycles["time_not_odd"]:
            rows.append(("cycles, complete and not odd", not_odd["n"]))
            rows.append(("cycle time of those not odd, mean, seconds", not_odd["mean"]))
        waiting = report["waiting"]
        rows += [
            ("waiting per cycle, mean seconds", waiting["per_cycle"]["mean"]),
            ("waiting, percent of cycle time", waiting["share"]),
        ]
    if cycles is not None and cycles["takt"]:
        takt = cycles["takt"]
        rows += [
            ("takt, seconds", takt["takt"]),
            ("complete cycles over takt", takt["over"]),
            ("over takt by, mean seconds", takt["mean_over"]),
            ("over takt by, most seconds", takt["max_over"]),
        ]
    rows += [("split", variant["split"]), ("run", variant["run"]), ("data", variant["how"])]
    if variant["order"]:
        rows += [(f"order, step {i}", name) for i, name in enumerate(variant["order"], 1)]
    rows += [("cycles begin with", variant["start"]), ("cycle time", variant["cycle_time"])]
    rows += [("partial cycles", variant["partial_cycles"]), ("interval", variant["interval"])]
    rows += [("note", note) for note in variant["notes"]]
    return [row for row in rows if row[1] is not None]


def _named_spread(what: str, times: Mapping[str, Any]) -> list[tuple[str, object]]:
    heads = {
        "mean": "mean", "ci_low": "95 % interval of the mean from", "ci_high": "to",
        "median": "median", "sd": "standard deviation", "min": "shortest", "max": "longest",
    }  # fmt: skip
    return [(f"{what}, {words}, seconds", times[key]) for key, words in heads.items()]


_SPREAD = ("mean", "median", "sd", "ci_low", "ci_high", "min", "max")
_STEPS = (
    "kind", "step", "n", *(f"{key} seconds" for key in _SPREAD), "per cycle",
    *(f"{key} seconds per cycle" for key in ("mean", "sd")), "percent of time",
    "standard seconds", "difference seconds", "difference percent", "standard in interval",
)  # fmt: skip


def _steps_sheet(report: Mapping[str, Any]) -> Sheet:
    rows = [_step_row("step", name, its) for name, its in report["steps"].items()]
    rows.append(_step_row("waiting", None, report["waiting"]))
    if report["cycles"] is not None:
        times = report["cycles"]["time"]
        blank = (None,) * (len(_STEPS) - 3 - len(_SPREAD))
        rows.append(("cycle", None, times["n"], *(times[key] for key in _SPREAD), *blank))
    return Sheet("steps", _STEPS, rows)


def _step_row(kind: str, name: str | None, its: Mapping[str, Any]) -> tuple[object, ...]:
    compared = its.get("standard") or {}
    return (
        kind,
        name,
        its["n"],
        *(its[key] for key in _SPREAD),
        its["frequency"],
        *(its["per_cycle"][key] for key in ("mean", "sd")),
        its["share"],
        *(compared.get(key) for key in ("standard", "difference", "percent", "is_inside")),
    )


_CYCLES = {
    "video": "video", "cycle": "cycle", "start": "start seconds", "end": "end seconds",
    "seconds": "seconds", "complete": "complete", "waiting": "waiting seconds", "steps": "steps",
    "missing": "missing", "extra": "extra", "out_of_order": "out of order",
    "over_takt": "over takt seconds",
}  # fmt: skip


def _cycles_sheet(cycles: Sequence[Mapping[str, Any]], takt: object) -> Sheet:
    heads = {key: head for key, head in _CYCLES.items() if takt or key != "over_takt"}
    cells = [[cycle[key] for key in heads] for cycle in cycles]
    rows = [["; ".join(x) if isinstance(x, list) else x for x in row] for row in cells]
    return Sheet("cycles", tuple(heads.values()), rows)


def _events_sheet(study: TimeStudy) -> Sheet:
    columns = ("video", "cycle", "step", "start seconds", "end seconds", "seconds", "status")
    rows: list[tuple[object, ...]] = []
    if study.cycles is None:
        for video, steps in study.observations.steps.items():
            rows += [(video, None, s.action, s.start, s.end, s.duration, "") for s in steps]
    for cycle in study.cycles or ():
        its = [
            (s.start, 1, s.action, s.start, s.end, s.duration, status)
            for s, status in zip(cycle.steps, cycle.status, strict=True)
        ]
        its += [
            (at, 0, name, None, None, None, "missing")
            for at, name in zip(cycle.missing_at, cycle.missing, strict=True)
        ]
        its.sort(key=lambda row: row[:2])
        rows += [(cycle.video, cycle.number, *row[2:]) for row in its]
    return Sheet("events", columns, rows)


_AGREEMENT = {
    "matched": "n matched", "missed": "n missed", "extra": "n extra",
    "manual_mean": "manual mean seconds", "bias": "bias seconds",
    "sd": "sd of differences seconds", "low": "lower limit of agreement seconds",
    "high": "upper limit of agreement seconds", "mean_absolute": "mean absolute error seconds",
}  # fmt: skip


def _agreement_sheet(agreement: Mapping[str, Any]) -> Sheet:
    rows = [("all steps", None, *(agreement["total"][key] for key in _AGREEMENT))]
    if agreement["cycles"]:
        rows.append(("cycle time", None, *(agreement["cycles"][key] for key in _AGREEMENT)))
    rows.append(("waiting", None, *(agreement["waiting"][key] for key in _AGREEMENT)))
    for name, its in agreement["steps"].items():
        rows.append(("step", name, *(its[key] for key in _AGREEMENT)))
    return Sheet("agreement", ("of", "step", *_AGREEMENT.values()), rows)
