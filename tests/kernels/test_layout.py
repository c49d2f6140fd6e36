"""Where values lie: whatever the strides of an input, a kernel finds each value at its own place."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from snnctl.kernels.layout import Layout, Strides, layout_of
from tests.kernels.sequences import SHAPES, WAYS, memory, sequences


def seen(layout: Layout, a: Tensor, strides: Strides) -> Tensor:
    """What a kernel reads: (T, R, M)."""
    return a.as_strided((layout.steps, layout.rows, layout.width), tuple(strides), a.storage_offset())


@settings(max_examples=300, deadline=None)
@given(sequence=sequences(), how=st.sampled_from(WAYS))
def test_a_kernel_reads_the_same_values_from_any_tensor_of_the_shape(sequence, how):
    layout = layout_of(sequence.x)
    numbered = torch.arange(sequence.x.numel(), dtype=torch.float32).view(sequence.x.shape)
    other = memory(numbered, how)  # a gradient lies as it likes
    own = layout.empty().copy_(other)
    assert own.shape == sequence.x.shape and torch.equal(own, other)
    readable, strides = layout.readable(other)
    assert torch.equal(seen(layout, readable, strides), seen(layout, own, layout.strides))
    if layout.strides_of(other) is not None:
        assert readable is other, "copied without need"


@settings(max_examples=200, deadline=None)
@given(sequence=sequences())
def test_an_array_of_its_own_lies_as_the_input_and_takes_no_more_room(sequence):
    layout, own = layout_of(sequence.x), layout_of(sequence.x).empty()
    assert (own.untyped_storage().nbytes(), own.storage_offset()) == (4 * own.numel(), 0)
    assert layout.strides_of(own) in (layout.strides, Strides(0, 0, 0))
    assert layout_of(own) == layout or own.numel() <= max(own.shape, default=1) or 1 in own.shape
    seen(layout, own, layout.strides).copy_(torch.arange(own.numel()).view(layout.steps, layout.rows, layout.width))
    assert sorted(own.flatten().tolist()) == list(range(own.numel())), "two neurons in one place"


@settings(max_examples=200, deadline=None)
@given(sequence=sequences(), data=st.data())
def test_states_go_there_and_back(sequence, data):
    layout, size = layout_of(sequence.x), tuple(sequence.x.shape[1:])
    full = torch.arange(sequence.x[0].numel(), dtype=torch.float32).view(size)
    shared = tuple(data.draw(st.sampled_from([1, n])) for n in size)
    state = full[tuple(slice(0, n) for n in shared)]
    flat = layout.state(state)
    assert flat.shape == (full.numel(),) and flat.is_contiguous() and flat.dtype == torch.float32
    after = layout.empty_state()
    after.as_strided(flat.shape, (1,)).copy_(flat)
    assert torch.equal(after, state.expand(size)), "a kernel's state comes back in another order"
    rows = seen(layout, layout.empty().copy_(state.expand(sequence.x.shape)), layout.strides)[0]
    assert torch.equal(rows.reshape(-1), flat), "a state and the values of a step lie in different orders"


@settings(max_examples=300, deadline=None)
@given(sequence=sequences(), data=st.data())
def test_a_coefficient_reaches_the_neurons_that_it_belongs_to(sequence, data):
    layout, size = layout_of(sequence.x), tuple(sequence.x.shape[1:])
    shared = tuple(data.draw(st.sampled_from([1, n])) for n in size)
    shared = shared[data.draw(st.integers(0, len(shared))) :]
    c = torch.rand(shared)
    values, inner = layout.vector(c)
    n = torch.arange(sequence.x[0].numel())
    assert torch.equal(values[(n // inner) % values.numel()], layout.state(c.expand(size).contiguous()))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_batch_major_input_is_read_in_place(shape):
    x = torch.rand(5, 7, *shape).transpose(0, 1)  # (7, 5, ...), all steps of a sample together
    layout = layout_of(x)
    assert layout.batch_major and (layout.rows, layout.width) == (5, layout.neurons)
    assert layout.readable(x)[0] is x


def test_channels_last_is_read_in_place_and_its_channels_are_not_spread():
    x = torch.rand(4, 2, 6, 5, 3).permute(0, 1, 4, 2, 3)
    layout = layout_of(x)
    assert layout.order == (1, 2, 0) and layout.readable(x)[0] is x and not layout.batch_major
    values, inner = layout.vector(torch.rand(3, 1, 1))
    assert values.shape == (3,) and inner == 1
    values, inner = layout_of(torch.rand(4, 2, 3, 6, 5)).vector(torch.rand(3, 1, 1))
    assert values.shape == (3,) and inner == 30
    assert layout_of(x).vector(torch.rand(()))[0].shape == (1,)


def test_a_constant_of_no_memory_is_read_as_one_value():
    layout = layout_of(torch.rand(4, 2, 3))
    assert layout.strides_of(torch.zeros(()).expand(4, 2, 3)) == Strides(0, 0, 0)
    assert layout.strides_of(torch.rand(2, 3).expand(4, 2, 3)) == Strides(0, 0, 1)
    assert layout.strides_of(torch.rand(4, 1, 3).expand(4, 2, 3)) is None
