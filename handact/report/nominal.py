"""What the work of a time study should be, and help with names that are spelt wrongly."""

import difflib
import os
from collections.abc import Collection, Sequence
from pathlib import Path

from handact.errors import ConfigError, LabelError
from handact.formats.text import parse_numbers, read_table, read_text, show_path
from handact.formats.validate import fold_name
from handact.timestudy import Nominal

__all__ = ["HOW_TO_CYCLES", "read_nominal"]

HOW_TO_CYCLES = "`--start STEP` or `--order FILE` says where they begin"
_LIKE = 0.75  # likeness of two names from which one may be a slip of the other


def read_nominal(
    classes: Collection[str],
    background: str,
    *,
    is_closed: bool = True,
    order: str | None = None,
    start: str | None = None,
    takt: float | None = None,
    standard: str | Path | None = None,
) -> tuple[Nominal, list[str]]:
    """Read what the work should be, and check it against the steps that there are.

    Args:
        classes: Names of the steps that there are, and perhaps background.
        background: Its name.
        is_closed: Whether `classes` are all that may be; bare tables may lack a step that is left
            out in every cycle.
        order: A file with one step a line, or the steps of a cycle separated by commas.
        start: The step that begins a cycle. With an order, that begins with this step: it is
            turned round to it.
        takt: Seconds that a cycle may take.
        standard: Table with the columns step and seconds.

    Returns:
        The targets, and notes on steps that none of the bare tables has.

    Raises:
        ConfigError: A step that there is not; names the nearest.
        LabelError: A file that cannot be read; names file and row.
    """
    known = [name for name in classes if name != background]
    steps = _read_order(order) if order is not None else ()
    times = _read_standard(standard) if standard is not None else {}
    for option, names in (("--order", steps), ("--standard", times), ("--start", [start])):
        if background in names:
            raise ConfigError(
                f"{option}: {background!r} is background, not a step",
                "leave it out: waiting may be anywhere",
            )
    notes = _check_names("--order", steps, known, is_closed=is_closed)
    notes += _check_names("--standard", times, known, is_closed=is_closed)
    if steps and not set(steps) & set(known):
        shown = ", ".join(known) or "none"
        raise ConfigError(
            f"--order: none of its steps is in the tables: {', '.join(steps)}",
            f"the steps are: {shown}; or was a file meant that is not there?",
        )
    if start is not None and start not in steps:
        _check_names("--start", [start], known, is_closed=True)
    if start is not None:
        steps = _turn(steps, start)
    if takt is not None and not (steps or start):
        raise ConfigError("--takt is about cycles, and no cycles are known", HOW_TO_CYCLES)
    return Nominal(steps, None if steps else start, takt, times), list(dict.fromkeys(notes))


def _read_order(text: str) -> tuple[str, ...]:
    if os.path.isfile(text):
        steps = [line.strip() for line in read_text(text).split("\n")]
        what = show_path(text)
    elif text.lower().endswith((".txt", ".csv")):
        raise ConfigError(f"--order: no such file: {text}", 'one step a line, or "a, b, c"')
    else:
        steps, what = [step.strip() for step in text.split(",")], "--order"
    steps = [step for step in steps if step]
    if not steps:
        raise ConfigError(f"{what}: names no step", 'one step a line, or "a, b, c"')
    return tuple(steps)


def _read_standard(path: str | Path) -> dict[str, float]:
    table, file = read_table(path, ("step", "seconds")), show_path(path)
    seconds = parse_numbers(table.assign(video=""), "seconds", file)
    times: dict[str, float] = {}
    for row, step in table["step"].items():
        if not seconds[row] > 0:
            raise LabelError(f"{file}:{row}: seconds is not above 0: {table['seconds'][row]!r}")
        if step in times:
            raise LabelError(f"{file}:{row}: step {step!r} stands here twice")
        times[step] = float(seconds[row])
    return times


def _turn(order: tuple[str, ...], start: str) -> tuple[str, ...]:
    """Return the order begun at another of its steps."""
    if not order or order[0] == start:
        return order
    if order.count(start) != 1:
        times = "is not" if start not in order else "stands more than once"
        raise ConfigError(
            f"--start: {start!r} {times} in --order",
            "write the order from the step on with which a cycle begins, and leave out --start",
        )
    at = order.index(start)
    return order[at:] + order[:at]


def _check_names(
    option: str, names: Collection[str], known: Sequence[str], *, is_closed: bool
) -> list[str]:
    """Refuse steps that there are not; return notes on those that bare tables may just lack."""
    notes = []
    for name in dict.fromkeys(names):
        if name in known:
            continue
        # A slip looks like a step that is named nowhere else.
        near = _nearest(name, [other for other in known if other not in names])
        if near or is_closed:
            near = near or _nearest(name, known)
            hint = f"is it {near!r}?" if near else f"the steps are: {', '.join(known) or 'none'}"
            raise ConfigError(f"{option}: there is no step {name!r}", hint)
        notes.append(f"{option}: {name!r} is nowhere in the tables")
    return notes


def _nearest(name: str, known: Collection[str]) -> str | None:
    by_fold = {fold_name(other): other for other in known}
    near = difflib.get_close_matches(fold_name(name), by_fold, n=1, cutoff=_LIKE)
    return by_fold[near[0]] if near else None
