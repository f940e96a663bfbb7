"""`segment --live`: actions told while they happen.

The causal network gives each frame its probabilities as soon as it is there; online cleaning takes
a class for a new action once it has held for its cut-off, and dates it back. What happens is told
as events, plain dicts for JSON:

    live     what is watched, and how late its actions are told: `delay_seconds` after their
             beginning at most, and as long as a frame waits and takes
    begin    an action began: when (`seconds`, `frame`), and how late that is known (`delay`)
    end      it ended
    dropped  frames that the machine had no time for, since the last such event and in all
    stalled, resumed   the source gave no frames for a while, and gives them again
    done     frames, dropped frames, interruptions, and the milliseconds from a frame's coming to
             its being done, median and 95th percentile
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from handact.align import align_live
from handact.cleaning import OnlineCleaner, configured_cutoffs
from handact.config import SegmentConfig
from handact.data.aligned import AlignedFrame
from handact.engine import ActionModel, run_live
from handact.errors import ConfigError, VideoError
from handact.overlay import draw_overlay
from handact.plots import class_colours
from handact.video import Frame, LiveSource, VideoWriter

__all__ = ["segment_live"]

OnEvent = Callable[[dict[str, Any]], None]

_DROPS_TOLD_EVERY = 5.0  # seconds
_MOST_TIMED = 10_000  # frames, the last of which the milliseconds are of
_WINDOW = "handact"


def segment_live(
    source: LiveSource,
    model: ActionModel,
    config: SegmentConfig,
    *,
    on_event: OnEvent,
    on_segment: OnEvent = lambda row: None,
    overlay: Path | None = None,
    window: bool = False,
) -> None:
    """Tell the actions of a source until it ends.

    An interruption by the keyboard ends it too, and q in the window. Where the source does not come
    back, everything is finished before the error is raised.

    Args:
        source: Open.
        model: Its network looks at the past alone.
        config: Settings; the cut-offs among them.
        on_event: Told what happens.
        on_segment: Told each segment once it has ended, background too: start_frame, end_frame,
            start_seconds, end_seconds, action, confidence, as in NAME.segments.csv.
        overlay: A video to write, with hands and actions as they were known at each frame.
        window: Show the same in a window.

    Raises:
        ConfigError: The network looks ahead, or there is no window to be had.
        VideoError: The source did not come back.
    """
    teller = _Teller(model, config, source, on_event, on_segment)
    lost = None
    with ExitStack() as stack:
        show = _open_views(stack, source, model, overlay, window)
        _warm_up(model, config, source)
        teller.begin()
        held: deque[Frame] = deque()
        try:
            with suppress(KeyboardInterrupt):
                for aligned, probabilities in _run(source, held, model, config):
                    teller.tell(aligned, probabilities)
                    if not show(held.popleft(), aligned, teller.label, probabilities):
                        break
        except VideoError as error:
            lost = error
        teller.end()
    if lost is not None:
        raise lost


def _warm_up(model: ActionModel, config: SegmentConfig, source: LiveSource) -> None:
    """Let the networks run once: the first time takes long, and no frame shall wait for it."""
    black = Frame(0, 0.0, np.zeros((source.height, source.width, 3), np.uint8))
    aligned = align_live([black], model.align, model.localizer, fps=source.fps)
    for _ in run_live(model, aligned, config, fps=source.fps):
        pass


def _run(
    source: LiveSource, held: deque[Frame], model: ActionModel, config: SegmentConfig
) -> Iterator[tuple[AlignedFrame, np.ndarray]]:
    """Yield what the network says of each frame, which is put into `held` as it was."""

    def noted() -> Iterator[Frame]:
        for frame in source:
            held.append(frame)
            yield frame

    aligned = align_live(noted(), model.align, model.localizer, fps=source.fps)
    return run_live(model, aligned, config, fps=source.fps)


@dataclass(frozen=True, slots=True)
class _Undecided:
    """A frame whose class may still change."""

    index: int
    seconds: float
    probabilities: np.ndarray


@dataclass
class _Segment:
    """What holds now, and how sure its frames were of it."""

    label: int
    frame: int = 0
    seconds: float = 0.0
    number: int = 0  # of its frames that were seen
    total: float = 0.0  # of their probabilities

    def add(self, probabilities: np.ndarray) -> None:
        self.number += 1
        self.total += float(probabilities[self.label])


class _Teller:
    """Turns probabilities into events and segments.

    `on_event` is also told what the source has to say of itself.
    """

    def __init__(
        self,
        model: ActionModel,
        config: SegmentConfig,
        source: LiveSource,
        on_event: OnEvent,
        on_segment: OnEvent,
    ) -> None:
        self.source, self.on_event, self.on_segment = source, on_event, on_segment
        self.classes, self.background = model.classes, model.background
        cutoffs = configured_cutoffs(model.statistics, model.classes, config)
        background = model.classes.index(model.background)
        self.cleaner = OnlineCleaner(cutoffs, background, 1 / source.fps)
        self.current = _Segment(background)
        self.undecided: deque[_Undecided] = deque()
        self.newest: AlignedFrame | None = None
        self.told_drops, self.told_at = 0, 0.0
        self.milliseconds: deque[float] = deque(maxlen=_MOST_TIMED)
        source.on_event = lambda what, seconds: on_event(
            {"event": what, "seconds": round(seconds, 3)}
        )

    @property
    def label(self) -> int:
        """The class that holds now."""
        return self.current.label

    def begin(self) -> None:
        self.on_event(
            {
                "event": "live",
                "source": self.source.name,
                "fps": round(self.source.fps, 3),
                "width": self.source.width,
                "height": self.source.height,
                "delay_seconds": round(float(self.cleaner.cutoffs.max()), 3),
                "max_wait_seconds": self.source.max_wait,
            }
        )

    def tell(self, frame: AlignedFrame, probabilities: np.ndarray) -> None:
        """Take the next frame."""
        self.newest = frame
        self.undecided.append(_Undecided(frame.index, frame.seconds, probabilities))
        began = self.cleaner.push(probabilities, frame.seconds)
        if began is not None:
            self._decide(began)
            self._change(self.undecided[0], frame)
        self._decide(self.cleaner.decided)
        self.milliseconds.append(1000 * (time.monotonic() - self.source.came))
        self._tell_drops()

    def _decide(self, number: int) -> None:
        """Give what holds now all frames up to this number, of those that came."""
        while self.undecided and self.cleaner.number - len(self.undecided) < number:
            self.current.add(self.undecided.popleft().probabilities)

    def _change(self, first: _Undecided, newest: AlignedFrame) -> None:
        """End what held, and begin what has held since the frame `first`."""
        delay = round(newest.seconds - first.seconds, 3)
        self._end_segment(first.index, first.seconds, delay)
        self.current = _Segment(self.cleaner.label, first.index, first.seconds)
        self._tell_action("begin", first.index, first.seconds, delay)

    def _end_segment(self, frame: int, seconds: float, delay: float) -> None:
        held = self.current
        self._tell_action("end", frame, seconds, delay)
        if frame > held.frame:
            self.on_segment(
                {
                    "start_frame": held.frame,
                    "end_frame": frame,
                    "start_seconds": round(held.seconds, 3),
                    "end_seconds": round(seconds, 3),
                    "action": self.classes[held.label],
                    "confidence": round(held.total / max(1, held.number), 4),
                }
            )

    def _tell_action(self, event: str, frame: int, seconds: float, delay: float) -> None:
        action = self.classes[self.current.label]
        if action != self.background:
            when = {"seconds": round(seconds, 3), "frame": frame, "delay": delay}
            self.on_event({"event": event, "action": action, **when})

    def _tell_drops(self, *, now: bool = False) -> None:
        dropped = self.source.num_dropped - self.told_drops
        if dropped and (now or time.monotonic() - self.told_at > _DROPS_TOLD_EVERY):
            self.told_drops, self.told_at = self.source.num_dropped, time.monotonic()
            self.on_event({"event": "dropped", "frames": dropped, "in_all": self.told_drops})

    def end(self) -> None:
        """Tell the end of the action that is going on, and what it all came to."""
        self._tell_drops(now=True)
        if self.newest is not None:
            self._decide(self.cleaner.number)
            seconds = self.newest.seconds + 1 / self.source.fps
            self._end_segment(self.newest.index + 1, seconds, 0.0)
        spans = np.array(self.milliseconds or [0.0])
        self.on_event(
            {
                "event": "done",
                "frames": self.cleaner.number,
                "dropped": self.source.num_dropped,
                "interruptions": self.source.num_interruptions,
                "milliseconds": round(float(np.median(spans)), 1),
                "milliseconds_p95": round(float(np.quantile(spans, 0.95)), 1),
            }
        )


# ------------------------------------------------------------------------------------------- views

Show = Callable[[Frame, AlignedFrame, int, np.ndarray], bool]


def _open_views(
    stack: ExitStack, source: LiveSource, model: ActionModel, overlay: Path | None, window: bool
) -> Show:
    """Return what draws a frame where it is wanted; False from it means that all shall end."""
    if overlay is None and not window:
        return lambda *_: True
    writer = None
    if overlay is not None:
        size = source.width, source.height
        writer = stack.enter_context(VideoWriter(overlay, *size, fps=source.fps))
    if window:
        _open_window(stack)
    colours = class_colours(len(model.classes), model.classes.index(model.background))

    def show(frame: Frame, aligned: AlignedFrame, label: int, probabilities: np.ndarray) -> bool:
        colour = tuple(int(c) for c in colours[label])
        picture = draw_overlay(
            frame.image, aligned.hands, model.classes[label], float(probabilities[label]), colour
        )
        if writer is not None:
            writer.write(picture, seconds=frame.seconds)
        if window:
            cv2.imshow(_WINDOW, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
            return cv2.waitKey(1) & 0xFF not in (ord("q"), 27)
        return True

    return show


def _open_window(stack: ExitStack) -> None:
    try:
        cv2.namedWindow(_WINDOW, cv2.WINDOW_NORMAL)
    except cv2.error as error:
        raise ConfigError(
            "no window can be opened here",
            "this OpenCV is built without windows, or there is no screen: `pip install "
            "opencv-python` in place of opencv-python-headless, or use `--overlay`",
        ) from error
    stack.callback(cv2.destroyAllWindows)
