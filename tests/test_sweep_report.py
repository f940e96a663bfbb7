"""The sweep over clip lengths and strides, from made-up cells to tables and the picture."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from handact.errors import ConfigError
from handact.metrics import fixed_settings, mean_and_sd, mean_by_class
from handact.plots import SweepGroup, plot_sweep
from handact.report import describe_sequences, describe_sweep, state_sweep, write_sweep_report
from handact.results import Clips, Sequences, SweepCell

CLASSES = ("idle", "pick", "screw", "never there")


def make_cell(shift: str, clip_len: int, frame_stride: int, seed: int) -> SweepCell:
    """A cell whose network errs more the longer its stride is."""
    rng = np.random.default_rng([len(shift), clip_len, frame_stride, seed])
    truth = {v: np.repeat(rng.permutation([0, 1, 2, 0, 1, 2]), 20) for v in "ab"}
    predicted = {v: np.where(rng.random(120) < frame_stride / 20, 1, x) for v, x in truth.items()}
    sequences = Sequences(CLASSES, "idle", truth, predicted, split="test", how="split by video")
    labels = rng.integers(0, 3, 30)
    clips = Clips(CLASSES, labels, np.where(rng.random(30) < 0.3, 1, labels))
    return SweepCell(shift, clip_len, frame_stride, seed, describe_sequences(sequences, clips))


@pytest.fixture(scope="module")
def cells() -> list[SweepCell]:
    settings = [(8, 1), (8, 8), (2, 8)]
    return [make_cell(x, *at, seed) for x in ("tsm", "none") for at in settings for seed in (0, 1)]


def test_rows_say_what_the_cells_say(cells: list[SweepCell]) -> None:
    report = describe_sweep(cells)
    assert len(report["cells"]) == 2 * len(cells)
    row = next(
        row for row in report["cells"]
        if row["shift"] == "tsm" and row["frame_stride"] == 1 and row["level"] == "sequence"
    )  # fmt: skip
    figures = cells[0].figures
    assert row["class_f1"] == {name: figures["per_class"][name]["f1@50"] for name in CLASSES[1:3]}
    assert row["mean_f1"] == pytest.approx(figures["macro_f1@50"])
    assert [row[key] for key in ("frame_accuracy", "edit", "f1@50")] == [
        figures[key] for key in ("frame_accuracy", "edit", "f1@50")
    ]
    assert "never there" not in row["class_f1"]
    assert report["missing"] == []
    assert report["variant"]["fixed_clip_len"] == 8
    assert report["variant"]["fixed_frame_stride"] == 8


def test_mean_and_spread_over_seeds(cells: list[SweepCell]) -> None:
    report = describe_sweep(cells)
    one = report["over_seeds"][0]
    rows = [row for row in report["cells"] if all(row[k] == one[k] for k in _KEYS)]
    assert one["seeds"] == [0, 1]
    means = [row["mean_f1"] for row in rows]
    assert one["mean_f1"] == {
        "n": 2,
        "mean": pytest.approx(np.mean(means)),
        "sd": pytest.approx(np.std(means, ddof=1)),
    }
    assert one["class_f1"]["pick"] == pytest.approx(
        np.mean([row["class_f1"]["pick"] for row in rows])
    )
    assert mean_and_sd([None, 4.0]) == {"n": 1, "mean": 4.0, "sd": None}
    assert mean_and_sd([]) == {"n": 0, "mean": None, "sd": None}
    assert mean_by_class([{"x": 1.0}, {"x": 3.0, "y": 5.0}]) == {"x": 2.0, "y": 5.0}


_KEYS = ("shift", "clip_len", "frame_stride", "level")


def test_what_is_missing_is_named_and_left_blank(tmp_path: Path, cells: list[SweepCell]) -> None:
    key = {"shift": "none", "clip_len": 8, "frame_stride": 1, "seed": 1}
    kept = [cell for cell in cells if any(getattr(cell, k) != v for k, v in key.items())]
    report = describe_sweep(kept)
    assert report["missing"] == [key]
    assert "Missing, left blank: TSN T = 8, τ = 1, seed 1." in state_sweep(report)
    planned = [("tsm", 8, tau, 0) for tau in (1, 8, 10)] + [("causal", 16, 8, 0)]
    report = describe_sweep(kept, planned)
    assert [(row["shift"], row["frame_stride"]) for row in report["missing"]] == [
        ("tsm", 10), ("causal", 8),
    ]  # fmt: skip
    write_sweep_report(tmp_path, report)
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")


def test_files_of_the_sweep(tmp_path: Path, cells: list[SweepCell]) -> None:
    report = describe_sweep(cells)
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "sweep.html").write_text("of an earlier report")
    files = write_sweep_report(tmp_path / "r", report)
    assert set(files) == set((tmp_path / "r").iterdir())
    assert json.loads((tmp_path / "r" / "sweep.json").read_text()) == report
    table = pd.read_csv(tmp_path / "r" / "sweep.csv")
    assert len(table) == 24
    assert table.loc[table["level"] == "segment", "frame_accuracy"].isna().all()
    by_class = pd.read_csv(tmp_path / "r" / "sweep_classes.csv")
    assert len(by_class) == 12 * (3 + 2)  # background has an F1 on trimmed segments alone
    assert set(by_class["class"]) == set(CLASSES[:3])


def test_cells_that_do_not_belong_together(cells: list[SweepCell]) -> None:
    with pytest.raises(ConfigError, match="no figures yet"):
        describe_sweep([])
    with pytest.raises(ConfigError, match="TSM with T = 8, τ = 1, seed 0 is there twice"):
        describe_sweep([*cells, cells[0]])
    variant = cells[1].figures["variant"] | {"num_videos": 5}
    other = replace(cells[1], figures=cells[1].figures | {"variant": variant})
    with pytest.raises(ConfigError, match="num_videos is 5, elsewhere 2"):
        describe_sweep([cells[0], other])


def test_long_videos_alone(tmp_path: Path, cells: list[SweepCell]) -> None:
    bare = [replace(c, figures=c.figures | {"segment_level": None}) for c in cells[:2]]
    report = describe_sweep(bare)
    assert {row["level"] for row in report["cells"]} == {"sequence"}
    write_sweep_report(tmp_path, report)
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")


def test_the_picture_shows_what_the_report_has(tmp_path: Path) -> None:
    groups = [
        SweepGroup("sequence", "tsm", (8, 1), {"a": 20.0, "b": 41.0, "c": 90.0}, 50.0, 7.0),
        SweepGroup("sequence", "tsm", (8, 8), {}),
    ]
    plot_sweep(tmp_path / "a.svg", groups, fixed=(8, 8), title="one place")
    text = (tmp_path / "a.svg").read_text()
    assert "median TSM" in text
    assert ">41<" in text
    assert "standard deviation over seeds" in text
    assert "TSN" not in text


def test_what_is_held_while_the_other_varies() -> None:
    strides, lengths = (1, 2, 4, 6, 8, 10), (1, 2, 4, 8, 16)
    assert fixed_settings([*((8, s) for s in strides), *((n, 8) for n in lengths)]) == (8, 8)
    assert fixed_settings([(4, 2)]) == (4, 2)
