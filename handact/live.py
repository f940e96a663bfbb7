"""`segment --live`: actions told while they happen.

The causal network gives each frame its probabilities as soon as it is there; online cleaning takes
a class for a new action once it has held for its cut-off, and dates it back. What happens is told
as events, plain dicts for JSON:

    live     what is watched and how late its actions are told: `delay_seconds` after their
             beginning at most, and as long as the machine needs for a frame
    begin    an action began, with when (`seconds`, `frame`) and how late that is known (`delay`)
    end      it ended
    dropped  frames that the machine had no time for, since the last such event and in all
    stalled, resumed   the source gave no frames for a while
    done     frames, dropped frames, interruptions, and the milliseconds from a frame's coming to
             its being done, median and 95th percentile
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from handact.align import align_live
from handact.cleaning import OnlineCleaner, cutoff_frames
from handact.config import SegmentConfig
from handact.data.aligned import AlignedFrame
from handact.engine import ActionModel, run_live
from handact.errors import ConfigError
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
    overlay: Path | None = None,
    window: bool = False,
) -> list[dict[str, Any]]:
    """Tell the actions of a source until it ends, or the person at the window presses q.

    An interruption by the keyboard ends it too.

    Args:
        source: Open.
        model: Its network looks at the past alone.
        config: Settings; the cut-offs among them.
        on_event: Told what happens.
        overlay: A video to write, with hands and actions as they were known at each frame.
        window: Show the same in a window.

    Returns:
        The actions: action, start_frame, end_frame, start_seconds, end_seconds.

    Raises:
        ConfigError: The network looks ahead, or there is no window to be had.
        VideoError: The source did not come back.
    """
    cutoffs = cutoff_frames(
        model.statistics,
        model.classes,
        source.fps,
        quantile=config.cutoff_quantile,
        seconds=config.cutoff_seconds,
    )
    cleaner = OnlineCleaner(cutoffs, model.classes.index(model.background))
    teller = _Teller(cleaner, model, source, on_event)
    with ExitStack() as stack:
        show = _open_views(stack, source, model, overlay, window)
        _warm_up(model, config, source)
        on_event(teller.describe())
        held: deque[Frame] = deque()
        with suppress(KeyboardInterrupt):
            for aligned, probabilities in _run(source, held, model, config):
                teller.tell(aligned, probabilities)
                frame = held.popleft()
                if not show(frame, aligned, cleaner.label, probabilities):
                    break
        teller.end()
    return teller.segments


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


@dataclass
class _Teller:
    """Turns probabilities into events."""

    cleaner: OnlineCleaner
    model: ActionModel
    source: LiveSource
    on_event: OnEvent
    told_drops: int = 0
    told_at: float = 0.0
    number: int = 0  # frames done
    segments: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        # When the frames came that are not decided yet, and the newest that is.
        self.times: deque[tuple[int, float]] = deque()
        self.milliseconds: deque[float] = deque(maxlen=_MOST_TIMED)

    def describe(self) -> dict[str, Any]:
        return {
            "event": "live",
            "source": self.source.name,
            "fps": round(self.source.fps, 3),
            "width": self.source.width,
            "height": self.source.height,
            "delay_seconds": round(self.cleaner.delay / self.source.fps, 3),
            "max_wait_seconds": self.source.max_wait,
        }

    def tell(self, frame: AlignedFrame, probabilities: np.ndarray) -> None:
        """Take the next frame; for those that were dropped before it, it answers as well."""
        self.number += 1
        self.times.append((frame.index, frame.seconds))
        while self.cleaner.number <= frame.index:
            before = self.cleaner.label
            began = self.cleaner.push(probabilities)
            if began is not None:
                self._change(before, began, frame)
        while len(self.times) > 1 and self.times[1][0] <= self.cleaner.decided:
            self.times.popleft()
        self.milliseconds.append(1000 * (self.source.now - frame.seconds))
        self._tell_drops()

    def _change(self, before: int, began: int, frame: AlignedFrame) -> None:
        seconds = next((s for i, s in self.times if i >= began), frame.seconds)
        when = {"seconds": round(seconds, 3), "frame": began}
        when["delay"] = round(frame.seconds - seconds, 3)
        for event, label in (("end", before), ("begin", self.cleaner.label)):
            self._tell_action(event, self.model.classes[label], when)

    def _tell_action(self, event: str, action: str, when: dict[str, Any]) -> None:
        if action == self.model.background:
            return
        self.on_event({"event": event, "action": action, **when})
        if event == "begin":
            begun = {"start_frame": when["frame"], "start_seconds": when["seconds"]}
            self.segments.append({"action": action, **begun})
        else:
            self.segments[-1] |= {"end_frame": when["frame"], "end_seconds": when["seconds"]}

    def _tell_drops(self, *, now: bool = False) -> None:
        dropped = self.source.num_dropped - self.told_drops
        if dropped and (now or time.monotonic() - self.told_at > _DROPS_TOLD_EVERY):
            self.told_drops, self.told_at = self.source.num_dropped, time.monotonic()
            self.on_event({"event": "dropped", "frames": dropped, "in_all": self.told_drops})

    def end(self) -> None:
        """Tell the end of the action that is going on, and what it all came to."""
        self._tell_drops(now=True)
        if self.times:
            seconds = round(self.times[-1][1] + 1 / self.source.fps, 3)
            end = {"seconds": seconds, "frame": self.cleaner.number, "delay": 0.0}
            self._tell_action("end", self.model.classes[self.cleaner.label], end)
        spans = np.array(self.milliseconds or [0.0])
        self.on_event(
            {
                "event": "done",
                "frames": self.number,
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
