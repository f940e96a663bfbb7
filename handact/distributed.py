"""One training, or one list of videos, in the hands of several processes.

`torchrun` starts them and tells each its rank. A batch is divided among them, gradients are
averaged by DistributedDataParallel and the statistics of batch norm are those of the whole batch,
so that the result is that of one process, to rounding (but for dropout, which each draws for
itself).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from handact.errors import TrainingError

__all__ = ["Processes", "join_processes", "launched_processes", "training_alone", "wait_for_all"]

_TIMEOUT = timedelta(days=1)  # the first process may align videos for hours while others wait


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among all.

    Attributes:
        rank: From 0; the first one writes files and talks to people.
        number: Of all.
    """

    rank: int = 0
    number: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def rows(self, num_rows: int) -> range:
        """Return which rows of a batch are this process's; all where there are too few to share."""
        rows = range(num_rows)
        return rows if num_rows < self.number else rows[self.rank :: self.number]

    def fewest_rows(self, num_rows: int) -> int:
        """Return the rows of the process that has the fewest."""
        return num_rows if num_rows < self.number else num_rows // self.number

    def weight(self, num_rows: int) -> float:
        """Return what the mean loss of this process's rows is multiplied by.

        The mean over processes is then the mean over the batch, also where shares differ.
        """
        if num_rows < self.number:
            return 1.0
        return len(self.rows(num_rows)) * self.number / num_rows

    def mean(self, total: float, number: int) -> float:
        """Return the mean of what all processes counted, of each its sum and number."""
        if self.number > 1:
            backend = distributed.get_backend()
            sums = torch.tensor([total, number], device="cuda" if backend == "nccl" else "cpu")
            distributed.all_reduce(sums)
            total, number = sums.tolist()
        return total / number

    def require_same(self, epoch: int, folder: Path) -> None:
        """Raise TrainingError unless all processes go on from the same epoch."""
        if self.number > 1 and self.mean(float(epoch != round(self.mean(epoch, 1))), 1):
            raise TrainingError(
                f"{folder}: not all processes find the same run there",
                "several machines need one dataset folder that they share",
            )

    def share(self, network: nn.Module) -> nn.Module:
        """Return a network whose gradients and batch statistics are those of all processes."""
        if self.number == 1:
            return network
        if next(network.parameters()).is_cuda:
            return DistributedDataParallel(nn.SyncBatchNorm.convert_sync_batchnorm(network))
        for module in network.modules():
            if type(module) is nn.BatchNorm2d:
                # The same module with another forward pass: parameters and keys stay.
                module.__class__ = _SharedBatchNorm2d
        return DistributedDataParallel(network)

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """Let the first process do the block alone, and the others after it."""
        if not self.is_main:
            distributed.barrier()
        yield
        if self.is_main and self.number > 1:
            distributed.barrier()


def launched_processes() -> Processes:
    """Return what `torchrun` says in the environment; alone without it."""
    return Processes(int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1)))


@contextmanager
def training_alone() -> Iterator[None]:
    """Let this process train by itself within the block, though `torchrun` started it with others.

    It keeps the GPU that is its own.
    """
    told = {name: os.environ.pop(name) for name in ("RANK", "WORLD_SIZE") if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(told)


@contextmanager
def join_processes(device: torch.device) -> Iterator[Processes]:
    """Connect with the other processes of this training for the length of the block.

    Raises:
        TrainingError: Another process has ended before the training did.
    """
    processes = launched_processes()
    if processes.number == 1:
        yield processes
        return
    if device.type == "cuda":
        torch.cuda.set_device(device.index or 0)
    backend = "nccl" if device.type == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=_TIMEOUT)
    try:
        yield processes
    except RuntimeError as error:
        if any(word in str(error).lower() for word in ("gloo", "nccl", "connection")):
            raise TrainingError(
                f"process {processes.rank} of {processes.number} lost another one, which has ended",
                "see its error above; give the command again to go on from the last epoch",
            ) from error
        raise
    finally:
        distributed.destroy_process_group()


def wait_for_all() -> None:
    """Return when all processes that `torchrun` started have come to this; at once without it."""
    with join_processes(torch.device("cpu")) as processes, processes.main_first():
        pass


class _Sum(torch.autograd.Function):
    """The sum over all processes, through which gradients flow back to each."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _Sum.forward(ctx, gradient)


class _SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm over the rows of all processes, on a CPU; torch's SyncBatchNorm is for GPUs.

    In double precision, as torch's own sums on a CPU are.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        exact = x.double()
        number = exact.new_full((1,), x.numel() // x.shape[1])
        sums = _Sum.apply(torch.cat([exact.sum((0, 2, 3)), number]))
        number, mean = sums[-1], sums[:-1] / sums[-1]
        centered = exact - mean[:, None, None]
        variance = _Sum.apply(centered.square().sum((0, 2, 3))) / number
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean.to(self.running_mean), self.momentum)
            unbiased = variance * number / (number - 1)
            self.running_var.lerp_(unbiased.to(self.running_var), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centered * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)
