"""Time folded into the batch: the same numbers whatever the memory layout, and once where nothing changes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from snnctl.circuits.layers import SumPool2d
from snnctl.networks.folding import over_time


class Watched(nn.Linear):
    """Counts rows; not a class of torch, so it is never taken for constant."""

    def forward(self, x):
        self.rows = x.shape[0]
        self.shares = x.untyped_storage().data_ptr()
        return super().forward(x)


@pytest.mark.parametrize("layer", [nn.Linear(4, 5), nn.Conv2d(2, 3, 3), nn.Flatten(), SumPool2d(2)])
@pytest.mark.parametrize("order", ["time", "batch", "constant"])
def test_every_layout_gives_the_layer_applied_step_by_step(layer, order):
    shape = (4,) if isinstance(layer, nn.Linear) else (2, 6, 6)
    x = torch.rand(3, 2, *shape)
    if order == "batch":
        x = torch.rand(2, 3, *shape).transpose(0, 1)
    elif order == "constant":
        x = x[:1].expand(3, *x.shape[1:])
    expected = torch.stack([layer(step) for step in x])
    for time_major in (False, True):
        torch.testing.assert_close(over_time(layer, x, time_major), expected)


def test_neither_order_is_copied():
    layer = Watched(4, 4)
    time, batch = torch.rand(3, 2, 4), torch.rand(2, 3, 4)
    over_time(layer, time)
    assert layer.shares == time.untyped_storage().data_ptr()
    over_time(layer, batch.transpose(0, 1))
    assert layer.shares == batch.untyped_storage().data_ptr()


def test_a_constant_input_is_computed_once_and_stays_constant():
    x = torch.rand(1, 2, 4).expand(50, 2, 4)
    rows = []
    layer = nn.Linear(4, 3)
    layer.register_forward_hook(lambda module, args, out: rows.append(args[0].shape[0]))
    y = over_time(layer, x)
    assert rows == [2]
    assert y.shape == (50, 2, 3) and y.stride(0) == 0


def test_what_may_differ_between_steps_is_computed_at_every_step():
    x = torch.ones(1, 2, 40).expand(5, 2, 40)
    dropped = over_time(nn.Dropout(0.5).train(), x)
    assert not torch.equal(dropped[0], dropped[1])
    own = Watched(40, 2)
    over_time(own, x)
    assert own.rows == 10


def test_the_gradient_of_a_constant_input_counts_every_step():
    once, often = nn.Linear(4, 3), nn.Linear(4, 3)
    often.load_state_dict(once.state_dict())
    x = torch.rand(1, 2, 4).expand(5, 2, 4)
    weights = torch.rand(5, 2, 3)
    (over_time(once, x) * weights).sum().backward()
    (over_time(often, x, time_major=True) * weights).sum().backward()
    torch.testing.assert_close(once.weight.grad, often.weight.grad)
    torch.testing.assert_close(once.bias.grad, often.bias.grad)
