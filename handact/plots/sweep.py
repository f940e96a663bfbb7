"""Temporal reasoning in one picture: F1 of every class over clip lengths and strides."""

import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from handact.plots.drawing import drawing, plain
from handact.results import SHIFT_NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["SweepGroup", "plot_sweep"]

_COLOURS = {"none": "#D55E00", "tsm": "#0072B2", "causal": "#009E73"}
_MARKERS = {"none": "o", "tsm": "^", "causal": "s"}
_LEVELS = {"segment": "segment level, F1", "sequence": "sequence level, F1@50"}
_FEWEST_OF_A_SHAPE = 5  # classes; fewer make no distribution worth an outline
_FEWEST_PLACES, _GROUP = 4, 0.84  # that a panel has room for; what a group takes of a place

Level = Literal["segment", "sequence"]
Setting = tuple[int, int]  # T, tau


@dataclass(frozen=True, slots=True)
class SweepGroup:
    """Networks that differ in their seed alone, on one level.

    Attributes:
        level: Trimmed segments, or long videos.
        shift: A key of `results.SHIFT_NAMES`.
        setting: T and tau.
        class_f1: F1 of each class in percent, averaged over seeds; empty draws nothing.
        mean: Of the mean F1 of the classes, over seeds.
        sd: Its standard deviation over seeds; None of one seed.
    """

    level: Level
    shift: str
    setting: Setting
    class_f1: Mapping[str, float]
    mean: float | None = None
    sd: float | None = None


@dataclass(frozen=True, slots=True)
class _Panel:
    """One panel: what it shows at which places."""

    level: Level
    places: Sequence[Setting]
    labels: Sequence[int]
    xlabel: str


def plot_sweep(
    path: str | Path, groups: Sequence[SweepGroup], *, fixed: Setting, title: str
) -> None:
    """Draw distributions of class F1 over tau at one T (left) and over T at one tau (right).

    Trimmed segments above, long videos below. A dot is a class, its F1 averaged over seeds; a bar
    is the median of the classes, a diamond their mean, with the spread over seeds as whiskers.

    Args:
        path: Where to write the picture.
        groups: At least one; one without class F1, which is to come, leaves its place blank.
        fixed: T of the panels on the left, and tau of those on the right.
        title: Above the picture.

    Source:
        The paper's supplement, Fig. 2.
    """
    found = {(g.level, g.shift, g.setting): g for g in groups if g.class_f1}
    wanted = {group.shift for group in groups}
    shifts = [shift for shift in SHIFT_NAMES if shift in wanted]
    panels = _panels({group.setting for group in groups}, *fixed)
    with drawing(path, 12, 7.2) as figure:
        for axes, letter, panel in zip(figure.subplots(2, 2).flat, "abcd", panels, strict=True):
            for k, shift in enumerate(shifts):
                there = [found.get((panel.level, shift, at)) for at in panel.places]
                _draw_shift(axes, there, k, shifts)
            title_above = 4 + 13 * len(shifts)  # points, past the lines of medians
            axes.set_title(f"{letter}   {_LEVELS[panel.level]}", loc="left", pad=title_above)
            _finish(axes, panel)
        figure.suptitle(textwrap.fill(plain(title, 300), 150))
        several = any(group.sd is not None for group in groups)
        handles = _legend_handles(shifts, several)
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))


def _panels(settings: Collection[Setting], length: int, stride: int) -> list[_Panel]:
    over_stride = sorted(at for at in settings if at[0] == length)
    over_length = sorted(at for at in settings if at[1] == stride)
    return [
        panel
        for level in ("segment", "sequence")
        for panel in (
            _Panel(level, over_stride, [s for _, s in over_stride], f"stride τ, at T = {length}"),
            _Panel(level, over_length, [n for n, _ in over_length], f"frames T, at τ = {stride}"),
        )
    ]


def _draw_shift(
    axes: "Axes", groups: Sequence[SweepGroup | None], k: int, shifts: Sequence[str]
) -> None:
    """Draw the k-th kind of network at every place, and its medians in a line above."""
    shift, width = shifts[k], _GROUP / len(shifts)
    height = 1.03 + 0.065 * (len(shifts) - 1 - k)
    style = {"va": "bottom", "fontsize": 7, "color": _COLOURS[shift]}
    axes.annotate(
        f"median {SHIFT_NAMES[shift]}", (0, height), xycoords="axes fraction", xytext=(-4, 0),
        textcoords="offset points", ha="right", **style,
    )  # fmt: skip
    for place, group in enumerate(groups):
        text = "–"
        if group:
            x = place + (k - (len(shifts) - 1) / 2) * width
            _draw_group(axes, x, group, width)
            text = f"{_median(group):.0f}"
        top = axes.get_xaxis_transform()
        axes.text(place, height, text, transform=top, ha="center", **style)


def _median(group: SweepGroup) -> float:
    return float(np.median(list(group.class_f1.values())))


def _draw_group(axes: "Axes", x: float, group: SweepGroup, width: float) -> None:
    colour = _COLOURS[group.shift]
    values = np.array(list(group.class_f1.values()))
    if len(values) >= _FEWEST_OF_A_SHAPE and np.ptp(values) > 0:
        shape = axes.violinplot(values, [x], widths=0.92 * width, showextrema=False)
        shape["bodies"][0].set(facecolor=colour, edgecolor=colour, alpha=0.22, linewidth=0.8)
    axes.plot(
        x + _swarm(values, 0.8 * width), values, color=colour, marker=_MARKERS[group.shift],
        markersize=3, linestyle="", alpha=0.75, markeredgewidth=0,
    )  # fmt: skip
    half = 0.36 * width
    axes.plot((x - half, x + half), [_median(group)] * 2, color="black", linewidth=1.6)
    axes.errorbar(
        x, group.mean, yerr=group.sd, color="black", marker="D", markersize=3.5,
        markerfacecolor="white", markeredgewidth=0.9, linewidth=0.9, capsize=2.5, zorder=4,
    )  # fmt: skip


def _swarm(values: np.ndarray, width: float) -> np.ndarray:
    """Put values that lie close to one another side by side."""
    offsets = np.zeros(len(values))
    rows = np.round(values / 2.5)
    for row in np.unique(rows):
        there = np.flatnonzero(rows == row)
        step = min(0.055, width / len(there))
        offsets[there] = (np.arange(len(there)) - (len(there) - 1) / 2) * step
    return offsets


def _finish(axes: "Axes", panel: _Panel) -> None:
    margin = 0.6 + max(0, _FEWEST_PLACES - len(panel.places)) / 2
    axes.set(xlim=(-margin, len(panel.places) - 1 + margin), ylim=(-3, 103))
    axes.set_ylabel("percent, per class")
    axes.set_xticks(range(len(panel.labels)), panel.labels)
    axes.set_xlabel(panel.xlabel)
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y", color="0.92", linewidth=0.7)
    for place in range(1, len(panel.places)):
        axes.axvline(place - 0.5, color="0.92", linewidth=0.7)
    axes.set_axisbelow(True)


def _legend_handles(shifts: Sequence[str], several: bool) -> "list[Line2D]":
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=_COLOURS[s], marker=_MARKERS[s], markersize=4, linestyle="",
               label=f"{SHIFT_NAMES[s]}, a class")
        for s in shifts
    ]  # fmt: skip
    label = "mean of classes" + (" ± standard deviation over seeds" if several else "")
    return [
        *handles,
        Line2D([], [], color="black", linewidth=1.6, label="median of classes"),
        Line2D([], [], color="black", marker="D", markersize=3.5, markerfacecolor="white",
               linestyle="-" if several else "", linewidth=0.9, label=label),
    ]  # fmt: skip
