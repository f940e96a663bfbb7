"""The stream engine against one pass over everything, whatever the pieces."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TINY_ACTION, TINY_ALIGN, settle_batch_norms
from torch import Tensor, nn

from handact.align import align_frames
from handact.checkpoint import load_checkpoint
from handact.config import SegmentConfig
from handact.engine import ActionModel, load_action_model, run_stream, run_windows
from handact.models.action import ActionNetwork
from handact.models.backbone import head
from handact.models.fuse import fuse_batch_norms
from handact.models.stream import NetworkStream
from handact.sampling import clip_frames
from handact.training.action import train_action
from handact.video import Frame

CONFIG = SegmentConfig(batch_size=7)
BACKBONES = ("backbone", "hand_backbone")
HANDS = ["aligned", "pooled", "only", "none"]


def _network(hands: str, shift: str, num_frames: int, **settings: object) -> ActionNetwork:
    """One that takes all of a sequence as one clip, with weights that hide no mistake."""
    torch.manual_seed(0)
    arguments = {"backbone": "resnet18", "fuse_after": "layer2", **settings}
    network = ActionNetwork(
        num_classes=3, hands=hands, shift=shift, clip_len=num_frames, **arguments
    ).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.1, 0.1)
    if hasattr(network, "fusion"):
        nn.init.normal_(network.fusion.weight, std=0.05)
    return network


def _inputs(sequences: int, number: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    frames = torch.randn(sequences, number, 3, 32, 48, generator=generator)
    cutouts = torch.randn(sequences, number, 2, 3, 32, 32, generator=generator)
    rects = torch.rand(sequences, number, 2, 4, generator=generator) * 0.5
    present = (torch.rand(sequences, number, 2, generator=generator) > 0.3).float()
    return frames, cutouts, rects, present


def _at_once(network: ActionNetwork, inputs: tuple[Tensor, ...]) -> Tensor:
    """Logits (S, N, K) of every frame in one pass."""
    network.zero_grad()
    frames: list[Tensor] = []
    last = network.head if network.hand_use == "only" else head(network.backbone)
    hook = last.register_forward_hook(lambda *args: frames.append(args[-1]))
    with torch.inference_mode():
        network(*inputs)
    hook.remove()
    return frames[0].unflatten(0, inputs[0].shape[:2])


def _streamed(network: ActionNetwork, inputs: tuple[Tensor, ...], pieces: list[int]) -> Tensor:
    stream, out = NetworkStream(network), []
    with torch.inference_mode():
        for piece in zip(*(x.transpose(0, 1).split(pieces) for x in inputs), strict=True):
            out.append(stream.push(*piece))
        out.append(stream.end())
    return torch.cat([logits for logits in out if logits is not None]).transpose(0, 1)


@pytest.mark.parametrize("shift", ["tsm", "causal", "none"])
@pytest.mark.parametrize("hands", HANDS)
def test_pieces_change_nothing(hands: str, shift: str) -> None:
    """From one frame at a time to all at once, the scores are those of one pass."""
    number = 13
    network, inputs = _network(hands, shift, number), _inputs(2, number)
    expected = _at_once(network, inputs)
    for pieces in ([1] * 13, [13], [2, 9, 1, 1], [4, 4, 5]):
        torch.testing.assert_close(_streamed(network, inputs, pieces), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("shift", ["tsm", "causal"])
def test_pieces_change_nothing_in_a_mobilenet(shift: str) -> None:
    """Its blocks without an identity path pass frames on, batch norm in the convolutions or not."""
    network = _network("aligned", shift, 7, **dict.fromkeys(BACKBONES, "mobilenet_v2"))
    inputs = _inputs(2, 7)
    settle_batch_norms(network, *inputs)
    expected = _at_once(network, inputs)
    assert expected.std(1).min() > 0.01
    for _ in range(2):
        for pieces in ([1] * 7, [7], [2, 4, 1]):
            streamed = _streamed(network, inputs, pieces)
            torch.testing.assert_close(streamed, expected, rtol=0, atol=1e-4)
        fuse_batch_norms(network)


@pytest.mark.parametrize("hands", HANDS)
def test_what_waits_does_not_grow(hands: str) -> None:
    network, inputs = _network(hands, "tsm", 30), _inputs(1, 30)
    stream, sizes = NetworkStream(network), []
    with torch.inference_mode():
        for i in range(30):
            stream.push(*(x[:, i : i + 1] for x in inputs))
            sizes.append(sum(x.numel() for held in stream._held.values() for x in held))
    assert sizes[-1] == sizes[-8]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_short_sequences(number: int) -> None:
    network, inputs = _network("aligned", "tsm", number), _inputs(3, number)
    for pieces in ([number], [1] * number):
        streamed = _streamed(network, inputs, pieces)
        torch.testing.assert_close(streamed, _at_once(network, inputs), rtol=0, atol=1e-4)


@pytest.mark.parametrize("stage", ["layer1", "layer4"])
def test_the_stream_that_is_ahead_waits(stage: str) -> None:
    """Wherever they join, hands of a deeper network come later than the frames, or sooner."""
    for backbone, hand_backbone in (
        ("resnet18", "resnet34"),
        ("resnet34", "resnet18"),
        ("mobilenet_v2", "resnet18"),
    ):
        network = _network(
            "aligned", "tsm", 6, backbone=backbone, hand_backbone=hand_backbone, fuse_after=stage
        )
        inputs = _inputs(1, 6)
        settle_batch_norms(network, *inputs)
        streamed = _streamed(network, inputs, [1, 3, 2])
        torch.testing.assert_close(streamed, _at_once(network, inputs), rtol=0, atol=1e-4)


def test_a_causal_network_answers_at_once_and_does_not_look_ahead() -> None:
    """Each frame's scores are there with the frame, and no later frame changes them."""
    network, inputs = _network("aligned", "causal", 9), _inputs(1, 9)
    expected, stream = _at_once(network, inputs), NetworkStream(network)
    changed = tuple(torch.cat([x[:, :5], torch.rand_like(x[:, 5:])], dim=1) for x in inputs)
    torch.testing.assert_close(_at_once(network, changed)[:, :5], expected[:, :5])
    with torch.inference_mode():
        for i in range(9):
            logits = stream.push(*(x[:, i : i + 1] for x in inputs))
            torch.testing.assert_close(logits, expected[:, i : i + 1], rtol=0, atol=1e-4)
        assert stream.end() is None


# --------------------------------------------------------------------------------- the two engines


@pytest.fixture(scope="session")
def model(trained: Path) -> ActionModel:
    """Clips of two frames, three frames apart, from a network whose hands count."""
    path = trained / "runs" / "action" / "best.pt"
    model = load_action_model(path, torch.device("cpu"))
    network = ActionNetwork(**load_checkpoint(path, "action")["model"]).eval()
    network.load_state_dict(load_checkpoint(path, "action")["state"])
    torch.manual_seed(0)
    nn.init.normal_(network.fusion.weight, std=0.05)
    return replace(model, network=network)


class _Alone(ActionModel):
    """Each frame is a window."""

    window = np.zeros(1)


def _frames(number: int) -> list[Frame]:
    rng = np.random.default_rng(0)
    return [
        Frame(i, i / 10, rng.integers(0, 255, (64, 96, 3), dtype=np.uint8)) for i in range(number)
    ]


def _with_network(model: ActionModel, **settings: object) -> ActionModel:
    """The same weights in a network with another context or shift."""
    arguments = {
        "num_classes": len(model.classes), "backbone": "resnet18",
        "clip_len": model.network.clip_len, **settings,
    }  # fmt: skip
    network = ActionNetwork(**arguments).eval()
    network.load_state_dict(model.network.state_dict())
    return replace(model, network=network)


def _run(model: ActionModel, number: int, batch_size: int) -> np.ndarray:
    aligned = align_frames(_frames(number), model.align, model.localizer, fps=10.0)
    results = list(run_stream(model, aligned, replace(CONFIG, batch_size=batch_size), fps=10.0))
    assert [center for center, _ in results] == list(range(number))
    return np.stack([probabilities for _, probabilities in results])


@pytest.mark.parametrize("number", [1, 2, 3, 7, 31])
@pytest.mark.parametrize("shift", ["tsm", "causal"])
def test_every_frame_has_scores_whatever_the_batch(
    model: ActionModel, number: int, shift: str
) -> None:
    """Also where sequences end apart, or the video is shorter than a window."""
    model = _with_network(model, shift=shift)
    whole = _run(model, number, 1000)
    np.testing.assert_allclose(whole.sum(1), 1, atol=1e-5)
    for batch_size in (1, 4):
        np.testing.assert_allclose(_run(model, number, batch_size), whole, atol=1e-4)


@pytest.mark.parametrize("shift", ["tsm", "causal"])
def test_windows_with_all_the_context_equal_the_stream(model: ActionModel, shift: str) -> None:
    """Eight blocks carry features eight frames far: a window that sees so many is the stream's."""
    model = _with_network(model, shift=shift, context=8)  # the blocks of either network
    number, stride = 70, 3
    aligned = list(align_frames(_frames(number), model.align, model.localizer, fps=10.0))
    windows = run_windows(model, iter(aligned), replace(CONFIG, window_stride=11))
    windows = {center: p for center, p in windows if 30 < center < 40}
    stream = dict(run_stream(model, iter(aligned), CONFIG, fps=10.0))
    assert windows
    for center, expected in windows.items():
        np.testing.assert_allclose(stream[center], expected, atol=1e-4)
    assert model.stride(10.0) == stride
    assert model.stride(20.0) == 2 * stride


def test_a_streamed_window_is_the_mean_of_its_frames(model: ActionModel) -> None:
    """Put together by hand: sequences modulo tau, each passed over at once."""
    number = 20
    aligned = list(align_frames(_frames(number), model.align, model.localizer, fps=10.0))
    alone = _Alone(**{name: getattr(model, name) for name in ActionModel.__dataclass_fields__})
    frames = dict(run_stream(alone, iter(aligned), CONFIG, fps=10.0))
    logits = np.log(np.stack([frames[i] for i in range(number)]))  # but for a constant
    means = dict(run_stream(model, iter(aligned), CONFIG, fps=10.0))
    seconds = np.arange(number) / 10
    for center in (0, 9, 19):
        rows = logits[clip_frames(center, model.window, seconds)]
        powers = np.exp(rows.mean(0))
        np.testing.assert_allclose(means[center], powers / powers.sum(), atol=1e-5)
    assert model.window.shape == (2,)


def test_what_was_trained_for_the_stream_is_streamed(run_folder: Path) -> None:
    from handact.segment import engine_of

    config = replace(TINY_ACTION, context=1, epochs=1)
    run = train_action(run_folder, config, TINY_ALIGN, run="context", device="cpu")
    model = load_action_model(run / "best.pt", torch.device("cpu"))
    assert model.network.num_frames == len(model.offsets) == 4
    assert engine_of(model, CONFIG) == "stream"
    assert engine_of(model, replace(CONFIG, engine="windows")) == "windows"
    old = load_action_model(run_folder / "runs" / "action" / "best.pt", torch.device("cpu"))
    assert engine_of(old, CONFIG) == "windows"


def test_batch_norm_in_the_convolutions_changes_nothing(trained: Path) -> None:
    path = trained / "runs" / "action" / "best.pt"
    checkpoint = load_checkpoint(path, "action")
    network = ActionNetwork(**checkpoint["model"]).eval()
    network.load_state_dict(checkpoint["state"])
    fused = load_action_model(path, torch.device("cpu")).network
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fused.modules())
    inputs = _inputs(2, network.num_frames)
    with torch.inference_mode():
        torch.testing.assert_close(fused(*inputs), network(*inputs), rtol=1e-4, atol=1e-5)
