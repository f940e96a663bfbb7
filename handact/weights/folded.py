"""Batch norms that were folded into their convolutions get statistics of their own back."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

__all__ = ["restore_batch_norm"]


def restore_batch_norm(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Set the statistics of every batch norm to those of some inputs; the outputs stay the same.

    A network of folded batch norms computes the right thing as long as their statistics are those
    of the folding, mean 0 and variance 1. Training takes those of the batch instead, which would
    scale every channel anew and lose what the network knows: so scale and shift are set to undo
    what the new statistics do.

    Args:
        network: Left in evaluation.
        batches: Inputs (B, 3, H, W) like those that it will see, some hundreds in all.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    sums = {norm: [0, 0.0, 0.0] for norm in norms}  # values, their sum, that of their squares

    def note(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].double().movedim(1, -1).flatten(0, -2)
        sums[norm][0] += len(x)
        sums[norm][1] += x.sum(0)
        sums[norm][2] += (x**2).sum(0)

    hooks = [norm.register_forward_pre_hook(note) for norm in norms]
    network.eval()
    with torch.no_grad():
        for batch in batches:
            network(batch)
        for norm, (number, total, squares) in sums.items():
            mean = total / number
            variance = (squares / number - mean**2).clamp(min=0)
            scale = norm.weight / (norm.running_var + norm.eps).sqrt()
            norm.bias += scale * (mean - norm.running_mean)
            norm.weight.copy_(scale * (variance + norm.eps).sqrt())
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
    for hook in hooks:
        hook.remove()
