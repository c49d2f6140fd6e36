"""snnTorch's tutorial 7 on the N-MNIST subset and splits of recipes/nmnist_conv.yaml; prints the test accuracy.

    .venv-oracles/bin/python tests/recipes/theirs/snntorch_nmnist.py --seed 1 --root FOLDER

The example: https://snntorch.readthedocs.io/en/latest/tutorials/tutorial_7.html (Eshraghian et al. 2023,
doi:10.1109/JPROC.2023.3308088). Kept: 12C5-MP2-32C5-MP2-FC10, Leaky of beta 0.5 with the surrogate atan,
mse_count_loss of rates 0.8 and 0.2, Adam at 2e-2, batches of 128, events without a neighbour in the 10 ms before left
out, rotation of training samples by up to 10 degrees (nearest pixel), accuracy_rate. Other: 30 epochs, as our recipe,
are 210 iterations, where the tutorial stops after 51; 30 frames of 10 ms, where it has 300 of 1 ms (the frames of our
recipe, 10 of 30 ms, gave it less: 78.5 % for 93.5 %, seed 1); each sample is rotated by its own angle.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import snntorch as snn
import snntorch.functional as SF
import torch
import torch.nn.functional as F
from numba import njit
from snntorch import surrogate, utils
from torch import Tensor, nn

from snnctl.datasets.formats.atis import read
from snnctl.datasets.splits import split

EPOCHS, BATCH, BETA, SIZE = 30, 128, 0.5, 34
DURATION, WINDOW, NEIGHBOUR = 300_000, 10_000, 10_000  # us


@njit
def accompanied(t, x, y, window):
    """Which events have a neighbour, left, right, above or below, in the `window` before them: (n,) bool."""
    last = np.full((SIZE + 2, SIZE + 2), -window - 1)
    kept = np.zeros(len(t), np.bool_)
    for i in range(len(t)):
        u, v = x[i] + 1, y[i] + 1
        last[u, v] = t[i]
        latest = max(last[u - 1, v], last[u + 1, v], last[u, v - 1], last[u, v + 1])
        kept[i] = t[i] - latest < window
    return kept


def frames(path: Path) -> Tensor:
    """Counts in windows of WINDOW, (T, 2, 34, 34) int8."""
    events = read(path).events
    t, x, y, p = (events[k].astype(np.int64) for k in "txyp")
    kept = accompanied(t, x, y, NEIGHBOUR) & (t < DURATION)
    counts = np.zeros((DURATION // WINDOW, 2, SIZE, SIZE), np.int8)
    np.add.at(counts, (t[kept] // WINDOW, p[kept], y[kept], x[kept]), 1)
    return torch.from_numpy(counts)


def rotated(x: Tensor) -> Tensor:
    """Each sample by an angle of its own, within 10 degrees: (T, B, C, H, W)."""
    angle = (2 * torch.rand(x.shape[1]) - 1) * math.radians(10)
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    turn = torch.stack([torch.stack([cos, -sin, zero], 1), torch.stack([sin, cos, zero], 1)], 1)
    planes = x.transpose(0, 1).flatten(1, 2)
    where = F.affine_grid(turn, list(planes.shape), align_corners=False)
    return F.grid_sample(planes, where, "nearest", align_corners=False).view(*x.transpose(0, 1).shape).transpose(0, 1)


def answers(net: nn.Sequential, x: Tensor) -> Tensor:
    """Output spikes (T, B, 10)."""
    utils.reset(net)
    return torch.stack([net(step)[0] for step in x])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--root", type=Path, required=True)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    paths = sorted(options.root.glob("NMNIST/Train/*/*.bin"), key=lambda path: path.parts)
    labels = np.array([int(path.parent.name) for path in paths])
    parts = split({"train": labels}, 0, 0.2, options.seed)
    x, y = torch.stack([frames(path) for path in paths], 1), torch.from_numpy(labels)
    leaky = {"beta": BETA, "spike_grad": surrogate.atan(), "init_hidden": True}
    net = nn.Sequential(
        nn.Conv2d(2, 12, 5),
        nn.MaxPool2d(2),
        snn.Leaky(**leaky),
        nn.Conv2d(12, 32, 5),
        nn.MaxPool2d(2),
        snn.Leaky(**leaky),
        nn.Flatten(),
        nn.Linear(32 * 5 * 5, 10),
        snn.Leaky(**leaky, output=True),
    )
    adam = torch.optim.Adam(net.parameters(), lr=2e-2, betas=(0.9, 0.999))
    counts = SF.mse_count_loss(correct_rate=0.8, incorrect_rate=0.2)
    for _ in range(EPOCHS):
        order = torch.tensor(parts["train"])[torch.randperm(len(parts["train"]))]
        for batch in order.split(BATCH):
            loss = counts(answers(net, rotated(x[:, batch].float())), y[batch])
            adam.zero_grad()
            loss.backward()
            adam.step()
    net.eval()
    test = torch.tensor(parts["test"])
    with torch.no_grad():
        spikes = torch.cat([answers(net, x[:, batch].float()) for batch in test.split(BATCH)], 1)
    print(SF.accuracy_rate(spikes, y[test]))


if __name__ == "__main__":
    main()
