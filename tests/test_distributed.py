"""Two processes on one training against one process with the same batches."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import TINY_ACTION, TINY_ALIGN, TINY_HANDS
from torch import Tensor

from handact.checkpoint import load_checkpoint
from handact.config import ActionConfig, HandsConfig, format_toml
from handact.distributed import Processes, join_processes
from handact.models.action import ActionNetwork
from handact.models.hands import HandLocalizer, hand_loss
from handact.training.action import train_action
from handact.training.hands import train_hands

# The paper's rates: with larger ones, from random weights, rounding alone drives two runs apart,
# because it decides on which side of zero a ReLU's input lies. Batches do not divide evenly.
ACTION = replace(
    TINY_ACTION, dropout=0.0, epochs=7, batch_size=3, freeze_batch_norm=True, learning_rate=0.002,
    hand_learning_rate=0.0002,
)  # fmt: skip


def _start(dataset: Path, command: str, config: HandsConfig | ActionConfig) -> list:
    """Start a training as `torchrun` would, with two processes on this machine."""
    settings = dataset / "distributed.toml"
    kind = "hands" if isinstance(config, HandsConfig) else "action"
    settings.write_text(format_toml({kind: config, "align": TINY_ALIGN}))
    shared = {
        "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": _free_port(),
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    return [
        subprocess.Popen(
            [
                sys.executable, "-m", "handact", command, str(dataset), "--run", "two", "--device",
                "cpu", "--config", str(settings),
            ],
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]  # fmt: skip


def _free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def _finish(processes: list) -> None:
    ends = [process.communicate() for process in processes]
    for process, (_, err) in zip(processes, ends, strict=True):
        assert process.returncode == 0, err
    assert ends[0][0].strip().endswith("two")
    assert "epoch" in ends[0][1]
    assert not ends[1][0]
    assert "epoch" not in ends[1][1]


def _assert_close(one: Path, two: Path, kind: str) -> None:
    states = [load_checkpoint(run / "last.pt", kind)["state"] for run in (one, two)]
    assert states[0].keys() == states[1].keys()
    differences = {key: _difference(states[0][key], states[1][key]) for key in states[0]}
    worst = max(differences, key=differences.get)
    print(f"{kind}: {differences[worst]:.1e} in {worst}")
    assert differences[worst] < 1e-4, worst


def _moved(run: Path, kind: str) -> float:
    """How far the weights are from where they began."""
    torch.manual_seed(0)
    checkpoint = load_checkpoint(run / "last.pt", kind)
    network = {"hands": HandLocalizer, "action": ActionNetwork}[kind](**checkpoint["model"])
    start = network.state_dict()
    weights = [key for key in start if key.endswith("weight")]
    return max(_difference(start[key], checkpoint["state"][key]) for key in weights)


def _difference(one: Tensor, other: Tensor) -> float:
    return (one.float() - other.float()).abs().max().item()


@pytest.mark.slow
def test_two_processes_train_the_action_network_of_one(run_folder: Path) -> None:
    two = _start(run_folder, "train-action", ACTION)
    one = train_action(run_folder, ACTION, TINY_ALIGN, run="one", device="cpu")
    _finish(two)
    _assert_close(one, run_folder / "runs" / "two", "action")
    assert _moved(one, "action") > 0.01


def test_two_processes_train_the_localiser_of_one(dataset: Path) -> None:
    """For a step; after more, rounding has grown: see the next test for what they compute."""
    config = replace(TINY_HANDS, dropout=0.0, epochs=1, batch_size=32)
    _finish(_start(dataset, "train-hands", config))
    one = train_hands(dataset, config, run="one", device="cpu")
    runs = [load_checkpoint(run / "last.pt", "hands") for run in (one, dataset / "runs" / "two")]
    losses = [run["training"]["history"][0]["train_loss"] for run in runs]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    for key, value in runs[0]["state"].items():
        torch.testing.assert_close(value, runs[1]["state"][key], rtol=0, atol=2e-3)


@pytest.mark.slow
def test_the_statistics_of_batch_norm_are_those_of_all_rows(tmp_path: Path) -> None:
    """Twenty steps of the localiser, in double precision, so that only a mistake is seen."""
    port = _free_port()
    torch.multiprocessing.spawn(_train_localiser, (2, port, tmp_path), nprocs=2)
    _train_localiser(0, 1, port, tmp_path)
    one, two = (torch.load(tmp_path / f"{number}.pt") for number in (1, 2))
    for key, value in one.items():
        torch.testing.assert_close(value, two[key], rtol=1e-4, atol=1e-4)
    torch.manual_seed(0)
    start = HandLocalizer(dropout=0.0).double().state_dict()
    assert max(_difference(start[key], one[key]) for key in start if "weight" in key) > 0.001


def _train_localiser(rank: int, number: int, port: str, folder: Path) -> None:
    os.environ.update(
        RANK=str(rank), WORLD_SIZE=str(number), MASTER_ADDR="127.0.0.1", MASTER_PORT=port
    )
    torch.manual_seed(0)
    network = HandLocalizer(dropout=0.0).double()
    frames, truth = torch.randn(7, 3, 32, 32).double(), torch.rand(7, 2, 3).double()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0001, momentum=0.9)
    with join_processes(torch.device("cpu")) as processes:
        model = processes.share(network)
        rows = list(processes.rows(7))
        for _ in range(20):
            optimizer.zero_grad()
            loss = hand_loss(model(frames[rows]), truth[rows]) * processes.weight(7)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 20)
            optimizer.step()
    if processes.is_main:
        torch.save(network.state_dict(), folder / f"{number}.pt")
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        del os.environ[name]


@pytest.mark.slow
def test_a_killed_process_ends_the_run_which_goes_on_when_asked(run_folder: Path) -> None:
    long = replace(ACTION, epochs=60)
    two = _start(run_folder, "train-action", long)
    last = run_folder / "runs" / "two" / "last.pt"
    while not last.exists():
        assert two[0].poll() is None
        time.sleep(0.1)
    two[1].send_signal(signal.SIGKILL)
    _, err = two[0].communicate(timeout=120)
    two[1].communicate()
    assert two[0].returncode == 1
    assert "lost another one" in err
    assert "go on from the last epoch" in err
    done = load_checkpoint(last, "action")["about"]["epoch"]
    more = replace(ACTION, epochs=done + 1)
    shutil.copytree(run_folder / "runs" / "two", run_folder / "runs" / "one")
    _finish(_start(run_folder, "train-action", more))
    one = train_action(run_folder, more, TINY_ALIGN, run="one", device="cpu")
    _assert_close(one, run_folder / "runs" / "two", "action")


def test_shares_of_a_batch_make_its_mean() -> None:
    """Also of a last batch that does not divide evenly, or is smaller than there are processes."""
    for number in (1, 2, 5, 8):
        losses = torch.rand(number, dtype=torch.float64)
        shares = [Processes(rank, 3) for rank in range(3)]
        rows = [losses[list(p.rows(number))] for p in shares]
        means = [p.weight(number) * own.mean() for p, own in zip(shares, rows, strict=True)]
        assert sum(means) / 3 == pytest.approx(losses.mean().item())


@pytest.mark.slow
def test_parts_are_as_many_in_every_process(run_folder: Path) -> None:
    """With live batch norm each part is a meeting of all; shares of 2 and 1 clips must not miss."""
    config = replace(ACTION, freeze_batch_norm=False, accumulate=2, epochs=1, learning_rate=1e-6)
    _finish(_start(run_folder, "train-action", config))


def test_accumulated_parts_are_the_batch(run_folder: Path) -> None:
    config = replace(ACTION, freeze_batch_norm=True, epochs=1)
    one = train_action(run_folder, config, TINY_ALIGN, run="one", device="cpu")
    parts = replace(config, accumulate=3)
    two = train_action(run_folder, parts, TINY_ALIGN, run="parts", device="cpu")
    _assert_close(one, two, "action")


@pytest.mark.slow
def test_torchrun_divides_videos(run_folder: Path) -> None:
    """The README's form; one broken video fails the whole at its end, and costs no other."""
    (run_folder / "broken.mp4").write_bytes(b"no video")
    names = [str(run_folder / "broken.mp4"), "train-1", "val-1", "test-1"]
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
        "-m", "--", "handact", "segment", *names, "--dataset", str(run_folder), "--run", "action",
        "--device", "cpu",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "not a video" in done.stderr
    tables = (run_folder / "runs" / "action" / "segments").glob("*.segments.csv")
    assert {path.name.split(".")[0] for path in tables} == {"train-1", "val-1", "test-1"}
