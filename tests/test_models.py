"""The networks against slow, independent readings of the papers."""

import pytest
import torch
from conftest import settle_batch_norms
from torch import Tensor, nn
from torchvision.models import mobilenet_v2, resnet18, resnet34, resnet50

from handact.models.action import ActionNetwork
from handact.models.hands import HandLocalizer, hand_loss
from handact.models.shift import ShiftedConv2d, temporal_shift

T = 4


def _slow_shift(x: Tensor, clip_len: int) -> Tensor:
    """The shift, frame by frame and channel by channel, from the words of the paper."""
    frames, channels = x.shape[:2]
    fold = channels // 8
    out = torch.zeros_like(x)
    for i in range(frames):
        t = i % clip_len
        for c in range(channels):
            if c < fold:
                out[i, c] = x[i + 1, c] if t + 1 < clip_len else 0
            elif c < 2 * fold:
                out[i, c] = x[i - 1, c] if t > 0 else 0
            else:
                out[i, c] = x[i, c]
    return out


def _slow_bottleneck(block: nn.Module, x: Tensor, clip_len: int) -> Tensor:
    out = torch.relu(block.bn1(block.conv1(_slow_shift(x, clip_len))))
    out = torch.relu(block.bn2(block.conv2(out)))
    out = block.bn3(block.conv3(out))
    return torch.relu(out + (x if block.downsample is None else block.downsample(x)))


def _randomise(network: nn.Module) -> None:
    """Give batch norms statistics, scales and shifts that a mistake could not hide behind."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.uniform_(module.bias, -0.1, 0.1)


def test_tsm_equals_a_slow_reading() -> None:
    """The same random ResNet-50 weights give the same logits in a plain loop over blocks."""
    torch.manual_seed(0)
    plain = resnet50(num_classes=5).eval()
    _randomise(plain)
    network = ActionNetwork(num_classes=5, hands="none", clip_len=T).eval()
    network.backbone.load_state_dict(plain.state_dict(), strict=True)
    clips = torch.randn(2, T, 3, 32, 32)
    with torch.inference_mode():
        x = plain.maxpool(torch.relu(plain.bn1(plain.conv1(clips.flatten(0, 1)))))
        for stage in (plain.layer1, plain.layer2, plain.layer3, plain.layer4):
            for block in stage:
                x = _slow_bottleneck(block, x, T)
        expected = plain.fc(x.mean((2, 3))).view(2, T, 5).mean(1)
        torch.testing.assert_close(network(clips), expected, rtol=1e-4, atol=1e-5)


def test_tsm_of_a_mobilenet_equals_a_slow_reading() -> None:
    """Blocks 2, 4, 5, 7 ... of the 17 are shifted, as the authors of TSM count them."""
    torch.manual_seed(0)
    plain = mobilenet_v2(num_classes=5)
    _randomise(plain)
    clips = torch.randn(2, T, 3, 64, 64)
    settle_batch_norms(plain, clips.flatten(0, 1))
    network = ActionNetwork(num_classes=5, backbone="mobilenet_v2", hands="none", clip_len=T).eval()
    network.backbone.load_state_dict(plain.state_dict(), strict=True)
    with torch.inference_mode():
        x = clips.flatten(0, 1)
        for i, layer in enumerate(plain.features, -1):
            is_shifted = i in (2, 4, 5, 7, 8, 9, 11, 12, 14, 15)
            x = x + layer.conv(_slow_shift(x, T)) if is_shifted else layer(x)
        expected = plain.classifier(x.mean((2, 3))).view(2, T, 5).mean(1)
        assert expected.std(0).max() > 0.1
        torch.testing.assert_close(network(clips), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("backbone", "blocks", "plain"),
    [
        ("resnet18", 8, resnet18),
        ("resnet34", 16, resnet34),
        ("resnet50", 16, resnet50),
        ("mobilenet_v2", 10, mobilenet_v2),
    ],
)
def test_residual_blocks_are_shifted_and_keys_stay_torchvisions(backbone, blocks, plain) -> None:  # noqa: ANN001
    network = ActionNetwork(num_classes=1000, backbone=backbone, hands="none")
    shifted = [m for m in network.modules() if isinstance(m, ShiftedConv2d)]
    assert len(shifted) == blocks
    network.backbone.load_state_dict(plain().state_dict(), strict=True)
    none = ActionNetwork(num_classes=3, backbone=backbone, hands="none", shift="none")
    assert not any(isinstance(m, ShiftedConv2d) for m in none.modules())


def test_the_shift_alone() -> None:
    x = torch.randn(3 * T, 16, 2, 2)
    torch.testing.assert_close(temporal_shift(x, clip_len=T), _slow_shift(x, T))
    assert torch.equal(temporal_shift(x, clip_len=1)[:, 4:], x[:, 4:])
    with pytest.raises(ValueError, match="no whole number of clips"):
        temporal_shift(x, clip_len=5)


def _inputs(batch: int = 2) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    frames = torch.randn(batch, T, 3, 64, 64, generator=generator)
    cutouts = torch.randn(batch, T, 2, 3, 32, 32, generator=generator)
    rects = torch.rand(batch, T, 2, 4, generator=generator) * 0.5
    return frames, cutouts, rects, torch.ones(batch, T, 2)


def _network(hands: str, **settings: object) -> ActionNetwork:
    torch.manual_seed(0)
    arguments = {"num_classes": 3, "backbone": "resnet18", "clip_len": T, **settings}
    return ActionNetwork(hands=hands, **arguments).eval()


@pytest.mark.parametrize("hands", ["aligned", "pooled"])
def test_training_starts_at_the_backbone_alone(hands: str) -> None:
    with_hands, alone = _network(hands), _network("none")
    alone.backbone.load_state_dict(with_hands.backbone.state_dict())
    frames, *rest = _inputs()
    torch.testing.assert_close(with_hands(frames, *rest), alone(frames))


@pytest.mark.parametrize("backbone", ["resnet18", "mobilenet_v2"])
@pytest.mark.parametrize("hands", ["aligned", "pooled", "only"])
def test_the_hands_learn_and_absent_hands_say_nothing(hands: str, backbone: str) -> None:
    network = _network(hands, backbone=backbone, hand_backbone=backbone)
    if hands != "only":
        nn.init.normal_(network.fusion.weight, std=0.05)
    frames, cutouts, rects, present = _inputs()
    settle_batch_norms(network, frames, cutouts, rects, present)
    loss = network(frames, cutouts, rects, present).sum()
    loss.backward()
    assert next(network.hands.parameters()).grad.abs().sum() > 0
    absent = torch.zeros_like(present)
    one = network(frames, cutouts, rects, absent)
    other = network(frames, torch.randn_like(cutouts), rects, absent)
    torch.testing.assert_close(one, other)
    assert not torch.allclose(one, network(frames, cutouts, rects, present))


@pytest.mark.parametrize(
    ("backbone", "widths"),
    [("resnet18", (64, 128, 256, 512)), ("mobilenet_v2", (24, 32, 96, 1280))],
)
def test_hands_can_join_at_any_stage(backbone: str, widths: tuple[int, ...]) -> None:
    """The map of stage i, on pictures of 64 pixels, has 16, 8, 4 or 2 cells a side."""
    for i, width in enumerate(widths):
        network = _network(
            "aligned", backbone=backbone, hand_backbone=backbone, fuse_after=f"layer{i + 1}"
        )
        maps: list[Tensor] = []
        network.fusion.register_forward_hook(lambda *args, maps=maps: maps.append(args[-1]))
        assert network(*_inputs()).shape == (2, 3)
        assert maps[0].shape == (2 * T, width, 16 >> i, 16 >> i)


def test_a_hand_moves_where_its_rectangle_moves() -> None:
    """With alignment the place of a hand matters; pooled, it does not."""
    frames, cutouts, rects, present = _inputs()
    for hands, matters in (("aligned", True), ("pooled", False)):
        network = _network(hands, fuse_after="layer2")
        nn.init.normal_(network.fusion.weight, std=0.05)
        moved = network(frames, cutouts, rects + 0.3, present)
        same = torch.allclose(network(frames, cutouts, rects, present), moved, atol=1e-5)
        assert same is not matters


def test_the_stream_is_deterministic() -> None:
    network = _network("aligned")
    nn.init.normal_(network.fusion.weight, std=0.05)
    with torch.inference_mode():
        assert torch.equal(network(*_inputs()), network(*_inputs()))


def test_batch_size_changes_nothing() -> None:
    network = _network("aligned")
    nn.init.normal_(network.fusion.weight, std=0.05)
    inputs = _inputs(3)
    together = network(*inputs)
    apart = torch.cat([network(*(x[i : i + 1] for x in inputs)) for i in range(3)])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)


def test_the_localiser_takes_mobilenets_weights() -> None:
    network = HandLocalizer().eval()
    plain = mobilenet_v2(weights=None)
    network.features.load_state_dict(plain.features.state_dict(), strict=True)
    out = network(torch.randn(2, 3, 96, 96))
    assert out.shape == (2, 2, 3)
    assert ((out > 0) & (out < 1)).all()


def test_equation_1() -> None:
    """One frame with a left hand only, against the equation by hand."""
    truth = torch.tensor([[[1.0, 0.2, 0.3], [0.0, 0.0, 0.0]]])
    predicted = torch.tensor([[[0.9, 0.5, 0.1], [0.4, 0.7, 0.7]]])
    presence = 0.1 * ((1 - 0.9) ** 2 + (0 - 0.4) ** 2)
    position = (0.2 - 0.5) ** 2 + (0.3 - 0.1) ** 2
    assert hand_loss(predicted, truth).item() == pytest.approx(presence + position)
    twice = hand_loss(predicted.repeat(2, 1, 1), truth.repeat(2, 1, 1)).item()
    assert twice == pytest.approx(presence + position)
