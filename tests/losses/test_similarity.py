"""Similarity of spike trains: kernels and the loss, by hand."""

from __future__ import annotations

import math

import pytest
import torch

from snnctl.errors import UserError
from snnctl.losses import SpikeSimilarity
from snnctl.losses.similarity import kernel_products

X = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
LENGTH = torch.tensor([3, 3, 3])
# samples a and b fire alike, c does not
OUT = torch.tensor([[[1.0], [1.0], [0.0]], [[0.0], [0.0], [1.0]], [[1.0], [1.0], [0.0]]])


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        ("linear", [[1, 1], [1, 2]]),
        ("polynomial", [[1, 1], [1, 4]]),
        (
            "sigmoid",
            [[1 / (1 + math.exp(-2)), 1 / (1 + math.exp(-2))], [1 / (1 + math.exp(-2)), 1 / (1 + math.exp(-4))]],
        ),
        ("gaussian", [[1, math.exp(-1 / 8)], [math.exp(-1 / 8), 1]]),
    ],
)
def test_kernels(kernel, expected):
    torch.testing.assert_close(kernel_products(X, X, kernel, 2.0), torch.tensor(expected, dtype=torch.float32))


def test_unknown_kernels_are_refused():
    with pytest.raises(UserError, match="linear, polynomial, sigmoid, gaussian"):
        kernel_products(X, X, "cosine")


def test_alike_within_a_class_and_unlike_between_classes_costs_nothing():
    loss = SpikeSimilarity()
    assert loss(OUT.expand(3, 3, 2), torch.tensor([0, 0, 1]), LENGTH).item() == pytest.approx(0, abs=1e-12)
    # c should be like a: 4 of the 9 pairs are 1 apart
    assert loss(OUT.expand(3, 3, 2), torch.tensor([0, 0, 0]), LENGTH).item() == pytest.approx(4 / 9)
    assert SpikeSimilarity(distance="l1")(OUT.expand(3, 3, 2), torch.tensor([0, 1, 1]), LENGTH).item() == pytest.approx(
        4 / 9
    )


def test_smoothing_makes_near_spikes_alike():
    near = torch.zeros(10, 3, 1)
    near[2, 0], near[3, 1], near[8, 2] = 1, 1, 1
    alike = SpikeSimilarity(smoothing=2.0).likeness(near, torch.tensor([10, 10, 10]))
    assert alike[0, 1] > 0.5 > alike[0, 2] > 0
    trace = torch.tensor([math.exp(-t / 2) if t >= 0 else 0.0 for t in range(-2, 8)])
    later = torch.tensor([math.exp(-t / 2) if t >= 0 else 0.0 for t in range(-3, 7)])
    torch.testing.assert_close(alike[0, 1], trace @ later / (trace.norm() * later.norm()))


def test_a_silent_sample_gives_no_nan():
    out = torch.zeros(4, 2, 3, requires_grad=True)
    SpikeSimilarity()(out, torch.tensor([0, 0]), torch.tensor([4, 4])).backward()
    assert out.grad.isfinite().all()


def test_classes_besides():
    target = torch.tensor([0, 0, 1])
    out = OUT.expand(3, 3, 2)
    both = SpikeSimilarity(cross_entropy_weight=0.5)(out, target, LENGTH)
    alone = torch.nn.functional.cross_entropy(out.sum(0), target)
    torch.testing.assert_close(both, SpikeSimilarity()(out, target, LENGTH) + 0.5 * alone)
