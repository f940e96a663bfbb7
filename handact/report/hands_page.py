"""The page of `report hands`: its figures, its picture, and the frames that are worst."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from handact.dataset import Dataset
from handact.metrics import HAND_THRESHOLDS, hand_errors, worst_hand_frames
from handact.report.page import Card, Gallery, Picture, Section, Table, Text, write_page
from handact.report.tables import data_facts, hand_table
from handact.report.thumbnails import as_jpeg, read_thumbnails
from handact.results import HandPairs

__all__ = ["write_hands_page"]

_MOST_FRAMES = 12
_WIDTH = 480  # pixels of a picture
_SIDES = (("left", (0, 158, 255)), ("right", (255, 140, 0)))  # colours as in the overlay
_WHITE = (255, 255, 255)
_ERRORS = "How many hands are found within which distance, and in which direction others lie."
_MARKS = (
    "A ring is where a hand is, a cross where it was predicted. L and blue are the person's left"
    " hand, R and orange the right one."
)


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """A labelled frame, and its (2, 3) true and predicted hands as in `HandPairs`."""

    video: str
    frame: int
    truth: np.ndarray
    predicted: np.ndarray


def write_hands_page(
    folder: Path, report: Mapping[str, Any], result: HandPairs, dataset: Dataset | None = None
) -> tuple[Path, tuple[str, ...]]:
    """Write hands.html, a page of its own, beside the files of `write_hands_report`.

    Args:
        folder: Where those files lie; the page takes the picture among them.
        report: From `describe_hands`.
        result: What it is about.
        dataset: Where the videos are; without it there are no pictures of frames.

    Returns:
        The page, and a sentence for each video that cannot be read.
    """
    keys = list(zip(result.frames["video"], result.frames["frame"].tolist(), strict=True))
    worst = [
        _Frame(*keys[i], result.truth[i], result.predicted[i])
        for i in worst_hand_frames(result.truth, result.predicted)
    ]
    shown = [(frame.video, frame.frame) for frame in worst[:_MOST_FRAMES]]
    images, notes = read_thumbnails(dataset, shown, width=_WIDTH) if dataset else ({}, ())
    variant = report["variant"]
    facts = {
        "frames": f"{variant['num_frames']} labelled, of {variant['num_videos']} videos",
        "distance": variant["distance"],
        "counting": variant["counting"],
    }
    if result.notes:
        facts["notes"] = "; ".join(result.notes)
    sections = [
        Section("Summary", [hand_table(report), Picture(folder / "hands.png", _ERRORS)]),
        Section("Worst frames", _tell_frames(worst, images, notes)),
    ]
    about = f"{dataset.name}, {result.split} split" if dataset else result.how
    path = folder / "hands.html"
    write_page(path, f"Hands: {about}", data_facts(dataset, variant, facts), sections)
    return path, notes


def _tell_frames(
    worst: Sequence[_Frame], images: Mapping[tuple[str, int], np.ndarray], notes: Sequence[str]
) -> list[Text | Table | Gallery]:
    if not worst:
        return [Text(f"Every hand is nearer than {min(HAND_THRESHOLDS):g} to its place.")]
    shown = worst[:_MOST_FRAMES]
    caption = f"{len(shown)} of {len(worst)} frames with a wrong hand, the worst first"
    note = " ".join(f"{note}." for note in notes)
    if not images:
        rows = [(frame.video, frame.frame, *_faults(frame).values()) for frame in shown]
        return [Table(caption, ("video", "frame", "left hand", "right hand"), rows, note)]
    cards = [
        Card(
            f"{frame.video}, frame {frame.frame}",
            _faults(frame),
            [_picture(images[key], frame)] if key in images else [],
        )
        for frame in shown
        for key in [(frame.video, frame.frame)]
    ]
    return [Text(_MARKS), Gallery(caption, cards, note)]


def _faults(frame: _Frame) -> dict[str, str]:
    """Say of each hand how wrong it is."""
    distances = hand_errors(frame.truth[None], frame.predicted[None])[0]
    words = {
        (True, True): "{:.2f} off",
        (True, False): "missed",
        (False, True): "predicted, but absent",
        (False, False): "absent",
    }
    return {
        side: words[bool(true[0] > 0.5), bool(guess[0] > 0.5)].format(distance)
        for (side, _), true, guess, distance in zip(
            _SIDES, frame.truth, frame.predicted, distances, strict=True
        )
    }


def _picture(image: np.ndarray, frame: _Frame) -> Picture:
    drawn = image.copy()
    for (side, colour), *hands in zip(_SIDES, frame.truth, frame.predicted, strict=True):
        # White first and wider: a rim that stands out from any picture.
        for ink, width in ((_WHITE, 3), (colour, 0)):
            for is_true, (p, x, y) in zip((True, False), hands, strict=True):
                if p > 0.5:
                    at = round(x * image.shape[1]), round(y * image.shape[0])
                    _mark(drawn, at, side[0].upper(), is_true, ink, width)
    return Picture(as_jpeg(drawn), "", f"Video {frame.video}, frame {frame.frame}")


def _mark(
    image: np.ndarray,
    at: tuple[int, int],
    name: str,
    is_true: bool,
    ink: tuple[int, int, int],
    wider: int,
) -> None:
    if is_true:
        cv2.circle(image, at, 12, ink, 2 + wider, cv2.LINE_AA)
        place, font = (at[0] - 4, at[1] + 30), cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(image, name, place, font, 0.5, ink, 1 + wider, cv2.LINE_AA)
    else:
        cv2.drawMarker(image, at, ink, cv2.MARKER_TILTED_CROSS, 18, 2 + wider, cv2.LINE_AA)
