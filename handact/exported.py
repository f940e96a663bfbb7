"""Networks for other runtimes: ONNX and torch.export, checked against PyTorch as they are written.

An ONNX file of an action network describes itself as a checkpoint does, and holds the localiser
that found the hands of its clips: with it and a video, nothing else is needed. What it computes is
a whole clip with its context; the stream engine needs a checkpoint.
"""

import base64
import io
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from handact import __version__
from handact.checkpoint import fingerprint, load_checkpoint, read_kind
from handact.errors import CheckpointError, ConfigError
from handact.files import check_writable, write_bytes
from handact.models.action import ActionNetwork
from handact.models.fuse import load_fused
from handact.models.hands import HandLocalizer

__all__ = ["FORMAT", "OnnxNetwork", "export_network"]

FORMAT = 1
TOLERANCE = 1e-4

_INPUTS = ("frames", "cutouts", "rects", "present")  # in the order of `ActionNetwork.forward`
_KEY = "handact"  # of what a file says of itself, among ONNX's own metadata
_KEPT = ("model", "input", "classes", "background", "durations", "transitions", "starts")
_NEEDED = {
    "hands": {"model", "input"},
    "action": {"model", "input", "classes", "background", "durations"},
}
_CPU = torch.device("cpu")
_MOST = 4096  # clips or frames run at once


def export_network(checkpoint: Path, output: Path) -> float:
    """Write a checkpoint's network, for batches of any size.

    Args:
        checkpoint: Of `train-hands` or `train-action`.
        output: A file whose name ends in .onnx or, for torch.export, .pt2.

    Returns:
        The largest difference to PyTorch's results, on random inputs.

    Raises:
        CheckpointError: Not a checkpoint, or the exported network gives other results.
        ConfigError: The name ends in something else, or the network cannot be exported.
    """
    suffix = output.suffix.lower()
    if suffix not in (".onnx", ".pt2"):
        raise ConfigError(f"{output}: neither .onnx nor .pt2", "for ONNX, or for torch.export")
    for name in ("onnx", "onnxscript", "onnxruntime") if suffix == ".onnx" else ():
        _import(name)
    check_writable(output.parent)
    kind = read_kind(checkpoint)
    content = load_checkpoint(checkpoint, kind)
    if kind == "hands":
        data, worst = _export(_localizer(content), _frames(content), suffix, _about(content))
    else:
        about, worst = _about(content), 0.0
        if content["localizer"] and suffix == ".onnx":
            hands = {**content["localizer"], "kind": "hands"}
            found, worst = _export(_localizer(hands), _frames(hands), ".onnx", _about(hands))
            about["localizer"] = base64.b64encode(found).decode()
        network = load_fused(ActionNetwork(**content["model"]), content["state"])
        about["checkpoint"] = fingerprint(checkpoint)
        data, own = _export(network, _clips(network, content["input"]), suffix, about)
        worst = max(worst, own)
    write_bytes(output, data)
    return worst


class OnnxNetwork:
    """A network from an ONNX file, in place of an `ActionNetwork` or a `HandLocalizer`.

    Args:
        source: The file, or its bytes.
        device: Where onnxruntime runs it; what goes in and comes out is on the CPU.

    Attributes:
        about: What the file says of itself: kind, model, input and, of an action network, classes,
            background, durations, transitions, the localiser's file, and the SHA-256 of its
            checkpoint.

    Raises:
        CheckpointError: Not a network of handact, or onnxruntime is not installed.
        ConfigError: onnxruntime cannot run on the device.
    """

    def __init__(self, source: Path | bytes, device: torch.device = _CPU) -> None:
        runtime = _import("onnxruntime")
        name = "the localiser" if isinstance(source, bytes) else str(source)
        self.device = device
        wanted = ["CPUExecutionProvider"]
        if device.type == "cuda":
            wanted.insert(0, "CUDAExecutionProvider")
        if wanted[0] not in runtime.get_available_providers():
            raise ConfigError(
                f"this onnxruntime does not run on {device}",
                "`pip install onnxruntime-gpu`, or `--device cpu`",
            )
        try:
            self.session = runtime.InferenceSession(
                source if isinstance(source, bytes) else str(source),
                providers=wanted,
            )
            said = self.session.get_modelmeta().custom_metadata_map
        except Exception as error:  # onnxruntime's errors share nothing but their module
            raise CheckpointError(f"{name}: not an ONNX file, or damaged") from error
        self.about = _read_about(said.get(_KEY), name)
        model = self.about["model"]
        self.clip_len, self.context = model.get("clip_len"), model.get("context")
        self.shift, self.hand_use = model.get("shift"), model.get("hands")

    @property
    def localizer(self) -> "OnnxNetwork | None":
        """The localiser that the file of an action network holds."""
        held = self.about.get("localizer")
        return OnnxNetwork(base64.b64decode(held), self.device) if held else None

    def __call__(self, *inputs: Tensor | None) -> Tensor:
        """Return what the network does of the same inputs, on the CPU."""
        given = dict(zip(_INPUTS, inputs, strict=False))  # a localiser sees frames alone
        # What the network has no use for, as hands alone have for rects, is no input of its file.
        names = [entry.name for entry in self.session.get_inputs()]
        arrays = {name: np.ascontiguousarray(given[name].cpu().numpy()) for name in names}
        return torch.from_numpy(self.session.run(None, arrays)[0])


def _read_about(text: str | None, name: str) -> dict[str, Any]:
    """Return what a file says of itself, if that is all that it must say."""
    try:
        about = json.loads(text or "")
        version = about["format"]
        newer = version > FORMAT
        complete = newer or _NEEDED[about["kind"]] <= about.keys()
    except (ValueError, KeyError, TypeError, AttributeError):
        complete, newer = False, False
    if not complete:
        raise CheckpointError(f"{name}: not a network of handact", "`handact export network`")
    if newer:
        raise CheckpointError(f"{name}: written by a newer handact than this", "update handact")
    return about


def _about(content: dict[str, Any]) -> dict[str, Any]:
    kept = {name: content[name] for name in _KEPT if name in content}
    return {"format": FORMAT, "kind": content["kind"], "handact": __version__, **kept}


def _localizer(content: dict[str, Any]) -> nn.Module:
    return load_fused(HandLocalizer(**content["model"]), content["state"])


def _frames(content: dict[str, Any]) -> tuple[Tensor]:
    size = content["input"]["size"]
    return (_drawn(2, 3, size, size),)


def _drawn(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def _clips(network: ActionNetwork, pixels: dict[str, Any]) -> tuple[Tensor | None, ...]:
    """Return two random clips, as the network takes them."""
    if pixels["view"] != "center" and network.hand_use != "only":
        raise ConfigError(
            f"trained on view = {pixels['view']}, whose frames differ in shape from video to video",
            "only networks of view = center can be exported",
        )
    shape, side = (2, network.num_frames), pixels["crop_size"]
    frames = None if network.hand_use == "only" else _drawn(*shape, 3, side, side)
    if network.hand_use == "none":
        return (frames,)
    side = pixels["align"]["cutout_input"]
    rects = None if network.hand_use == "only" else _drawn(*shape, 2, 4).sigmoid()
    present = (_drawn(*shape, 2) > -1).float()
    return frames, _drawn(*shape, 2, 3, side, side), rects, present


def _export(
    network: nn.Module, inputs: tuple[Tensor | None, ...], suffix: str, about: dict[str, Any]
) -> tuple[bytes, float]:
    """Return the file's bytes and the largest difference to PyTorch's results."""
    batch = torch.export.Dim("batch", min=1, max=_MOST)
    shapes = tuple(None if x is None else {0: batch} for x in inputs)
    buffer = io.BytesIO()
    # What the exporters say of themselves, nobody who exports can act on.
    with torch.no_grad(), warnings.catch_warnings(action="ignore"):
        program = torch.export.export(network, inputs, dynamic_shapes=shapes)
        if suffix == ".pt2":
            torch.export.save(program, buffer)
            exported = torch.export.load(io.BytesIO(buffer.getvalue())).module()
        else:
            made = torch.onnx.export(program, dynamo=True, verbose=False)
            made.model.metadata_props[_KEY] = json.dumps(about)
            buffer.write(made.model_proto.SerializeToString())
            exported = OnnxNetwork(buffer.getvalue())
    # numpy's max, unlike Python's, keeps what is no number.
    worst = float(np.max([_difference(network, exported, inputs, n) for n in (1, 2, 3)]))
    if not worst <= TOLERANCE:
        raise CheckpointError(
            f"the exported network differs from PyTorch's by {worst:.2g}, more than {TOLERANCE:g}",
            "another version of torch or onnxruntime may do better; nothing was written",
        )
    return buffer.getvalue(), worst


def _difference(
    network: nn.Module, exported: Any, inputs: tuple[Tensor | None, ...], number: int
) -> float:
    """Return the largest difference over a batch of `number`."""
    some = tuple(None if x is None else torch.cat([x, x.flip(0)])[:number] for x in inputs)
    with torch.no_grad():
        return float((network(*some) - exported(*some)).abs().max())


def _import(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise CheckpointError(
            f"{name} is not installed", "`pip install 'handact[onnx]'`"
        ) from error
