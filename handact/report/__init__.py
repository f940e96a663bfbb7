"""Reports: from truth and prediction to figures, tables and pictures.

Truth and prediction come from bare tables (`read_sequences`, `read_hand_pairs`) or from a dataset
folder (`handact.evaluation`); what follows is the same.
"""

from handact.report.compare import (
    COMPARE_LEVELS,
    describe_compare,
    state_compare,
    write_compare_report,
)
from handact.report.hands_page import write_hands_page
from handact.report.metrics_page import write_metrics_page
from handact.report.plain_pages import write_compare_page, write_sweep_page
from handact.report.reading import read_hand_pairs, read_sequences
from handact.report.runs import read_runs
from handact.report.sweep import SWEEP_LEVELS, describe_sweep, state_sweep, write_sweep_report
from handact.report.writing import (
    ENGINE_FIGURES,
    describe_engines,
    describe_hands,
    describe_sequences,
    state_hands,
    state_sequences,
    write_engines_report,
    write_hands_report,
    write_metrics_report,
    write_timeline,
)

__all__ = [
    "COMPARE_LEVELS",
    "ENGINE_FIGURES",
    "SWEEP_LEVELS",
    "describe_compare",
    "describe_engines",
    "describe_hands",
    "describe_sequences",
    "describe_sweep",
    "read_hand_pairs",
    "read_runs",
    "read_sequences",
    "state_compare",
    "state_hands",
    "state_sequences",
    "state_sweep",
    "write_compare_page",
    "write_compare_report",
    "write_engines_report",
    "write_hands_page",
    "write_hands_report",
    "write_metrics_page",
    "write_metrics_report",
    "write_sweep_page",
    "write_sweep_report",
    "write_timeline",
]
