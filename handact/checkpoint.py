"""Checkpoints that describe themselves: with one and a video, nothing else is needed.

A checkpoint is a dict of plain values and tensors, so it loads without executing code:

    format            number of this layout
    kind              hands or action
    handact           version that wrote it
    model             keyword arguments of the network
    state             its state dict
    input             what the network must be fed with (sizes, normalisation, clip, rate ...)
    config            settings of the training
    starts            where the weights of its parts came from: source, SHA-256, licence ...;
                      of a run's, where that run started, in turn
    classes           (action) their names, in the order of the logits
    background        (action) one of them
    durations         (action) seconds of the training segments by class
    transitions       (action) how often a class followed which in training, by class
    about             how it came to be: epoch, scores, split, videos trained on
    localizer         (action) the hands checkpoint that aligned its clips, or None
    training          (last.pt only) optimiser state and history, to go on from
"""

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from handact import __version__
from handact.errors import CheckpointError
from handact.files import write_bytes

__all__ = ["FORMAT", "fingerprint", "load_checkpoint", "read_kind", "save_checkpoint"]

FORMAT = 1

_SAID = {"format", "kind", "handact"}  # by every checkpoint of every version


def save_checkpoint(path: str | Path, *, kind: str, **content: Any) -> None:
    """Write a checkpoint, whole or not at all."""
    checkpoint = {"format": FORMAT, "kind": kind, "handact": __version__, **content}
    # torch.save to a full disk fails with an error of its own; bytes in memory do not.
    buffer = io.BytesIO()
    torch.save(checkpoint, buffer)
    write_bytes(path, buffer.getvalue())


def load_checkpoint(path: str | Path, kind: str) -> dict[str, Any]:
    """Read a checkpoint onto the CPU.

    Args:
        path: File.
        kind: hands or action; the other kind is refused.

    Raises:
        CheckpointError: No such file, not a checkpoint of handact, damaged, of the other kind, or
            newer than this program.
    """
    checkpoint = _read(Path(path), f"train one with `handact train-{kind}`")
    if checkpoint["kind"] != kind:
        raise CheckpointError(
            f"{path}: a checkpoint of `train-{checkpoint['kind']}`, needed is one of `train-{kind}`"
        )
    return checkpoint


def read_kind(path: str | Path) -> str:
    """Return the kind of a checkpoint: hands or action.

    Raises:
        CheckpointError: As `load_checkpoint`.
    """
    return _read(Path(path), "`handact train-hands` or `handact train-action` make one")["kind"]


def _read(path: Path, how_to_make: str) -> dict[str, Any]:
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint", how_to_make)
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of rubbish, torch.load raises whatever its bytes happen to mean
        raise CheckpointError(f"{path}: not a checkpoint, or damaged") from error
    if not isinstance(checkpoint, dict) or not checkpoint.keys() >= _SAID:
        raise CheckpointError(f"{path}: not a checkpoint of handact")
    if checkpoint["format"] > FORMAT:
        raise CheckpointError(
            f"{path}: written by handact {checkpoint['handact']}, newer than this {__version__}",
            "update handact",
        )
    return checkpoint


def fingerprint(path: str | Path) -> str:
    """Return the SHA-256 of a file, as hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
