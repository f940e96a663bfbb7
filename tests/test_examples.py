"""The examples run, on the small bench."""

import os
import runpy
import subprocess
import sys
from dataclasses import replace
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


@pytest.mark.parametrize("name", ["gestures.toml", "paper.toml", "small.toml"])
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


@pytest.mark.slow
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


def test_the_claims_are_told_seed_by_seed() -> None:
    """From figures of every variant; and of what there is where some are left out."""
    claims = runpy.run_path(str(EXAMPLES / "claims" / "claims.py"))
    figures = {"sequence detail": 50.0, "trimmed detail": 60.0, "f1@50": 70.0, "edit": 80.0}
    figures |= {"sequence order": 40.0, "trimmed order": 30.0}
    names = [*claims["VARIANTS"], claims["UNCLEANED"]]
    rows = [
        {"variant": name, "seed": seed, **{k: v - 10 * i - seed for k, v in figures.items()}}
        for i, name in enumerate(names)
        for seed in (0, 1)
    ]
    text = claims["format_claims"](pd.DataFrame(rows))
    assert "| surround against dense sampling | f1@50 | +50.0, +50.0 | +50.0 |" in text
    assert "| cleaning against none | edit | +60.0, +60.0 | +60.0 |" in text
    table = claims["format_table"](pd.DataFrame(rows[:2]))
    assert "| full | 49.5 ± 0.7 |" in table
    assert claims["format_claims"](pd.DataFrame(rows[:2])).count("\n") == 1  # its head alone
    for name, settings in claims["VARIANTS"].items():
        replace(claims["FULL"], **settings)
        assert name
