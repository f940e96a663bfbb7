"""Two runs and more on one truth: the bootstrap over videos, `compare`, stacked timelines."""

import json
import sys
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from handact.checkpoint import save_checkpoint
from handact.cli import app
from handact.errors import LabelError
from handact.metrics import (
    change_intervals,
    clip_metrics,
    clip_scores,
    draw_videos,
    sequence_metrics,
    sequence_scores,
)
from handact.plots import TimelineRow, class_colours, plot_timeline
from handact.report import describe_compare, read_runs, write_timeline
from handact.results import Clips, Sequences

ACTIONS = "video,start_frame,end_frame,action\n"
CLASSES = ["idle", "pick", "screw", "rare"]


def make_run(seed: int, wrong: float, num_videos: int = 8, run: str = "a") -> Sequences:
    """Videos that are hard to different degrees for every run; `rare` occurs in one of them."""
    rng = np.random.default_rng(7)
    truth = {
        f"v{i}": np.repeat([*rng.choice([0, 1, 2], 8), 3 if i == 0 else 1], 10)
        for i in range(num_videos)
    }
    hard = {v: rng.uniform(0, 2) for v in truth}
    noise = np.random.default_rng(seed)
    predicted = {}
    for v, labels in truth.items():
        is_wrong = np.repeat(noise.random(len(labels) // 5) < wrong * hard[v], 5)
        predicted[v] = np.where(is_wrong, 2, labels)
    return Sequences(tuple(CLASSES), "idle", truth, predicted, run=run, how="made up")


def make_clips(run: Sequences, seed: int) -> Clips:
    videos = np.repeat(list(run.truth), 6)
    rng = np.random.default_rng(3)
    truth = rng.choice([0, 1, 2], len(videos))
    rng = np.random.default_rng(seed)
    return Clips(run.classes, truth, np.where(rng.random(len(videos)) < 0.3, 1, truth), videos)


def score(run: Sequences) -> dict:
    return sequence_metrics(run.truth, run.predicted, CLASSES, background="idle")


# --------------------------------------------------------------------------------------- bootstrap


def test_weights_of_one_give_the_scores_as_reports_have_them() -> None:
    run = make_run(0, 0.3)
    clips = make_clips(run, 0)
    ones = np.ones((1, len(run.truth)))
    for scores, expected, key in (
        (sequence_scores(run.truth, run.predicted, 4, 0), score(run), "f1@50"),
        (
            clip_scores(clips.truth, clips.predicted, clips.videos, list(run.truth), 4),
            clip_metrics(clips.truth, clips.predicted, CLASSES),
            "f1",
        ),
    ):
        overall, per_class = scores.weighted(ones)
        for name, value in overall.items():
            assert value == pytest.approx(expected[name]), name
        for name, value in zip(CLASSES, per_class[0], strict=True):
            row = expected["per_class"].get(name, {"support": 0})
            assert np.isnan(value) if not row["support"] else value == pytest.approx(row[key])


def test_bootstrap_equals_drawing_videos_one_by_one() -> None:
    """Videos are copied as often as they were drawn, and scored anew."""
    a, b = make_run(0, 0.35), make_run(1, 0.2)
    weights = draw_videos(8, draws=60, seed=5)
    assert (weights.sum(axis=1) == 8).all()
    changes: dict[str, list[float]] = {}
    for draw in weights:
        figures = [score(_repeat(run, draw)) for run in (a, b)]
        for name in ("frame_accuracy", "edit", "f1@10", "f1@25", "f1@50", "macro_f1@50"):
            changes.setdefault(name, []).append(figures[1][name] - figures[0][name])
        for name in CLASSES[1:]:
            rows = [x["per_class"][name] for x in figures]
            if rows[0]["support"]:
                changes.setdefault(name, []).append(rows[1]["f1@50"] - rows[0]["f1@50"])
    scores = [sequence_scores(run.truth, run.predicted, 4, 0) for run in (a, b)]
    overall, by_class = change_intervals(*scores, weights)
    found = overall | dict(zip(CLASSES, by_class, strict=True))
    assert np.isnan(found.pop("idle")).all()
    for name, interval in found.items():
        assert interval == pytest.approx(np.quantile(changes[name], (0.025, 0.975))), name
    assert 0 < len(changes["rare"]) < len(weights)  # draws without it were left out


def _repeat(run: Sequences, draw: np.ndarray) -> Sequences:
    copies = [(v, i) for v, number in zip(run.truth, draw, strict=True) for i in range(number)]
    return replace(
        run,
        truth={f"{v} {i}": run.truth[v] for v, i in copies},
        predicted={f"{v} {i}": run.predicted[v] for v, i in copies},
    )


def test_pairing_makes_intervals_narrower() -> None:
    """Both runs err on the same videos, which says nothing of the change between them."""
    a, b = make_run(0, 0.4, num_videos=20), make_run(0, 0.3, num_videos=20)
    scores = [sequence_scores(run.truth, run.predicted, 4, 0) for run in (a, b)]
    low, high = change_intervals(*scores, draw_videos(20))[0]["frame_accuracy"]
    apart = [
        one.weighted(draw_videos(20, seed=i))[0]["frame_accuracy"] for i, one in enumerate(scores)
    ]
    unpaired = np.quantile(apart[1] - apart[0], (0.025, 0.975))
    assert high - low < 0.7 * (unpaired[1] - unpaired[0])


# ----------------------------------------------------------------------------------------- compare


def test_a_run_against_itself_changes_nothing() -> None:
    run = make_run(0, 0.3)
    clips = make_clips(run, 0)
    report = describe_compare((run, run), (clips, clips))
    for level in ("sequence_level", "segment_level"):
        for part in ("overall", "per_class"):
            for row in report[level][part].values():
                assert row["change"] == 0
                assert {row["low"], row["high"]} <= {0, None}
    assert describe_compare((run, run), (clips, clips)) == report  # seeded


def test_changes_are_sorted_and_say_on_what_they_rest() -> None:
    a, b = make_run(0, 0.5), make_run(1, 0.1, run="b")
    report = describe_compare((a, b), (make_clips(a, 0), make_clips(a, 1)))
    rows = report["sequence_level"]["per_class"]
    changes = [row["change"] for row in rows.values()]
    assert changes == sorted(changes, reverse=True)
    expected = score(b)["per_class"]["pick"]["f1@50"] - score(a)["per_class"]["pick"]["f1@50"]
    assert rows["pick"]["change"] == pytest.approx(expected)
    assert rows["pick"]["num_videos"] == 8
    assert rows["rare"]["num_videos"] == 1
    assert rows["rare"]["low"] is None  # it lies in one video
    assert "rare" not in report["segment_level"]["per_class"]  # no true segment, no F1
    assert "idle" in report["segment_level"]["per_class"]
    assert report["notes"][0] == "in fewer than 5 videos, so with no interval to trust: 'rare'"
    assert "leave it out of the mean of classes" in report["notes"][1]


@pytest.mark.parametrize(
    ("number", "said"), [(1, "one video gives no"), (3, "3 videos are too few")]
)
def test_few_videos(number: int, said: str) -> None:
    a, b = (make_run(seed, 0.4, num_videos=number) for seed in (0, 1))
    report = describe_compare((a, b))
    assert report["notes"][0].startswith(said)
    row = report["sequence_level"]["overall"]["f1@50"]
    assert row["few_videos"]
    assert (row["low"] is None) == (number == 1)


def test_runs_that_cannot_be_compared() -> None:
    a = make_run(0, 0.3)
    with pytest.raises(LabelError, match="b: lacks the video 'v7' of a"):
        describe_compare((a, make_run(0, 0.3, num_videos=7, run="b")))
    with pytest.raises(LabelError, match="b: lacks the class 'rare' of a"):
        describe_compare((a, replace(a, run="b", classes=(*CLASSES[:3], "seldom"))))
    with pytest.raises(LabelError, match="different orders"):
        describe_compare((a, replace(a, run="b", classes=(*CLASSES[:2], "rare", "screw"))))
    with pytest.raises(LabelError, match="different true labels of video 'v0'"):
        describe_compare((a, replace(a, run="b", truth=a.truth | {"v0": a.truth["v0"][::-1]})))
    clips = make_clips(a, 0)
    with pytest.raises(LabelError, match="the videos of the two runs' trimmed segments differ"):
        describe_compare((a, a), (clips, replace(clips, videos=clips.videos[::-1])))


# ------------------------------------------------------------------------------------ command line


def run(*args: object) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, args)])


def write(path: Path, rows: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(ACTIONS + rows)
    return path


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Truth and two predictions of six videos; `good` ends later, and says a word of its own."""
    rows = [f"v{i},0,10,screw\nv{i},10,20,pick\n" for i in range(6)]
    worse = [f"v{i},0,{12 + i},screw\n" for i in range(6)]
    return (
        write(tmp_path / "truth.csv", "".join(rows)),
        write(tmp_path / "bad.csv", "".join(worse)),
        write(tmp_path / "good.segments.csv", "".join(rows) + "v0,25,30,turn\n"),
    )


def test_bare_tables_through_the_command(tmp_path: Path, tables: tuple) -> None:
    truth, bad, good = tables
    result = run("compare", bad, good, "--truth", truth, "-o", tmp_path / "r")
    assert result.exit_code == 0, result.output
    assert "6 videos, 130 frames. A, bad:" in result.stdout
    assert "+100.0" in result.stdout
    assert "note: good: predicted, but never in the truth: 'turn'" in result.stderr
    assert {p.name for p in (tmp_path / "r").iterdir()} == {
        "compare.json", "compare.csv", "compare.png",
    }  # fmt: skip
    report = json.loads((tmp_path / "r" / "compare.json").read_text())
    assert report["sequence_level"]["per_class"]["pick"]["change"] == 100
    assert report["variant"]["interval"]["num_videos"] == 6
    assert report["segment_level"] is None
    table = pd.read_csv(tmp_path / "r" / "compare.csv")
    assert table.loc[table["of"] == "class", "name"].tolist() == ["pick", "screw"]
    options = ["--truth", truth, "-o", tmp_path / "r"]
    assert run("compare", bad, good, *options, "--html").exit_code == 0
    assert (tmp_path / "r" / "compare.html").exists()
    assert run("compare", bad, good, *options).exit_code == 0
    assert not (tmp_path / "r" / "compare.html").exists()  # of an earlier report
    beside = run("compare", bad, good, tmp_path, *options[:2])
    assert beside.exit_code == 2
    assert "a DATASET and --truth exclude each other" in " ".join(beside.stderr.split())
    again = run("compare", bad, good, "--truth", truth, "--json")
    assert json.loads(again.stdout) == report


def test_mistakes_at_the_command(tmp_path: Path, tables: tuple) -> None:
    truth, bad, good = tables
    without = run("compare", bad, good)
    assert without.exit_code == 2
    assert "--truth" in without.stderr
    assert run("compare", bad).exit_code == 2
    less = write(tmp_path / "less.csv", "v0,0,10,screw\nv1,0,10,screw\n")
    result = run("compare", less, good, "--truth", truth)
    assert result.exit_code == 1
    assert "less.csv: lacks the video 'v2' and 3 more of" in result.stderr
    assert "row of background" in result.stderr


def test_what_both_tables_lack_is_told(tmp_path: Path, tables: tuple) -> None:
    rows = "v0,0,10,screw\nelsewhere,0,9,screw\n"
    a, b = (write(tmp_path / name, rows) for name in ("a.csv", "b.csv"))
    result = run("compare", a, b, "--truth", tables[0], "--json")
    report = json.loads(result.stdout)
    missing = "no prediction, so counted as all background: 'v1', 'v2', 'v3', 'v4', 'v5'"
    assert report["notes"][:4] == [
        f"{name}: {note}"
        for name in "ab"
        for note in (missing, "no truth, so left out: 'elsewhere'")
    ]
    assert [result.stderr.count(f"note: {name}: {missing}") for name in "ab"] == [1, 1]


def make_folder(root: Path, **runs: list[str]) -> Path:
    """A dataset folder without videos, and runs that know some classes."""
    (root / "dataset.toml").write_text(f'classes = {json.dumps(CLASSES)}\nbackground = "idle"\n')
    (root / "videos.csv").write_text("video,path,split,fps,frames,width,height\n")
    for name, classes in runs.items():
        save_checkpoint(root / "runs" / name / "best.pt", kind="action", classes=classes)
    return root


def test_runs_of_a_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_folder(tmp_path, tsn=CLASSES, tsm=CLASSES[:3])
    runs = {name: make_run(seed, 0.4, run=name) for seed, name in enumerate(("tsn", "tsm"))}
    runs = {name: replace(one, split="test") for name, one in runs.items()}
    module = types.ModuleType("handact.evaluation")
    module.evaluate_sequences = lambda root, *, run, **options: runs[run]
    module.evaluate_clips = lambda root, *, run, **options: make_clips(runs[run], len(run))
    monkeypatch.setitem(sys.modules, "handact.evaluation", module)
    result = run("compare", "tsn", "tsm", tmp_path)
    assert result.exit_code == 0, result.output
    assert "trimmed segments, F1" in result.stdout
    assert "8 videos, test split, 720 frames" in result.stdout
    assert (tmp_path / "report" / "compare.png").read_bytes().startswith(b"\x89PNG")
    stacked = run("timeline", tmp_path, "--run", "tsn", "--run", "tsm")
    assert stacked.exit_code == 0, stacked.output
    assert (tmp_path / "report" / "timeline.png").exists()


@pytest.mark.parametrize(
    ("second", "message"),
    [("tsm", "best.pt: no such checkpoint"), ("other", "lacks the class 'glue' of the run other")],
)
def test_a_second_run_that_cannot_be_judged_shows_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str, message: str
) -> None:
    make_folder(tmp_path, tsn=CLASSES, other=["idle", "glue"])
    module = types.ModuleType("handact.evaluation")  # any use of it fails
    monkeypatch.setitem(sys.modules, "handact.evaluation", module)
    for command in (
        ["compare", "tsn", second, tmp_path],
        ["timeline", tmp_path, "--run", "tsn", "--run", second],
    ):
        result = run(*command)
        assert result.exit_code == 1, result.output
        assert message in " ".join(result.stderr.split())


@pytest.mark.slow
def test_clips_know_their_videos(run_folder: Path) -> None:
    from handact.dataset import read_dataset
    from handact.evaluation import evaluate_clips
    from handact.labels import fill_background

    clips = evaluate_clips(run_folder, split="train", device="cpu")
    dataset = read_dataset(run_folder)
    for video in dataset.in_split("train"):
        segments = fill_background(dataset.actions[video.name], video.frames, dataset.background)
        truth = clips.truth[clips.videos == video.name]
        assert [dataset.classes[i] for i in truth] == [s.action for s in segments]
    result = run("compare", "action", "action", run_folder)
    assert result.exit_code == 0, result.output
    assert "one video gives no interval" in result.stderr


# ---------------------------------------------------------------------------------------- timeline


def test_several_runs_over_one_truth(tmp_path: Path, tables: tuple) -> None:
    truth, bad, good = tables
    both = ["--truth", truth, "--predicted", bad, "--predicted", good]
    result = run("timeline", *both, "-o", tmp_path / "t.svg")
    assert result.exit_code == 0, result.output
    text = (tmp_path / "t.svg").read_text()
    for words in (">bad<", ">good<", ">100.0 %<", ">83.3 %<"):
        assert words in text
    assert text.count(">truth<") == 6 + 1  # one a video, and the legend
    one = run("timeline", *both[:4], "-o", tmp_path / "one.svg")
    assert one.exit_code == 0
    assert ">predicted<" in (tmp_path / "one.svg").read_text()
    assert "the picture shows" not in one.stderr
    beside = run("timeline", *both[:4], good, "-o", tmp_path / "t.svg")
    assert beside.exit_code == 2
    assert "--predicted must be repeated" in " ".join(beside.stderr.split())


def test_a_picture_that_leaves_videos_out_says_so(tmp_path: Path) -> None:
    rows = write(tmp_path / "t.csv", "".join(f"v{i},0,10,screw\n" for i in range(41)))
    result = run("timeline", "--truth", rows, "--predicted", rows, "-o", tmp_path / "t.png")
    assert "note: the picture shows the first 40 of 41 videos" in result.stderr


def test_tables_of_one_name_go_by_their_paths(tmp_path: Path, tables: tuple) -> None:
    other = write(tmp_path / "x" / "bad.csv", "v0,0,10,screw\n")
    names = [result.run for result in read_runs(tables[0], [tables[1], other])]
    assert names == [str(tables[1]), str(other)]


def test_stacked_rows_are_checked(tmp_path: Path) -> None:
    labels = np.repeat([0, 1, 0], 50)
    rows = TimelineRow("v", np.stack([labels, 2 - labels]), labels, runs=("a", "$b$ " * 30))
    plot_timeline(tmp_path / "a.png", [rows], CLASSES, "idle")
    from matplotlib.image import imread

    picture = (imread(tmp_path / "a.png")[..., :3] * 255).round().astype(np.uint8)
    assert (picture == class_colours(2)[1]).all(axis=-1).any()
    with pytest.raises(ValueError, match="2 runs and 0 names"):
        TimelineRow("v", np.stack([labels, labels]))
    with pytest.raises(LabelError, match="lacks the video 'v7'"):
        write_timeline(tmp_path / "b.png", make_run(0, 0), make_run(0, 0, 7, run="b"))
