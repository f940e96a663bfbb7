"""The hand localiser: MobileNetV2 to presence and position of two hands, and its loss.

Source: Myers et al., WACV-W 2023, supplement section 1, Eq. 1.
"""

import torch
from torch import Tensor, nn
from torchvision.models import mobilenet_v2

__all__ = ["HandLocalizer", "hand_loss"]


class HandLocalizer(nn.Module):
    """Presence and position of the left and the right hand in whole frames.

    Args:
        dropout: Before the last layer.
    """

    def __init__(self, *, dropout: float = 0.2) -> None:
        super().__init__()
        mobilenet = mobilenet_v2(weights=None)
        self.features = mobilenet.features
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(mobilenet.last_channel, 6)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def forward(self, frames: Tensor) -> Tensor:
        """Return (B, 2, 3): P, x, y of the left and right hand, all in 0..1.

        Args:
            frames: (B, 3, size, size), normalised whole frames.
        """
        pooled = self.features(frames).mean((-2, -1))
        return torch.sigmoid(self.head(self.dropout(pooled))).unflatten(1, (2, 3))


def hand_loss(predicted: Tensor, truth: Tensor, *, presence_weight: float = 0.1) -> Tensor:
    """Return Eq. 1, averaged over the batch.

    `lambda sum_i (P_i - P^_i)^2 + sum_i P_i [(x_i - x^_i)^2 + (y_i - y^_i)^2]`: where there is no
    hand, no position is penalised.

    Args:
        predicted: (B, 2, 3) P, x, y in 0..1.
        truth: (B, 2, 3) P 0 or 1, x, y in 0..1; x, y of absent hands may be anything but NaN.
        presence_weight: lambda.
    """
    squares = (predicted - truth) ** 2
    presence = squares[..., 0].sum(1)
    position = (truth[..., 0] * squares[..., 1:].sum(-1)).sum(1)
    return (presence_weight * presence + position).mean()
