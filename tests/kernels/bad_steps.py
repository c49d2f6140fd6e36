"""Neurons whose step is wrong: each says on which line, and what it is told."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.neurons import Neuron


class State(NamedTuple):
    v: Tensor
    w: Tensor | None = None


class Coefficients(NamedTuple):
    k: float | Tensor


class Plain(Neuron):
    """A leaky integrator in the fewest words; what subclasses get wrong is their step."""

    State = State

    def coefficients(self, dt):
        return Coefficients(0.5)

    def initial_state(self, x0):
        return State(torch.zeros_like(x0))

    def step(self, x, state, coefs):
        v = coefs.k * state.v + x
        return v, State(v)


class Branch(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v + x
        if v > 0:  # here
            v = v * 2
        return v, State(v)


class BranchAny(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v + x
        if (v > 0).any():  # here
            v = v * 2
        return v, State(v)


class Item(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v + x
        v = v * x.max().item()  # here
        return v, State(v)


class Number(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v + float(x)  # here
        return v, State(v)


class InPlace(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v
        v += x  # here
        return v, State(v)


class InPlaceState(Plain):
    def step(self, x, state, coefs):
        state.v.mul_(coefs.k)  # here
        return state.v + x, State(state.v + x)


class Masked(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v + x
        v[v > 1] = 0.0  # here
        return v, State(v)


class Noise(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v + x + torch.randn_like(x)  # here
        return v, State(v)


class Bernoulli(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v + torch.bernoulli(x.clamp(min=0.0))  # here
        return v, State(v)


class Mean(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v + x - x.mean()  # here
        return v, State(v)


class Roll(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v + x.roll(1, 0)  # here
        return v, State(v)


class Product(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v + x @ torch.ones(x.shape[-1], x.shape[-1])  # here
        return v, State(v)


CONSTANT = torch.tensor([2.0])


class ClosedOver(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v + x * CONSTANT  # here
        return v, State(v)


class OwnParameter(Plain):
    def __init__(self):
        super().__init__()
        self.gain = torch.nn.Parameter(torch.tensor(2.0))

    def step(self, x, state, coefs):
        v = coefs.k * state.v + x * self.gain  # here
        return v, State(v)


class Double(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v + x.double()  # here
        return v.float(), State(v.float())


class Whole(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v + x.int()  # here
        return v, State(v)


class Unknown(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v + torch.special.erfcx(x)  # here
        return v, State(v)


BAD = {
    Branch: "branches", BranchAny: "branches|any", Item: "branches|max", Number: "branches", InPlace: "in place",
    InPlaceState: "in place", Masked: "in place", Noise: "random", Bernoulli: "random", Mean: "mean", Roll: "roll",
    Product: "neither input|mixes", ClosedOver: "neither input", OwnParameter: "neither input", Double: "float64",
    Whole: "int32", Unknown: "erfcx",
}  # fmt: skip


class OneResult(Plain):
    def step(self, x, state, coefs):
        return coefs.k * state.v + x


class OtherState(Plain):
    def step(self, x, state, coefs):
        return x, (x, None)


class ScalarState(Plain):
    def step(self, x, state, coefs):
        return x, State(torch.zeros(()))


class Filled(Plain):
    def step(self, x, state, coefs):
        return x, State(x, x)


class Counter(Plain):
    def step(self, x, state, coefs):
        self.__dict__["steps"] = self.__dict__.get("steps", 0) + 1
        v = coefs.k * state.v + x * self.__dict__["steps"]
        return v, State(v)


WRONG = {
    OneResult: r"no \(out, State\)", OtherState: r"no \(out, State\)",
    ScalarState: r"v of 7 neurons has the shape \(\)", Filled: "fills the state field w", Counter: "second time",
}  # fmt: skip


class SizeTaken(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v + x / x.shape[0]
        return v, State(v)


class RankTaken(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v + (x if x.dim() == 1 else 2 * x)
        return v, State(v)


def with_state_named(name: str) -> type[Plain]:
    """A leaky integrator whose state has another name."""
    Named = NamedTuple("Named", [(name, Tensor)])

    class Kept(Plain):
        State = Named

        def initial_state(self, x0):
            return Named(torch.zeros_like(x0))

        def step(self, x, state, coefs):
            v = coefs.k * state[0] + x
            return v, Named(v)

    return Kept
