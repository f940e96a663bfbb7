"""Starts for the networks that are not random.

`imagenet` is torchvision's own weights, downloaded once by torchvision to torch's cache folder; a
file must hold a state dict with torchvision's keys; a checkpoint of `train-action` lends its hand
stream. Nothing is matched by guesswork: apart from the head, every key must be there and no other.
"""

from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torch import Tensor, nn
from torchvision import models

from handact.checkpoint import load_checkpoint
from handact.errors import CheckpointError

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "load_backbone", "load_hand_stream"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


_IMAGENET = {
    "resnet18": models.ResNet18_Weights.IMAGENET1K_V1,
    "resnet34": models.ResNet34_Weights.IMAGENET1K_V1,
    "resnet50": models.ResNet50_Weights.IMAGENET1K_V1,
    "mobilenet_v2": models.MobileNet_V2_Weights.IMAGENET1K_V1,
}
_HEADS = ("fc.", "classifier.", "head.")  # torchvision's, and the localiser's own


def load_backbone(network: nn.Module, name: str, weights: str) -> None:
    """Start a network from pretrained weights; its head keeps its random start.

    Args:
        network: A torchvision network, or one that lacks its head.
        name: Which one: resnet18, resnet34, resnet50 or mobilenet_v2.
        weights: imagenet, none, or the path of a state dict.

    Raises:
        CheckpointError: The weights cannot be had, or do not fit.
    """
    if weights == "none":
        return
    state = _download(name) if weights == "imagenet" else _read(Path(weights))
    _start(network, name, state, weights)


def load_hand_stream(network: nn.Module, name: str, weights: str) -> None:
    """Start a hand stream as `load_backbone`, or from that of a checkpoint of `train-action`.

    Args:
        network: A torchvision ResNet that lacks its head.
        name: Which one.
        weights: imagenet, none, or the path of a state dict or a checkpoint.

    Raises:
        CheckpointError: The weights cannot be had, do not fit, or the checkpoint has no hands.
    """
    if weights in ("imagenet", "none") or "kind" not in _load(Path(weights)):
        load_backbone(network, name, weights)
        return
    state = load_checkpoint(weights, "action")["state"]
    hands = {k.removeprefix("hands."): v for k, v in state.items() if k.startswith("hands.")}
    if not hands:
        raise CheckpointError(f"{weights}: trained without hands: it has no hand stream")
    _start(network, name, hands, weights)


def _start(network: nn.Module, name: str, state: dict[str, Tensor], source: str) -> None:
    """Copy all but the head of a state dict into a network."""
    body = {key: value for key, value in state.items() if not key.startswith(_HEADS)}
    wanted = {key for key in network.state_dict() if not key.startswith(_HEADS)}
    # Files of before batch norm counted its batches lack that count; nothing uses it.
    missing = {k for k in wanted - body.keys() if not k.endswith("num_batches_tracked")}
    unknown = body.keys() - wanted
    if missing or unknown:
        what, keys = ("lacks", missing) if missing else ("has the unknown", unknown)
        raise CheckpointError(f"{source}: not {name}: {what} key `{min(keys)}` (of {len(keys)})")
    try:
        network.load_state_dict(body, strict=False)
    except RuntimeError as error:
        raise CheckpointError(f"{source}: not {name}: a weight has another shape") from error


def _download(name: str) -> dict[str, Tensor]:
    try:
        return _IMAGENET[name].get_state_dict(progress=True, check_hash=True)
    except (URLError, OSError, RuntimeError) as error:
        raise CheckpointError(
            f"ImageNet weights of {name} cannot be downloaded: {error}",
            f"put {_IMAGENET[name].url.rsplit('/', 1)[1]} into {torch.hub.get_dir()}/checkpoints, "
            "or start from random weights with `--weights none` (the hand stream: "
            "`--set hand_weights=none`)",
        ) from error


def _read(path: Path) -> dict[str, Tensor]:
    state = _load(path)
    if not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(f"{path}: not a state dict")
    return state


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise CheckpointError(
            f"{path}: no such weights",
            "give imagenet, none, or a file; for the hand stream, a run of `train-action` will do",
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of rubbish, torch.load raises whatever its bytes happen to mean
        raise CheckpointError(f"{path}: not a state dict, or damaged") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path}: not a state dict")
    return content
