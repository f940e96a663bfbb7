"""Batch norm as part of the convolution before it: the same network, quicker, for evaluation."""

from typing import TypeVar

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

__all__ = ["fuse_batch_norms", "load_fused"]

NetworkT = TypeVar("NetworkT", bound=nn.Module)


def load_fused(network: NetworkT, state: dict[str, Tensor]) -> NetworkT:
    """Return the network with the weights of a state dict, for evaluation alone."""
    network.load_state_dict(state)
    fuse_batch_norms(network.eval())
    return network


def fuse_batch_norms(module: nn.Module) -> None:
    """Fold each batch norm that follows a convolution into it, in place.

    Torchvision's ResNet and MobileNetV2 name what follows each other one after another.
    """
    before, convolution = "", None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and isinstance(convolution, nn.Conv2d):
            setattr(module, before, fuse_conv_bn_eval(convolution, child))
            setattr(module, name, nn.Identity())
        fuse_batch_norms(child)
        before, convolution = name, child
