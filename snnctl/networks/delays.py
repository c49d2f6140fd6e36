"""Delays of axons and synapses, in seconds, fixed or learned."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snnctl.metrics.synapses import linear
from snnctl.neurons.quantity import Kind, Per, Value, one_of, plain, spread
from snnctl.neurons.temporal import Temporal

Window = Literal["linear", "gaussian"]
DELAY = Kind("s")


class DelayState(NamedTuple):
    """Between two steps."""

    past: Tensor  # the last inputs (K, B, ...), oldest first


class _Delayed(Temporal):
    """What delays share: the longest of them in steps, and the inputs that are kept."""

    spiking = False
    State = DelayState

    def _longest(self, longest: float, dt: float) -> int:
        """Steps of the longest delay."""
        if not 0 < dt < math.inf:
            raise self.wrong(f"dt is {dt!r} s", "range          finite, above 0, s")
        return math.ceil(longest / dt - 1e-6)

    def _joined(self, x: Tensor, state: DelayState | None, steps: int) -> tuple[Tensor, DelayState]:
        """The inputs of `steps` steps before x, then x; and what is to be kept of them."""
        past = x.new_zeros(steps, *x.shape[1:]) if state is None else state.past.to(x.dtype)
        if past.shape != (steps, *x.shape[1:]):
            raise self.wrong(
                f"state of shape {tuple(past.shape)} given with an input of {tuple(x.shape)}",
                "wanted         the state of the same samples, or None to start at rest",
            )
        both = torch.cat([past, x])
        return both, DelayState(both[len(both) - steps :])

    def _kept(self, delay: Tensor) -> Tensor:
        """Delays between 0 and the longest; one that was learned out of this range keeps its gradient, and returns."""
        return delay + (delay.clamp(0, self.longest) - delay).detach()

    def _checked(self, name: str, value: Value, highest: float) -> float | Tensor:
        """Delays between 0 and the longest, s."""
        found = plain(type(self).__name__, name, value, DELAY)
        low, high = (found, found) if isinstance(found, float) else (found.min().item(), found.max().item())
        if low < 0 or high > highest:
            raise self.wrong(f"{name} is {low if low < 0 else high:g} s", f"range          0 to {highest:g} s")
        return found


class Delay(_Delayed):
    """A delay of every axon: y[t] = x[t - d], d in whole steps; between two steps a mixture of both,

        y[t] = (1 - f) x[t - k] + f x[t - k - 1],    k = floor(d / dt), f = d / dt - k

    so that d has a gradient. Before the first input there is silence.

    Args:
        delay: d, s, 0 and above; one number, or one a channel or neuron.
        learnable: train d; it stays between 0 and `longest`.
        longest: largest d while it is learned, s; None: twice the largest of `delay`.
        whole: round d to whole steps: spikes stay spikes. None: where d is not learned.
        per: one d for the layer, one a channel or one a neuron.
        shape: of a step; the network fills it in.

    Raises:
        UserError: a delay is out of range.

    Source: fixed: M. Davies et al., "Loihi", IEEE Micro 38 (2018), doi:10.1109/MM.2018.112130359; learned: S. B.
    Shrestha, G. Orchard, "SLAYER", NeurIPS 2018, arXiv:1810.08646.
    """

    why = "reads inputs of earlier steps: a product of torch"

    def __init__(
        self,
        delay: Value = 1e-3,
        learnable: bool = False,
        longest: float | None = None,
        whole: bool | None = None,
        per: Per = "layer",
        shape: tuple[int, ...] | None = None,
    ):
        super().__init__()
        self.per = one_of("Delay", "per", per, Per)
        value = self._checked("delay", delay, math.inf if longest is None else longest)
        highest = value if isinstance(value, float) else value.max().item()
        self.longest = float(longest) if longest is not None else (2 if learnable else 1) * highest
        if learnable and not self.longest > 0:
            raise self.wrong("a delay of 0 s cannot be learned", "give           longest, s, above 0")
        self.whole = not learnable if whole is None else bool(whole)
        self.learnable = learnable
        value = spread("Delay", "delay", value, self.per, None if shape is None else tuple(shape))
        stored = torch.empty(value.shape).copy_(value)
        if learnable:
            self.delay = nn.Parameter(stored)
        else:
            self.register_buffer("delay", stored)

    def run(self, x: Tensor, state: DelayState | None, dt: float) -> tuple[Tensor, DelayState, dict[str, Tensor]]:
        plainly = self.whole and not self.learnable
        steps = self._longest(self.longest, dt) + (0 if plainly else 1)  # one more: d = longest learns too
        both, after = self._joined(x, state, steps)
        delay = self._kept(self.delay) / dt
        if self.whole:
            delay = delay.round() + (delay - delay.detach() if self.learnable else 0)
        k = (delay.detach() + 1e-4).floor()  # float32 of 3e-3 / 1e-3 is below 3
        if plainly:
            if self.per == "layer" and not k.is_meta:
                first = steps - int(k)
                return both[first : first + len(x)], after, {}
            return self._read(both, k, steps, x), after, {}
        f = delay - k
        return (1 - f) * self._read(both, k, steps, x) + f * self._read(both, k + 1, steps, x), after, {}

    def _read(self, both: Tensor, k: Tensor, steps: int, x: Tensor) -> Tensor:
        """both[t - k] of every neuron, as many steps as x has."""
        t = torch.arange(len(x), device=x.device).view(-1, *[1] * (x.dim() - 1))
        index = (t + steps - k.long()).expand(len(x), *x.shape[1:])
        return both.gather(0, index)

    def extra_repr(self) -> str:
        return f"per {self.per}, longest={self.longest:g} s, learnable={self.learnable}, whole={self.whole}"


class DelayedLinear(_Delayed):
    """A linear layer with a delay of every synapse:

        y_i[t] = sum_j W_ij sum_k c(k - d_ij / dt) x_j[t - k] + b_i,    k = 0 ... K

    where c, of sum 1 over k, says how a delay between two steps is shared among steps: "linear", max(0, 1 - |u|), or
    "gaussian", exp(-u^2 / (2 sigma^2)), which lets a delay learn from inputs further away. In evaluation delays are
    rounded to whole steps, as hardware has them.

    Args:
        in_features: inputs j; the network fills it in.
        out_features: neurons i behind it.
        longest: largest delay, s, above 0; K = longest / dt.
        delay: d at first, s: a number, or None: drawn uniformly from 0 to longest.
        learnable: train d; it stays between 0 and `longest`.
        window: c, "linear" or "gaussian".
        sigma: width of the gaussian in training, steps, above 0; the authors begin with K / 2 and end with 0.5.
        bias: learn b.

    Attributes:
        weight: W (out, in). delay: d (out, in), s. sigma: may be set while it is trained.

    Raises:
        UserError: a value is out of range.

    Source: I. Hammouamri, I. Khalfaoui-Hassani, T. Masquelier, "Learning delays in spiking neural networks using
    dilated convolutions with learnable spacings", ICLR 2024, arXiv:2306.17670.
    """

    why = "a convolution over time: one product of torch"

    def __init__(
        self,
        in_features: int,
        out_features: int,
        longest: float = 25e-3,
        delay: float | None = None,
        learnable: bool = True,
        window: Window = "gaussian",
        sigma: float = 1.0,
        bias: bool = True,
    ):
        super().__init__((out_features,))
        self.window = one_of("DelayedLinear", "window", window, Window)
        for name, value in (("longest", longest), ("sigma", sigma)):
            if not 0 < value < math.inf:
                raise self.wrong(f"{name} is {value!r}", "range          finite, above 0")
        self.longest, self.sigma, self.learnable = float(longest), float(sigma), learnable
        start = None if delay is None else self._checked("delay", delay, self.longest)
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        drawn = torch.rand(out_features, in_features) * self.longest
        drawn = drawn if start is None else torch.full_like(drawn, start)
        if learnable:
            self.delay = nn.Parameter(drawn)
        else:
            self.register_buffer("delay", drawn)

    def run(self, x: Tensor, state: DelayState | None, dt: float) -> tuple[Tensor, DelayState, dict[str, Tensor]]:
        steps = self._longest(self.longest, dt)
        both, after = self._joined(x, state, steps)
        kernel = (self.weight[..., None] * self.shares(dt)).flip(2)  # a convolution of torch runs backwards in time
        y = F.conv1d(both.permute(1, 2, 0), kernel, self.bias)
        return y.permute(2, 0, 1), after, {}

    def plain(self) -> nn.Linear:
        """The layer of torch that it is without delays; its operations are counted by it."""
        return linear(self.weight, self.bias)

    def shares(self, dt: float) -> Tensor:
        """c (out, in, K + 1): the part of each synapse that comes k steps late."""
        delay = self._kept(self.delay) / dt
        if not self.training:
            delay = delay.round()
        steps = torch.arange(self._longest(self.longest, dt) + 1, device=delay.device, dtype=delay.dtype)
        u = steps - delay[..., None]
        if self.window == "gaussian" and self.training:
            c = torch.softmax(-u.square() / (2 * self.sigma**2), 2)
        else:
            c = (1 - u.abs()).clamp(min=0)
        return c

    def extra_repr(self) -> str:
        size = f"{self.weight.shape[1]} to {self.weight.shape[0]}"
        return f"{size}, longest={self.longest:g} s, learnable={self.learnable}, window={self.window}"
