"""Where networks run, in which precision, and what is said when they do not fit."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from handact.errors import ConfigError

__all__ = ["autocast", "describe_exhaustion", "pick_device"]


def pick_device(name: str) -> torch.device:
    """Return the device that `auto`, `cpu`, `cuda` or `cuda:N` names.

    Of the processes that `torchrun` starts on a machine, each gets a GPU of its own.

    Raises:
        ConfigError: No such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"unknown device `{name}`", "use auto, cpu, cuda or cuda:N") from error
    if device.type == "cuda" and device.index is None and "LOCAL_RANK" in os.environ:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"no device `{name}` on this machine", "see `handact doctor`, or use cpu")
    return device


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """Return the mixed precision that the setting `precision` asks for on a device."""
    has_bfloat16 = device.type == "cuda" and torch.cuda.is_bf16_supported()
    wanted = precision == "bfloat16" or (precision == "auto" and has_bfloat16)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=wanted)


@contextmanager
def describe_exhaustion(
    hint: str = "other programs may hold it; `--device cpu` works everywhere",
) -> Iterator[None]:
    """Say in one line that memory ran out, or that a process which reads clips was killed.

    Args:
        hint: Which setting needs less, where there is one.

    Raises:
        ConfigError: In the place of what torch, numpy or Python raise.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise ConfigError("the GPU has too little memory for this", hint) from error
    except MemoryError as error:
        raise ConfigError("there is too little memory for this", hint) from error
    except RuntimeError as error:  # torch has no classes of their own for these
        if "can't allocate memory" in str(error):
            raise ConfigError("there is too little memory for this", hint) from error
        if str(error).startswith("DataLoader worker"):
            raise ConfigError(
                "a process that reads clips has died, most often for want of memory",
                "fewer of them (`--set workers=1`) need less; given again, the command goes on",
            ) from error
        raise
