"""Sinabs' how-to on fewer synaptic operations, on the embedded digits; prints operations, then the test accuracy.

    .venv-oracles/bin/python tests/recipes/theirs/sinabs_synops.py --seed 1

The example: docs/how_tos/synops_loss_ann.ipynb of sinabs 3.1.3, https://sinabs.readthedocs.io, after Sorbaro et al.
2020, doi:10.3389/fnins.2020.00662 (it prints 94.9 % at 3.9e7 operations a sample). Kept: pixels of 0 to 255; 16C5 - sum
of 2x2 - 32C5 - sum of 2x2 - 120C4 - 10 without biases, NeuromorphicReLU behind each convolution; operations from
register_synops_hooks; cross-entropy + 1e-5 (operations - 4e7)^2 / 1e7; Adam at 1e-3; two epochs in batches of 512.
Other: 4,000 training digits where MNIST has 60,000, so each epoch runs 15 times: as many updates as the notebook made.
--times 1 is the notebook's epochs as they stand. --target asks for another number of operations, and --white N shows
pixels of 0 to N, fewer spikes: the example's curve.
"""

from __future__ import annotations

import argparse

import torch
from embedded_digits import batches, digits  # first: it blocks samna
from sinabs.hooks import register_synops_hooks
from sinabs.layers import NeuromorphicReLU, SumPool2d
from torch import nn

BATCH, WEIGHT = 512, 1e-5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--root", help="unused: the digits come with snnctl")
    parser.add_argument("--times", type=int, default=15, help="the notebook's epochs, so many times over")
    parser.add_argument("--white", type=float, default=255.0, help="spikes of a white pixel")
    parser.add_argument("--target", type=float, default=4e7, help="operations a sample")
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    ann = nn.Sequential(
        nn.Conv2d(1, 16, 5, bias=False),
        NeuromorphicReLU(),
        SumPool2d(2),
        nn.Conv2d(16, 32, 5, bias=False),
        NeuromorphicReLU(),
        SumPool2d(2),
        nn.Conv2d(32, 120, 4, bias=False),
        NeuromorphicReLU(),
        nn.Flatten(),
        nn.Linear(120, 10, bias=False),
    )
    register_synops_hooks(ann)
    pixels, labels = digits("train")
    pixels, target = (given.white * pixels)[:, None], torch.tensor(given.target)
    adam = torch.optim.Adam(ann.parameters(), lr=1e-3)
    for _ in range(2 * given.times):
        for index in batches(len(labels), BATCH):
            adam.zero_grad()
            out = ann(pixels[index])
            excess = nn.functional.mse_loss(ann.hook_data["total_synops_per_timestep"], target) / 1e7
            (nn.functional.cross_entropy(out, labels[index]) + WEIGHT * excess).backward()
            adam.step()
    pixels, labels = digits("test")
    right = operations = 0
    with torch.no_grad():
        for index in torch.arange(len(labels)).split(BATCH):
            out = ann(given.white * pixels[index][:, None])
            operations += ann.hook_data["total_synops_per_timestep"].item() * len(index)
            right += (out.argmax(1) == labels[index]).sum().item()
    print(f"{operations / len(labels):.4g} operations a sample")
    print(right / len(labels))


if __name__ == "__main__":
    main()
