"""Starts from the weights of others: every layout, every way in which a file can be wrong."""

import hashlib
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from conftest import write_folded
from torch import Tensor, nn
from torchvision.models import mobilenet_v2, resnet18, resnet50
from typer.testing import CliRunner

from handact.cli import app
from handact.data.augment import to_input
from handact.data.resize import resize
from handact.errors import CheckpointError
from handact.models.action import ActionNetwork
from handact.models.hands import HandLocalizer
from handact.weights import (
    IMAGENET_MEAN,
    Release,
    check_file,
    convert,
    download,
    releases,
    restore_batch_norm,
    start_network,
)

State = dict[str, Tensor]
SHARED = Path(os.environ.get("HANDACT_SHARED", Path(__file__).parents[2] / "shared"))
PICTURES = SHARED / "data" / "weights_mobilenetv2"


def _random(network: nn.Module, seed: int = 0) -> State:
    """Weights of which none is like another, and that keep activations in bounds."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for key, value in network.state_dict().items():
        drawn = torch.rand(value.shape, generator=generator)
        if key.endswith("num_batches_tracked"):
            state[key] = torch.tensor(7)
        elif value.dim() == 4:
            state[key] = (drawn - 0.5) * (12 / value[0].numel()) ** 0.5
        else:
            state[key] = 0.5 + drawn
    return state


# ------------------------------------------------------ the layouts, written down independently


def _bottlenecks() -> list[tuple[int, int]]:
    return [(stage, i) for stage, n in enumerate((3, 4, 6, 3), 1) for i in range(n)]


def _tsm_keys() -> dict[str, str]:
    """Each key of the TSM release's ResNet-50, and torchvision's."""
    keys = {"module.base_model.conv1.weight": "conv1.weight"}
    norms = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    keys |= {f"module.base_model.bn1.{n}": f"bn1.{n}" for n in norms}
    for stage, i in _bottlenecks():
        ours = f"layer{stage}.{i}"
        theirs = f"module.base_model.{ours}"
        keys[f"{theirs}.conv1.net.weight"] = f"{ours}.conv1.weight"
        for c in (2, 3):
            keys[f"{theirs}.conv{c}.weight"] = f"{ours}.conv{c}.weight"
        for c in (1, 2, 3):
            keys |= {f"{theirs}.bn{c}.{n}": f"{ours}.bn{c}.{n}" for n in norms}
        if i == 0:
            keys[f"{theirs}.downsample.0.weight"] = f"{ours}.downsample.0.weight"
            keys |= {f"{theirs}.downsample.1.{n}": f"{ours}.downsample.1.{n}" for n in norms}
    return keys | {"module.new_fc.weight": "fc.weight", "module.new_fc.bias": "fc.bias"}


def _mmaction_keys() -> dict[str, str]:
    """Each key of MMAction2's TSM ResNet-50, and torchvision's."""
    keys = {"backbone.conv1.conv.weight": "conv1.weight"}
    norms = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    keys |= {f"backbone.conv1.bn.{n}": f"bn1.{n}" for n in norms}
    for stage, i in _bottlenecks():
        ours = f"layer{stage}.{i}"
        for c, conv in ((1, "conv.net"), (2, "conv"), (3, "conv")):
            keys[f"backbone.{ours}.conv{c}.{conv}.weight"] = f"{ours}.conv{c}.weight"
            keys |= {f"backbone.{ours}.conv{c}.bn.{n}": f"{ours}.bn{c}.{n}" for n in norms}
        if i == 0:
            keys[f"backbone.{ours}.downsample.conv.weight"] = f"{ours}.downsample.0.weight"
            keys |= {
                f"backbone.{ours}.downsample.bn.{n}": f"{ours}.downsample.1.{n}" for n in norms
            }
    return keys | {"cls_head.fc_cls.weight": "fc.weight", "cls_head.fc_cls.bias": "fc.bias"}


def _inverted() -> list[tuple[int, int, int]]:
    """Expansion, stride, and place in its group of each of MobileNetV2's 17 blocks."""
    groups = ((1, 1, 1), (6, 2, 2), (6, 3, 2), (6, 4, 2), (6, 3, 1), (6, 3, 2), (6, 1, 1))
    return [(t, s if i == 0 else 1, i) for t, n, s in groups for i in range(n)]


def _tsm_mobilenet_keys() -> dict[str, str]:
    """Each key of the TSM release's MobileNetV2, and torchvision's."""
    pairs = [("0.0", "0.1", "0.0", "0.1"), ("18.0", "18.1", "18.0", "18.1")]
    for n, (expansion, _, i) in enumerate(_inverted(), 1):
        first = f"{n}.conv.0.net" if i > 0 else f"{n}.conv.0"
        pairs.append((first, f"{n}.conv.1", f"{n}.conv.0.0", f"{n}.conv.0.1"))
        if expansion == 1:
            pairs.append((f"{n}.conv.3", f"{n}.conv.4", f"{n}.conv.1", f"{n}.conv.2"))
            continue
        pairs.append((f"{n}.conv.3", f"{n}.conv.4", f"{n}.conv.1.0", f"{n}.conv.1.1"))
        pairs.append((f"{n}.conv.6", f"{n}.conv.7", f"{n}.conv.2", f"{n}.conv.3"))
    norms = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    root, keys = "module.base_model.features", {}
    for conv, norm, our_conv, our_norm in pairs:
        keys[f"{root}.{conv}.weight"] = f"features.{our_conv}.weight"
        keys |= {f"{root}.{norm}.{n}": f"features.{our_norm}.{n}" for n in norms}
    return keys | {f"module.new_fc.{n}": f"classifier.1.{n}" for n in ("weight", "bias")}


LAYOUTS = {"TSM release": _tsm_keys, "MMAction2": _mmaction_keys}


@cache
def _drawn() -> State:
    return _random(resnet50(num_classes=400))


@cache
def _resnet50() -> nn.Module:
    """To be started again and again: drawing a ResNet-50's weights takes a second."""
    return resnet50(num_classes=400)


@pytest.fixture(params=LAYOUTS)
def release(request: pytest.FixtureRequest) -> tuple[str, State]:
    """A Kinetics release under its own names, with random values."""
    keys, state = LAYOUTS[request.param](), _drawn()
    return request.param, {theirs: state[ours] for theirs, ours in keys.items()}


def _wrap(layout: str, state: State) -> dict[str, object]:
    """The file around the state dict, as each release's training writes it."""
    if layout == "MMAction2":
        return {
            "meta": {"epoch": 50, "config": "model = dict()", "time": "now"},
            "state_dict": {
                **state,
                "data_preprocessor.mean": torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1),
                "data_preprocessor.std": torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1),
            },
        }
    best = np.float64(71.2)
    return {"epoch": 50, "arch": "resnet50", "state_dict": state, "best_prec1": best}


def _conv_norm(
    state: State, x: Tensor, conv: Tensor, norm: str, stride: int, padding: int, groups: int = 1
) -> Tensor:
    x = nn.functional.conv2d(x, conv, None, stride, padding, 1, groups)
    shape = (1, -1, 1, 1)
    mean, var = state[f"{norm}.running_mean"], state[f"{norm}.running_var"]
    x = (x - mean.view(shape)) / torch.sqrt(var.view(shape) + 1e-5)
    return x * state[f"{norm}.weight"].view(shape) + state[f"{norm}.bias"].view(shape)


def _shifted(x: Tensor, num_frames: int) -> Tensor:
    """Channels [0, C/8) come from the next frame, [C/8, C/4) from the one before, zero at ends."""
    fold, out = x.shape[1] // 8, x.clone()
    for first in range(0, len(x), num_frames):
        for t in range(num_frames):
            after, before = t + 1 < num_frames, t > 0
            i = first + t
            out[i, :fold] = x[i + 1, :fold] if after else 0
            out[i, fold : 2 * fold] = x[i - 1, fold : 2 * fold] if before else 0
    return out


def _independent_logits(state: State, clips: Tensor) -> Tensor:
    """A ResNet-50 written from both papers, block by block, which reads a release's own keys."""
    tsm = "module.new_fc.bias" in state
    num_frames = clips.shape[1]

    def get(*names: str) -> Tensor:
        return next(state[name] for name in names if name in state)

    root = "module.base_model." if tsm else "backbone."
    stem = ("conv1.weight", "bn1") if tsm else ("conv1.conv.weight", "conv1.bn")
    x = _conv_norm(state, clips.flatten(0, 1), state[root + stem[0]], root + stem[1], 2, 3).relu()
    x = nn.functional.max_pool2d(x, 3, 2, 1)
    for stage, i in _bottlenecks():
        block = f"{root}layer{stage}.{i}"
        stride = 2 if stage > 1 and i == 0 else 1
        y = _shifted(x, num_frames)
        for c in (1, 2, 3):
            names = (
                f"{block}.conv{c}.net.weight", f"{block}.conv{c}.weight",
                f"{block}.conv{c}.conv.net.weight", f"{block}.conv{c}.conv.weight",
            )  # fmt: skip
            norm = f"{block}.bn{c}" if tsm else f"{block}.conv{c}.bn"
            y = _conv_norm(state, y, get(*names), norm, stride if c == 2 else 1, int(c == 2))
            y = y.relu() if c < 3 else y
        if i == 0:
            names = (f"{block}.downsample.0.weight", f"{block}.downsample.conv.weight")
            norm = f"{block}.downsample.1" if tsm else f"{block}.downsample.bn"
            x = _conv_norm(state, x, get(*names), norm, stride, 0)
        x = (x + y).relu()
    head = "module.new_fc" if tsm else "cls_head.fc_cls"
    frames = x.mean((-2, -1)) @ state[f"{head}.weight"].T + state[f"{head}.bias"]
    return frames.unflatten(0, (-1, num_frames)).mean(1)


def _independent_mobilenet_logits(state: State, clips: Tensor) -> Tensor:
    """A MobileNetV2 of the TSM release, block by block, from its own keys."""
    root, num_frames = "module.base_model.features", clips.shape[1]

    def layer(x: Tensor, conv: str, norm: str, stride: int = 1, groups: int = 1) -> Tensor:
        weight = state[f"{root}.{conv}.weight"]
        padding = weight.shape[-1] // 2
        return _conv_norm(state, x, weight, f"{root}.{norm}", stride, padding, groups)

    x = layer(clips.flatten(0, 1), "0.0", "0.1", stride=2).clamp(0, 6)
    for n, (expansion, stride, i) in enumerate(_inverted(), 1):
        y, first = x, 0
        if expansion > 1:
            name = f"{n}.conv.0.net" if i > 0 else f"{n}.conv.0"
            y = layer(_shifted(x, num_frames) if i > 0 else x, name, f"{n}.conv.1").clamp(0, 6)
            first = 3
        wide = y.shape[1]
        y = layer(y, f"{n}.conv.{first}", f"{n}.conv.{first + 1}", stride, wide).clamp(0, 6)
        y = layer(y, f"{n}.conv.{first + 3}", f"{n}.conv.{first + 4}")
        x = x + y if i > 0 else y
    x = layer(x, "18.0", "18.1").clamp(0, 6)
    frames = x.mean((-2, -1)) @ state["module.new_fc.weight"].T + state["module.new_fc.bias"]
    return frames.unflatten(0, (-1, num_frames)).mean(1)


# --------------------------------------------------------------------------------- what is right


def test_a_release_gives_the_logits_of_an_independent_reading(
    release: tuple[str, State], tmp_path: Path
) -> None:
    layout, state = release
    torch.save(_wrap(layout, state), tmp_path / "k400.pth")
    network = ActionNetwork(num_classes=400, hands="none", clip_len=4, dropout=0.0).double().eval()
    start = start_network(
        network.backbone, "resnet50", str(tmp_path / "k400.pth"), part="backbone", shift="tsm"
    )
    assert (start.layout, start.shift, start.classes) == (layout, "tsm", 400)
    assert start.sha256 == hashlib.sha256((tmp_path / "k400.pth").read_bytes()).hexdigest()
    head = convert(state, "").state
    network.backbone.fc.load_state_dict({k: head[f"fc.{k}"] for k in ("weight", "bias")})
    clips = torch.randn(2, 4, 3, 64, 64, generator=torch.Generator().manual_seed(1)).double()
    with torch.inference_mode():
        ours = network(clips)
        expected = _independent_logits({k: v.double() for k, v in state.items()}, clips)
    scale = expected.std()
    torch.testing.assert_close(ours / scale, expected / scale, rtol=0, atol=1e-6)
    assert not torch.allclose(ours[0], ours[1])


def test_a_mobilenet_release_gives_the_logits_of_an_independent_reading(tmp_path: Path) -> None:
    ours = _random(mobilenet_v2(num_classes=400))
    state = {theirs: ours[name] for theirs, name in _tsm_mobilenet_keys().items()}
    assert len(state) == len(ours)
    torch.save(_wrap("TSM release", state), tmp_path / "k400.pth")
    network = ActionNetwork(
        num_classes=400, backbone="mobilenet_v2", hands="none", clip_len=4, dropout=0.0
    )
    network.double().eval()
    file = str(tmp_path / "k400.pth")
    start = start_network(network.backbone, "mobilenet_v2", file, part="backbone", shift="tsm")
    assert (start.layout, start.shift, start.classes) == ("TSM release", "tsm", 400)
    last = {key: ours[f"classifier.1.{key}"] for key in ("weight", "bias")}
    network.backbone.classifier[1].load_state_dict(last)
    clips = torch.randn(2, 4, 3, 64, 64, generator=torch.Generator().manual_seed(1)).double()
    with torch.inference_mode():
        logits = network(clips)
        expected = _independent_mobilenet_logits({k: v.double() for k, v in state.items()}, clips)
    scale = (expected[0] - expected[1]).abs().mean()  # what all pictures share says little
    torch.testing.assert_close(logits / scale, expected / scale, rtol=0, atol=1e-6)
    # With its dropout at none, its authors' program keeps the head where torchvision's was.
    renamed = {k.replace("new_fc", "base_model.classifier"): v for k, v in state.items()}
    assert convert(renamed, "").state.keys() == convert(state, "").state.keys()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (".3.conv.0.net.", ".3.conv.0.", "9 of 10 blocks are shifted"),
        (".2.conv.0.", ".2.conv.0.net.", r"lacks key `features\.2\.conv\.0\.0\.weight`"),
        (".18.0.", ".19.0.", r"lacks key `features\.18\.0\.weight`"),
        (".1.conv.3.", ".1.conv.6.", r"lacks key `features\.1\.conv\.1\.weight`"),
    ],
)
def test_wrong_mobilenets_are_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    ours = mobilenet_v2(num_classes=400).state_dict()
    state = {theirs: ours[name] for theirs, name in _tsm_mobilenet_keys().items()}
    torch.save({k.replace(f"features{old}", f"features{new}"): v for k, v in state.items()},
               tmp_path / "m.pth")  # fmt: skip
    with pytest.raises(CheckpointError, match=said):
        check_file(tmp_path / "m.pth", "mobilenet_v2", "tsm")


@pytest.mark.skipif(not PICTURES.is_dir(), reason="shared/data is not beside the repository")
@pytest.mark.parametrize("part", ["backbone", "hands"])
def test_real_weights_start_both_parts(part: str) -> None:
    names = dict.fromkeys(("backbone", "hand_backbone"), "mobilenet_v2")
    network = getattr(ActionNetwork(num_classes=3, **names), part)
    file = PICTURES / "mobilenet_v2_torchvision_names_ptq.npz"
    start = start_network(network, "mobilenet_v2", str(file), part=part, shift="tsm")
    assert (start.classes, start.mean) == (1001, (0.5, 0.5, 0.5))
    expected = np.load(file)["features.3.conv.0.0.weight"]
    assert np.array_equal(network.features[3].conv[0][0].weight.detach().numpy(), expected)


def test_the_normalisation_that_a_file_tells_is_believed() -> None:
    told = {"data_preprocessor.mean": torch.full((3, 1, 1), 127.5)}
    state = {theirs: _drawn()[ours] for theirs, ours in _mmaction_keys().items()}
    assert convert({**state, **told}, "").mean == (0.5, 0.5, 0.5)
    assert convert(state, "").mean == IMAGENET_MEAN


def test_a_plain_backbone_without_a_head_is_filled(tmp_path: Path) -> None:
    source = resnet18(num_classes=7)
    torch.save(source.state_dict(), tmp_path / "r18.pth")
    network = resnet18(num_classes=3)
    head = network.fc.weight.clone()
    start = start_network(network, "resnet18", str(tmp_path / "r18.pth"), part="hands", shift="tsm")
    assert torch.equal(network.layer4[1].conv2.weight, source.layer4[1].conv2.weight)
    assert torch.equal(network.fc.weight, head)
    assert (start.layout, start.shift, start.classes) == ("torchvision", "none", 7)


def test_a_head_is_never_taken_over(release: tuple[str, State], tmp_path: Path) -> None:
    """Not even where the number of classes is the same by chance."""
    layout, state = release
    torch.save(_wrap(layout, state), tmp_path / "k400.pth")
    network = _resnet50()
    head = network.fc.weight.clone()
    start_network(network, "resnet50", str(tmp_path / "k400.pth"), part="backbone", shift="tsm")
    assert torch.equal(network.fc.weight, head)


def test_folded_batch_norms_change_nothing(tmp_path: Path) -> None:
    """Arrays whose batch norms were folded away give what a plain convolution with a bias gives."""
    state = _random(mobilenet_v2())
    path = write_folded(tmp_path / "m.npz", state)
    network = HandLocalizer().eval()
    start = start_network(network, "mobilenet_v2", str(path), part="localizer")
    assert start.mean == start.std == (0.5, 0.5, 0.5)
    x = torch.randn(1, 3, 32, 32)
    conv = network.features[0][0]
    expected = nn.functional.conv2d(x, conv.weight, state["features.0.1.bias"], 2, 1).clamp(0, 6)
    torch.testing.assert_close(network.features[0](x), expected)


def test_restored_statistics_leave_what_a_network_computes() -> None:
    """In evaluation, and, on the same pictures, in training: the batch's statistics are its own."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3))
    network.append(nn.BatchNorm2d(4))
    x = 5 * torch.rand(6, 3, 12, 12) - 1
    with torch.inference_mode():
        before = network.eval()(x)
    restore_batch_norm(network, x.split(2))
    with torch.inference_mode():
        torch.testing.assert_close(network.eval()(x), before)
        torch.testing.assert_close(network.train()(x), before, rtol=1e-3, atol=1e-3)


@pytest.mark.skipif(not PICTURES.is_dir(), reason="shared/data is not beside the repository")
@pytest.mark.parametrize(
    ("picture", "label"),
    [
        ("cat.bmp", "cat"),
        ("dragonfly.bmp", "dragonfly"),
        ("hot_dog.jpg", "hotdog"),
        ("parrot.jpg", "macaw"),
    ],
)
def test_real_weights_recognise_pictures(picture: str, label: str) -> None:
    arrays = dict(np.load(PICTURES / "mobilenet_v2_torchvision_names_ptq.npz"))
    foreign = convert({name: torch.from_numpy(x) for name, x in arrays.items()}, "")
    network = mobilenet_v2(num_classes=1001).eval()
    network.load_state_dict(foreign.state, strict=False)
    labels = (PICTURES / "imagenet_labels.txt").read_text().splitlines()
    image = cv2.imread(str(PICTURES / picture))[..., ::-1]
    square = torch.from_numpy(resize(image, 224, 224))
    with torch.inference_mode():
        logits = network(to_input(square[None], foreign.mean, foreign.std))
    assert label in labels[logits.argmax()]


def test_notes_beside_the_weights_are_passed_over(tmp_path: Path) -> None:
    """MMEngine's history of losses, of a class that is not installed, is not run and not missed."""
    state = {k: _drawn()[v] for k, v in _mmaction_keys().items()}
    history = type("HistoryBuffer", (), {"__module__": "mmengine.logging.history_buffer"})
    torch.save({"state_dict": state}, tmp_path / "plain.pth")
    with pytest.MonkeyPatch.context() as patch:
        import sys
        import types

        for name in ("mmengine", "mmengine.logging", "mmengine.logging.history_buffer"):
            patch.setitem(sys.modules, name, types.ModuleType(name))
        sys.modules["mmengine.logging.history_buffer"].HistoryBuffer = history
        hub = {"loss": history(), "array": np.arange(3.0)}
        torch.save({"state_dict": state, "message_hub": hub}, tmp_path / "hub.pth")
    a, b = check_file(tmp_path / "plain.pth"), check_file(tmp_path / "hub.pth")
    assert (a.layout, a.shift) == (b.layout, b.shift) == ("MMAction2", "tsm")


# --------------------------------------------------------------------------------- what is wrong


def _rename(state: State) -> State:
    keys = list(state)
    return {
        k.replace("layer3.2.conv2", "layer3.2.conv9") if k in keys else k: v
        for k, v in state.items()
    }


def _drop(state: State) -> State:
    return {k: v for k, v in state.items() if "layer2.1" not in k or not k.endswith("weight")}


def _add(state: State) -> State:
    root = next(iter(state)).split("conv1")[0]
    return {**state, f"{root}layer1.0.nl.g.weight": torch.ones(1)}


def _reshape(state: State) -> State:
    key = next(k for k in state if "layer1.0.conv2" in k and k.endswith("weight"))
    return {**state, key: torch.ones(64, 64, 1, 1)}


def _spoil(state: State) -> State:
    key = next(k for k in state if "layer1.0.conv2" in k and k.endswith("weight"))
    return {**state, key: torch.full((64, 64, 3, 3), float("nan"))}


def _shift_every_second(state: State) -> State:
    return {
        k.replace(".net.", ".") if ".1.conv1" in k or ".3.conv1" in k else k: v
        for k, v in state.items()
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_rename, r"lacks key `layer3\.2\.(conv2\.weight|bn2\.bias)`"),
        (_drop, r"lacks key `layer2\.1\."),
        (_add, r"unknown key `layer1\.0\.nl\.g\.weight`"),
        (_reshape, r"`layer1\.0\.conv2\.weight` has another shape, \(64, 64, 1, 1\)"),
        (_spoil, "no finite numbers"),
        (_shift_every_second, "10 of 16 blocks are shifted"),
    ],
)
def test_wrong_files_are_refused(
    release: tuple[str, State], tmp_path: Path, change: Callable[[State], State], said: str
) -> None:
    layout, state = release
    torch.save(_wrap(layout, change(state)), tmp_path / "k400.pth")
    network = _resnet50()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with pytest.raises(CheckpointError, match=said):
        start_network(network, "resnet50", str(tmp_path / "k400.pth"), part="backbone", shift="tsm")
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize("shift", ["none", "causal"])
def test_weights_of_another_direction_are_refused(
    release: tuple[str, State], tmp_path: Path, shift: str
) -> None:
    """A network that sees no future cannot start from one that does."""
    torch.save(_wrap(*release), tmp_path / "k400.pth")
    with pytest.raises(CheckpointError, match="learnt to see past and future") as caught:
        start_network(
            _resnet50(), "resnet50", str(tmp_path / "k400.pth"), part="backbone", shift=shift
        )
    assert "--shift tsm" in caught.value.hint


def test_a_release_without_a_shift_starts_any_network(tmp_path: Path) -> None:
    """TSN's weights are a start as ImageNet's are."""
    state = {k.replace(".net.", "."): v for k, v in _tsm_state().items()}
    torch.save({"state_dict": state}, tmp_path / "tsn.pth")
    for shift in ("none", "tsm", "causal"):
        start = start_network(
            _resnet50(), "resnet50", str(tmp_path / "tsn.pth"), part="backbone", shift=shift
        )
        assert start.shift == "none"


def _tsm_state() -> State:
    return {theirs: _drawn()[ours] for theirs, ours in _tsm_keys().items()}


def test_files_of_other_things_are_refused(tmp_path: Path) -> None:
    torch.save(mobilenet_v2().state_dict(), tmp_path / "m.pth")
    with pytest.raises(CheckpointError, match="not resnet18: lacks key"):
        start_network(resnet18(), "resnet18", str(tmp_path / "m.pth"), part="hands")
    with pytest.raises(CheckpointError, match="no such weights"):
        start_network(resnet18(), "resnet18", str(tmp_path / "nowhere.pth"), part="hands")
    (tmp_path / "text.pth").write_text("hello")
    (tmp_path / "text.npz").write_text("hello")
    for name in ("text.pth", "text.npz"):
        with pytest.raises(CheckpointError, match="or damaged"):
            check_file(tmp_path / name)
    for content in (
        {"state_dict": {"epoch": 3}},
        {1: torch.ones(1)},
        {"w": torch.eye(2).to_sparse()},
        {"w": torch.ones(1, dtype=torch.complex64)},
    ):
        torch.save(content, tmp_path / "other.pth")
        with pytest.raises(CheckpointError, match="not a state dict"):
            check_file(tmp_path / "other.pth")


class _Hostile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_a_hostile_file_is_refused_and_not_run(tmp_path: Path) -> None:
    proof = tmp_path / "was-here"
    torch.save({"state_dict": _Hostile(proof)}, tmp_path / "zip.pth")
    torch.save(_Hostile(proof), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    (tmp_path / "pickle.pth").write_bytes(pickle.dumps(_Hostile(proof)))
    np.savez(tmp_path / "arrays.npz", a=np.array([_Hostile(proof)], dtype=object))
    said = {"zip.pth": "would run code", "old.pth": "would run code", "arrays.npz": "damaged"}
    for name, words in (said | {"pickle.pth": "would run code|damaged"}).items():
        with pytest.raises(CheckpointError, match=words):
            check_file(tmp_path / name)
    assert not proof.exists()
    result = CliRunner().invoke(app, ["weights", "check", str(tmp_path / "zip.pth")])
    assert result.exit_code == 1
    assert "would run code" in result.output


# ------------------------------------------------------------------------------------ downloading


class _Server(ThreadingHTTPServer):
    """Serves one file; ends the connection after `most` bytes of it."""

    daemon_threads = True
    content, most, ranges = b"", 1 << 30, True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str | None] = []


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        start = int(wanted.split("=")[1].rstrip("-")) if wanted and self.server.ranges else 0
        if start and start >= len(self.server.content):
            self.send_error(416)
            return
        rest = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: self.server.most])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def published(server: _Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    """ImageNet weights of a ResNet-18 that the server has, and a cache that has nothing."""
    torch.save(resnet18().state_dict(), tmp_path / "made.pth")
    server.content = (tmp_path / "made.pth").read_bytes()
    digits = hashlib.sha256(server.content).hexdigest()[:8]
    url = f"http://127.0.0.1:{server.server_port}/resnet18-{digits}.pth"
    own = Release("imagenet", "resnet18", url, digits, "BSD-3-Clause", "made up")
    monkeypatch.setattr(releases, "RELEASES", (own,))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return own


def test_a_download_is_kept_and_starts_a_network(published: Release, server: _Server) -> None:
    seen: list[tuple[int, int | None]] = []
    network = resnet18()
    for _ in range(2):
        start = start_network(
            network, "resnet18", "imagenet", part="hands",
            on_progress=lambda done, total: seen.append((done, total)),
        )  # fmt: skip
    assert (start.source, start.licence) == (published.url, "BSD-3-Clause")
    assert start.sha256.startswith(published.sha256)
    assert server.asked == [None]
    assert seen[-1] == (len(server.content) // 10**6,) * 2


@pytest.mark.parametrize("ranges", [True, False])
def test_an_interrupted_download_goes_on(published: Release, server: _Server, ranges: bool) -> None:
    server.most, server.ranges = 5_000_000, ranges
    with pytest.raises(
        CheckpointError, match="cannot be downloaded: the connection ended"
    ) as caught:
        download(published)
    assert "--weights none" in caught.value.hint
    server.most = 1 << 30
    assert download(published).read_bytes() == server.content
    assert server.asked == [None, "bytes=5000000-"]


def test_a_damaged_download_is_not_kept(published: Release, server: _Server) -> None:
    whole = server.content
    server.content = whole[:-1] + b"?"
    with pytest.raises(CheckpointError, match=f"not with {published.sha256}"):
        download(published)
    server.content = whole
    assert download(published).read_bytes() == whole


def test_a_damaged_file_in_the_cache_is_downloaded_again(
    published: Release, server: _Server
) -> None:
    path = download(published)
    path.write_bytes(b"half")
    assert download(published).read_bytes() == server.content


def test_no_network_is_said_plainly(published: Release, server: _Server) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(CheckpointError, match="cannot be downloaded") as caught:
        start_network(resnet18(), "resnet18", "imagenet", part="hands")
    assert published.file_name in caught.value.hint
    assert "--weights none" in caught.value.hint


def test_kinetics_is_for_a_resnet50() -> None:
    with pytest.raises(CheckpointError, match=r"no k400 weights of resnet18, only of resnet50"):
        start_network(resnet18(), "resnet18", "k400", part="backbone", shift="tsm")


def test_the_command(published: Release, server: _Server, tmp_path: Path) -> None:
    run = CliRunner().invoke
    listed = run(app, ["weights", "list"])
    assert listed.exit_code == 0
    assert "k400" in listed.output
    torch.save({"state_dict": _tsm_state()}, tmp_path / "a b.pth")
    checked = run(app, ["weights", "check", str(tmp_path / "a b.pth"), "--network", "resnet50"])
    assert checked.exit_code == 0, checked.output
    assert "TSM release" in checked.output
    refused = run(app, ["weights", "check", str(tmp_path / "a b.pth"), "--network", "resnet18"])
    assert refused.exit_code == 1
    assert "not resnet18" in refused.output
    unknown = run(app, ["weights", "get", "imagnet"])
    assert unknown.exit_code == 1
    assert "no weights named 'imagnet', only imagenet" in unknown.output
