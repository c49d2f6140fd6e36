"""Small ANNs in plain torch, with batch norms that have seen something."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

SHAPE, CLASSES = (2, 8, 8), 3


class Chained(nn.Sequential):
    """Convolution, pooling before the norm, as network=conv has it."""

    def __init__(self):
        super().__init__(
            nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.AvgPool2d(2), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5),
            nn.Conv2d(4, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
            nn.Linear(24, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, CLASSES),
        )  # fmt: skip


class Residuals(nn.Module):
    """A sum of currents, and a sum of what two activations give."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3, padding=1)
        self.one = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4))
        self.two = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU())
        self.head = nn.Linear(4, CLASSES)

    def forward(self, x):
        x = F.relu(self.stem(x))
        y = (self.one(x) + x).relu()  # currents and spikes
        y = y + self.two(y)  # spikes and spikes
        y = y.mean((2, 3))
        return F.log_softmax(self.head(y), dim=1)


class Concatenating(nn.Module):
    """Two branches side by side, and a norm that no layer before can take."""

    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(2, 5, 1)
        self.norm, self.pool, self.relu = nn.BatchNorm2d(8), nn.AvgPool2d(2), nn.ReLU()
        self.mix = nn.Conv2d(8, 4, 3, padding=1)
        self.head = nn.Linear(64, CLASSES)

    def forward(self, x):
        x = torch.cat([self.relu(self.left(x)), self.relu(self.right(x))], dim=1)
        x = self.pool(self.relu(self.norm(x)))
        x = self.relu(self.mix(x))
        return self.head(x.view(x.size(0), -1))


class Pooled(nn.Module):
    """Maximum pooling behind and before its activation."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.head = nn.Linear(16, CLASSES)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.a(x)), 2)
        x = torch.relu(F.max_pool2d(self.b(x), 2))
        return self.head(torch.flatten(x, 1))


def trained(kind: type[nn.Module], seed: int = 0) -> nn.Module:
    """A module in evaluation mode whose norms have statistics and gains of their own."""
    torch.manual_seed(seed)
    module = kind()
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight)
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.3)
            layer.running_mean.normal_(std=0.3)
            layer.running_var.uniform_(0.5, 2.0)
    return module.eval()


def inputs(batch: int = 16, seed: int = 1) -> torch.Tensor:
    """(B, *SHAPE), around 0, as different as images are: each has a brightness of its own."""
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(batch, *SHAPE, generator=draw) + torch.randn(batch, SHAPE[0], 1, 1, generator=draw)
