"""What happens when in a video, as strips of colour over time."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from handact.plots.drawing import BACKGROUND, class_colours, drawing, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["TimelineRow", "plot_timeline"]

_WIDTH, _TITLE, _STRIP, _LINE, _GAP = 10.0, 0.2, 0.24, 0.45, 0.36  # inches
_NAME_LENGTH = 40
_MOST_TITLE, _TITLE_LINE = 500, 130  # characters
_MAX_COUNTED_STEPS = 12
_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)  # seconds


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One video of a timeline.

    Attributes:
        name: Of the video.
        predicted: (N,) class indices.
        truth: (N,) class indices, or None where there is no truth.
        fps: Frames per second; None where it is not known.
        confidence: (N,) 0..1, drawn as a line below the strips; None draws none.
    """

    name: str
    predicted: np.ndarray
    truth: np.ndarray | None = None
    fps: float | None = None
    confidence: np.ndarray | None = None

    def __post_init__(self) -> None:
        for other in (self.truth, self.confidence):
            if other is not None and len(other) != len(self.predicted):
                raise ValueError(f"{self.name}: {len(self.predicted)} frames and {len(other)}")


@dataclass(frozen=True, slots=True)
class _Look:
    """What all rows of a picture share; `end` is the longest video's, in the axis' unit."""

    classes: Sequence[str]
    background: int
    in_seconds: bool
    end: float

    def scale(self, row: TimelineRow) -> float:
        """Frames per unit of the axis."""
        return row.fps if self.in_seconds else 1.0

    @property
    def colours(self) -> np.ndarray:
        """(K, 3) in 0..1."""
        return class_colours(len(self.classes), self.background) / 255


def plot_timeline(
    path: str | Path,
    rows: Sequence[TimelineRow],
    classes: Sequence[str],
    background: str,
    *,
    title: str | None = None,
) -> None:
    """Draw what was predicted when: class colours over the truth in grey, wrong frames black.

    Segments wide enough bear the number that their class has in the legend. All videos share one
    scale: minutes and seconds if every rate is known, otherwise frames.

    Args:
        path: Where to write the picture.
        rows: Videos from top to bottom.
        classes: K names.
        background: One of `classes`.
        title: Above the picture.

    Raises:
        ValueError: There are no rows.

    Source:
        The paper's supplement, Fig. 5 and 6.
    """
    if not rows:
        raise ValueError("`rows` must hold at least one video")
    in_seconds = all(row.fps for row in rows)
    end = max(len(row.predicted) / (row.fps if in_seconds else 1) for row in rows) or 1
    look = _Look(classes, classes.index(background), in_seconds, end)
    handles = _legend_handles(look, rows)
    columns = _legend_columns([handle.get_label() for handle in handles])
    heights = [_GAP + _STRIP * _num_strips(row) + _LINE * _has_line(row) for row in rows]
    below = 0.42 + 0.165 * -(-len(handles) // columns)
    lines = textwrap.wrap(plain(title or "", _MOST_TITLE), _TITLE_LINE)
    above = 0.05 + 0.14 * len(lines)
    height = above + sum(heights) + below
    # By hand, because an automatic layout makes strips of different heights.
    with drawing(path, _WIDTH, height, layout="none") as figure:
        tops = height - above - np.cumsum([0, *heights])
        lowest = [_draw_row(figure, y, row, look) for y, row in zip(tops, rows, strict=False)]
        for axes in lowest[:-1]:
            axes.tick_params(labelbottom=False)
        lowest[-1].set_xlabel("time, minutes:seconds" if in_seconds else "frame")
        figure.legend(
            handles=handles, handlelength=1.2, fontsize=7.5, loc="lower center", ncols=columns,
            borderaxespad=0.2,
        )  # fmt: skip
        if lines:
            figure.suptitle("\n".join(lines), y=1 - 0.06 / height, va="top")


def _num_strips(row: TimelineRow) -> int:
    return 1 if row.truth is None else 2


def _has_line(row: TimelineRow) -> bool:
    return row.confidence is not None


def _draw_row(figure: "Figure", top: float, row: TimelineRow, look: _Look) -> "Axes":
    """Draw a video, its upper edge `top` inches up; return the axes that bear its time scale."""
    height = _STRIP * _num_strips(row)
    axes = lowest = _add_axes(figure, top - _TITLE, height)
    _draw_prediction(axes, row, look)
    if row.truth is not None:
        _draw_truth(axes, row, look)
    if _has_line(row):
        axes.tick_params(bottom=False, labelbottom=False)
        axes.spines["bottom"].set_visible(False)
        line = _add_axes(figure, top - _TITLE - height - 0.06, _LINE - 0.06)
        lowest = _draw_confidence(line, row, look)
    names = ["predicted"] if row.truth is None else ["truth", "predicted"]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.5, len(names) - 0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_title(plain(row.name), loc="left", fontsize=8, pad=2)
    for each in (axes, lowest):
        each.set_xlim(0, look.end)
    _format_time(lowest, look)
    return lowest


def _add_axes(figure: "Figure", top: float, height: float) -> "Axes":
    """Add axes over the width of the figure; all in inches."""
    left, right, total = 0.85, 0.25, figure.get_figheight()
    place = (left / _WIDTH, (top - height) / total, 1 - (left + right) / _WIDTH, height / total)
    return figure.add_axes(place)


def _draw_prediction(axes: "Axes", row: TimelineRow, look: _Look) -> None:
    predicted, y = row.predicted, _num_strips(row) - 1
    right = np.ones(len(predicted), bool) if row.truth is None else row.truth == predicted
    starts, ends = _edges(predicted * 2 + right)
    colours = np.where(right[starts, None], look.colours[predicted[starts]], 0.0)
    _draw_strip(axes, y, starts / look.scale(row), ends / look.scale(row), colours)
    _draw_numbers(axes, y, starts, predicted[starts], ends, colours, row, look)
    if row.truth is not None and len(right):
        text = f"{100 * right.mean():.1f} % of frames right"
        axes.set_title(text, loc="right", fontsize=7.5, pad=2)


def _draw_truth(axes: "Axes", row: TimelineRow, look: _Look) -> None:
    starts, ends = _edges(row.truth)
    # Two greys in turn, so that neighbouring segments can be told apart.
    grey = np.where(np.arange(len(starts)) % 2, 0.58, 0.7)
    grey = np.where(row.truth[starts] == look.background, BACKGROUND[0] / 255, grey)
    colours = np.repeat(grey[:, None], 3, axis=1)
    _draw_strip(axes, 0, starts / look.scale(row), ends / look.scale(row), colours)
    _draw_numbers(axes, 0, starts, row.truth[starts], ends, colours, row, look)


def _edges(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    starts = np.flatnonzero(np.diff(labels, prepend=labels[:1] - 1))
    return starts, np.append(starts[1:], len(labels))[: len(starts)]


def _draw_strip(
    axes: "Axes", y: int, starts: np.ndarray, ends: np.ndarray, colours: np.ndarray
) -> None:
    spans = np.stack([starts, ends - starts], axis=1)
    axes.broken_barh(spans, (y - 0.42, 0.84), facecolors=colours, linewidth=0, antialiased=False)


def _draw_numbers(
    axes: "Axes",
    y: int,
    starts: np.ndarray,
    labels: np.ndarray,
    ends: np.ndarray,
    colours: np.ndarray,
    row: TimelineRow,
    look: _Look,
) -> None:
    middles = (starts + ends) / 2 / look.scale(row)
    is_wide = (ends - starts) / look.scale(row) > 0.012 * look.end
    is_dark = colours @ (0.299, 0.587, 0.114) < 0.52
    for i in np.flatnonzero(is_wide & (labels != look.background)).tolist():
        axes.text(
            middles[i], y, str(labels[i]), ha="center", va="center_baseline", fontsize=6.5,
            color="white" if is_dark[i] else "black",
        )  # fmt: skip


def _draw_confidence(axes: "Axes", row: TimelineRow, look: _Look) -> "Axes":
    # More points than pixels only cost time; of each group the lowest tells most.
    step = max(1, len(row.confidence) // 4000)
    starts = np.arange(0, len(row.confidence), step)
    lowest = np.minimum.reduceat(row.confidence, starts) if len(starts) else starts
    axes.plot((starts + step / 2) / look.scale(row), lowest, color="0.25", linewidth=0.7)
    axes.set_ylim(0, 1.05)
    axes.set_yticks([0, 1])
    axes.set_ylabel("confidence", rotation=0, ha="right", va="center", fontsize=7.5, labelpad=2)
    return axes


def _format_time(axes: "Axes", look: _Look) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

    if not look.in_seconds:
        axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
        return
    step = next((s for s in _STEPS if look.end / s <= _MAX_COUNTED_STEPS), look.end / 10)
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: _clock(seconds)))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{minutes:.0f}:{rest:04.1f}" if rest % 1 else f"{minutes:.0f}:{rest:02.0f}"


def _legend_handles(look: _Look, rows: Sequence[TimelineRow]) -> list[Any]:
    from matplotlib.patches import Patch

    labels = [x for row in rows for x in (row.predicted, row.truth) if x is not None]
    shown = sorted({look.background, *np.unique(np.concatenate(labels)).tolist()})
    handles = [
        Patch(color=look.colours[i], label=plain(f"{i}  {look.classes[i]}", _NAME_LENGTH))
        for i in shown
    ]
    if any(row.truth is not None for row in rows):
        handles += [Patch(color="black", label="wrong frame"), Patch(color="0.64", label="truth")]
    return handles


def _legend_columns(names: Sequence[str]) -> int:
    return int(np.clip(165 // (max(map(len, names)) + 7), 1, 6))
