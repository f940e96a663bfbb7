"""What holds for every label format: what we write reads back, and no damaged file does harm."""

import contextlib
import os
import random
import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from folders import make_dataset
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from handact.cli import app
from handact.dataset import (
    Dataset,
    action_export,
    export_actions,
    export_hands,
    hand_export,
    plan_actions,
    plan_hands,
    read_dataset,
)
from handact.errors import HandactError
from handact.formats import actions, hands
from handact.formats.intervals import ActionOptions
from handact.formats.marks import HandOptions
from handact.formats.outgoing import ActionExport, HandExport
from handact.formats.to_hands import place_marks
from handact.formats.to_segments import place_intervals
from handact.formats.videos import Video
from handact.labels import HAND_COLUMNS, Segment, frame_edges
from handact.video import VideoIndex

SAMPLES = Path(__file__).parent / "samples"
WRITTEN_ACTIONS = sorted(name for name, known in actions.FORMATS.items() if known.write)
WRITTEN_HANDS = sorted(name for name, known in hands.FORMATS.items() if known.write)
CLASSES = ("background", "take", "turn screw", "put & <wait>", "Schraube lösen")


def _ticks(rate: str, frames: int) -> tuple[np.ndarray, Fraction]:
    """Return time stamps of a video: a constant rate, or steps of 4 ms to a second."""
    if rate == "variable":
        steps = np.random.default_rng(0).choice([4, 16, 17, 33, 40, 200, 1000], frames)
        return np.cumsum(steps) - steps[0], Fraction(1, 1000)
    fps = Fraction(30000, 1001) if rate == "29.97" else Fraction(rate)
    return np.arange(frames, dtype=np.int64), 1 / fps


def _index(rate: str, frames: int) -> VideoIndex:
    ticks, time_base = _ticks(rate, frames)
    none = np.zeros((0, 2), np.int64)
    return VideoIndex(
        path=Path("v.mp4"), width=640, height=360, ticks=ticks, time_base=time_base, damaged=0,
        cut_off=False, gaps=none, torn=none[:, 0], warnings=(), start=0, keys=none[:, 0],
        step=int(np.median(np.diff(ticks))), promised=None, size=0, mtime_ns=0,
    )  # fmt: skip


INDICES = {f"v{rate}": _index(rate, 700) for rate in ("25", "29.97", "60", "variable")}
VIDEOS = {
    name: Video(name, Path(f"/videos/{name}.mp4"), "train", index.fps, 700, 640, 360)
    for name, index in INDICES.items()
}


@st.composite
def _labels(draw: st.DrawFn) -> dict[str, list[Segment]]:
    found = {}
    for name in VIDEOS:
        cuts = sorted(draw(st.sets(st.integers(0, 700), min_size=2, max_size=8)))
        names = draw(st.lists(st.sampled_from(CLASSES[1:]), min_size=8, max_size=8))
        # Some neighbours touch, some have background between them.
        spans = [pair for pair in pairwise(cuts) if draw(st.booleans())]
        spans = spans or [(cuts[0], cuts[1])]
        found[name] = [Segment(a, b, c) for (a, b), c in zip(spans, names, strict=False)]
    return found


def _write_all(files: dict[str, str], folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def _paths(folder: Path, files: dict[str, str], pattern: str | None) -> list[Path]:
    if pattern:
        return sorted(folder.glob(pattern))
    return [folder / next(iter(files))] if len(files) == 1 else [folder]


@pytest.mark.parametrize("format", WRITTEN_ACTIONS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(labels=_labels())
def test_written_actions_come_back_to_the_frame(
    tmp_path_factory: pytest.TempPathFactory, format: str, labels: dict[str, list[Segment]]
) -> None:
    """Neither the rate nor its variation moves a boundary, in frames and in seconds."""
    export = ActionExport(
        videos=VIDEOS,
        actions=labels,
        confidence=None,
        edges=lambda name: frame_edges(INDICES[name].seconds, VIDEOS[name].fps),
        classes=CLASSES,
        background="background",
    )
    known = actions.FORMATS[format]
    files = known.write(export)
    folder = tmp_path_factory.getbasetemp() / f"actions-{format}"
    _write_all(files, folder)
    found: dict[str, list[Segment]] = {}
    for path in _paths(folder, files, known.files):
        options = ActionOptions()
        back = place_intervals(
            known.read(path, options), VIDEOS, INDICES.__getitem__, options, "background"
        )
        for row in back.segments:
            found.setdefault(row.video, []).append(row.segment)
    if format == "mstcn":  # its labels hold no blanks, and neighbours of one class are one
        labels = {name: _joined(segments) for name, segments in labels.items()}
    assert {name: sorted(segments) for name, segments in found.items()} == labels


def _joined(segments: list[Segment]) -> list[Segment]:
    joined: list[Segment] = []
    for s in segments:
        action = "_".join(s.action.split())
        if joined and joined[-1].end_frame == s.start_frame and joined[-1].action == action:
            joined[-1] = Segment(joined[-1].start_frame, s.end_frame, action)
        else:
            joined.append(Segment(s.start_frame, s.end_frame, action))
    return joined


@pytest.mark.parametrize("format", WRITTEN_HANDS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32 - 1))
def test_written_hands_come_back_within_half_a_pixel(
    tmp_path_factory: pytest.TempPathFactory, format: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = []
    for name in VIDEOS:
        first = int(rng.integers(0, 650))
        for frame in range(first, first + 12):
            left = rng.random(2) if rng.random() < 0.8 else np.full(2, np.nan)
            right = rng.random(2) if rng.random() < 0.8 or frame in (first, first + 11) else left
            rows.append((name, frame, *left, *right))
    table = pd.DataFrame(rows, columns=list(HAND_COLUMNS))
    known = hands.FORMATS[format]
    files = known.write(HandExport(videos=VIDEOS, hands=table))
    folder = tmp_path_factory.getbasetemp() / f"hands-{format}"
    _write_all(files, folder)
    parts = [
        place_marks(known.read(path, HandOptions()), VIDEOS, INDICES.__getitem__, HandOptions())
        for path in _paths(folder, files, known.files)
    ]
    back = pd.concat([part.hands for part in parts])
    back = back.sort_values(["video", "frame"], ignore_index=True)
    table = table.sort_values(["video", "frame"], ignore_index=True)
    assert back[["video", "frame"]].values.tolist() == table[["video", "frame"]].values.tolist()
    for column, size in zip(HAND_COLUMNS[2:], (640, 360) * 2, strict=True):
        assert (back[column].isna() == table[column].isna()).all(), column
        assert (back[column] - table[column]).abs().max() * size <= 0.5, column


# ------------------------------------------------------------------------------------ damaged files


@contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _peak() -> float:
    """Return how much memory the process has held at most, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _mutate(data: bytes, rng: random.Random) -> bytes:
    """Change a file as a bad disk, a bad editor or a bad person would."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        kind, at = rng.randrange(8), rng.randrange(len(data) + 1)
        if kind == 0:
            del data[at:]
        elif kind == 1:
            del data[at : at + rng.randint(1, 40)]
        elif kind == 2:
            data[at:at] = rng.choice(_TOKENS)
        elif kind == 3:
            data[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 4:
            end = at + rng.randint(1, 200)
            data[at:at] = data[at:end] * rng.randint(1, 5)
        elif kind == 5:
            other = rng.randrange(len(data) + 1)
            data[at : at + 20], data[other : other + 20] = (
                data[other : other + 20],
                data[at : at + 20],
            )
        else:
            _replace_number(data, at, rng)
        if not data:
            break
    return bytes(data)


_TOKENS = (
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"NaN", b"Infinity", b"-1", b"1e308", b"9" * 400, b"null",
    b"true", b"[]", b"{}", b'"', b",", b";", b"\t", b"\r\n", b"<", b">", b"&x;", b"]]>", b"../../x",
    b'<!DOCTYPE a [<!ENTITY x "y">]>', b"[" * 5000, b'{"a":' * 5000, "\u202e\U0001f590".encode(),
)  # fmt: skip
_NUMBERS = (b"0", b"-1", b"1e12", b"1e999", b"nan", b"99999999999999999999", b"0.5", b"", b"x")


def _replace_number(data: bytearray, at: int, rng: random.Random) -> None:
    digits = b"0123456789.-"
    while at < len(data) and data[at] not in digits:
        at += 1
    end = at
    while end < len(data) and data[end] in digits:
        end += 1
    data[at:end] = rng.choice(_NUMBERS)


def _originals(dataset: Dataset, folder: Path) -> list[tuple[str, str, Path]]:
    """Return kind, format and file of every sample, and of all that we write."""
    labelled = read_dataset(dataset.root)
    for format in WRITTEN_ACTIONS:
        files = export_actions(action_export(labelled), format)
        _write_all(files, folder / "actions" / format)
    for format in WRITTEN_HANDS:
        _write_all(export_hands(hand_export(labelled), format), folder / "hands" / format)
    shutil.copytree(SAMPLES, folder / "samples")
    found = []
    for kind, formats in (("actions", actions.FORMATS), ("hands", hands.FORMATS)):
        for format in formats:
            for place in (folder / kind / format, folder / "samples" / format):
                files = [p for p in sorted(place.rglob("*")) if p.is_file()]
                found += [(kind, format, path) for path in files]
    return found


@pytest.mark.parametrize("number", [300, pytest.param(20_000, marks=pytest.mark.slow, id="20000")])
def test_damaged_files_end_in_labels_or_in_an_error_for_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    dataset = read_dataset(
        make_dataset(
            tmp_path,
            actions="v1,0,10,take\nv1,10,25,turn screw\nlate,3,9,take\n",
            hands="v1,0,0.5,0.5,0.25,0.75\nv1,1,0.5,0.6,0.25,0.7\nv2.cam,3,,,0.1,0.2\n",
        )
    )
    originals = _originals(dataset, tmp_path / "files")
    assert {(kind, format) for kind, format, _ in originals} == {
        *(("actions", name) for name in actions.FORMATS),
        *(("hands", name) for name in hands.FORMATS),
    }, "a format without a sample"
    # Readers say themselves what is wrong; the net below them stays unused.
    monkeypatch.setattr("handact.dataset.importing._MISREADINGS", ())
    before = sorted((p, p.stat().st_mtime_ns) for p in dataset.root.rglob("*"))
    peak = _peak()
    rng, ends, is_one_line = random.Random(0), {"labels": 0, "error": 0}, True
    for i in range(number):
        kind, format, path = originals[i % len(originals)]
        whole = path.read_bytes()
        path.write_bytes(_mutate(whole, rng))
        target = path
        top = tmp_path / "files" / kind / format
        if top in path.parents and rng.random() < 0.5:
            target = top
        try:
            with _at_most(20):
                _plan(dataset, kind, rng.choice((format, "auto")), target, rng)
            ends["labels"] += 1
        except HandactError as error:
            ends["error"] += 1
            is_one_line &= "\n" not in error.message
        except Exception as error:
            kept = os.environ.get("HANDACT_KEEP")
            if kept:
                shutil.copy(path, kept)
            raise AssertionError(f"{kind} {format} {path.name}, file {i}") from error
        finally:
            path.write_bytes(whole)
    assert sorted((p, p.stat().st_mtime_ns) for p in dataset.root.rglob("*")) == before
    assert is_one_line
    assert min(ends.values()) > number / 50
    assert _peak() - peak < 1024
    print(f"{number} files: {ends}, peak {_peak():.0f} MiB, before them {peak:.0f} MiB")


def _plan(dataset: Dataset, kind: str, format: str, path: Path, rng: random.Random) -> None:
    """Plan an import, sometimes with what a person says to settle what the file leaves open."""
    video = rng.choice((None, "v1"))
    if kind == "actions":
        options = ActionOptions(video=video, offset=rng.choice((None, 0.0)))
        if rng.random() < 0.3:
            options = replace(options, fps="video", first_frame=rng.choice((0, 1)), end="included")
        plan_actions(dataset, path, format=format, overlap="first", options=options)
    else:
        options = HandOptions(first_frame=rng.choice((None, 0, 0, 1)), video=video)
        plan_hands(dataset, path, format=format, options=options)


# ------------------------------------------------------------------------------------- command line


@pytest.mark.parametrize(
    ("command", "formats"),
    [
        (("import", "actions"), actions.FORMATS),
        (("import", "hands"), hands.FORMATS),
        (("export", "actions"), WRITTEN_ACTIONS),
        (("export", "hands"), WRITTEN_HANDS),
    ],
)
def test_help_names_every_format(command: tuple[str, ...], formats: dict) -> None:
    lines = CliRunner().invoke(app, [*command, "--help"]).stdout.split("\n")
    named = {line.split()[0] for line in lines if line.startswith("  ") and line.split()}
    assert set(formats) <= named


# ---------------------------------------------------------------------------- files that would grow


def test_small_files_cannot_make_much_work(tmp_path: Path) -> None:
    """What took minutes or gigabytes once."""
    dataset = read_dataset(make_dataset(tmp_path))
    nested = "".join(
        f'<track name="t{i}"><el index="{i}" start="0" end="1"><attribute name="a">x</attribute>'
        "</el>"
        for i in range(2000)
    )
    anvil = f"<annotation><head/><body>{nested}{'</track>' * 2000}</body></annotation>"
    box = '<box frame="0" keyframe="1" outside="0" xtl="1" ytl="1" xbr="9" ybr="9"/>'
    end = box.replace('frame="0"', 'frame="39"')
    labels = ("left_hand", "right_hand")
    cvat = "".join(f'<track label="{labels[i % 2]}">{box}{end}</track>' for i in range(8000))
    digits = "video,frame,left_x,left_y,right_x,right_y\nv1,0," + "9" * 100_000 + "x,0,0,0\n"
    voice = "WEBVTT\n\n00:00.000 --> 00:01.000\n<v" + " " * 200_000 + "\n"
    peak = _peak()
    for kind, name, text in (
        ("actions", "v1.anvil", anvil),
        ("hands", "v1.xml", f"<annotations>{cvat}</annotations>"),
        ("hands", "hands.csv", digits),
        ("actions", "v1.vtt", voice),
    ):
        path = tmp_path / name
        path.write_text(text)
        plan = plan_actions if kind == "actions" else plan_hands
        with _at_most(10), contextlib.suppress(HandactError):
            plan(dataset, path)
    assert _peak() - peak < 512
