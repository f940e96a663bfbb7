"""Live video: frames as they come, what is told of them, and what is done when they do not come."""

import itertools
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import TINY_ACTION, TINY_ALIGN
from typer.testing import CliRunner
from videos import draw_number, make_video, read_number

from handact.align import align_frames, align_live
from handact.cleaning import clean_online
from handact.cli import app
from handact.config import SegmentConfig
from handact.engine import ActionModel, load_action_model, run_live, run_stream
from handact.errors import ConfigError, VideoError
from handact.labels import Segment, segments_from_frames
from handact.live import segment_live
from handact.training.action import train_action
from handact.video import Frame, FrameStream, LiveSource
from handact.video.live import hide_password

CLI = CliRunner()
CONFIG = SegmentConfig(cutoff_seconds=0.3)


@pytest.fixture(scope="module")
def causal(trained: Path) -> ActionModel:
    """A network that looks at the past alone; beside the others' run."""
    config = replace(TINY_ACTION, shift="causal", context=1, epochs=1)
    folder = train_action(trained, config, TINY_ALIGN, run="causal", device="cpu")
    return load_action_model(folder / "best.pt", torch.device("cpu"))


def _frames(number: int) -> list[Frame]:
    rng = np.random.default_rng(0)
    return [
        Frame(i, i / 10, rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)) for i in range(number)
    ]


# --------------------------------------------------------------------------------------- the engine


@pytest.mark.parametrize("number", [1, 2, 7, 23])
def test_live_says_what_the_stream_engine_says(causal: ActionModel, number: int) -> None:
    aligned = list(align_frames(_frames(number), causal.align, causal.localizer, fps=10.0))
    live = list(run_live(causal, aligned, CONFIG, fps=10.0))
    stream = dict(run_stream(causal, iter(aligned), replace(CONFIG, engine="stream"), fps=10.0))
    assert [frame.index for frame, _ in live] == list(range(number))
    for frame, row in live:
        np.testing.assert_allclose(row, stream[frame.index], atol=1e-5)


def test_each_frame_is_answered_before_the_next_is_asked_for(causal: ActionModel) -> None:
    asked = []

    def feed() -> Iterator[Frame]:
        for frame in _frames(6):
            asked.append(frame.index)
            yield frame

    aligned = align_live(feed(), causal.align, causal.localizer, fps=10.0)
    for frame, _ in run_live(causal, aligned, CONFIG, fps=10.0):
        assert asked[-1] == frame.index


def test_after_a_gap_all_begins_anew(causal: ActionModel) -> None:
    """Hands, too: where they were ten minutes ago must not move those of now."""
    frames = _frames(30)
    late = [replace(frame, seconds=frame.seconds + 600) for frame in frames[15:]]

    def run(part: list[Frame]) -> list[tuple[np.ndarray, np.ndarray]]:
        aligned = align_live(part, causal.align, causal.localizer, fps=10.0)
        return [(f.hands, row) for f, row in run_live(causal, aligned, CONFIG, fps=10.0)]

    for (hands, row), (other_hands, other) in zip(
        run([*frames[:15], *late])[15:], run(late), strict=True
    ):
        np.testing.assert_allclose(hands, other_hands)
        np.testing.assert_allclose(row, other, atol=1e-6)


def test_missing_frames_leave_the_others_in_their_sequences(causal: ActionModel) -> None:
    """Where all sequences but one are lost, that one is untouched."""
    aligned = list(align_frames(_frames(24), causal.align, causal.localizer, fps=10.0))
    kept = [frame for frame in aligned if frame.index % causal.stride(10.0) == 0]
    whole = {f.index: row for f, row in run_live(causal, aligned, CONFIG, fps=10.0)}
    for frame, row in run_live(causal, kept, CONFIG, fps=10.0):
        np.testing.assert_allclose(row, whole[frame.index], atol=1e-5)


def test_jitter_leaves_frames_in_their_sequences(causal: ActionModel) -> None:
    aligned = list(align_frames(_frames(30), causal.align, causal.localizer, fps=10.0))
    steps = np.tile([0.14, 0.08, 0.08], 10)
    times = np.concatenate([[0.0], np.cumsum(steps)[:-1]])
    uneven = [replace(f, seconds=float(t)) for f, t in zip(aligned, times, strict=True)]
    even = list(run_live(causal, aligned, CONFIG, fps=10.0))
    for (_, one), (_, other) in zip(run_live(causal, uneven, CONFIG, fps=10.0), even, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_network_that_looks_ahead_is_refused(trained: Path) -> None:
    result = CLI.invoke(app, ["segment", "--live", "0", "--dataset", str(trained)])
    assert result.exit_code == 1
    model = load_action_model(trained / "runs" / "action" / "best.pt", torch.device("cpu"))
    with pytest.raises(ConfigError, match="past alone") as caught:
        next(run_live(model, [], CONFIG, fps=10.0))
    assert "--shift causal" in caught.value.hint


# --------------------------------------------------------------------------------------- the source


def test_a_file_comes_at_its_own_rate_and_whole(tmp_path: Path) -> None:
    path = make_video(tmp_path / "v.mp4", 30, fps=60)
    start = time.monotonic()
    with LiveSource(str(path), max_wait=60) as source:
        numbers = [read_number(frame.image) for frame in source]
    assert numbers == list(range(30))
    assert time.monotonic() - start >= 29 / 60
    assert source.num_dropped == 0


def test_who_is_too_slow_loses_frames_and_is_told(tmp_path: Path) -> None:
    path = make_video(tmp_path / "v.mp4", 60, fps=60)
    seen = []
    with LiveSource(str(path), max_wait=0.05) as source:
        for frame in source:
            seen.append((frame.index, read_number(frame.image)))
            time.sleep(0.1)
    assert all(index == number for index, number in seen)
    assert source.num_dropped > 20
    assert len(seen) + source.num_dropped == 60


@pytest.mark.parametrize("source", ["nowhere.mp4", "9999", "rtsp://127.0.0.1:9/a"])
def test_what_cannot_be_opened_is_named(source: str) -> None:
    with pytest.raises(VideoError, match=source.replace("9999", "camera 9999")) as caught:
        LiveSource(source, patience=2)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://me:secret@host/1", "rtsp://***@host/1"),
        ("rtsp://me:se@cret@host:554/1", "rtsp://***@host:554/1"),
        ("rtsp://me:se/cret@host/1", "rtsp://***@host/1"),
        ("http://host/v?user=me&pwd=secret", "http://host/v?***"),
        ("rtsp://host:554/1", "rtsp://host:554/1"),
        ("0", "0"),
    ],
)
def test_no_password_is_shown(address: str, shown: str) -> None:
    assert hide_password(address) == shown
    with pytest.raises(VideoError) as caught:
        LiveSource("http://me:secret@127.0.0.1:9/a", patience=2)
    assert "secret" not in caught.value.message


class _FakeCamera:
    """A camera that gives a picture every 20 ms, each numbered, until it is unplugged."""

    number = 0
    most = 10_000

    def __init__(self, _: int) -> None:
        self.begun = time.monotonic()

    def isOpened(self) -> bool:
        return self.number < self.most

    def get(self, _: int) -> float:
        return 50.0

    def read(self) -> tuple[bool, np.ndarray | None]:
        if self.number >= self.most:
            return False, None
        type(self).number += 1
        # Like a camera's, it comes at its time whether or not anybody asked for it.
        time.sleep(max(0.0, self.begun + 0.02 * self.number - time.monotonic()))
        return True, draw_number(self.number % 1000)

    def release(self) -> None:
        pass


def test_stamps_that_stand_still_are_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    def images() -> Iterator[tuple[float, np.ndarray]]:
        for number in range(12):
            time.sleep(0.03)
            yield 0.0, draw_number(number)

    opened = iter([(images(), 30.0, True)])
    monkeypatch.setattr("handact.video.live._opener", lambda *_: lambda: next(opened))
    with LiveSource("rtsp://host/1", max_wait=60) as source:
        seconds = [frame.seconds for frame in itertools.islice(source, 12)]
    assert 0.2 < seconds[-1] < 5
    assert (np.diff(seconds) > 0.005).all()


@pytest.fixture
def webcam(monkeypatch: pytest.MonkeyPatch) -> type[_FakeCamera]:
    kind = type("Webcam", (_FakeCamera,), {})
    monkeypatch.setattr("handact.video.live.cv2.VideoCapture", kind)
    return kind


def test_a_camera_is_up_to_date_however_late_it_is_asked(webcam: type[_FakeCamera]) -> None:
    """While the networks warm up pictures pile up, which nobody wants to see afterwards."""
    with LiveSource("0", max_wait=0.1) as source:
        time.sleep(0.6)
        frames = list(itertools.islice(source, 20))
        age = time.monotonic() - source.came
    assert source.num_dropped > 15
    assert frames[0].index > 15
    assert [f.index for f in frames[1:]] == [*range(frames[1].index, frames[1].index + 19)]
    assert age < 0.5
    assert (np.diff([f.seconds for f in frames]) > 0).all()


class _Camera(BaseHTTPRequestHandler):
    """Sends one part of a stream to each who asks, and then ends or says no."""

    parts: Iterator[bytes | None]

    def do_GET(self) -> None:
        part = next(self.parts, None)
        self.send_response(200 if part else 503)
        self.end_headers()
        if part:
            self.wfile.write(part)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[tuple[str, type[_Camera]]]:
    kind = type("Camera", (_Camera,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/stream.ts", kind
    server.shutdown()
    thread.join()
    server.server_close()


def _part(folder: Path, first: int) -> bytes:
    numbers = range(first, first + 12)
    path = make_video(folder / f"{first}.ts", 12, fps=24, numbers=numbers, options={"bf": "0"})
    return path.read_bytes()


def test_a_stream_that_breaks_off_is_taken_up_again(
    camera: tuple[str, type[_Camera]], tmp_path: Path
) -> None:
    address, kind = camera
    kind.parts = iter([_part(tmp_path, 0), None, _part(tmp_path, 100)])
    events: list[tuple[str, float]] = []
    seen: list[tuple[int, float]] = []

    def watch(source: LiveSource) -> None:
        for frame in source:
            seen.append((read_number(frame.image), frame.seconds))
            assert frame.index == len(seen) - 1

    source = LiveSource(
        address, max_wait=60, patience=5, give_up=1, on_event=lambda *event: events.append(event)
    )
    with source, pytest.raises(VideoError, match="no frame for 1 s"):  # there is no more to come
        watch(source)
    assert [number for number, _ in seen] == [*range(12), *range(100, 112)]
    seconds = np.array([at for _, at in seen])
    assert (np.diff(seconds) > 0).all()
    assert seconds[12] - seconds[11] > 0.5
    assert [what for what, _ in events] == ["stalled", "resumed", "stalled"]
    assert source.num_interruptions == 2


def test_time_stamps_that_jump_are_not_believed(
    camera: tuple[str, type[_Camera]], tmp_path: Path
) -> None:
    address, kind = camera
    ticks = [*range(12), *range(90_000, 90_012)]
    path = make_video(
        tmp_path / "j.ts", 24, fps=24, ticks=ticks, time_base=Fraction(1, 24), options={"bf": "0"}
    )
    kind.parts = iter([path.read_bytes()])
    seconds: list[float] = []

    def watch(source: LiveSource) -> None:
        for frame in source:
            seconds.append(frame.seconds)

    source = LiveSource(address, max_wait=60, patience=5, give_up=0.5)
    with source, pytest.raises(VideoError, match="no frame"):
        watch(source)
    assert len(seconds) == 24
    assert (np.diff(seconds) > 0).all()
    assert seconds[-1] < 30


# --------------------------------------------------------------------------------------- the whole


def _script(model: ActionModel, labels: list[int]) -> Any:
    """Return what says these labels, one after another, in place of the network."""
    rows = np.full((len(labels), len(model.classes)), 0.1 / (len(model.classes) - 1))
    rows[np.arange(len(labels)), labels] = 0.9

    def run(_: ActionModel, frames: Any, *__: Any, **___: Any) -> Iterator[Any]:
        for frame in frames:
            yield frame, rows[frame.index]

    return run, rows


LABELS = [0] * 9 + [3] * 2 + [0] * 5 + [2] * 12 + [4] * 3 + [5] * 9 + [0] * 3 + [1] * 10


def _watch(
    source: LiveSource, model: ActionModel, **options: Any
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    events: list[dict[str, Any]] = []
    segments: list[dict[str, Any]] = []
    with source:
        segment_live(
            source, model, CONFIG, on_event=events.append, on_segment=segments.append, **options
        )
    return events, segments


def test_what_is_told_is_the_online_cleaning_of_the_video(
    causal: ActionModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, rows = _script(causal, LABELS)
    monkeypatch.setattr("handact.live.run_live", run)
    video = make_video(tmp_path / "v.mp4", len(LABELS), fps=20)
    overlay = tmp_path / "o.mp4"
    events, segments = _watch(LiveSource(str(video), max_wait=600), causal, overlay=overlay)
    head, *middle, done = events
    assert (head["event"], done["event"]) == ("live", "done")
    assert (done["frames"], done["dropped"]) == (len(LABELS), 0)
    assert all(event["delay"] <= head["delay_seconds"] for event in middle)

    edges = np.arange(len(LABELS) + 1) / 20
    labels = clean_online(rows, edges, np.full(len(causal.classes), 0.3), 0)
    whole = segments_from_frames(labels, causal.classes)
    assert len(whole) == 4
    told = [Segment(s["start_frame"], s["end_frame"], s["action"]) for s in segments]
    assert told == whole
    actions = [s for s in whole if s.action != causal.background]
    for what, frames in (
        ("begin", [(s.start_frame, s.action) for s in actions]),
        ("end", [(s.end_frame, s.action) for s in actions]),
    ):
        assert [(e["frame"], e["action"]) for e in middle if e["event"] == what] == frames
    for row in segments:
        own = rows[row["start_frame"] : row["end_frame"], causal.classes.index(row["action"])]
        assert row["confidence"] == pytest.approx(own.mean(), abs=1e-4)
        assert row["start_seconds"] == pytest.approx(row["start_frame"] / 20, abs=1e-3)
    assert sum(1 for _ in FrameStream(overlay)) == len(LABELS)


def test_a_slow_machine_says_what_it_lost(
    causal: ActionModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_video(tmp_path / "v.mp4", 60, fps=60)
    real = run_live

    def slow(*arguments: Any, **options: Any) -> Iterator[Any]:
        for result in real(*arguments, **options):
            time.sleep(0.1)
            yield result

    monkeypatch.setattr("handact.live.run_live", slow)
    events, _ = _watch(LiveSource(str(path), max_wait=0.05), causal)
    done = events[-1]
    assert done["dropped"] > 10
    assert done["frames"] + done["dropped"] == 60
    told = [e["frames"] for e in events if e["event"] == "dropped"]
    assert sum(told) == done["dropped"]


def test_a_camera_that_is_lost_costs_nothing_that_was_seen(
    causal: ActionModel,
    webcam: type[_FakeCamera],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    webcam.most = 40
    run, _ = _script(causal, [0] * 10 + [1] * 9000)
    monkeypatch.setattr("handact.live.run_live", run)
    events: list[dict[str, Any]] = []
    segments: list[dict[str, Any]] = []
    overlay = tmp_path / "o.mp4"
    source = LiveSource("0", give_up=0.4)
    with source, pytest.raises(VideoError, match="no frame for 0.4 s"):
        segment_live(
            source,
            causal,
            CONFIG,
            on_event=events.append,
            on_segment=segments.append,
            overlay=overlay,
        )
    kinds = [e["event"] for e in events]
    assert kinds[-2:] == ["end", "done"]
    assert "stalled" in kinds
    assert [s["action"] for s in segments] == [causal.classes[0], causal.classes[1]]
    assert overlay.exists()


def test_the_command_prints_json_lines_and_leaves_a_table(
    causal: ActionModel, trained: Path, tmp_path: Path
) -> None:
    video = make_video(tmp_path / "v.mp4", 30, fps=60)
    arguments = ["segment", "--live", str(video), "--dataset", str(trained), "--run", "causal"]
    arguments += ["--max-wait", "600", "-o", str(tmp_path), "--set", "cutoff_seconds=0.05"]
    result = CLI.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert events[0]["source"] == str(video)
    assert events[-1]["frames"] == 30
    table = pd.read_csv(tmp_path / "v.segments.csv")
    assert list(table) == [
        "video", "start_frame", "end_frame", "start_seconds", "end_seconds", "action",
        "confidence",
    ]  # fmt: skip
    assert table["end_frame"].iloc[-1] == 30
    for options in (
        ["--window"],
        ["--live", "0", "some.mp4"],
        ["--live", "0", "--cleaning", "viterbi"],
        ["--live", "0", "--engine", "windows"],
    ):
        assert CLI.invoke(app, ["segment", *options]).exit_code == 2


def test_frames_of_a_varying_rate_keep_their_times(causal: ActionModel, tmp_path: Path) -> None:
    ticks = np.cumsum([0, *np.random.default_rng(0).integers(20, 60, 39)])
    path = make_video(tmp_path / "v.mkv", 40, ticks=ticks.tolist(), time_base=Fraction(1, 1000))
    with LiveSource(str(path), max_wait=60) as source:
        seconds = [frame.seconds for frame in source]
    np.testing.assert_allclose(seconds, ticks / 1000, atol=2e-3)
