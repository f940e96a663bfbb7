"""Networks in other runtimes give what PyTorch gives."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import settle_batch_norms
from typer.testing import CliRunner

from handact.checkpoint import load_checkpoint, save_checkpoint
from handact.cli import app
from handact.config import SegmentConfig
from handact.engine import load_action_model
from handact.errors import CheckpointError, ConfigError
from handact.exported import OnnxNetwork, _clips, export_network
from handact.models.action import ActionNetwork
from handact.scores import Scores
from handact.segment import segment_videos

CPU = torch.device("cpu")


def _action(trained: Path, path: Path, **changes: object) -> Path:
    """A checkpoint of another network, with random weights that hide no mistake."""
    content = load_checkpoint(trained / "runs" / "action" / "best.pt", "action")
    arguments = {**content["model"], **changes}
    torch.manual_seed(0)
    network = ActionNetwork(**arguments)
    if hasattr(network, "fusion"):
        torch.nn.init.normal_(network.fusion.weight, std=0.05)
    settle_batch_norms(network, *_clips(network, content["input"]))
    kept = {k: v for k, v in content.items() if k not in ("format", "kind", "handact", "training")}
    save_checkpoint(path, **{**kept, "kind": "action", "model": arguments,
                             "state": network.state_dict()})  # fmt: skip
    return path


@pytest.fixture(scope="module")
def onnx(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with hands.onnx and action.onnx, as the command leaves them."""
    folder = tmp_path_factory.mktemp("onnx") / "line 7"
    for kind in ("hands", "action"):
        command = ["export", "network", str(trained / "runs" / kind / "best.pt")]
        result = CliRunner().invoke(app, [*command, "-o", str(folder / f"{kind}.onnx")])
        assert result.exit_code == 0, result.output
    assert sorted(path.name for path in folder.iterdir()) == ["action.onnx", "hands.onnx"]
    return folder


@pytest.mark.parametrize("kind", ["hands", "action"])
def test_torch_export(trained: Path, tmp_path: Path, kind: str) -> None:
    checkpoint = trained / "runs" / kind / "best.pt"
    assert export_network(checkpoint, tmp_path / f"{kind}.pt2") <= 1e-4


@pytest.mark.slow
def test_torch_export_of_a_mobilenet(trained: Path, tmp_path: Path) -> None:
    checkpoint = _action(trained, tmp_path / "a.pt", backbone="mobilenet_v2", context=1)
    assert export_network(checkpoint, tmp_path / "a.pt2") <= 1e-4


@pytest.mark.parametrize(
    "changes",
    [
        {"shift": "tsm", "context": 1},
        pytest.param({"shift": "causal", "context": 1, "clip_len": 3}, marks=pytest.mark.slow),
        pytest.param(
            {"backbone": "mobilenet_v2", "hand_backbone": "mobilenet_v2", "fuse_after": "layer3"},
            marks=pytest.mark.slow,
        ),
        pytest.param({"shift": "none"}, marks=pytest.mark.slow),
        pytest.param({"hands": "only"}, marks=pytest.mark.slow),
        pytest.param({"hands": "none"}, marks=pytest.mark.slow),
        pytest.param({"fuse_after": "layer2", "hands": "pooled"}, marks=pytest.mark.slow),
    ],
)
def test_action_networks(trained: Path, tmp_path: Path, changes: dict[str, object]) -> None:
    """On batches of any size, and with no parameter left at a value that changes nothing."""
    checkpoint = _action(trained, tmp_path / "a.pt", **changes)
    assert export_network(checkpoint, tmp_path / "a.onnx") <= 1e-4
    network = OnnxNetwork(tmp_path / "a.onnx")
    arguments = load_checkpoint(checkpoint, "action")["model"]
    assert (network.shift, network.clip_len) == (arguments["shift"], arguments["clip_len"])


def test_a_video_is_segmented_from_the_onnx_file_alone(
    trained: Path, onnx: Path, tmp_path: Path
) -> None:
    """The same labels as from the checkpoint, hands and all."""
    checkpoint = trained / "runs" / "action" / "best.pt"
    video = str(trained / "videos" / "test-1.mp4")
    config = SegmentConfig(engine="windows")
    for name, path in {"torch": checkpoint, "onnx": onnx / "action.onnx"}.items():
        segment_videos([video], config, checkpoint=path, output=tmp_path / name, device="cpu")
    a, b = (Scores.load(tmp_path / name / "test-1.scores.npz") for name in ("torch", "onnx"))
    np.testing.assert_allclose(a.hands, b.hands, atol=1e-4)
    np.testing.assert_allclose(a.probabilities, b.probabilities, atol=1e-3)
    tables = [(tmp_path / n / "test-1.segments.csv").read_text() for n in ("torch", "onnx")]
    drop = [[line.rsplit(",", 1)[0] for line in text.splitlines()] for text in tables]
    assert drop[0] == drop[1]
    assert len(drop[0]) > 1


@pytest.mark.slow
def test_hands_alone_segment_a_video(trained: Path, tmp_path: Path) -> None:
    """A network that has no use for a part of what the engine shows it."""
    checkpoint = _action(trained, tmp_path / "a.pt", hands="only")
    export_network(checkpoint, tmp_path / "a.onnx")
    video, config = str(trained / "videos" / "test-1.mp4"), SegmentConfig(engine="windows")
    rows = []
    for path in (checkpoint, tmp_path / "a.onnx"):
        output = tmp_path / path.suffix[1:]
        segment_videos([video], config, checkpoint=path, output=output, device="cpu")
        rows.append(Scores.load(output / "test-1.scores.npz").probabilities)
    np.testing.assert_allclose(*rows, atol=1e-3)


def test_what_cannot_be_done_is_said(trained: Path, onnx: Path, tmp_path: Path) -> None:
    checkpoint = trained / "runs" / "action" / "best.pt"
    with pytest.raises(ConfigError, match=r"neither \.onnx nor \.pt2"):
        export_network(checkpoint, tmp_path / "a.txt")
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        export_network(tmp_path / "nowhere.pt", tmp_path / "a.onnx")
    with pytest.raises(CheckpointError, match="a hand localiser, needed is an action network"):
        load_action_model(onnx / "hands.onnx", CPU)
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(CheckpointError, match="not an ONNX file, or damaged"):
        load_action_model(tmp_path / "text.onnx", CPU)
    with pytest.raises(CheckpointError, match="no such file"):
        load_action_model(tmp_path / "nowhere.onnx", CPU)
    video, stream = str(trained / "videos" / "test-1.mp4"), SegmentConfig(engine="stream")
    with pytest.raises(ConfigError, match="cannot run an exported network"):
        segment_videos([video], stream, checkpoint=onnx / "action.onnx", output=tmp_path)
    for runtime, name in (("torch", onnx / "action.onnx"), ("onnx", checkpoint)):
        with pytest.raises(ConfigError, match=f"not for the runtime {runtime}"):
            segment_videos([video], SegmentConfig(), checkpoint=name, runtime=runtime)
    with pytest.raises(CheckpointError, match=r"best\.onnx: no such file"):
        segment_videos([video], SegmentConfig(), dataset=trained, runtime="onnx")
    (run := tmp_path / "runs" / "action").mkdir(parents=True)
    shutil.copy(onnx / "action.onnx", run / "best.onnx")
    (run / "best.pt").write_bytes(b"another network")
    with pytest.raises(CheckpointError, match=r"not exported from the best\.pt beside it"):
        segment_videos([video], SegmentConfig(), dataset=trained, run=str(run), runtime="onnx")
    full = SegmentConfig(view="full")
    with pytest.raises(ConfigError, match="sees the central crop alone"):
        segment_videos([video], full, checkpoint=onnx / "action.onnx", output=tmp_path)


def test_a_difference_stops_the_export(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of three results that is no number is a difference."""
    run = OnnxNetwork.__call__

    def spoil(self: OnnxNetwork, x: torch.Tensor) -> torch.Tensor:
        return run(self, x) * (float("nan") if len(x) == 3 else 1)

    monkeypatch.setattr(OnnxNetwork, "__call__", spoil)
    with pytest.raises(CheckpointError, match=r"differs from PyTorch's by nan"):
        export_network(trained / "runs" / "hands" / "best.pt", tmp_path / "a.onnx")
    assert not (tmp_path / "a.onnx").exists()
