"""Cycles of work as strips of coloured steps, and how long each step takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from handact.plots.drawing import class_colours, drawing, plain
from handact.timestudy import Cycle, Step

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_cycle", "plot_cycles"]

_WIDTH, _RIGHT, _ABOVE, _BELOW, _BETWEEN = 11.0, 0.3, 0.68, 0.45, 0.55  # inches
_LETTER = 0.062  # inches of an average letter of a label
_NAME_LENGTH, _VIDEO_LENGTH = 40, 28
_MAX_CYCLES = 200
_ROOM = 12.0  # inches that cycles share until their strips are as thin as they may be
_THICKEST, _THINNEST = 0.3, 0.11  # inches of a cycle
_FEWEST_IN_BOX = 5


@dataclass(frozen=True, slots=True)
class _Look:
    """What the strips of a picture share; `end` is the longest in seconds."""

    classes: Sequence[str]
    colours: np.ndarray
    end: float
    row: float  # inches

    def number(self, name: str) -> int:
        return self.classes.index(name)


def plot_cycles(
    path: str | Path,
    cycles: Sequence[Cycle],
    durations: Mapping[str, Sequence[float]],
    classes: Sequence[str],
    *,
    takt: float | None = None,
    standard: Mapping[str, float] | None = None,
    title: str = "",
) -> None:
    """Draw a strip for each cycle, from second 0, and below the times of each step.

    Steps wide enough bear the number that their class has in the lower chart. A black outline is a
    step that is extra or out of order, a cross stands where one is missing, and letters at the
    end of a strip say how many of what. Of many cycles the first 200 are drawn.

    Args:
        path: Where to write the picture.
        cycles: From top to bottom; without any, only the step times are drawn.
        durations: Seconds of every occurrence, by step, from top to bottom.
        classes: K names, each at the place of its colour; all steps are among them.
        takt: Seconds, drawn as a line.
        standard: Seconds of steps, drawn as bars across.
        title: Above the picture.
    """
    shown = cycles[:_MAX_CYCLES]
    row = float(np.clip(_ROOM / max(1, len(shown)), _THINNEST, _THICKEST))
    end = max([cycle.duration for cycle in shown] + [takt or 0]) or 1.0
    look = _Look(classes, class_colours(len(classes)) / 255, end, row)
    upper = row * len(shown) + _BETWEEN if shown else 0.0
    lower = 0.3 * max(1, len(durations))
    height = _ABOVE + upper + (0.35 if shown else 0) + lower + _BELOW
    labels = [_step_label(look, name, its) for name, its in durations.items()]
    left = _left_margin([*labels, *map(_cycle_label, shown)])
    with drawing(path, _WIDTH, height, layout="none") as figure:
        if shown:
            axes = _add_axes(figure, left, height - _ABOVE, row * len(shown))
            _draw_cycles(axes, shown, takt, look)
            _head(axes, _cycles_heading(len(cycles)), pad=15 if takt else 5)
        axes = _add_axes(figure, left, lower + _BELOW, lower)
        _draw_times(axes, durations, standard or {}, look)
        axes.set_yticks(range(len(labels)), labels)
        _head(axes, _times_heading(standard))
        figure.suptitle(plain(title, 140), y=1 - 0.06 / height, va="top")


def plot_cycle(
    path: str | Path,
    cycle: Cycle,
    order: Sequence[str],
    means: Mapping[str, float | None],
    classes: Sequence[str],
) -> None:
    """Draw one cycle below the order that it should have, whose steps last what they do on average.

    Args:
        path: Where to write the picture.
        cycle: What happened.
        order: Steps of a cycle; without any, the cycle is drawn alone.
        means: Mean seconds of a step, by name; None of one that never occurs.
        classes: K names, each at the place of its colour.
    """
    typical = float(np.mean([x for x in means.values() if x] or [1.0]))
    ends = np.cumsum([0.0, *(means.get(name) or typical for name in order)])
    nominal = [Step(*its) for its in zip(order, ends, ends[1:], strict=False)]
    end = max(ends[-1], cycle.duration)
    rows = 2 if order else 1
    look = _Look(classes, class_colours(len(classes)) / 255, end, 0.34)
    height = 0.48 + look.row * rows
    with drawing(path, 8, height, layout="none") as figure:
        axes = _add_axes(figure, 0.7, height - 0.06, look.row * rows)
        if order:
            _draw_strip(axes, 0, nominal, 0.0, look)
        _draw_cycle(axes, rows - 1, cycle, look)
        axes.set(xlim=(0, 1.14 * end), ylim=(rows - 0.5, -0.5), xlabel="seconds")
        axes.set_yticks(range(rows), ["order", "cycle"][-rows:])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)


def _add_axes(figure: "Figure", left: float, top: float, height: float) -> "Axes":
    """Add axes whose upper edge is `top` inches above the lower edge of the figure."""
    width, total = figure.get_size_inches()
    place = (left / width, (top - height) / total, 1 - (left + _RIGHT) / width, height / total)
    return figure.add_axes(place)


def _left_margin(labels: Sequence[str]) -> float:
    return 0.45 + _LETTER * max(map(len, labels), default=0)


def _head(axes: "Axes", text: str, pad: float = 5) -> None:
    axes.set_title(text, loc="left", fontsize=8, pad=pad)


def _cycles_heading(number: int) -> str:
    first = f"First {_MAX_CYCLES} of {number} cycles" if number > _MAX_CYCLES else "Cycles"
    return (
        f"{first}, each from its start.  M missing (×), E extra and O out of order (outlined),"
        " P partial; 2M: two of them"
    )


def _times_heading(standard: Mapping[str, float] | None) -> str:
    bars = "; black bar: standard time" if standard else ""
    return f"Times of steps: every occurrence, median and middle half{bars}"


# ------------------------------------------------------------------------------------------ strips


def _draw_cycles(axes: "Axes", cycles: Sequence[Cycle], takt: float | None, look: _Look) -> None:
    for y, cycle in enumerate(cycles):
        _draw_cycle(axes, y, cycle, look)
    if takt:
        axes.axvline(takt, color="black", linewidth=1, linestyle=(0, (4, 2)), zorder=4)
        axes.annotate(
            f"takt {takt:.4g} s", (takt, 1), (0, 3), xycoords=("data", "axes fraction"),
            textcoords="offset points", fontsize=7, ha="center", va="bottom",
        )  # fmt: skip
    size = min(7.5, 72 * look.row * 0.8)
    axes.set_yticks(range(len(cycles)), list(map(_cycle_label, cycles)), fontsize=size)
    axes.set(xlim=(0, 1.1 * look.end), ylim=(len(cycles) - 0.5, -0.5), xlabel="seconds")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _cycle_label(cycle: Cycle) -> str:
    # Names of videos often differ at their ends only.
    name, half = cycle.video, _VIDEO_LENGTH // 2
    name = name if len(name) <= _VIDEO_LENGTH else f"{name[:half]}…{name[-half:]}"
    return f"{plain(name)}  {cycle.number}"


def _draw_cycle(axes: "Axes", y: int, cycle: Cycle, look: _Look) -> None:
    axes.plot([0, cycle.duration], [y, y], color="0.8", linewidth=0.8, zorder=1)  # waiting
    _draw_strip(axes, y, cycle.steps, cycle.start, look)
    for step, status in zip(cycle.steps, cycle.status, strict=True):
        if status in ("extra", "out of order"):
            span = [(step.start - cycle.start, step.duration)]
            line = min(1.4, 72 * look.row * 0.09)
            for colour, width in (("white", 2.2 * line), ("black", line)):
                axes.broken_barh(
                    span, (y - 0.42, 0.84), facecolors="none", edgecolors=colour, linewidth=width,
                    zorder=4,
                )  # fmt: skip
    places = np.array(cycle.missing_at) - cycle.start
    size = min(5, 72 * look.row * 0.4)
    axes.plot(places, np.full(len(places), y), "x", color="black", markersize=size, zorder=5)
    axes.annotate(
        _letters(cycle), (cycle.duration, y), (4, 0), textcoords="offset points",
        va="center_baseline", fontsize=min(7, 72 * look.row * 0.8), zorder=6,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
    )  # fmt: skip


def _draw_strip(axes: "Axes", y: int, steps: Sequence[Step], zero: float, look: _Look) -> None:
    numbers = [look.number(step.action) for step in steps]
    spans = [(step.start - zero, step.duration) for step in steps]
    axes.broken_barh(
        spans, (y - 0.42, 0.84), facecolors=look.colours[numbers], linewidth=0, zorder=2
    )
    size = min(6.5, 72 * look.row * 0.7)
    is_dark = look.colours[numbers] @ (0.299, 0.587, 0.114) < 0.52
    for number, (start, width), dark in zip(numbers, spans, is_dark, strict=True):
        if width > 0.009 * look.end * len(str(number)) and size > 5:
            axes.text(
                start + width / 2, y, str(number), ha="center", va="center_baseline",
                fontsize=size, color="white" if dark else "black", zorder=3,
            )  # fmt: skip


def _letters(cycle: Cycle) -> str:
    counts = {
        "M": len(cycle.missing),
        "E": len(cycle.named("extra")),
        "O": len(cycle.named("out of order")),
        "P": 0 if cycle.is_complete else 1,
    }
    return " ".join(f"{n if n > 1 else ''}{letter}" for letter, n in counts.items() if n)


# ------------------------------------------------------------------------------------------- times


def _step_label(look: _Look, name: str, values: Sequence[float]) -> str:
    return f"{plain(name, _NAME_LENGTH)}  (n = {len(values)})  {look.number(name)}"


def _draw_times(
    axes: "Axes",
    durations: Mapping[str, Sequence[float]],
    standard: Mapping[str, float],
    look: _Look,
) -> None:
    for y, (name, values) in enumerate(durations.items()):
        colour = look.colours[look.number(name)]
        axes.plot(
            -0.009, y, "s", color=colour, markersize=6, clip_on=False,
            transform=axes.get_yaxis_transform(),
        )  # fmt: skip
        _draw_spread(axes, y, np.asarray(values, float), colour)
        if name in standard:
            axes.plot([standard[name]] * 2, [y - 0.42, y + 0.42], color="black", linewidth=2.2)
    longest = max((max(v) for v in durations.values() if len(v)), default=0)
    end = max([longest, *standard.values()]) or 1.0
    axes.set(xlim=(0, 1.04 * end), xlabel="seconds", ylim=(max(1, len(durations)) - 0.5, -0.5))
    axes.tick_params(axis="y", length=0, pad=12)
    axes.grid(axis="x", color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)


def _draw_spread(axes: "Axes", y: int, values: np.ndarray, colour: np.ndarray) -> None:
    if not len(values):
        return
    # Spread over the height by turns, so that equal times do not hide each other.
    heights = y + 0.26 * ((0.618034 * np.arange(len(values))) % 1 - 0.5) * 2
    alpha = 0.75 if len(values) < 100 else 0.35
    axes.scatter(
        values, heights, s=13, color=[colour], alpha=alpha, edgecolors="0.25", linewidths=0.4
    )
    if len(values) >= _FEWEST_IN_BOX:
        low, high = np.quantile(values, (0.25, 0.75))
        axes.broken_barh(
            [(low, high - low)], (y - 0.36, 0.72), facecolors="none", edgecolors="0.2",
            linewidth=0.8, zorder=3,
        )  # fmt: skip
    axes.plot([np.median(values)] * 2, [y - 0.36, y + 0.36], color="0.2", linewidth=1.2, zorder=3)
