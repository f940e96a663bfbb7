"""How others name the weights of the same networks, and the way from there to torchvision's names.

Sources: mit-han-lab/temporal-shift-module (`TemporalShift` wraps a block's first convolution as
`.net`; its MobileNetV2 is its own, archs/mobilenet_v2.py), open-mmlab/mmaction2 (`ConvModule` holds
a convolution and its batch norm).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from handact.errors import CheckpointError

__all__ = ["HEADS", "IMAGENET_MEAN", "IMAGENET_STD", "Foreign", "convert"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
HEADS = ("fc.", "classifier.", "head.")  # torchvision's, and the localiser's own

_MMACTION_MEAN, _MMACTION_STD = "data_preprocessor.mean", "data_preprocessor.std"
_BATCH_NORM_EPS = 1e-5
_MOBILENET_RESIDUAL = r"features\.(?:3|5|6|8|9|10|12|13|15|16)\.conv\.0"  # first in its branch
_BLOCK = re.compile(rf"(layer[1-4]\.\d+\.conv1|{_MOBILENET_RESIDUAL})(\.net)?\.weight")


def _layer_rules(block: str, names: dict[int, str]) -> tuple[tuple[str, str], ...]:
    """Return rules from the number of a layer in a block of MobileNetV2 to torchvision's name."""
    return tuple(
        (rf"^(features\.{block}\.conv)\.{number}\.(?=[a-z])", rf"\g<1>.{name}.")
        for number, name in names.items()
    )


# In order; what a rule leaves is what the next one sees.
_TSM_RULES = (
    (r"^module\.", ""),
    (r"^base_model\.", ""),
    (r"^new_fc\.", "fc."),
    (r"^(layer[1-4]\.\d+\.conv1)\.net\.", r"\1."),
)
# A block is one flat sequence there: convolution, batch norm, ReLU6 without weights, and so on; the
# first block lacks the expansion.
_TSM_MOBILENET_RULES = (
    (r"^module\.", ""),
    (r"^base_model\.", ""),
    (r"^(?:new_fc|classifier)\.", "classifier.1."),
    (rf"^({_MOBILENET_RESIDUAL})\.net\.", r"\1."),
    *_layer_rules("1", {0: "0.0", 1: "0.1", 3: "1", 4: "2"}),
    *_layer_rules(r"(?:[2-9]|1\d)", {0: "0.0", 1: "0.1", 3: "1.0", 4: "1.1", 6: "2", 7: "3"}),
)
_MMACTION_RULES = (
    (r"^backbone\.", ""),
    (r"^cls_head\.fc_cls\.", "fc."),
    (r"\b(conv\d)\.conv\.net\.", r"\1."),
    (r"\b(conv\d)\.conv\.", r"\1."),
    (r"\bconv(\d)\.bn\.", r"bn\1."),
    (r"\bdownsample\.conv\.", "downsample.0."),
    (r"\bdownsample\.bn\.", "downsample.1."),
)


@dataclass(frozen=True)
class Foreign:
    """Weights under torchvision's names, and what their file says of them.

    Attributes:
        state: State dict, its head included.
        layout: Whose names the file had, in words.
        shift: What the network was trained with: tsm, causal or none.
        mean: Of each channel in 0..1, which its input was normalised with.
        std: Likewise.
        folded: Whether batch norms are part of the convolutions, their statistics lost.
        start: Where these weights had started in turn; None where that is not known.
    """

    state: dict[str, Tensor]
    layout: str
    shift: str
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    folded: bool = False
    start: dict[str, Any] | None = None


def convert(state: Mapping[str, Tensor], source: str) -> Foreign:
    """Bring a state dict to torchvision's names.

    Args:
        state: As its authors' program writes it.
        source: Where it is from, for errors.

    Raises:
        CheckpointError: Two keys become one, or only some blocks are shifted.
    """
    if any(key.startswith(("module.base_model.", "base_model.")) for key in state):
        mobilenet = any(key.endswith("base_model.features.0.0.weight") for key in state)
        rules = _TSM_MOBILENET_RULES if mobilenet else _TSM_RULES
        return Foreign(_rename(state, rules, source), "TSM release", _shift(state, source))
    if "backbone.conv1.conv.weight" in state:
        used = {k: v for k, v in state.items() if k not in (_MMACTION_MEAN, _MMACTION_STD)}
        renamed = _rename(used, _MMACTION_RULES, source)
        pixels = (
            _of_channels(state.get(_MMACTION_MEAN), IMAGENET_MEAN),
            _of_channels(state.get(_MMACTION_STD), IMAGENET_STD),
        )
        return Foreign(renamed, "MMAction2", _mmaction_shift(state, source), *pixels)
    if any(key.endswith(".folded_bias") for key in state):
        half = (0.5, 0.5, 0.5)
        return Foreign(_unfold(state), "folded MobileNetV2", "none", half, half, folded=True)
    return Foreign(dict(state), "torchvision", "none")


def _rename(
    state: Mapping[str, Tensor], rules: tuple[tuple[str, str], ...], source: str
) -> dict[str, Tensor]:
    renamed: dict[str, Tensor] = {}
    for key, value in state.items():
        name = key
        for pattern, replacement in rules:
            name = re.sub(pattern, replacement, name)
        if name in renamed:
            raise CheckpointError(f"{source}: two keys are the weight `{name}`, one is `{key}`")
        renamed[name] = value
    return renamed


def _of_channels(told: Tensor | None, usual: tuple[float, ...]) -> tuple[float, ...]:
    """Return a mean or deviation of 0..255 as one of 0..1: the usual one where it is not told."""
    if told is None:
        return usual
    values = tuple(round(float(value), 6) for value in told.flatten() / 255)
    return usual if np.allclose(values, usual, atol=1e-4) else values


def _shift(state: Mapping[str, Tensor], source: str) -> str:
    """Return tsm where all residual blocks of a network are shifted, none where none of them is."""
    found = [match for key in state if (match := _BLOCK.search(key))]
    shifted = {match[1] for match in found if match[2]}
    blocks = {match[1] for match in found}
    if not shifted:
        return "none"
    if shifted != blocks:
        raise CheckpointError(
            f"{source}: {len(shifted)} of {len(blocks)} blocks are shifted",
            "handact's networks are shifted in every block: these weights were learnt for another",
        )
    return "tsm"


def _mmaction_shift(state: Mapping[str, Tensor], source: str) -> str:
    return _shift({key.replace("conv1.conv.", "conv1."): x for key, x in state.items()}, source)


def _unfold(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give weights whose batch norms are part of their convolutions batch norms of their own."""
    unfolded: dict[str, Tensor] = {}
    for key, value in state.items():
        name, _, kind = key.rpartition(".")
        if kind != "folded_bias":
            unfolded[key] = value
            continue
        unfolded[f"{name}.weight"] = torch.ones_like(value)
        unfolded[f"{name}.bias"] = value
        unfolded[f"{name}.running_mean"] = torch.zeros_like(value)
        unfolded[f"{name}.running_var"] = torch.full_like(value, 1 - _BATCH_NORM_EPS)
    return unfolded
