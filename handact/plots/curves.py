"""How a training run went."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from handact.plots.drawing import drawing, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_learning_curves"]

# Of Okabe and Ito's colours those that are dark enough for a line.
_LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_NO_CURVES = frozenset({"epoch", "learning_rate"})


def plot_learning_curves(
    path: str | Path, rows: Sequence[Mapping[str, Any]], *, title: str
) -> None:
    """Draw the log of a training run: losses in one panel, scores in the other.

    Args:
        path: Where to write the picture.
        rows: One per epoch: `epoch`, `learning_rate` (a change is marked), columns with `loss` in
            their name, and scores. Values that are None or NaN, and text, are left out.
        title: Above the picture.
    """
    columns = list(dict.fromkeys(key for row in rows for key in row))
    columns = [c for c in columns if c not in _NO_CURVES and _curve(rows, c)[0]]
    losses = [c for c in columns if "loss" in c]
    scores = [c for c in columns if c not in losses]
    panels = [(label, names) for label, names in (("loss", losses), ("score", scores)) if names]
    with drawing(path, 4.6 * max(1, len(panels)), 3.4) as figure:
        for i, (label, names) in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), i + 1)
            _draw_curves(axes, rows, names)
            _mark_rates(axes, rows, with_text=i == 0)
            axes.set(xlabel="epoch", ylabel=label)
        figure.suptitle(plain(title))


def _draw_curves(axes: "Axes", rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    from matplotlib.ticker import MaxNLocator

    for k, name in enumerate(names):
        x, y = _curve(rows, name)
        style = {"color": _LINES[k % len(_LINES)], "marker": "." if len(x) < 30 else None}
        axes.plot(x, y, label=plain(name.replace("_", " ")), linewidth=1.2, **style)
    epochs = [row.get("epoch", i + 1) for i, row in enumerate(rows)]
    axes.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    axes.legend()


def _curve(rows: Sequence[Mapping[str, Any]], name: str) -> tuple[list[float], list[float]]:
    points = [(row.get("epoch", i + 1), row.get(name)) for i, row in enumerate(rows)]
    points = [(x, y) for x, y in points if isinstance(y, int | float) and np.isfinite(y)]
    return [x for x, _ in points], [y for _, y in points]


def _mark_rates(axes: "Axes", rows: Sequence[Mapping[str, Any]], *, with_text: bool) -> None:
    x, rates = _curve(rows, "learning_rate")
    changes = [i for i in range(1, len(rates)) if rates[i] != rates[i - 1]]
    if len(changes) > 6:
        return  # a rate that changes all the time, as with a warm-up, is not told by marks
    for i in changes:
        axes.axvline(x[i] - 0.5, color="0.6", linewidth=0.8, linestyle=":", zorder=0)
        axes.annotate(
            f"rate {rates[i]:g}", (x[i] - 0.5, 1), xycoords=("data", "axes fraction"), rotation=90,
            ha="right", va="top", fontsize=6, color="0.4", visible=with_text,
        )  # fmt: skip
