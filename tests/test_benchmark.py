"""`bench` measures what it says, on small pictures."""

from pathlib import Path

import pytest
import torch

from handact import benchmark
from handact.benchmark import Benchmark, run_benchmark
from handact.config import ActionConfig, AlignConfig
from handact.models.action import ActionNetwork

SMALL = Benchmark(
    frames=16,
    rounds=2,
    action=ActionConfig(backbone="resnet18", crop_size=64),
    align=AlignConfig(short_side=64, cutout_input=32),
)


@pytest.mark.slow
def test_ratios_are_of_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "SIZE", (320, 180))
    lines: list[str] = []
    result = run_benchmark(tmp_path, SMALL, torch.device("cpu"), log=lines.append)
    speeds, ratio = result["speeds"], result["ratios"]["network, stream / windows"]
    assert ratio["min"] <= ratio["median"] <= ratio["max"]
    assert speeds["stream engine"]["min"] / speeds["windows engine"]["max"] <= ratio["max"]
    assert all(spread["min"] > 0 for spread in speeds.values())
    assert result["peak_memory_mb"]["process"] > 100
    assert result["settings"]["frames"] == 16
    assert "drawing a video" in lines


@pytest.mark.parametrize(
    ("backbone", "conv"), [("resnet18", "conv1."), ("mobilenet_v2", "conv.0.0.")]
)
def test_the_rival_is_tsm(backbone: str, conv: str) -> None:
    """The peer computes what our network does, so that only the way differs."""
    torch.manual_seed(0)
    rival = benchmark._PlainTsm(backbone, 8).eval()
    ours = ActionNetwork(num_classes=benchmark.NUM_CLASSES, backbone=backbone, hands="none")
    state = {
        key.replace(f"{conv}1.", conv): value for key, value in rival.network.state_dict().items()
    }
    ours.backbone.load_state_dict(state)
    clips = torch.randn(2, 8, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(rival(clips), ours.eval()(clips), rtol=1e-4, atol=1e-4)
