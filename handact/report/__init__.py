"""Reports: from truth and prediction to figures, tables and pictures.

Truth and prediction come from bare tables (`read_sequences`, `read_hand_pairs`) or from a dataset
folder (`handact.evaluation`); what follows is the same.
"""

from handact.report.reading import read_hand_pairs, read_sequences
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
    "ENGINE_FIGURES",
    "describe_engines",
    "describe_hands",
    "describe_sequences",
    "read_hand_pairs",
    "read_sequences",
    "state_hands",
    "state_sequences",
    "write_engines_report",
    "write_hands_report",
    "write_metrics_report",
    "write_timeline",
]
