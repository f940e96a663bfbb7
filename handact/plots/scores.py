"""How good a prediction is, as pictures: per class, between classes, and for hands."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from handact.metrics import HAND_THRESHOLDS, hand_errors
from handact.plots.drawing import LEFT, RIGHT, drawing, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_class_scores", "plot_confusion", "plot_hand_errors"]

_SERIES = (LEFT, "#E69F00", "#999999")
_HAND = {"left": LEFT, "right": RIGHT}
_REACH = 1.1 * max(HAND_THRESHOLDS)


def plot_class_scores(
    path: str | Path,
    scores: Mapping[str, Mapping[str, float | None]],
    support: Mapping[str, int],
    *,
    title: str,
) -> None:
    """Draw bars of percent per class, one bar a series.

    Args:
        path: Where to write the picture.
        scores: Name of the series ("F1@50") to class name to percent; None draws no bar.
        support: Class name to how many there are in the truth, in the order to draw.
        title: Above the picture.
    """
    labels = [f"{plain(name, 40)}  (n = {n})" for name, n in support.items()]
    with drawing(path, 7, 1.2 + len(labels) * (0.12 + 0.12 * len(scores))) as figure:
        axes = figure.add_subplot()
        for k, (series, values) in enumerate(scores.items()):
            _draw_bars(axes, [values.get(name) for name in support], k, len(scores), series)
        axes.set_yticks(range(len(labels)), labels)
        axes.set(xlim=(0, 108), ylim=(len(labels) - 0.4, -0.6), xlabel="percent")
        axes.set_xticks(range(0, 101, 20))
        figure.suptitle(plain(title))
        figure.legend(loc="outside lower center", ncols=len(scores))


def _draw_bars(
    axes: "Axes", values: Sequence[float | None], k: int, num_series: int, label: str
) -> None:
    height = 0.8 / num_series
    y = np.arange(len(values)) + (k - (num_series - 1) / 2) * height
    bars = axes.barh(
        y, [x or 0 for x in values], height * 0.92, color=_SERIES[k % len(_SERIES)],
        label=plain(label),
    )  # fmt: skip
    texts = ["–" if x is None else f"{x:.0f}" for x in values]
    axes.bar_label(bars, texts, padding=2, fontsize=6.5)


def plot_confusion(
    path: str | Path, matrix: np.ndarray, classes: Sequence[str], *, title: str
) -> None:
    """Draw a confusion matrix; each row shows what became of a true class, in percent.

    Args:
        path: Where to write the picture.
        matrix: (K, K) counts, rows are truth. A row without any is left white.
        classes: K names.
        title: Above the picture.
    """
    matrix = np.asarray(matrix, float)
    total = matrix.sum(axis=1, keepdims=True)
    shares = 100 * np.divide(matrix, total, out=np.full_like(matrix, np.nan), where=total > 0)
    names = [plain(name, 40) for name in classes]
    size = 2.6 + 0.3 * len(names)
    with drawing(path, size + 0.9, size) as figure:
        axes = figure.add_subplot()
        image = axes.imshow(np.ma.masked_invalid(shares), cmap="Blues", vmin=0, vmax=100)
        for i, j in np.argwhere(shares >= 0.5).tolist():
            colour = "white" if shares[i, j] > 55 else "black"
            text = f"{shares[i, j]:.0f}"
            axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=6.5)
        axes.set_xticks(range(len(names)), names, rotation=90)
        axes.set_yticks(range(len(names)), names)
        edges = np.arange(len(names) + 1) - 0.5
        axes.vlines(edges, edges[0], edges[-1], color="0.9", linewidth=0.5)
        axes.hlines(edges, edges[0], edges[-1], color="0.9", linewidth=0.5)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set(xlabel="predicted", ylabel="truth")
        figure.suptitle(plain(title))
        figure.colorbar(image, ax=axes, label="percent of the true class", shrink=0.7, aspect=30)


def plot_hand_errors(
    path: str | Path, truth: np.ndarray, predicted: np.ndarray, *, title: str
) -> None:
    """Draw how many hands are found within which distance, and in which direction others lie.

    Args:
        path: Where to write the picture.
        truth: (N, 2, 3) as in `metrics.hand_counts`.
        predicted: (N, 2, 3) likewise.
        title: Above the picture.
    """
    errors = hand_errors(truth, predicted)
    with drawing(path, 9, 4.4) as figure:
        shares, offsets = figure.subplots(1, 2)
        for i, side in enumerate(("left", "right")):
            present = int((truth[:, i, 0] > 0.5).sum())
            is_found = np.isfinite(errors[:, i])
            _draw_shares(shares, side, errors[is_found, i], present)
            _draw_offsets(offsets, side, (predicted - truth)[is_found, i, 1:])
        _finish_shares(shares)
        _finish_offsets(offsets)
        figure.suptitle(plain(title))


def _draw_shares(axes: "Axes", side: str, errors: np.ndarray, present: int) -> None:
    percent = 100 * np.arange(len(errors) + 1) / max(present, 1)
    label = f"{side} hand ({present} present, {len(errors)} of them predicted)"
    steps = np.concatenate([[0], np.sort(errors), [2]])
    axes.step(steps, [*percent, percent[-1]], where="post", color=_HAND[side], label=label)


def _draw_offsets(axes: "Axes", side: str, moves: np.ndarray) -> None:
    outside = int((np.abs(moves) > _REACH).any(axis=1).sum())
    axes.scatter(
        *moves.T, s=9, marker={"left": "o", "right": "^"}[side], color=_HAND[side], alpha=0.5,
        linewidths=0, label=f"{side}" + (f" ({outside} further off)" if outside else ""),
    )  # fmt: skip


def _finish_shares(axes: "Axes") -> None:
    axes.set(xlim=(0, _REACH), ylim=(0, 101))
    for threshold in HAND_THRESHOLDS:
        axes.axvline(threshold, color="0.75", linewidth=0.8, linestyle=":", zorder=0)
    axes.set_xticks((0, *HAND_THRESHOLDS))
    axes.set_xlabel("distance, fraction of the picture's sides")
    axes.set_ylabel("hands found within it, % of those present")
    axes.legend(loc="best")


def _finish_offsets(axes: "Axes") -> None:
    from matplotlib.patches import Circle

    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8}
    style = {"ha": "center", "va": "center", "bbox": box}
    for threshold in HAND_THRESHOLDS:
        axes.add_patch(Circle((0, 0), threshold, fill=False, color="0.7", linewidth=0.8))
        place = -threshold * np.array([0.7071, 0.7071])
        axes.text(*place, f"{threshold:g}", fontsize=6.5, color="0.2", **style)
    axes.set(xlim=(-_REACH, _REACH), ylim=(_REACH, -_REACH), aspect="equal")  # y points down
    axes.set_xlabel("predicted − true x")
    axes.set_ylabel("predicted − true y (down)")
    axes.legend(loc="upper left", fontsize=6.5, markerscale=1.5, handletextpad=0.2)
