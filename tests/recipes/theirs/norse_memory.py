"""Norse's task memory on the test part of recipes/store_recall.yaml; prints the test accuracy.

    .venv-oracles/bin/python tests/recipes/theirs/norse_memory.py --seed 1 --root FOLDER

The example: norse.task.memory of Norse 1.1.0, https://github.com/norse/norse (Pehle, Pedersen 2021,
doi:10.5281/zenodo.4422025). Kept: its network of 10 LIF and 10 LSNN neurons with a leaky integrator behind them, its
parameters, surrogate, loss, regularisation of rates, Adam at 1e-2, 512 samples of its own data set drawn anew each
epoch, batches of 128, steps of 1 ms. What differs: 44 of its 300 epochs, 176 updates, where the recipe makes 174; it
is tested on the recipe's 1,000 samples, of one trial each, and not on 256 of its own, of two; a spike train of them is
binned at 1 ms, one spike a bin at most, as its own are. PyTorch Lightning 1 is left out: the loop is written here.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from norse.dataset.memory import MemoryStoreRecallDataset
from norse.torch.functional.leaky_integrator import LIParameters
from norse.torch.functional.lif import LIFParameters
from norse.torch.functional.lsnn import LSNNParameters
from norse.torch.module.leaky_integrator import LILinearCell
from norse.torch.module.lif import LIFRecurrentCell
from norse.torch.module.lsnn import LSNNRecurrentCell
from torch import Tensor, nn

from snnctl.datasets.store_recall import StoreRecall

SAMPLES, BATCH, PERIODS, STEPS, DT, POPULATION = 512, 128, 12, 200, 1e-3, 5


class Memory(nn.Module):
    """20 inputs, 10 LIF beside 10 LSNN neurons, each recurrent among themselves, 2 leaky integrators."""

    def __init__(self):
        super().__init__()
        inputs, threshold = 4 * POPULATION, torch.as_tensor(0.5)
        adapting = LSNNParameters(
            method="super",
            v_th=threshold,
            tau_adapt_inv=1 / torch.as_tensor(2000 * DT).exp(),
            beta=torch.as_tensor(1.8),
        )
        self.lsnn = LSNNRecurrentCell(inputs, inputs // 2, adapting, dt=DT)
        self.lif = LIFRecurrentCell(inputs, inputs // 2, LIFParameters(method="super", v_th=threshold), dt=DT)
        self.readout = LILinearCell(inputs, 2, p=LIParameters())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, 20) -> the readout's softmax in each period (B, L, 2), spikes (T, B, 20)."""
        lif = lsnn = membrane = None
        spikes, readouts = [], []
        for step in x.unbind(1):
            a, lif = self.lif(step, lif)
            b, lsnn = self.lsnn(step, lsnn)
            spikes.append(torch.cat((a, b), -1))
            v, membrane = self.readout(spikes[-1], membrane)
            readouts.append(v)
        periods = torch.stack(readouts).unflatten(0, (-1, STEPS))
        return periods.mean(1).softmax(2).transpose(0, 1), torch.stack(spikes)


def trials(part: str, source: StoreRecall) -> tuple[Tensor, Tensor, Tensor]:
    """Spikes (N, T, 20) of zeros and ones, the period of the answer (N,), the answer (N,)."""
    answers = torch.from_numpy(source.parts()[part])
    x = torch.zeros(len(answers), PERIODS * STEPS, 4 * POPULATION, dtype=torch.bool)
    due = torch.zeros(len(answers), dtype=torch.int64)
    for i in range(len(answers)):
        recording = source.read(part, i)
        x[i, recording.events["t"] // 1000, recording.events["x"].astype(np.int64)] = True
        due[i] = recording.stop // (1000 * STEPS) - 1
    return x, due, answers


def train(network: Memory, epochs: int) -> None:
    """Adam on the difference between what is recalled and what was stored."""
    data = MemoryStoreRecallDataset(SAMPLES, STEPS, PERIODS, 1, POPULATION, poisson_rate=100, dt=DT)
    loader = torch.utils.data.DataLoader(data, batch_size=BATCH)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=100, gamma=0.3)
    for epoch in range(epochs):
        right = []
        for x, label in loader:
            answers, spikes = network(x)
            asked = label.sum(2) > 0
            wanted, given = label[asked].float(), answers[asked]
            loss = nn.functional.binary_cross_entropy_with_logits(given, wanted)
            loss = loss + (1e-2 * (spikes.mean((0, 1)) - 10 / STEPS).square()).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            right.append((given.argmax(1) == wanted.argmax(1)).float().mean().item())
        scheduler.step()
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}, acc {np.mean(right):.3f}", flush=True)


@torch.no_grad()
def accuracy(network: Memory) -> float:
    x, due, answers = trials("test", StoreRecall())
    right = 0
    for chosen in torch.arange(len(x)).split(BATCH):
        given = network(x[chosen].float())[0][torch.arange(len(chosen)), due[chosen]]
        right += int((given.argmax(1) == answers[chosen]).sum())
    return right / len(x)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--root", help="unused: the data are generated")
    parser.add_argument("--epochs", type=int, default=44, help="theirs: 300")
    asked = parser.parse_args()
    torch.manual_seed(asked.seed)
    network = Memory()
    train(network, asked.epochs)
    print(accuracy(network))
