"""A small bench dataset with both runs trained, made once and copied for each test."""

import os

# The tests run side by side, one thread each: two torch processes with as many threads each as
# there are cores are many times slower than one. OpenMP reads this when torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from handact.bench import write_dataset
from handact.config import ActionConfig, AlignConfig, HandsConfig, format_toml

TINY_HANDS = HandsConfig(
    input_size=32, weights="none", epochs=2, milestones=(), batch_size=8, learning_rate=0.01
)
TINY_ALIGN = AlignConfig(short_side=36, cutout_input=32, smooth_seconds=0.1, bridge_seconds=0.2)
TINY_ACTION = ActionConfig(
    backbone="resnet18", weights="none", crop_size=32, clip_len=2, frame_stride=3, context=0,
    epochs=2, milestones=(), batch_size=4, learning_rate=0.01, hand_learning_rate=0.01,
    colour=0.1, flip=0.5,
)  # fmt: skip


def write_folded(path: Path, state: dict[str, torch.Tensor]) -> Path:
    """Write MobileNetV2's weights as arrays, as if its batch norms had been folded away."""
    folded = {}
    for key, value in state.items():
        if value.dim() == 4 or key.startswith("classifier"):
            folded[key] = value.numpy()
        elif key.endswith(".bias"):
            folded[key.replace(".bias", ".folded_bias")] = value.numpy()
    np.savez(path, **folded)
    return path


def settle_batch_norms(network: torch.nn.Module, *inputs: torch.Tensor) -> None:
    """Give batch norms the statistics of `inputs`: what a random MobileNetV2 sees vanishes else."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the mean of all that it has seen since
            module.reset_running_stats()
    with torch.no_grad():
        network.train()(*inputs)
    network.eval()


@pytest.fixture(autouse=True)
def _apart_from_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees this machine's caches of weights, nor a terminal's width and colours."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset folder: two training videos, one each to validate and test, without any run."""
    folder = tmp_path_factory.mktemp("bench") / "line 7 é"
    write_dataset(folder, seed=1, train=2, val=1, test=1, seconds=8, width=320, height=180)
    settings = {"hands": TINY_HANDS, "align": TINY_ALIGN, "action": TINY_ACTION}
    (folder / "tiny.toml").write_text(format_toml(settings))
    return folder


@pytest.fixture(scope="session")
def trained(bench: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with runs/hands and runs/action."""
    from handact.training.action import train_action
    from handact.training.hands import train_hands

    folder = tmp_path_factory.mktemp("trained") / "bench"
    shutil.copytree(bench, folder)
    train_hands(folder, TINY_HANDS, device="cpu")
    train_action(folder, TINY_ACTION, TINY_ALIGN, device="cpu")
    return folder


@pytest.fixture
def dataset(bench: Path, tmp_path: Path) -> Path:
    """A copy of `bench` to work in."""
    return Path(shutil.copytree(bench, tmp_path / "bench"))


@pytest.fixture
def run_folder(trained: Path, tmp_path: Path) -> Path:
    """A copy of `trained` to work in."""
    return Path(shutil.copytree(trained, tmp_path / "trained"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked `gpu` where there is none, unless HANDACT_REQUIRE_GPU insists."""
    if torch.cuda.is_available() or os.environ.get("HANDACT_REQUIRE_GPU"):
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device, and here is none"))
