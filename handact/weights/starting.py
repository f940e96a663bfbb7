"""Networks that start from weights: read without running code, converted, and loaded strictly."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torchvision import models

from handact.checkpoint import fingerprint, load_checkpoint
from handact.errors import CheckpointError
from handact.progress import Progress
from handact.weights.layouts import HEADS, Foreign, convert
from handact.weights.releases import RELEASES, download, find_release

__all__ = ["Start", "check_file", "start_network"]

_NAMES = {release.name for release in RELEASES}
_NETWORKS = [release.network for release in RELEASES if release.name == "imagenet"]


@dataclass(frozen=True)
class Start:
    """Where a network's weights come from; goes into the checkpoint, as a dict.

    Attributes:
        source: File name or address.
        sha256: Of the file.
        layout: Whose names its weights had.
        shift: What it was trained with: tsm, causal or none.
        licence: Where it is known, otherwise empty.
        mean: Of each channel in 0..1, which its input was normalised with.
        std: Likewise.
        classes: Of its own head, which is left out; None where it has none.
        folded: Whether the statistics of its batch norms are lost; see `restore_batch_norm`.
        start: Of a run's network, where that one started, in turn; otherwise None.
    """

    source: str
    sha256: str
    layout: str
    shift: str
    licence: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    classes: int | None
    folded: bool = False
    start: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for a checkpoint or JSON."""
        return {**asdict(self), "mean": list(self.mean), "std": list(self.std)}


def start_network(
    network: nn.Module,
    name: str,
    weights: str,
    *,
    part: str,
    shift: str = "none",
    on_progress: Progress | None = None,
) -> Start | None:
    """Start a network from weights; its head keeps its random start.

    Args:
        network: A torchvision network, or one that lacks its head.
        name: Which one: resnet18, resnet34, resnet50, resnet101 or mobilenet_v2.
        weights: none, imagenet, k400, or the path of a file: a state dict of torchvision, the TSM
            release or MMAction2, or a checkpoint of handact.
        part: What of a checkpoint of handact: backbone or hands of an action network, or localizer.
        shift: That of the network: tsm, causal or none.
        on_progress: Told how many megabytes of a download are there, of how many (None: not known).

    Returns:
        Where they come from; None if the start is random.

    Raises:
        CheckpointError: The weights cannot be had, or do not fit.
    """
    if weights == "none":
        return None
    licence, source = "", weights
    if weights in _NAMES:
        release = find_release(weights, name)
        path, licence, source = (
            download(release, on_progress=on_progress),
            release.licence,
            release.url,
        )
    else:
        path = Path(weights)
    foreign = _read_weights(path, part)
    _refuse_other_shift(foreign, shift, weights)
    _fill(network, name, foreign.state, weights)
    return _describe(foreign, path, source, licence)


def check_file(path: Path, network: str | None = None, shift: str = "none") -> Start:
    """Say whose weights a file holds, and whether a network can start from them.

    Args:
        path: A file of others; a checkpoint of handact is described by itself.
        network: As `name` of `start_network`; None to look at the file alone.
        shift: That of the network.

    Raises:
        CheckpointError: It holds no weights, or the network cannot start from them.
    """
    foreign = _read_weights(path, None)
    if network is not None:
        if network not in _NETWORKS:
            raise CheckpointError(f"{network}: no such network", f"give {', '.join(_NETWORKS)}")
        _refuse_other_shift(foreign, shift, str(path))
        _fill(models.get_model(network), network, foreign.state, str(path))
    return _describe(foreign, path, str(path), "")


def _describe(foreign: Foreign, path: Path, source: str, licence: str) -> Start:
    biases = [
        foreign.state[key] for key in ("fc.bias", "classifier.1.bias") if key in foreign.state
    ]
    sha256 = fingerprint(path)
    known = [release.licence for release in RELEASES if sha256.startswith(release.sha256)]
    return Start(
        source=source,
        sha256=sha256,
        layout=foreign.layout,
        shift=foreign.shift,
        licence=licence or next(iter(known), ""),
        mean=foreign.mean,
        std=foreign.std,
        classes=biases[0].numel() if biases else None,
        folded=foreign.folded,
        start=foreign.start,
    )


def _refuse_other_shift(foreign: Foreign, shift: str, source: str) -> None:
    """Features that were learnt from both sides, or one, mean nothing to a network of another."""
    if foreign.shift in ("none", shift):
        return
    words = {"tsm": "past and future", "causal": "the past alone", "none": "no other frame"}
    raise CheckpointError(
        f"{source}: learnt to see {words[foreign.shift]} (shift {foreign.shift}), "
        f"this network sees {words[shift]} (shift {shift})",
        "start from weights without a shift, such as `--weights imagenet`, or give "
        f"`--shift {foreign.shift}`",
    )


def _fill(network: nn.Module, name: str, state: dict[str, Tensor], source: str) -> None:
    """Copy all but the head of a state dict into a network."""
    body = {key: value for key, value in state.items() if not key.startswith(HEADS)}
    wanted = {k: v for k, v in network.state_dict().items() if not k.startswith(HEADS)}
    # Files of before batch norm counted its batches lack that count; nothing uses it.
    missing = {k for k in wanted.keys() - body.keys() if not k.endswith("num_batches_tracked")}
    unknown = body.keys() - wanted.keys()
    if missing or unknown:
        what, keys = ("lacks", missing) if missing else ("has the unknown", unknown)
        more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
        raise CheckpointError(f"{source}: not {name}: {what} key `{min(keys)}`{more}")
    for key, value in body.items():
        if value.shape != wanted[key].shape:
            raise CheckpointError(
                f"{source}: not {name}: `{key}` has another shape, {tuple(value.shape)} instead of "
                f"{tuple(wanted[key].shape)}"
            )
        if not torch.isfinite(value).all():
            raise CheckpointError(f"{source}: `{key}` has values that are no finite numbers")
    network.load_state_dict(body, strict=False)


# ---------------------------------------------------------------------------------------- reading


def _read_weights(path: Path, part: str | None) -> Foreign:
    if not path.is_file():
        names = ", ".join(sorted(_NAMES))
        raise CheckpointError(
            f"{path}: no such weights", f"a file; for a training also {names}, none or a run"
        )
    content = _read_arrays(path) if path.suffix == ".npz" else _read_pickle(path)
    if isinstance(content, dict) and "kind" in content:
        return _of_checkpoint(path, part)
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not content:
        raise CheckpointError(f"{path}: not a state dict")
    for key, value in content.items():
        if not isinstance(key, str) or not _is_weight(value):
            raise CheckpointError(
                f"{path}: not a state dict: it holds other things than tensors, {key!r}"
            )
    return convert(content, str(path))


def _is_weight(value: object) -> bool:
    """Tell whether it is an ordinary tensor of numbers, not sparse, complex, or without values."""
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_complex()
        and not value.is_quantized
    )


def _of_checkpoint(path: Path, part: str | None) -> Foreign:
    """Return a part of a checkpoint of handact."""
    kind = "hands" if part == "localizer" else "action"
    if part is None:
        raise CheckpointError(
            f"{path}: a checkpoint of handact, not weights of others",
            "`--weights` takes it where a run of the same kind starts",
        )
    checkpoint = load_checkpoint(path, kind)
    pixels = tuple(checkpoint["input"]["mean"]), tuple(checkpoint["input"]["std"])
    start = checkpoint.get("starts", {}).get(part)
    if part == "localizer":
        return Foreign(checkpoint["state"], "handact", "none", *pixels, start=start)
    prefix = f"{part}."
    state = {
        k.removeprefix(prefix): v for k, v in checkpoint["state"].items() if k.startswith(prefix)
    }
    if not state:
        words = {"hands": "without hands: it has no hand stream", "backbone": "without a backbone"}
        raise CheckpointError(f"{path}: trained {words[part]}")
    return Foreign(state, "handact", checkpoint["model"]["shift"], *pixels, start=start)


def _read_arrays(path: Path) -> dict[str, Tensor]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    except Exception as error:  # of rubbish, numpy raises whatever its bytes happen to mean
        raise CheckpointError(f"{path}: not a file of arrays, or damaged") from error


class _Ignored:
    """Stands for what a training noted of itself beside its weights; nothing of it is run."""

    def __new__(cls, *_: object, **__: object) -> "_Ignored":
        return super().__new__(cls)

    def __setstate__(self, _: object) -> None:
        pass


def _known_types() -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """Return what a file of others may name beside tensors: numbers of numpy, and notes."""
    numbers = [np.dtype, np.ndarray]
    numbers += [type(np.dtype(kind)) for kind in ("f8", "f4", "i8", "i4", "?", "u1")]
    modules = ("numpy.core.multiarray", "numpy._core.multiarray")
    make = np._core.multiarray
    return [
        *numbers,
        *((make.scalar, f"{module}.scalar") for module in modules),
        *((make._reconstruct, f"{module}._reconstruct") for module in modules),
        (_Ignored, "mmengine.logging.history_buffer.HistoryBuffer"),
    ]


def _read_pickle(path: Path) -> Any:
    known = _known_types()
    try:
        with torch.serialization.safe_globals(known):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of rubbish, torch.load raises whatever its bytes happen to mean
        if named := _unsafe_name(error):
            raise CheckpointError(
                f"{path}: would run code to be read ({named!r}), so it is refused",
                "save its state dict alone: `torch.save(model.state_dict(), FILE)`",
            ) from error
        raise CheckpointError(f"{path}: not a state dict, or damaged") from error


def _unsafe_name(error: Exception) -> str | None:
    """Return what a pickle names that is not allowed, from torch's own words."""
    parts = str(error).split("GLOBAL ")
    return parts[1].split()[0] if len(parts) > 1 else None
