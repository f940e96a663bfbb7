"""The examples run, on the small bench."""

import os
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
    """But for the context, which the paper's windows do not have, and its Kinetics start."""
    paper = EXAMPLES / "paper.toml"
    assert read_config(ActionConfig, paper) == ActionConfig(context=0, weights="k400")
    for kind in (AlignConfig, SegmentConfig):
        assert read_config(kind, paper) == kind()


def test_python_api(trained: Path) -> None:
    checkpoint = trained / "runs" / "action" / "best.pt"
    _run(EXAMPLES / "python_api.py", checkpoint, trained / "videos" / "test-1.mp4")


def test_a_slurm_job_takes_its_share(trained: Path, tmp_path: Path) -> None:
    videos = sorted((trained / "videos").glob("*.mp4"))
    (tmp_path / "videos.txt").write_text("".join(f"{video}\n" for video in videos))
    (tmp_path / "handact").write_text(f'#!/bin/sh\nexec {sys.executable} -m handact "$@"\n')
    (tmp_path / "handact").chmod(0o755)
    checkpoint = trained / "runs" / "action" / "best.pt"
    for job in range(2):
        done = subprocess.run(
            [EXAMPLES / "segment_array.sh", checkpoint, tmp_path / "videos.txt", tmp_path / "out"],
            env={
                **os.environ,
                "PATH": f"{tmp_path}:{os.environ['PATH']}",
                "SLURM_ARRAY_TASK_ID": str(job),
                "SLURM_ARRAY_TASK_COUNT": "2",
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        expected = videos if job else videos[::2]
        tables = {path.name for path in (tmp_path / "out").glob("*.segments.csv")}
        assert tables == {f"{video.stem}.segments.csv" for video in expected}


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
