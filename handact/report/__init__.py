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
from handact.report.nominal import read_nominal
from handact.report.observations import Observations, observe_sequences, read_observations
from handact.report.plain_pages import write_compare_page, write_sweep_page
from handact.report.reading import read_hand_pairs, read_sequences
from handact.report.runs import check_runs, gather_notes, read_runs
from handact.report.sweep import SWEEP_LEVELS, describe_sweep, state_sweep, write_sweep_report
from handact.report.tables import (
    boundary_table,
    class_table,
    compare_tables,
    hand_table,
    summary_table,
    sweep_tables,
)
from handact.report.timestudy import (
    TimeStudy,
    describe_timestudy,
    state_timestudy,
    study_times,
    write_timestudy_report,
)
from handact.report.timestudy_page import write_timestudy_page
from handact.report.timestudy_tables import (
    agreement_table,
    cycle_summary_table,
    odd_cycles,
    standard_table,
    step_table,
)
from handact.report.writing import (
    MAIN_FIGURES,
    check_folder,
    describe_engines,
    describe_hands,
    describe_sequences,
    number_of,
    state_hands,
    state_sequences,
    write_engines_report,
    write_hands_report,
    write_metrics_report,
    write_timeline,
)

__all__ = [
    "COMPARE_LEVELS",
    "MAIN_FIGURES",
    "SWEEP_LEVELS",
    "Observations",
    "TimeStudy",
    "agreement_table",
    "boundary_table",
    "check_folder",
    "check_runs",
    "class_table",
    "compare_tables",
    "cycle_summary_table",
    "describe_compare",
    "describe_engines",
    "describe_hands",
    "describe_sequences",
    "describe_sweep",
    "describe_timestudy",
    "gather_notes",
    "hand_table",
    "number_of",
    "observe_sequences",
    "odd_cycles",
    "read_hand_pairs",
    "read_nominal",
    "read_observations",
    "read_runs",
    "read_sequences",
    "standard_table",
    "state_compare",
    "state_hands",
    "state_sequences",
    "state_sweep",
    "state_timestudy",
    "step_table",
    "study_times",
    "summary_table",
    "sweep_tables",
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
    "write_timestudy_page",
    "write_timestudy_report",
]
