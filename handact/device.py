"""Where networks run, and in which precision."""

import os

import torch

from handact.errors import ConfigError

__all__ = ["autocast", "pick_device"]


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
