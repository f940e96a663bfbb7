"""Pictures, one function each, drawn straight into a file (.png, .pdf or .svg by its suffix).

Matplotlib's object interface is used throughout and imported only when something is drawn. A file
is whole or not there. Names of classes and videos are shown as they are.
"""

from handact.plots.compare import ChangeRow, plot_changes
from handact.plots.curves import plot_learning_curves
from handact.plots.cycles import plot_cycle, plot_cycles
from handact.plots.drawing import PICTURE_SUFFIXES, class_colours
from handact.plots.scores import plot_class_scores, plot_confusion, plot_hand_errors
from handact.plots.sweep import SweepGroup, plot_sweep
from handact.plots.timelines import TimelineRow, plot_timeline

__all__ = [
    "PICTURE_SUFFIXES",
    "ChangeRow",
    "SweepGroup",
    "TimelineRow",
    "class_colours",
    "plot_changes",
    "plot_class_scores",
    "plot_confusion",
    "plot_cycle",
    "plot_cycles",
    "plot_hand_errors",
    "plot_learning_curves",
    "plot_sweep",
    "plot_timeline",
]
