"""Reports from bare tables and from a dataset, as a person at the command line gets them."""

import json
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from handact.checkpoint import save_checkpoint
from handact.cli import app
from handact.errors import LabelError
from handact.report import read_hand_pairs, read_sequences
from handact.results import Clips, HandPairs, Sequences

GOLDEN = Path(__file__).parent / "golden"
ACTIONS = "video,start_frame,end_frame,action\n"
HANDS = "video,frame,left_x,left_y,right_x,right_y\n"
TRACKS = "video,frame,left_p,left_x,left_y,right_p,right_x,right_y\n"


def run(*args: object) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, args)])


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def write_golden(folder: Path, key: str, *, with_background: bool) -> Path:
    lines = []
    for i, video in enumerate(json.loads((GOLDEN / "segments.json").read_text())["videos"]):
        start = 0
        for action, length in video[key]:
            if with_background or action != "background":
                lines.append(f"v{i},{start},{start + length},{action}\n")
            start += length
    return write(folder / f"{key}.csv", ACTIONS + "".join(lines))


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Two videos, truth and prediction; the last third of `a` is background in both."""
    truth = write(tmp_path / "actions.csv", f"{ACTIONS}a,0,10,screw\na,10,20,pick\nb,5,15,pick\n")
    predicted = write(tmp_path / "segments.csv", f"{ACTIONS}a,0,12,screw\na,12,20,pick\n")
    return truth, predicted


# ----------------------------------------------------------------------------------------- metrics


@pytest.mark.parametrize("with_background", [True, False])
def test_golden_tables_through_the_command(tmp_path: Path, with_background: bool) -> None:
    truth = write_golden(tmp_path, "truth", with_background=with_background)
    predicted = write_golden(tmp_path, "predicted", with_background=with_background)
    golden = json.loads((GOLDEN / "segments.json").read_text())
    lengths = [sum(n for _, n in video["truth"]) for video in golden["videos"]]
    frames = ",".join(f"v{i}={n}" for i, n in enumerate(lengths))
    arguments = ["--truth", truth, "--predicted", predicted, "--background", "background"]
    result = run("metrics", *arguments, "--frames", frames, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    for key, value in golden["pooled"].items():
        assert report[key] == pytest.approx(value, abs=1e-6), key
    assert report["variant"]["num_frames"] == sum(lengths)
    assert {"precision", "recall", "f1@50", "support"} <= report["per_class"]["a1"].keys()
    assert "confusion" not in report


def test_a_table_of_videos_gives_lengths_and_rates(tmp_path: Path, pair: tuple) -> None:
    videos = write(tmp_path / "videos.csv", "video;frames;fps\na;30;12,5\nb;20;25\nunused;9;25\n")
    result = read_sequences(*pair, videos=videos)
    assert {v: len(x) for v, x in result.truth.items()} == {"a": 30, "b": 20}
    assert result.fps == {"a": 12.5, "b": 25}
    assert result.classes == ("background", "pick", "screw")


def test_lengths_come_from_both_tables(tmp_path: Path, pair: tuple) -> None:
    longer = write(tmp_path / "longer.csv", f"{ACTIONS}a,0,25,screw\n")
    assert len(read_sequences(pair[0], longer).truth["a"]) == 25
    cut = read_sequences(pair[0], longer, frames={"a": 22, "b": 40, "c": 7})
    assert {v: len(x) for v, x in cut.predicted.items()} == {"a": 22, "b": 40, "c": 7}
    assert any("cut off" in note for note in cut.notes)


def test_a_video_without_prediction_is_background_and_named(pair: tuple) -> None:
    result = run("metrics", "--truth", pair[0], "--predicted", pair[1])
    assert result.exit_code == 0
    assert "note: no prediction, so counted as all background: 'b'" in result.stderr
    assert "2 videos, 35 frames" in result.stdout
    assert "pooled over videos; background 'background' left out" in result.stdout


def test_notes_on_what_does_not_fit(tmp_path: Path, pair: tuple) -> None:
    other = write(tmp_path / "o.csv", f"{ACTIONS}a,0,9,Screw\nz,0,5,pick\n")
    notes = read_sequences(pair[0], other, background="nothing").notes
    assert "no truth, so left out: 'z'" in notes
    assert "predicted, but never in the truth: 'Screw'" in notes
    assert any("no row is called 'nothing'" in note for note in notes)


def test_a_folder_of_segmented_videos(tmp_path: Path, pair: tuple) -> None:
    folder = tmp_path / "segments"
    folder.mkdir()
    for video in "ab":
        write(folder / f"{video}.segments.csv", f"{ACTIONS}{video},0,10,screw\n")
    assert read_sequences(pair[0], folder).notes == ()
    write(folder / "c.segments.csv", f"{ACTIONS}a,0,10,screw\n")
    with pytest.raises(LabelError, match="another file already"):
        read_sequences(pair[0], folder)


@pytest.mark.parametrize(
    ("truth", "predicted", "options", "message"),
    [
        ("a,0,5,x\na,3,8,y\n", "a,0,8,x\n", [], "actions.csv:3: 'y' [3, 8) of video 'a' overlaps"),
        ("a,0,5,x\n", "a,0,5,x\na,4,8,y\n", [], "segments.csv:3: 'y' [4, 8) of video 'a' overlaps"),
        ("a,0,5,x\n", "b,0,5,x\n", [], "segments.csv: has none of the videos of"),
        ("", "b,0,5,x\n", [], "actions.csv: has no rows"),
        ("a,0,5,x\n", "a,0,x,x\n", [], "segments.csv:2: end_frame is not a whole number: 'x'"),
        ("a,0,5,x\n", "a,0,5,x\n", ["--frames", "a=3"], "actions.csv:2: end_frame 5 is beyond"),
        ("a,0,999999999999,x\n", "a,0,5,x\n", [], "video 'a' would have 999999999999 frames"),
    ],
)
def test_bad_tables(
    tmp_path: Path, truth: str, predicted: str, options: list[str], message: str
) -> None:
    true = write(tmp_path / "actions.csv", ACTIONS + truth)
    guessed = write(tmp_path / "segments.csv", ACTIONS + predicted)
    result = run("metrics", "--truth", true, "--predicted", guessed, *options, "-o", tmp_path / "r")
    assert result.exit_code == 1
    assert message in " ".join(result.stderr.split())
    assert result.stdout == ""
    assert not (tmp_path / "r").exists()


def test_missing_table_and_half_an_input(tmp_path: Path, pair: tuple) -> None:
    missing = run("metrics", "--truth", pair[0], "--predicted", tmp_path / "no.csv")
    assert missing.exit_code == 1
    assert "no such file" in missing.stderr
    assert run("metrics", "--truth", pair[0]).exit_code == 2
    for command in ("metrics", "hands"):
        for more in ([tmp_path], ["--run", "action"], ["--split", "test"]):
            beside = run(command, "--truth", pair[0], "--predicted", pair[1], *more)
            assert beside.exit_code == 2
            assert "and --predicted exclude each other" in " ".join(beside.stderr.split())
    for frames in ("a", "a=x", "a=0", "=5"):
        both = ["--truth", pair[0], "--predicted", pair[1]]
        assert run("metrics", *both, "--frames", frames).exit_code == 2


def test_files_of_the_metrics_report(tmp_path: Path, pair: tuple) -> None:
    both = ["--truth", pair[0], "--predicted", pair[1], "--fps", "10"]
    result = run(
        "metrics", *both, "--include-background", "--average", "video", "-o", tmp_path / "r"
    )
    assert result.exit_code == 0
    names = {"metrics.json", "metrics.csv", "metrics.png", "confusion.png", "timeline.png"}
    assert {path.name for path in (tmp_path / "r").iterdir()} == names
    report = json.loads((tmp_path / "r" / "metrics.json").read_text())
    assert report["variant"]["average"] == "video"
    assert report["variant"]["time_unit"] == "seconds"
    assert report["baselines"]["most_frequent_class"]["class"] == "pick"
    assert np.array(report["confusion"]).sum() == 35
    table = pd.read_csv(tmp_path / "r" / "metrics.csv")
    assert table["class"].tolist() == ["background", "pick", "screw"]
    assert table["support"].tolist() == [1, 2, 1]
    again = run("metrics", *both, "-o", tmp_path / "r" / "metrics.json")
    assert again.exit_code == 1
    assert "is a file" in again.stderr


# ---------------------------------------------------------------------------------------- timeline


def test_timeline_of_bare_tables(tmp_path: Path, pair: tuple) -> None:
    both = ["timeline", "--truth", pair[0], "--predicted", pair[1]]
    assert run(*both).exit_code == 2
    assert run(*both, "-o", tmp_path / "t.jpg").exit_code == 2
    result = run(*both, "-o", tmp_path / "t.png")
    assert result.exit_code == 0
    assert result.stdout.strip() == str(tmp_path / "t.png")
    assert (tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")
    assert run(*both, "-o", tmp_path / "new").exit_code == 0
    assert (tmp_path / "new" / "timeline.png").exists()


# ------------------------------------------------------------------------------------------- hands


def golden_hands(folder: Path) -> tuple[Path, Path]:
    truth, predicted = [HANDS], [TRACKS]
    for i, frame in enumerate(json.loads((GOLDEN / "hands.json").read_text())["frames"]):
        places = (f"{h['x']},{h['y']}" if h["present"] else "," for h in frame)
        truth.append(f"v,{2 * i},{','.join(places)}\n")
        cells = ",".join(f"{h['p_hat']},{h['x_hat']},{h['y_hat']}" for h in frame)
        predicted += [f"v,{2 * i},{cells}\n", f"v,{2 * i + 1},{cells}\n"]
    return (
        write(folder / "hands.csv", "".join(truth)),
        write(folder / "tracks.csv", "".join(predicted)),
    )


def test_golden_hands_through_the_command(tmp_path: Path) -> None:
    truth, predicted = golden_hands(tmp_path)
    result = run(
        "hands", "--truth", truth, "--predicted", predicted, "--json", "-o", tmp_path / "r"
    )
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    expected = json.loads((GOLDEN / "hands.json").read_text())["expected"]
    assert report.keys() == expected.keys()
    for threshold, counts in expected.items():
        for key, value in counts.items():
            assert report[threshold][key] == pytest.approx(value, abs=1e-6)
        sides = (report[threshold]["left"], report[threshold]["right"])
        assert sum(side["tp"] for side in sides) == counts["tp"]
    assert {p.name for p in (tmp_path / "r").iterdir()} == {"hands.json", "hands.csv", "hands.png"}
    variant = json.loads((tmp_path / "r" / "hands.json").read_text())["variant"]
    assert variant["num_frames"] == 300
    assert len(pd.read_csv(tmp_path / "r" / "hands.csv")) == 12


def test_hands_without_probabilities_and_frames_without_rows(tmp_path: Path) -> None:
    truth = write(tmp_path / "t.csv", f"{HANDS}v,0,.5,.5,.7,.5\nv,1,.5,.5,,\nv,2,.5,.5,,\n")
    predicted = write(tmp_path / "p.csv", f"{HANDS}v,0,.5,.5,,\nv,2,1.2,.5,.1,.1\nv,9,.5,.5,,\n")
    result = run("hands", "--truth", truth, "--predicted", predicted, "--json")
    assert "1 of 3 labelled frames have no row of prediction" in result.stderr
    counts = json.loads(result.stdout)["0.1"]
    assert (counts["tp"], counts["fp"], counts["fn"]) == (1, 2, 2)
    table = run("hands", "--truth", truth, "--predicted", predicted)
    assert "3 labelled frames of 1 video" in table.stdout
    assert "F1@0.05" in table.stdout


def test_hands_of_other_videos_are_refused(tmp_path: Path) -> None:
    truth = write(tmp_path / "t.csv", f"{HANDS}v,0,.5,.5,.7,.5\n")
    with pytest.raises(LabelError, match="has none of the 1 labelled frames"):
        read_hand_pairs(truth, write(tmp_path / "p.csv", f"{HANDS}w,0,.5,.5,.7,.5\n"))
    with pytest.raises(LabelError, match="pixels"):
        read_hand_pairs(truth, write(tmp_path / "p.csv", f"{HANDS}v,0,320,240,.7,.5\n"))
    with pytest.raises(LabelError, match="has no rows"):
        read_hand_pairs(write(tmp_path / "e.csv", HANDS), truth)


# ----------------------------------------------------------------------------------- dataset folder


@pytest.fixture
def evaluation(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """What `handact.evaluation` gives, without a network."""
    classes, labels = ("idle", "pick", "screw"), np.repeat([0, 1, 2, 0], 25)
    sequences = Sequences(
        classes=classes, background="idle", truth={"a": labels, "b": labels},
        predicted={"a": np.roll(labels, 3), "b": labels}, fps={"a": 25.0, "b": 30.0},
        split="test", run="action", how="split by video",
    )  # fmt: skip
    clips = Clips(classes, truth=np.array([0, 1, 2, 2]), predicted=np.array([0, 1, 2, 0]))
    hands = np.random.default_rng(0).random((20, 2, 3))
    frames = pd.DataFrame({"video": "a", "frame": range(20)})
    pairs = HandPairs(hands, hands, frames, split="test", how="split by video")
    module = types.ModuleType("handact.evaluation")
    for name, value in (("sequences", sequences), ("clips", clips), ("hands", pairs)):
        setattr(module, f"evaluate_{name}", lambda *args, value=value, **options: value)
    monkeypatch.setitem(sys.modules, "handact.evaluation", module)
    return module


def make_folder(root: Path) -> Path:
    """A dataset folder without videos, and a run of it."""
    classes = ["idle", "pick", "screw"]
    (root / "dataset.toml").write_text(f'classes = {json.dumps(classes)}\nbackground = "idle"\n')
    (root / "videos.csv").write_text("video,path,split,fps,frames,width,height\n")
    save_checkpoint(root / "runs" / "action" / "best.pt", kind="action", classes=classes)
    return root


@pytest.mark.parametrize(
    "command", ["metrics", "hands", "timeline", "timestudy", "engines", "compare action action"]
)
def test_a_place_that_cannot_be_written_shows_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    make_folder(tmp_path)
    module = types.ModuleType("handact.evaluation")  # any use of it fails
    module.evaluate_engines = None
    monkeypatch.setitem(sys.modules, "handact.evaluation", module)
    place = write(tmp_path / "file", "not a folder") / "r"
    result = run(*command.split(), tmp_path, "-o", place)
    assert result.exit_code == 1, result.output
    assert f"{tmp_path / 'file'}: not a directory" in " ".join(result.stderr.split())
    nowhere = run(*command.split(), tmp_path / "no")
    assert nowhere.exit_code == 1
    assert "no such folder" in nowhere.stderr


def test_reports_of_a_dataset(tmp_path: Path, evaluation: types.ModuleType) -> None:
    make_folder(tmp_path)
    result = run("metrics", tmp_path)
    assert result.exit_code == 0, result.output
    assert "2 videos of the test split, 200 frames (split by video)" in result.stdout
    report = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert report["f1@50"] == 100
    assert report["segment_level"]["accuracy"] == 75
    baselines = report["baselines"]
    assert baselines["chance"]["clip_accuracy"] == pytest.approx(100 / 3)
    assert baselines["most_frequent_class"] == {
        "class": "idle", "frame_accuracy": 50.0, "clip_class": "screw", "clip_accuracy": 50.0,
    }  # fmt: skip
    table = pd.read_csv(tmp_path / "report" / "metrics.csv")
    assert table["class"].tolist() == ["idle", "pick", "screw"]
    assert np.isnan(table["f1@50"][0])  # background is no segment of a sequence
    assert table["segment_level_support"].tolist() == [1, 1, 2]
    assert run("hands", tmp_path).exit_code == 0
    hands = json.loads((tmp_path / "report" / "hands.json").read_text())
    assert hands["0.05"]["f1"] == 100
    timeline = run("timeline", tmp_path)
    assert timeline.stdout.strip() == str(tmp_path / "report" / "timeline.png")
    assert len(list((tmp_path / "report").iterdir())) == 8
