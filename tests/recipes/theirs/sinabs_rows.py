"""Sinabs' notebook on backpropagation through time, MNIST row by row, on the embedded digits; prints the test accuracy.

    .venv-oracles/bin/python tests/recipes/theirs/sinabs_rows.py --seed 1

The example: docs/tutorials/bptt.ipynb of sinabs 3.1.3, https://sinabs.readthedocs.io (it prints 45.6 % of the
memory-less network and 79.9 % of the spiking one). Kept: pixels as chances of a spike, drawn anew each time; the
network 28-128-128-256-256-10 of ReLUs, trained row by row for two epochs; from_model's spiking copy of it, IAF of
several spikes, trained for one epoch by cross-entropy of the outputs summed over the 28 rows; Adam; batches of 64, the
last smaller one left out. Other: 4,000 training digits where MNIST has 60,000, so each epoch runs 15 times: as many
updates as the notebook made. --times 1 is the notebook's epochs as they stand.
"""

from __future__ import annotations

import argparse

import torch
from embedded_digits import batches, digits  # first: it blocks samna
from sinabs.from_torch import from_model
from torch import Tensor, nn

BATCH, ROWS, CLASSES = 64, 28, 10


def spikes(pixels: Tensor) -> Tensor:
    return (torch.rand(pixels.shape) < pixels).float()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--root", help="unused: the digits come with snnctl")
    parser.add_argument("--times", type=int, default=15, help="the notebook's epochs, so many times over")
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    pixels, labels = digits("train")
    sizes = (ROWS, 128, 128, 256, 256, CLASSES)
    pairs = zip(sizes[:-1], sizes[1:], strict=True)
    ann = nn.Sequential(*(part for n, m in pairs for part in (nn.Linear(n, m), nn.ReLU())))
    loss_of, adam = nn.CrossEntropyLoss(), torch.optim.Adam(ann.parameters())
    for _ in range(2 * given.times):
        for index in batches(len(labels), BATCH, whole=True):
            adam.zero_grad()
            out = ann(spikes(pixels[index]).reshape(-1, ROWS))
            loss_of(out, labels[index].repeat_interleave(ROWS)).backward()
            adam.step()
    model = from_model(ann, batch_size=BATCH).train()
    adam = torch.optim.Adam(model.parameters())
    for _ in range(given.times):
        for index in batches(len(labels), BATCH, whole=True):
            adam.zero_grad()
            model.reset_states()
            out = model.spiking_model(spikes(pixels[index]).reshape(-1, ROWS)).reshape(BATCH, ROWS, CLASSES)
            loss_of(out.sum(1), labels[index]).backward()
            adam.step()
    pixels, labels = digits("test")
    right = {"memory-less": 0, "spiking": 0}
    with torch.no_grad():
        for index in torch.arange(len(labels)).split(BATCH):
            filled = torch.cat([index, index.new_zeros(BATCH - len(index))])  # the layers want whole batches
            rows = spikes(pixels[filled]).reshape(-1, ROWS)
            model.reset_states()
            for name, net in (("memory-less", ann), ("spiking", model.spiking_model)):
                out = net(rows).reshape(BATCH, ROWS, CLASSES).sum(1)[: len(index)]
                right[name] += (out.argmax(1) == labels[index]).sum().item()
    print("memory-less", right["memory-less"] / len(labels))
    print(right["spiking"] / len(labels))


if __name__ == "__main__":
    main()
