"""Inputs that lie in memory in every way, and the neurons that kernels are tried on."""

from __future__ import annotations

from typing import NamedTuple

import torch
from hypothesis import strategies as st
from torch import Tensor

from snnctl.neurons import ALIF, IF, LI, LIF, CubaLIF, Neuron
from snnctl.surrogates import FastSigmoid, Sigmoid, SingleExponential, Triangle
from tests.kernels.conventions import SHAPE

EVERYTHING = {"reset_delay": True, "refractory": 2e-3, "max_spikes": None, "fire": "gt"}
FAST = {"tau_mem": 5e-3, "threshold": 0.7}
LEARNED = {"learnable": ["tau_mem", "threshold", "v_rest"], "threshold": 0.7}

# Every convention at least once; each is compiled twice, so there are no more than are needed.
NEURONS = [
    IF(threshold=0.7), IF(reset="value", v_reset=0.1, refractory=1e-3), LIF(**FAST),
    LIF(**FAST, reset="zero", fire="gt"), LIF(**FAST, reset="none"), LIF(**FAST, reset_delay=True),
    LIF(**FAST, detach_reset=True), LIF(**FAST, max_spikes=3),
    LIF(v_rest=-0.1, input_gain="1-decay", tau_mem=2e-3, threshold=0.2, **EVERYTHING), CubaLIF(**FAST),
    CubaLIF(synapse="add_then_decay", **EVERYTHING), ALIF(**FAST), ALIF(adapt_gain=1.0, beta=0.3, **EVERYTHING), LI(),
    LIF(**FAST, surrogate=FastSigmoid(5.0)), LIF(**FAST, surrogate=Triangle()),
]  # fmt: skip
# The exp of kernels differs from torch's in the last place.
ROUNDED = [LIF(**FAST, surrogate=Sigmoid()), LIF(**FAST, surrogate=SingleExponential())]
PARAMETERS = [
    LIF(**LEARNED), LIF(**LEARNED, per="channel", shape=SHAPE), LIF(**LEARNED, per="neuron", shape=SHAPE),
    CubaLIF(learnable=["tau_mem", "tau_syn"], per="neuron", shape=SHAPE, threshold=0.7),
    ALIF(learnable=["tau_adapt", "beta"], per="channel", shape=SHAPE, threshold=0.7),
    LI(learnable=["tau_mem", "v_rest"], per="neuron", shape=SHAPE),
]  # fmt: skip


class Sequence(NamedTuple):
    """An input (T, B, *shape), and how it lies in memory."""

    x: Tensor
    how: str

    def __repr__(self) -> str:  # short, for hypothesis
        return f"{self.how} {tuple(self.x.shape)} with strides {self.x.stride()}"


def memory(values: Tensor, how: str) -> Tensor:
    """A tensor of the same values (of fewer, where it is expanded) that lies otherwise."""
    if how == "batch-major":
        return values.transpose(0, 1).contiguous().transpose(0, 1)
    if how == "channels-last":
        return values.movedim(2, -1).contiguous().movedim(-1, 2) if values.dim() > 2 else values
    if how == "batch-major channels-last":
        return memory(values.transpose(0, 1), "channels-last").transpose(0, 1) if values.dim() > 2 else values
    if how == "expanded over time":
        return values[:1].expand(values.shape)
    if how == "expanded over batch":
        return values[:, :1].expand(values.shape)
    if how == "one value":
        return values.flatten()[0].expand(values.shape)
    if how == "every other step":
        return torch.stack([values, -values], 1).flatten(0, 1)[::2]
    if how == "part of the batch":
        return torch.cat([values + 1, values, values - 1], 1)[:, values.shape[1] : 2 * values.shape[1]]
    if how == "part of the neurons":
        return torch.cat([values, values + 1], -1)[..., : values.shape[-1]] if values.dim() > 2 else values
    if how == "later in memory":
        return torch.cat([values[:1] + 1, values])[1:]
    if how == "reversed":
        return values.permute(*reversed(range(values.dim()))).contiguous().permute(*reversed(range(values.dim())))
    return values


WAYS = ["contiguous", "batch-major", "channels-last", "batch-major channels-last", "expanded over time",
        "expanded over batch", "one value", "every other step", "part of the batch", "part of the neurons",
        "later in memory", "reversed"]  # fmt: skip
SHAPES = [(), (1,), (7,), (40,), (2, 3), (1, 3), (3, 1, 1), (3, 2, 4)]


def sequences(shape: tuple[int, ...] | None = None, steps: int = 12, batch: int = 4):
    """A strategy for inputs: T and B from 1, any shape or the one given, any way to lie in memory."""

    @st.composite
    def draw_one(draw) -> Sequence:
        size = shape if shape is not None else draw(st.sampled_from(SHAPES))
        t, b = draw(st.integers(1, steps)), draw(st.integers(1, batch))
        generator = torch.Generator().manual_seed(draw(st.integers(0, 9)))
        how = draw(st.sampled_from(WAYS))
        return Sequence(memory(torch.rand(t, b, *size, generator=generator) * 1.6 - 0.2, how), how)

    return draw_one()


def some_state(neuron: Neuron, x: Tensor):
    """A state in the middle of a sequence: what the neuron leaves after a few steps of another input."""
    with torch.no_grad():
        return neuron.trace(torch.rand(3, *x.shape[1:], generator=torch.Generator().manual_seed(5)), dt=1e-3)[1]
