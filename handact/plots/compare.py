"""What changes from one run to another, class by class."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from handact.plots.drawing import LEFT, RIGHT, drawing, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["ChangeRow", "plot_changes"]

_GAIN, _LOSS, _SAME = LEFT, RIGHT, "0.35"
_ROW, _HIGH_ROW, _PANEL = 0.22, 0.28, 6.4  # inches
_NAME_LINE, _TITLE_LINE = 40, 85  # characters


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A score before and after, in percent.

    Attributes:
        name: Of the class, or of a mean.
        a: Before.
        b: After.
        interval: Low and high end for b - a; None draws no whisker.
        support: How many there are in the truth; None for a mean, which is drawn apart.
        few_videos: Draw the whisker as one not to be trusted.
    """

    name: str
    a: float
    b: float
    interval: tuple[float, float] | None = None
    support: int | None = None
    few_videos: bool = False

    @property
    def change(self) -> float:
        """Percentage points."""
        return self.b - self.a


def plot_changes(
    path: str | Path, panels: Mapping[str, Sequence[ChangeRow]], *, title: str
) -> None:
    """Draw changes as triangles that point where they go, with whiskers, beside a line at zero.

    Args:
        path: Where to write the picture.
        panels: What each panel shows to its rows, from top to bottom.
        title: Above the picture.

    Source:
        The paper's supplement, Fig. 3 and 4.
    """
    most = max((len(rows) for rows in panels.values()), default=0)
    every = [row for rows in panels.values() for row in rows]
    height = _HIGH_ROW if any("\n" in _label(row) for row in every) else _ROW
    columns = max(1, len(panels))
    with drawing(path, _PANEL * columns, 1.5 + height * most) as figure:
        reach = _reach(every)
        for i, (label, rows) in enumerate(panels.items()):
            axes = figure.add_subplot(1, len(panels), i + 1)
            _draw_rows(axes, rows)
            # Panels of different lengths keep rows of one height.
            axes.set(xlim=reach, ylim=(most - 0.4, -0.6), xlabel="change, percentage points")
            axes.set_title(plain(label), loc="left")
        figure.suptitle(textwrap.fill(plain(title, 240), _TITLE_LINE * columns))
        handles = _legend_handles(every)
        figure.legend(handles=handles, loc="outside lower center", ncols=3 * columns)


def _reach(rows: Sequence[ChangeRow]) -> tuple[float, float]:
    ends = [x for row in rows for x in (row.change, *(row.interval or ()))]
    low, high = min([0, *ends]), max([0, *ends])
    margin = max(5.0, 0.06 * (high - low))
    return low - margin, high + margin


def _draw_rows(axes: "Axes", rows: Sequence[ChangeRow]) -> None:
    axes.axvline(0, color="0.3", linewidth=0.8, zorder=1)
    for y, row in enumerate(rows):
        colour, marker = _style(row)
        if row.interval:
            style = {"linestyle": ":"} if row.few_videos else {}
            axes.plot(row.interval, (y, y), color=colour, linewidth=1.3, zorder=2, **style)
            axes.plot(row.interval, (y, y), color=colour, marker="|", linestyle="", zorder=2)
        axes.plot(row.change, y, color=colour, marker=marker, markersize=6, zorder=3)
        text = f"{row.a:.0f} → {row.b:.0f}   {row.change:+.1f}".replace("-", "−")
        axes.annotate(
            text, (1, y), xycoords=("axes fraction", "data"), xytext=(74, 0),
            textcoords="offset points", ha="right", va="center", fontsize=7,
        )  # fmt: skip
    axes.set_yticks(range(len(rows)), [_label(row) for row in rows])
    for label in axes.get_yticklabels():
        if "\n" in label.get_text():
            label.set(fontsize=6.5, linespacing=1)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color="0.92", linewidth=0.7)
    axes.set_axisbelow(True)


def _label(row: ChangeRow) -> str:
    number = "" if row.support is None else f"  (n = {row.support})"
    lines = textwrap.wrap(row.name, _NAME_LINE, max_lines=2, placeholder=" …")
    return plain("\n".join(lines)) + number


def _style(row: ChangeRow) -> tuple[str, str]:
    if row.support is None:
        return "black", "D"
    direction = int(np.sign(round(row.change, 1)))
    return ((_SAME, "o"), (_GAIN, ">"), (_LOSS, "<"))[direction]


def _legend_handles(rows: Sequence[ChangeRow]) -> "list[Line2D]":
    from matplotlib.lines import Line2D

    looks = {"better": (_GAIN, ">"), "worse": (_LOSS, "<"), "as before": (_SAME, "o")}
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="", label=label)
        for label, (colour, marker) in looks.items()
        if any(_style(row) == (colour, marker) for row in rows)
    ]
    for few, style in ((False, "-"), (True, ":")):
        if any(row.interval and row.few_videos == few for row in rows):
            label = "interval from too few videos" if few else "95 % interval over videos"
            handles.append(Line2D([], [], color="0.35", linestyle=style, marker="|", label=label))
    return handles
