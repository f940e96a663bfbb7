"""`clean` and `tune-cleaning`, as a person gives them."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from handact.cli import app
from handact.config import SegmentConfig, read_config

CLI = CliRunner()


@pytest.fixture(scope="module")
def segments(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the segments of test-1."""
    dataset = tmp_path_factory.mktemp("segmented") / "bench"
    shutil.copytree(trained, dataset)
    result = CLI.invoke(app, ["segment", "test-1", "--dataset", str(dataset)])
    assert result.exit_code == 0, result.output
    return dataset / "runs" / "action" / "segments"


@pytest.mark.parametrize("cleaning", ["cutoff", "viterbi", "online", "none"])
def test_cleaning_again_gives_what_segment_gives(
    segments: Path, tmp_path: Path, cleaning: str
) -> None:
    scores = segments / "test-1.scores.npz"
    output = tmp_path / "again"
    result = CLI.invoke(app, ["clean", str(scores), "--cleaning", cleaning, "-o", str(output)])
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(output / "test-1.segments.csv")
    assert (output / "test-1.timeline.png").exists()
    dataset = segments.parents[2]
    CLI.invoke(app, ["segment", "test-1", "--dataset", str(dataset), "--cleaning", cleaning])
    again, first = (pd.read_csv(f / "test-1.segments.csv") for f in (output, segments))
    pd.testing.assert_frame_equal(again, first)


def test_what_is_no_scores_file_is_named(segments: Path) -> None:
    result = CLI.invoke(app, ["clean", str(segments / "test-1.segments.csv")])
    assert result.exit_code == 1
    assert "test-1.segments.csv: not scores" in result.stderr
    result = CLI.invoke(app, ["clean", str(segments / "nowhere.scores.npz")])
    assert result.exit_code == 1
    assert "nowhere.scores.npz: no such file" in result.stderr


def test_the_choice_is_the_best_that_was_tried(run_folder: Path) -> None:
    arguments = ["tune-cleaning", str(run_folder), "--split", "test", "--by", "edit", "--json"]
    result = CLI.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    tried = json.loads(result.stdout)
    edits = [one["edit"] for one in tried]
    assert edits == sorted(edits, reverse=True)
    assert {one["settings"].split(",")[0] for one in tried} == {"none", "cutoff", "viterbi"}
    chosen = run_folder / "runs" / "action" / "cleaning.toml"
    assert f"--config {chosen}" in result.stderr
    assert "chosen on the test videos" in result.stderr
    report = ["report", "metrics", str(run_folder), "--config", str(chosen), "--json"]
    assert json.loads(CLI.invoke(app, report).stdout)["edit"] == pytest.approx(edits[0])
    assert read_config(SegmentConfig, chosen).cleaning == tried[0]["settings"].split(",")[0]


def test_wrong_figures_and_methods_are_named(run_folder: Path) -> None:
    for option, value in (("--by", "f1"), ("--method", "cutof")):
        result = CLI.invoke(app, ["tune-cleaning", str(run_folder), option, value])
        assert result.exit_code == 1
        assert value in result.stderr
        assert "choose" in result.stderr


def test_a_folder_of_scores_is_cleaned_whole_and_none_is_written_twice(
    segments: Path, tmp_path: Path
) -> None:
    result = CLI.invoke(app, ["clean", str(segments), "-o", str(tmp_path / "out")])
    assert result.stdout.strip() == str(tmp_path / "out" / "test-1.segments.csv")
    shutil.copytree(segments, tmp_path / "other")
    both = [str(segments), str(tmp_path / "other"), "-o", str(tmp_path / "out")]
    result = CLI.invoke(app, ["clean", *both])
    assert result.exit_code == 1
    assert "two files would both be written" in result.stderr
    assert CLI.invoke(app, ["clean", str(tmp_path)]).exit_code == 1
