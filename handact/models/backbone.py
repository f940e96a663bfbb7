"""Torchvision's ResNets and MobileNetV2 as a stem, four stages of blocks, and a head.

The stages have the names of a ResNet's, whatever the backbone; what they put out has strides 4, 8,
16 and 32:

    name      ResNet    MobileNetV2 (width 1.0), and its channels
    stem      conv1 ..  features.0 and 1
    layer1    layer1    features.2 and 3         24
    layer2    layer2    features.4 to 6          32
    layer3    layer3    features.7 to 13         96
    layer4    layer4    features.14 to 18      1280
    head      fc        classifier.1
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torchvision import models
from torchvision.models.mobilenetv2 import InvertedResidual, MobileNetV2
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from handact.models.shift import insert_shift

__all__ = [
    "STAGES",
    "Residual",
    "build_backbone",
    "head",
    "residual",
    "run_stage",
    "run_stem",
    "stage_blocks",
    "stage_width",
]

_BACKBONES = {
    "resnet18": models.resnet18,
    "resnet34": models.resnet34,
    "resnet50": models.resnet50,
    "resnet101": models.resnet101,
    "mobilenet_v2": models.mobilenet_v2,
}
STAGES = ("layer1", "layer2", "layer3", "layer4")

_MOBILENET_STEM = slice(0, 2)
_MOBILENET_STAGES = {
    "layer1": slice(2, 4),
    "layer2": slice(4, 7),
    "layer3": slice(7, 14),
    "layer4": slice(14, 19),
}

_Network = ResNet | MobileNetV2


@dataclass(frozen=True, slots=True)
class Residual:
    """A residual block in parts: `last(rest(conv(x)) + shortcut(x))`.

    Attributes:
        conv: The first convolution of the residual branch, which the shift comes before.
        rest: What follows it in the branch, one after another.
        shortcut: The identity path's; None where that is `x` itself.
        last: After the sum; None where nothing is.
    """

    conv: nn.Conv2d
    rest: tuple[nn.Module, ...]
    shortcut: nn.Module | None = None
    last: nn.Module | None = None


def residual(block: nn.Module) -> Residual | None:
    """Return the parts of a block of a stage; None if it has no identity path."""
    if isinstance(block, InvertedResidual) and block.use_res_connect:
        expand, *rest = block.conv
        conv, *activation = expand
        return Residual(conv, (*activation, *rest))
    if isinstance(block, BasicBlock | Bottleneck):
        rest = block.bn1, block.relu, block.conv2, block.bn2
        if isinstance(block, Bottleneck):
            rest += block.relu, block.conv3, block.bn3
        return Residual(block.conv1, rest, block.downsample, block.relu)
    return None


def build_backbone(name: str, *, num_classes: int | None, shift: str, clip_len: int) -> _Network:
    """Return a backbone with random weights, whose state-dict keys are torchvision's.

    The shift comes before the first convolution of every residual branch: of 16 in a ResNet-50, 8
    in a ResNet-18, 10 in MobileNetV2.

    Args:
        name: resnet18, resnet34, resnet50, resnet101 or mobilenet_v2.
        num_classes: Of its head; None for a backbone without one.
        shift: tsm, causal or none.
        clip_len: Frames of a clip, its context included.
    """
    backbone = _BACKBONES[name](weights=None)
    _replace_head(backbone, num_classes)
    if shift != "none":
        blocks = [b for stage in STAGES for b in stage_blocks(backbone, stage) if residual(b)]
        insert_shift(blocks, clip_len=clip_len, causal=shift == "causal")
    return backbone


def run_stem(backbone: _Network, x: Tensor) -> Tensor:
    """Run what a backbone does before its stages."""
    if isinstance(backbone, MobileNetV2):
        for layer in list(backbone.features)[_MOBILENET_STEM]:
            x = layer(x)
        return x
    return backbone.maxpool(backbone.relu(backbone.bn1(backbone.conv1(x))))


def run_stage(backbone: _Network, stage: str, x: Tensor) -> Tensor:
    """Run the blocks of a stage."""
    for block in stage_blocks(backbone, stage):
        x = block(x)
    return x


def stage_blocks(backbone: _Network, stage: str) -> Sequence[nn.Module]:
    """Return the blocks of a stage, which run one after another."""
    if isinstance(backbone, MobileNetV2):
        return list(backbone.features)[_MOBILENET_STAGES[stage]]
    return list(getattr(backbone, stage))


def stage_width(backbone: _Network, stage: str) -> int:
    """Return the number of channels that a stage puts out."""
    block = stage_blocks(backbone, stage)[-1]
    return [m for m in block.modules() if isinstance(m, nn.Conv2d)][-1].out_channels


def head(backbone: _Network) -> nn.Linear:
    """Return the last layer: pooled features to logits."""
    return backbone.classifier[1] if isinstance(backbone, MobileNetV2) else backbone.fc


def _replace_head(backbone: _Network, num_classes: int | None) -> None:
    is_mobilenet = isinstance(backbone, MobileNetV2)
    if num_classes is None:
        delattr(backbone, "classifier" if is_mobilenet else "fc")
        return
    linear = nn.Linear(head(backbone).in_features, num_classes)
    nn.init.normal_(linear.weight, std=0.01)
    nn.init.zeros_(linear.bias)
    if is_mobilenet:
        backbone.classifier[1] = linear
    else:
        backbone.fc = linear
