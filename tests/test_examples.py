"""The examples run, on the small bench."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from handact.config import ActionConfig, AlignConfig, HandsConfig, SegmentConfig, read_config
from handact.dataset import read_dataset

EXAMPLES = Path(__file__).parent.parent / "examples"


def _run(*arguments: object) -> str:
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["paper.toml", "small.toml"])
def test_configurations_are_read(name: str) -> None:
    for kind in (HandsConfig, AlignConfig, ActionConfig, SegmentConfig):
        read_config(kind, EXAMPLES / name)


def test_the_papers_configuration_is_the_default_one() -> None:
    for kind in (AlignConfig, ActionConfig, SegmentConfig):
        assert read_config(kind, EXAMPLES / "paper.toml") == kind()


def test_python_api(trained: Path) -> None:
    checkpoint = trained / "runs" / "action" / "best.pt"
    _run(EXAMPLES / "python_api.py", checkpoint, trained / "videos" / "test-1.mp4")


def test_join_clips(dataset: Path, tmp_path: Path) -> None:
    """Two videos become one whose labels are theirs, the second's moved by the first's length."""
    groups = tmp_path / "groups.csv"
    groups.write_text("video,person\ntrain-1,a\ntrain-2,a\nval-1,b\ntest-1,b\n")
    long = tmp_path / "long"
    arguments = ("--groups", groups, "--column", "person", "--split", "train")
    _run(EXAMPLES / "join_clips.py", dataset, long, *arguments)
    joined, parts = read_dataset(long), read_dataset(dataset)
    assert joined.videos["person-a"].frames == 160
    lengths = sorted(len(s) for name in ("train-1", "train-2") for s in parts.actions[name])
    assert sorted(len(s) for s in joined.actions["person-a"]) == lengths
    starts = pd.Series([s.start_frame for s in joined.actions["person-a"]])
    assert (starts >= 80).any()
