from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from snnctl.benchmarks import floors
from snnctl.benchmarks.cases import CASES
from snnctl.benchmarks.workload import inputs


@pytest.mark.parametrize("name", CASES)
def test_forward_and_backward(tiny, name):
    run = floors.run(tiny(name))
    run.backward(run.forward())


@pytest.mark.parametrize("threads", [1, 2])
def test_all_bytes_are_moved(tiny, monkeypatch, threads):
    case = replace(tiny("lif"), shape=(7,), widths=(7,))
    made = []
    empty_like = np.empty_like
    monkeypatch.setattr(floors.np, "empty_like", lambda x: made.append(empty_like(x)) or made[-1])
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    run = floors.run(case)
    x = inputs(case).flatten().numpy()
    run.forward()
    v, s = made
    np.testing.assert_allclose(v, np.float32(0.9) * x)
    np.testing.assert_allclose(s, 1 + x)
    run.backward(None)
    np.testing.assert_allclose(s, x * v)


@pytest.mark.parametrize(
    ("name", "products"),
    [
        # multiplications, of which each counts as two operations
        ("onb512", lambda c: 2 * c.steps * c.batch * 12 * 8),
        ("rlif", lambda c: c.batch * 64 * (2 * (c.steps - 1) + c.steps)),
        ("shd100", lambda c: c.batch * (36 * (2 * (c.steps - 1) + c.steps) + 2 * c.steps * 20 * 6)),
    ],
)
def test_the_dense_products_are_those_of_the_case(tiny, name, products):
    case = tiny(name)
    run = floors.run(case)
    with FlopCounterMode(display=False) as count:
        run.backward(run.forward())
    assert count.get_total_flops() == 2 * products(case)
