"""The figures of a time study as tables, for the terminal and for the page."""

from collections.abc import Iterable, Mapping
from typing import Any

from handact.report.page import Table
from handact.report.tables import show_clock
from handact.report.timestudy import FEWEST_TIMES

__all__ = [
    "agreement_table",
    "cycle_summary_table",
    "cycle_table",
    "name_faults",
    "odd_cycles",
    "standard_table",
    "step_table",
]


def cycle_summary_table(report: Mapping[str, Any]) -> Table | None:
    """Return how many cycles there are and how long they take; None where none are known."""
    cycles = report["cycles"]
    if cycles is None:
        return None
    time, waiting = cycles["time"], report["waiting"]
    not_odd = cycles["time_not_odd"] or {"n": None, "mean": None}
    rows = [
        ("complete cycles", cycles["complete"]),
        ("of these not odd", not_odd["n"]),
        ("partial cycles", cycles["partial"]),
        ("odd cycles", cycles["odd"]),
        ("cycle time, mean", _seconds(time["mean"])),
        ("its 95 % interval", _interval(time)),
        ("median", _seconds(time["median"])),
        ("standard deviation", _seconds(time["sd"])),
        ("shortest to longest", _range(time["min"], time["max"])),
        ("of those not odd, mean", _seconds(not_odd["mean"])),
        ("waiting per cycle, mean", _seconds(waiting["per_cycle"]["mean"])),
        ("waiting, share of cycle time", _percent(waiting["share"])),
    ]
    if cycles["takt"]:
        rows += _takt_rows(cycles["takt"])
    shown = [(name, str(value)) for name, value in rows if value is not None]
    return Table("Cycles", ("cycles", "value"), shown, _note([time["n"]]), sorts=False)


def _takt_rows(takt: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    return [
        ("takt", _seconds(takt["takt"])),
        ("complete cycles over takt", f"{takt['over']} of {takt['n']}"),
        ("over takt by, mean", _seconds(takt["mean_over"])),
        ("over takt by, most", _seconds(takt["max_over"])),
    ]


def step_table(report: Mapping[str, Any]) -> Table:
    """Return how long each step takes, waiting too."""
    has_cycles = bool(report["cycles"] and report["cycles"]["complete"])
    columns = ["step", "n", "mean s", "95 % interval", "sd", "median", "min", "max"]
    columns += ["n a cycle", "s a cycle", "% of cycle"] if has_cycles else []
    columns += ["% of time"] if report["cycles"] is None else []
    rows = []
    for name, its in (*report["steps"].items(), ("(waiting)", report["waiting"])):
        row = [name, its["n"], _two(its["mean"]), _interval(its)]
        row += [_two(its[key]) for key in ("sd", "median", "min", "max")]
        if has_cycles:
            row += [_two(its["frequency"]), _two(its["per_cycle"]["mean"])]
        if has_cycles or report["cycles"] is None:
            row.append(its["share"])
        rows.append(row)
    note = "Every occurrence counts, in partial cycles too; what is a cycle's, in complete ones."
    note = _note((row[1] for row in rows), note if has_cycles else "")
    return Table("Steps, seconds", columns, rows, note)


def standard_table(report: Mapping[str, Any]) -> Table | None:
    """Return how the means of steps compare with their standard times; None without any."""
    rows = []
    for name, its in report["steps"].items():
        if compared := its["standard"]:
            inside = {True: "yes", False: "no", None: None}[compared["is_inside"]]
            inside = _doubt(inside, its["n"])
            signed = (_signed(compared[key]) for key in ("difference", "percent"))
            rows.append((name, _two(compared["standard"]), _two(its["mean"]), *signed, inside))
    columns = ("step", "standard s", "mean s", "difference s", "difference %", "in 95 % interval")
    note = _note(its["n"] for its in report["steps"].values() if its["standard"])
    return Table("Standard times", columns, rows, note) if rows else None


def agreement_table(report: Mapping[str, Any]) -> Table | None:
    """Return how predicted times agree with manual ones; None without manual ones."""
    agreement = report["agreement"]
    if agreement is None:
        return None
    named = [("(all steps)", agreement["total"]), *agreement["steps"].items()]
    named.append(("(waiting)", agreement["waiting"]))
    if agreement["cycles"]:
        named.insert(1, ("(cycle time)", agreement["cycles"]))
    rows = [
        (
            name,
            *(its[key] for key in ("matched", "missed", "extra")),
            _two(its["manual_mean"]),
            _signed(its["bias"]),
            _two(its["sd"]),
            _doubt(_range(its["low"], its["high"], sign="+"), its["matched"]),
            _two(its["mean_absolute"]),
        )
        for name, its in named
    ]
    columns = (
        "step", "matched", "missed", "extra", "manual mean s", "bias s", "sd",
        "limits of agreement", "mean size of error",
    )  # fmt: skip
    note = "Bias: predicted less manual time. Limits: bias ± 1.96 sd (Bland and Altman 1986)."
    note = _note((its["matched"] for _, its in named), note)
    return Table("Predicted against manual times, seconds", columns, rows, note)


def cycle_table(report: Mapping[str, Any]) -> Table | None:
    """Return a row for each cycle; None where none are known."""
    if report["cycles"] is None:
        return None
    cycles, takt = report["cycles"]["list"], report["cycles"]["takt"]
    columns = ["video", "cycle", "from", "to", "seconds", "waiting"]
    columns += ["over takt"] if takt else []
    rows = []
    for cycle in cycles:
        row = [cycle["video"], cycle["cycle"], *map(show_clock, (cycle["start"], cycle["end"]))]
        row += [_two(cycle["seconds"]), _two(cycle["waiting"])]
        row += [_signed(cycle["over_takt"])] if takt else []
        partial = "" if cycle["complete"] else "partial"
        rows.append([*row, "; ".join(filter(None, (partial, name_faults(cycle))))])
    return Table("Every cycle", [*columns, "what is odd"], rows)


def odd_cycles(report: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each cycle with steps that are missing, extra or out of order."""
    cycles = report["cycles"]["list"] if report["cycles"] else ()
    return [
        f"cycle {cycle['cycle']} of {cycle['video']}: {faults}"
        for cycle in cycles
        if (faults := name_faults(cycle))
    ]


def name_faults(cycle: Mapping[str, Any]) -> str:
    """Say what is odd about a cycle of the report: "missing `wipe bench`"; "" if nothing is."""
    kinds = {"missing": "missing", "extra": "extra", "out_of_order": "out of order"}
    told = []
    for key, words in kinds.items():
        names = cycle[key]
        counts = {name: names.count(name) for name in names}
        listed = [f"`{name}`" + (f" {n} times" if n > 1 else "") for name, n in counts.items()]
        if listed:
            told.append(f"{words} {', '.join(listed)}")
    return "; ".join(told)


def _interval(times: Mapping[str, Any]) -> str | None:
    return _doubt(_range(times["ci_low"], times["ci_high"]), times["n"])


def _doubt(text: str | None, number: int) -> str | None:
    return f"{text} ?" if text and number < FEWEST_TIMES else text


def _note(numbers: Iterable[int], note: str = "") -> str:
    """Return the note of a table, with what ? means where one of its intervals bears it."""
    few = any(1 < number < FEWEST_TIMES for number in numbers)
    return f"{note} ?: from fewer than {FEWEST_TIMES} times.".strip() if few else note


def _two(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def _signed(value: float | None) -> str | None:
    return None if value is None else f"{value:+.2f}"


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f} s"


def _percent(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f} %"


def _range(low: float | None, high: float | None, sign: str = "") -> str | None:
    return None if low is None or high is None else f"{low:{sign}.2f} to {high:{sign}.2f}"
