"""The video with its hands and labels drawn in, for eyes."""

from pathlib import Path

import cv2
import numpy as np

from handact.labels import Segment, frames_from_segments
from handact.plots import class_colours
from handact.progress import Progress
from handact.scores import Scores
from handact.video import FrameStream, VideoWriter

__all__ = ["draw_overlay", "write_overlay"]

Colour = tuple[int, int, int]

_HANDS: tuple[tuple[str, Colour], ...] = (("L", (0, 158, 255)), ("R", (255, 140, 0)))


def write_overlay(
    path: Path,
    video: Path,
    scores: Scores,
    segments: list[Segment],
    *,
    on_progress: Progress | None = None,
) -> None:
    """Write `video` with its hands, the current action and a strip of all actions drawn in.

    Raises:
        VideoError: `video` cannot be read, or `path` not written.
    """
    number = len(scores.seconds)
    labels = frames_from_segments(segments, number, scores.classes, scores.background)
    colours = class_colours(len(scores.classes), scores.classes.index(scores.background))
    with FrameStream(video, fps=scores.fps) as stream:
        size = stream.width, stream.height
        with VideoWriter(path, *size, fps=scores.fps) as writer:
            strip = _strip(labels, colours, stream.width, stream.height)
            for frame in stream:
                if frame.index >= number:
                    break
                label = labels[frame.index]
                picture = draw_overlay(
                    frame.image,
                    scores.hands[frame.index],
                    scores.classes[label],
                    float(scores.probabilities[frame.index, label]),
                    tuple(int(c) for c in colours[label]),
                )
                _draw_strip(picture, strip, (frame.index + 0.5) / number)
                writer.write(picture, seconds=frame.seconds)
                if on_progress:
                    on_progress(frame.index + 1, number)
    if on_progress:
        on_progress(number, number)


def draw_overlay(
    image: np.ndarray, hands: np.ndarray, action: str, probability: float, colour: Colour
) -> np.ndarray:
    """Return a copy of a frame with its hands marked and its action named.

    Args:
        image: (H, W, 3) uint8 RGB.
        hands: (2, 3) P, x, y of the left and right hand; NaN positions where there is none.
        action: Name of the class.
        probability: Of that class, in 0..1.
        colour: Of that class.
    """
    picture = image.copy()
    height, width = picture.shape[:2]
    unit = max(1, round(height / 360))
    for (name, hand_colour), (p, x, y) in zip(_HANDS, hands, strict=True):
        if not np.isnan(x):
            center = round(float(x) * width), round(float(y) * height)
            cv2.circle(picture, center, 14 * unit, (255, 255, 255), 3 * unit, cv2.LINE_AA)
            cv2.circle(picture, center, 14 * unit, hand_colour, 2 * unit, cv2.LINE_AA)
            _text(picture, f"{name} {p:.2f}", (center[0] + 18 * unit, center[1]), unit, hand_colour)
    bar = 26 * unit
    picture[:bar] = (0.35 * picture[:bar]).astype(np.uint8)
    picture[:bar, : 10 * unit] = colour
    _text(picture, f"{action}  {probability:.2f}", (16 * unit, 18 * unit), unit, (255, 255, 255))
    return picture


def _strip(labels: np.ndarray, colours: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return the whole video's labels as a strip (h, W, 3), one column a pixel."""
    columns = labels[(np.arange(width) * len(labels)) // width]
    return np.repeat(colours[columns][None], max(4, height // 45), axis=0)


def _draw_strip(picture: np.ndarray, strip: np.ndarray, position: float) -> None:
    picture[-len(strip) :] = strip
    x = round(position * (picture.shape[1] - 1))
    top = picture.shape[0] - round(1.5 * len(strip))
    cv2.line(picture, (x, top), (x, picture.shape[0]), (0, 0, 0), 5, cv2.LINE_8)
    cv2.line(picture, (x, top), (x, picture.shape[0]), (255, 255, 255), 2, cv2.LINE_8)


def _text(picture: np.ndarray, text: str, at: tuple[int, int], unit: int, colour: Colour) -> None:
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.5 * unit
    cv2.putText(picture, text, at, font, scale, (0, 0, 0), 3 * unit, cv2.LINE_AA)
    cv2.putText(picture, text, at, font, scale, colour, unit, cv2.LINE_AA)
