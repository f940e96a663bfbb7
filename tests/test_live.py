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
from videos import make_video, read_number

from handact.align import align_frames, align_live
from handact.cleaning import clean_online, cutoff_frames
from handact.cli import app
from handact.config import SegmentConfig
from handact.engine import ActionModel, load_action_model, run_live, run_stream
from handact.errors import ConfigError, VideoError
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
    aligned = list(align_frames(_frames(30), causal.align, causal.localizer, fps=10.0))
    late = [replace(frame, seconds=frame.seconds + 100) for frame in aligned[15:]]
    both = list(run_live(causal, [*aligned[:15], *late], CONFIG, fps=10.0))
    alone = list(run_live(causal, late, CONFIG, fps=10.0))
    for (_, one), (_, other) in zip(both[15:], alone, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_missing_frames_leave_the_others_in_their_sequences(causal: ActionModel) -> None:
    """Where every second frame of a sequence of two is lost, the other sequence is untouched."""
    aligned = list(align_frames(_frames(24), causal.align, causal.localizer, fps=10.0))
    stride = causal.stride(10.0)
    kept = [frame for frame in aligned if frame.index % stride == 0]
    whole = dict((f.index, row) for f, row in run_live(causal, aligned, CONFIG, fps=10.0))
    for frame, row in run_live(causal, kept, CONFIG, fps=10.0):
        np.testing.assert_allclose(row, whole[frame.index], atol=1e-5)


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


def test_no_password_is_shown() -> None:
    assert hide_password("rtsp://me:secret@host/1") == "rtsp://me:***@host/1"
    assert hide_password("rtsp://host:554/1") == "rtsp://host:554/1"
    with pytest.raises(VideoError) as caught:
        LiveSource("http://me:secret@127.0.0.1:9/a", patience=2)
    assert "secret" not in caught.value.message


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
    assert source.num_interruptions == 1


# ---------------------------------------------------------------------------------------- the whole


def _watch(source: LiveSource, model: ActionModel, **options: Any) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    with source:
        segments = segment_live(source, model, CONFIG, on_event=events.append, **options)
    ends = [e for e in events if e["event"] == "end"]
    assert [s["end_frame"] for s in segments] == [e["frame"] for e in ends]
    return events


def test_what_is_told_is_the_online_cleaning_of_the_video(
    causal: ActionModel, trained: Path, tmp_path: Path
) -> None:
    video, overlay = trained / "videos" / "test-1.mp4", tmp_path / "o.mp4"
    events = _watch(LiveSource(str(video), max_wait=600), causal, overlay=overlay)
    head, *middle, done = events
    assert (head["event"], done["event"]) == ("live", "done")
    assert (done["frames"], done["dropped"]) == (80, 0)

    with FrameStream(video) as frames:
        aligned = align_live(frames, causal.align, causal.localizer, fps=10.0)
        rows = np.stack([row for _, row in run_live(causal, aligned, CONFIG, fps=10.0)])
    cutoffs = cutoff_frames(causal.statistics, causal.classes, 10.0, seconds=0.3)
    labels = clean_online(rows, cutoffs, causal.classes.index(causal.background))
    told = [(e["frame"], e["action"]) for e in middle if e["event"] == "begin"]
    runs = [(len(list(run)), causal.classes[c]) for c, run in itertools.groupby(labels)]
    starts = itertools.accumulate([0, *(n for n, _ in runs)])
    expected = [(s, a) for s, (_, a) in zip(starts, runs, strict=False) if a != causal.background]
    assert told == expected
    assert all(e["delay"] <= head["delay_seconds"] + 1e-6 for e in middle)
    assert sum(1 for _ in FrameStream(overlay)) == 80


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
    events = _watch(LiveSource(str(path), max_wait=0.05), causal)
    done = events[-1]
    assert done["dropped"] > 10
    assert done["frames"] + done["dropped"] == 60
    told = [e["frames"] for e in events if e["event"] == "dropped"]
    assert sum(told) == done["dropped"]


def test_the_command_prints_json_lines_and_leaves_a_table(
    causal: ActionModel, trained: Path, tmp_path: Path
) -> None:
    video = trained / "videos" / "test-1.mp4"
    arguments = ["segment", "--live", str(video), "--dataset", str(trained), "--run", "causal"]
    arguments += ["--max-wait", "600", "-o", str(tmp_path), "--set", "cutoff_seconds=0.2"]
    result = CLI.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert events[0]["source"] == str(video)
    table = pd.read_csv(tmp_path / "test-1.segments.csv")
    assert len(table) == sum(e["event"] == "begin" for e in events)
    for options in (["--window"], ["--live", "0", "some.mp4"]):
        assert CLI.invoke(app, ["segment", *options]).exit_code == 2


def test_frames_of_a_varying_rate_are_seen_in_their_time(
    causal: ActionModel, tmp_path: Path
) -> None:
    ticks = np.cumsum(np.random.default_rng(0).integers(20, 60, 40)).tolist()
    path = make_video(tmp_path / "v.mkv", 40, ticks=ticks, time_base=Fraction(1, 1000))
    events = _watch(LiveSource(str(path), max_wait=60), causal)
    assert (events[-1]["frames"], events[-1]["dropped"]) == (40, 0)
