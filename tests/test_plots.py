"""Pictures are drawn whole, without global state, and in the colours that they promise."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from handact.plots import (
    TimelineRow,
    class_colours,
    plot_class_scores,
    plot_confusion,
    plot_hand_errors,
    plot_learning_curves,
    plot_timeline,
)

CLASSES = [
    "idle",
    "pick $up$",
    "screw",
    "漢字",
    "a very long name of an action that nobody would use",
]


def read_png(path: Path) -> np.ndarray:
    from matplotlib.image import imread

    return (imread(path)[..., :3] * 255).round().astype(np.uint8)


def has_colour(picture: np.ndarray, colour: object) -> bool:
    return bool((picture == np.asarray(colour, np.uint8)).all(axis=-1).any())


def test_matplotlib_is_imported_late_and_pyplot_never(tmp_path: Path) -> None:
    code = """
import sys, numpy, handact.plots as plots
assert "matplotlib" not in sys.modules
plots.plot_timeline(sys.argv[1], [plots.TimelineRow("v", numpy.zeros(4, int))], ["x"], "x")
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code, tmp_path / "a.png"], check=True)


def test_colours_are_fixed_and_distinct() -> None:
    colours = class_colours(60)
    assert colours.shape == (60, 3)
    assert colours.dtype == np.uint8
    assert len(np.unique(colours, axis=0)) == 60
    assert (class_colours(10) == colours[:10]).all()
    apart = np.abs(colours[:25, None].astype(int) - colours[None, :25]).sum(axis=-1)
    assert (apart + 999 * np.eye(25)).min() > 40
    assert class_colours(3, background=1)[1].tolist() == [225, 225, 225]
    assert class_colours(0).shape == (0, 3)


def test_timeline_shows_prediction_truth_and_errors(tmp_path: Path) -> None:
    truth = np.repeat([0, 1, 2, 0], 100)
    predicted = np.roll(truth, 20)
    path = tmp_path / "new" / "timeline.png"
    rows = [
        TimelineRow("one", predicted, truth, 25.0),
        TimelineRow("two", truth[:150], truth[:150], 30.0),
    ]
    plot_timeline(path, rows, CLASSES, "idle", title="Timeline")
    picture = read_png(path)
    colours = class_colours(len(CLASSES))
    assert has_colour(picture, colours[1])
    assert has_colour(picture, colours[2])
    assert not has_colour(picture, colours[3])  # does not occur, so not in the legend either
    assert has_colour(picture, [225, 225, 225])
    assert has_colour(picture, [0, 0, 0])
    assert list(path.parent.iterdir()) == [path]


def test_timeline_without_truth_has_confidence(tmp_path: Path) -> None:
    predicted = np.repeat([1, 0, 3, 4], [2000, 1, 3000, 5000])
    confidence = np.linspace(0, 1, len(predicted))
    row = TimelineRow("$video$ 漢字", predicted, fps=29.97, confidence=confidence)
    plot_timeline(tmp_path / "a.png", [row], CLASSES, "idle")
    picture = read_png(tmp_path / "a.png")
    assert has_colour(picture, class_colours(4)[3])


@pytest.mark.parametrize("frames", [0, 1])
def test_timeline_of_next_to_nothing(tmp_path: Path, frames: int) -> None:
    labels = np.zeros(frames, np.int64)
    rows = [TimelineRow("v", labels, labels, confidence=labels.astype(float))]
    plot_timeline(tmp_path / "a.svg", rows, ["idle"], "idle")
    assert "predicted" in (tmp_path / "a.svg").read_text()


def test_timeline_refuses_what_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one"):
        plot_timeline(tmp_path / "a.png", [], CLASSES, "idle")
    with pytest.raises(ValueError, match="3 frames and 2"):
        TimelineRow("v", np.zeros(3, int), np.zeros(2, int))
    assert not list(tmp_path.iterdir())


def test_a_picture_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a.nonsense"
    path.write_text("old")
    with pytest.raises(ValueError, match="nonsense"):
        plot_confusion(path, np.eye(2), ["a", "b"], title="x")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_confusion_and_scores(tmp_path: Path) -> None:
    matrix = np.diag([5, 3, 0, 2, 1])  # one class without truth
    plot_confusion(tmp_path / "confusion.png", matrix, CLASSES, title="100 % of $x$")
    scores = {"F1@50": {"idle": None, "screw": 50.0}, "F1": dict.fromkeys(CLASSES, 100.0)}
    support = dict.fromkeys(CLASSES, 3)
    plot_class_scores(tmp_path / "scores.pdf", scores, support, title="Scores")
    assert has_colour(read_png(tmp_path / "confusion.png"), [8, 48, 107])  # 100 % in "Blues"
    assert (tmp_path / "scores.pdf").read_bytes().startswith(b"%PDF")


def test_hand_errors(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((50, 2, 3))
    truth[:, 1] = [0, np.nan, np.nan]  # nobody has a right hand
    predicted = rng.random((50, 2, 3))
    plot_hand_errors(tmp_path / "hands.png", truth, predicted, title="Hands")
    plot_hand_errors(tmp_path / "none.png", truth[:0], predicted[:0], title="Hands")
    assert read_png(tmp_path / "hands.png").shape == read_png(tmp_path / "none.png").shape


def test_learning_curves(tmp_path: Path) -> None:
    rows = [
        {"epoch": i + 1, "learning_rate": 0.1 if i < 5 else 0.01, "train_loss": 1 / (i + 1),
         "f1@0.1": None if i % 2 else 10.0 * i, "val_loss": float("nan"), "note": "text"}
        for i in range(10)
    ]  # fmt: skip
    plot_learning_curves(tmp_path / "two.png", rows, title="train-hands")
    plot_learning_curves(tmp_path / "one.png", [{"epoch": 1, "loss": 2.0}], title="train")
    plot_learning_curves(tmp_path / "none.png", [], title="train")
    widths = [read_png(tmp_path / f"{name}.png").shape[1] for name in ("two", "one", "none")]
    assert widths[0] == 2 * widths[1]
    assert widths[1] == widths[2]


def test_drawing_leaves_matplotlibs_settings_alone(tmp_path: Path) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    plot_confusion(tmp_path / "a.png", np.eye(2), ["a", "b"], title="x")
    assert dict(matplotlib.rcParams) == before
