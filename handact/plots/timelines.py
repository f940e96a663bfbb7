"""What happens when in a video, as strips of colour over time."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from handact.labels import runs
from handact.plots.drawing import BACKGROUND, class_colours, drawing, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["TimelineRow", "plot_timeline"]

_WIDTH, _TITLE, _STRIP, _LINE, _GAP = 10.0, 0.2, 0.24, 0.45, 0.36  # inches
_LEFT, _RIGHT = 0.85, 0.25  # inches beside the strips
_MOST_LEFT, _RIGHT_OF_RUNS, _LETTER = 2.6, 0.65, 0.068  # the same where runs are named
_NAME_LENGTH, _VIDEO_LENGTH = 72, 90  # characters
_MOST_TITLE, _TITLE_LINE = 500, 130  # characters
_MAX_COUNTED_STEPS = 12
_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)  # seconds


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One video of a timeline.

    Attributes:
        name: Of the video.
        predicted: (N,) class indices; or (R, N) of R runs, from top to bottom.
        truth: (N,) class indices, or None where there is no truth.
        fps: Frames per second; None where it is not known.
        confidence: (N,) 0..1, drawn as a line below the strips; None draws none.
        runs: R names of the runs; of a single one there may be none.
    """

    name: str
    predicted: np.ndarray
    truth: np.ndarray | None = None
    fps: float | None = None
    confidence: np.ndarray | None = None
    runs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for other in (self.truth, self.confidence):
            if other is not None and len(other) != self.num_frames:
                raise ValueError(f"{self.name}: {self.num_frames} frames and {len(other)}")
        if len(self.runs) != len(self.strips) and (self.runs or len(self.strips) > 1):
            raise ValueError(f"{self.name}: {len(self.strips)} runs and {len(self.runs)} names")

    @property
    def strips(self) -> np.ndarray:
        """(R, N) what each run predicts."""
        return np.atleast_2d(self.predicted)

    @property
    def num_frames(self) -> int:
        """N."""
        return self.predicted.shape[-1]


@dataclass(frozen=True, slots=True)
class _Look:
    """What all rows of a picture share.

    `end` is the longest video's, in the axis' unit; `left` and `right` are inches.
    """

    classes: Sequence[str]
    background: int
    in_seconds: bool
    end: float
    left: float
    right: float

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

    Several runs are stacked over one truth, each with its name and its share of right frames.
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
    end = max(row.num_frames / (row.fps if in_seconds else 1) for row in rows) or 1
    look = _Look(classes, classes.index(background), in_seconds, end, *_margins(rows))
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


def _margins(rows: Sequence[TimelineRow]) -> tuple[float, float]:
    """Room for the names of runs on the left, and for their shares on the right."""
    longest = max((len(name) for row in rows for name in row.runs), default=0)
    if not longest:
        return _LEFT, _RIGHT
    return float(np.clip(0.15 + _LETTER * longest, _LEFT, _MOST_LEFT)), _RIGHT_OF_RUNS


def _num_strips(row: TimelineRow) -> int:
    return len(row.strips) + (row.truth is not None)


def _has_line(row: TimelineRow) -> bool:
    return row.confidence is not None


def _draw_row(figure: "Figure", top: float, row: TimelineRow, look: _Look) -> "Axes":
    """Draw a video, its upper edge `top` inches up; return the axes that bear its time scale."""
    height = _STRIP * _num_strips(row)
    axes = lowest = _add_axes(figure, top - _TITLE, height, look)
    for i, predicted in enumerate(row.strips):
        _draw_prediction(axes, _num_strips(row) - 1 - i, predicted, row, look)
    if row.truth is not None:
        _draw_truth(axes, row, look)
    if _has_line(row):
        axes.tick_params(bottom=False, labelbottom=False)
        axes.spines["bottom"].set_visible(False)
        line = _add_axes(figure, top - _TITLE - height - 0.06, _LINE - 0.06, look)
        lowest = _draw_confidence(line, row, look)
    names = [] if row.truth is None else ["truth"]
    most = int((_MOST_LEFT - 0.15) / _LETTER)
    names += [_shorten_middle(name, most) for name in reversed(row.runs or ("predicted",))]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.5, len(names) - 0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_title(_shorten_middle(row.name, _VIDEO_LENGTH), loc="left", fontsize=8, pad=2)
    for each in (axes, lowest):
        each.set_xlim(0, look.end)
    _format_time(lowest, look)
    return lowest


def _shorten_middle(name: str, most: int) -> str:
    """Names of runs and of videos that have much in common differ at their ends."""
    if len(name) > most:
        name = f"{name[: most // 3]}…{name[most // 3 + 1 - most :]}"
    return plain(name)


def _add_axes(figure: "Figure", top: float, height: float, look: _Look) -> "Axes":
    """Add axes over the width of the figure; all in inches."""
    total, width = figure.get_figheight(), _WIDTH - look.left - look.right
    place = (look.left / _WIDTH, (top - height) / total, width / _WIDTH, height / total)
    return figure.add_axes(place)


def _draw_prediction(
    axes: "Axes", y: int, predicted: np.ndarray, row: TimelineRow, look: _Look
) -> None:
    right = np.ones(len(predicted), bool) if row.truth is None else row.truth == predicted
    starts, ends = runs(predicted * 2 + right)
    colours = np.where(right[starts, None], look.colours[predicted[starts]], 0.0)
    _draw_strip(axes, y, starts / look.scale(row), ends / look.scale(row), colours)
    _draw_numbers(axes, y, starts, predicted[starts], ends, colours, row, look)
    if row.truth is not None and len(right):
        _tell_share(axes, y, 100 * right.mean(), row)


def _tell_share(axes: "Axes", y: int, percent: float, row: TimelineRow) -> None:
    if not row.runs:
        axes.set_title(f"{percent:.1f} % of frames right", loc="right", fontsize=7.5, pad=2)
        return
    axes.set_title("frames right", loc="right", fontsize=7.5, pad=2)
    axes.annotate(
        f"{percent:.1f} %", (1, y), xycoords=("axes fraction", "data"), xytext=(5, 0),
        textcoords="offset points", va="center", fontsize=7.5,
    )  # fmt: skip


def _draw_truth(axes: "Axes", row: TimelineRow, look: _Look) -> None:
    starts, ends = runs(row.truth)
    # Two greys in turn, so that neighbouring segments can be told apart.
    grey = np.where(np.arange(len(starts)) % 2, 0.58, 0.7)
    grey = np.where(row.truth[starts] == look.background, BACKGROUND[0] / 255, grey)
    colours = np.repeat(grey[:, None], 3, axis=1)
    _draw_strip(axes, 0, starts / look.scale(row), ends / look.scale(row), colours)
    _draw_numbers(axes, 0, starts, row.truth[starts], ends, colours, row, look)


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

    labels = [x for row in rows for x in (*row.strips, row.truth) if x is not None]
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
