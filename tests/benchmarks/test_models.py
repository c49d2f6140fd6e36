from __future__ import annotations

import pytest
import torch

from snnctl.benchmarks import floors, models
from snnctl.benchmarks.cases import CASES
from snnctl.benchmarks.workload import inputs


@pytest.mark.parametrize("name", CASES)
def test_forward_and_backward(tiny, name):
    run = models.run(tiny(name))
    out = run.forward()
    run.backward(out)
    gradients = [p.grad for p in run.module.parameters()]
    assert all(g is not None and g.isfinite().all() for g in gradients)
    assert torch.isfinite(out).all()


@pytest.mark.parametrize("name", CASES)
def test_the_backend_reaches_every_layer_and_changes_no_result(tiny, name):
    case = tiny(name)
    own, eager = models.build(case), models.build(case, "eager")
    layers = [m for m in eager.modules() if getattr(m, "temporal", False)]
    assert layers and all(layer.backend == "eager" for layer in layers)
    eager.load_state_dict(own.state_dict())
    x = inputs(case)
    torch.testing.assert_close(models.call(case, own)(x), models.call(case, eager)(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["onb512", "conv"])
def test_product_and_floor_have_the_same_weights(tiny, name):
    case = tiny(name)
    counts = [sum(p.numel() for p in run.module.parameters()) for run in (models.run(case), floors.run(case))]
    assert counts[0] == counts[1]


def test_events_are_taken_as_the_loader_lists_them(tiny, monkeypatch):
    case, seen = tiny("shd100"), []
    monkeypatch.setattr(models, "call", lambda case, module: lambda x: seen.append(x) or module(x)[0].sum(0))
    models.run(case).forward()
    assert torch.equal(seen[0].dense(), inputs(case))


@pytest.mark.parametrize("name", ["lif", "cuba", "alif", "rlif"])
def test_the_layers_fire(name):
    case = CASES[name]
    (rate,) = models.firing_rates(case, models.build(case)).values()
    assert 0.02 < rate < 0.3


def test_a_network_is_brought_to_a_rate(tiny):
    from dataclasses import replace

    case = replace(tiny("conv"), steps=20, batch=16, shape=(2, 16, 16), widths=(8, 8))
    rates = models.firing_rates(case, models.build(case))
    assert list(rates) == ["lif1", "lif2"]
    low, high = models.ACTIVE
    assert all(low <= rate <= high for rate in rates.values())
