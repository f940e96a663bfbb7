"""The localiser helps a person who labels: doubtful frames first, and a guess for each frame."""

from pathlib import Path

import numpy as np
import pytest
from pages import Server

from handact.dataset import read_dataset
from handact.errors import CheckpointError
from handact.labelling.scout import Scout
from handact.video import VideoReader


def test_a_scout_looks_at_every_video_and_ranks_what_it_sees(run_folder: Path) -> None:
    dataset = read_dataset(run_folder)
    scout = Scout(dataset, run_folder / "runs" / "hands" / "best.pt")
    scout._thread.join()
    found = scout.findings()
    assert (scout.state, scout.done, scout.total) == ("ready", len(found), len(found))
    assert {video for video, *_ in found} == set(dataset.videos)
    doubts = [doubt for _, _, doubt, _ in found]
    assert doubts == sorted(doubts, reverse=True)
    with VideoReader(next(iter(dataset.videos.values())).path) as reader:
        guess = scout.guess(reader[0].image)
    assert guess.shape == (2, 3)
    assert (guess >= 0).all()
    assert (guess <= 1).all()
    scout.close()


def test_without_a_sound_checkpoint_the_scout_says_so_and_is_no_help(run_folder: Path) -> None:
    path = run_folder / "broken.pt"
    path.write_bytes(b"nothing")
    said: list[str] = []
    scout = Scout(read_dataset(run_folder), path, said.append)
    scout._thread.join()
    assert (scout.state, scout.findings()) == ("failed", [])
    assert said[0].startswith("the localiser does not help")
    with pytest.raises(CheckpointError):
        scout.guess(np.zeros((8, 8, 3), np.uint8))
    scout.close()


def test_the_page_gets_guesses_and_doubtful_frames(run_folder: Path) -> None:
    (run_folder / "hands.csv").unlink()
    with Server("label", "hands", run_folder) as server:
        guess = server.ask("/api/hands/train-1/7/guess").json
        assert guess["source"] == "localizer"
        assert len(guess["p"]) == 2
        queue = server.ask("/api/hands-queue?count=5").json
        assert len(queue["frames"]) == 5
        assert queue["localizer"]["total"] > 0
