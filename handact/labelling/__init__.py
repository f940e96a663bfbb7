"""What a person does to labels in the browser, without the browser.

journal    edits.jsonl, where every change stands before it is anywhere else
store      the tables of labels, changed edit by edit, with undo, and saved
frames     which frames to label next, and what stands in them by guess
scout      the localiser, looking for frames that it is unsure of; imported where it is needed,
           since it brings torch along
review     predictions for a person to accept or correct, and the places to look at first
"""

from handact.labelling.frames import APART, BETWEEN, guess_between, keep_apart, spread_frames
from handact.labelling.journal import Edit, Journal
from handact.labelling.review import (
    Place,
    Prediction,
    fill_gaps,
    find_places,
    predicted_videos,
    read_predictions,
)
from handact.labelling.store import LabelStore, StaleEdit, UnreadableTable, to_rows

__all__ = [
    "APART",
    "BETWEEN",
    "Edit",
    "Journal",
    "LabelStore",
    "Place",
    "Prediction",
    "StaleEdit",
    "UnreadableTable",
    "fill_gaps",
    "find_places",
    "guess_between",
    "keep_apart",
    "predicted_videos",
    "read_predictions",
    "spread_frames",
    "to_rows",
]
