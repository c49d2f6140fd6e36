"""What an input leaves behind in a neuron that does not spike: a fading response, the same for all neurons."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.errors import UserError
from snnctl.kernels.fading import led_back
from snnctl.neurons.neuron import Neuron
from snnctl.regimes.online.stages import twin

POINTS = 64  # at which a step is looked at
TOLERANCE = 1e-9
Wrong = Callable[[str, str], UserError]  # problem, hint -> the error to raise


class Response:
    """Of an input to the outputs from then on, relative to the output of its own step, resets and refractory times
    left aside:

        h[t] = A h[t-1] + b x[t],   dout[t]/dx[t-k] = r[k] dout[t]/dx[t]
        r[0] = 1,   r[k] = q A^(k-1) b,   q = (dout/dh) / (dout/dx)

    LIF and LI: r[k] = decay^k. A, b and q are read from derivatives of the step at random states without a spike.

    Args:
        neuron: whose membrane is linear below threshold, with numbers that all its neurons share.
        dt: step width, s.
        wrong: problem, hint -> the error to raise.

    Raises:
        UserError: it is not so, or its input has no effect on the output of its own step.
    """

    def __init__(self, neuron: Neuron, dt: float, wrong: Wrong):
        name = type(neuron).__name__
        coefs = neuron.coefficients(dt)
        self._made: dict[tuple, Tensor] = {}
        if any(isinstance(c, Tensor) and c.numel() > 1 for c in coefs):
            raise wrong(f"{name} has decays of their own for each neuron", "choose   regime=ostl, or neuron.per=layer")
        if any(isinstance(c, Tensor) and c.is_meta for c in coefs):  # nothing to look at before there are numbers
            self.a, self.b, self.q = torch.zeros(1, 1), torch.zeros(1), torch.zeros(1)
            return
        coefs = type(coefs)(*(float(c) if isinstance(c, Tensor) else c for c in coefs))
        with torch.enable_grad(), torch.device("cpu"):
            self.q, self.b, self.a = _linear(twin(neuron, hold_reset=True), coefs, wrong)

    def powers(self, steps: int) -> Tensor:
        """q A^k of k = 0 to steps - 1, (steps, states)."""
        if ("powers", steps) not in self._made:
            self._made["powers", steps] = _chain(self.q, self.a, steps)
        return self._made["powers", steps]

    def led_back(self, delta: Tensor) -> Tensor:
        """sum over t >= s of r[t - s] delta[t], for each s: (K, ...), like delta."""
        if delta.device.type == "cpu" and delta.dtype in (torch.float32, torch.float64):
            return led_back(delta, self.q, self.a, self.b)
        return (self.matrix(len(delta), delta).t() @ delta.flatten(1)).view_as(delta)

    def matrix(self, steps: int, like: Tensor) -> Tensor:
        """R[t, s] = r[t - s] where t >= s, else 0: (steps, steps), in the dtype and device of `like`."""
        key = ("matrix", steps, like.dtype, like.device)
        if key not in self._made:
            r = torch.cat([torch.ones(1, dtype=self.q.dtype), self.powers(steps)[:-1] @ self.b])
            ages = torch.arange(steps)[:, None] - torch.arange(steps)
            self._made[key] = torch.where(ages >= 0, r[ages.clamp(min=0)], 0.0).to(like)
        return self._made[key]

    def left(self, before: Tensor | None, x: Tensor) -> Tensor:
        """h after inputs x (K, ...), from h before: (states, ...); None: at rest."""
        steps = len(x)
        if ("left", steps) not in self._made:
            self._made["left", steps] = _chain(self.b, self.a.t(), steps).flip(0).t()  # A^(steps - 1 - t) b
            self._made["over", steps] = torch.linalg.matrix_power(self.a, steps)
        made = self._made["left", steps].to(x) @ x.reshape(steps, -1)
        if before is not None:
            made = made + self._made["over", steps].to(x) @ before.reshape(len(before), -1)
        return made.view(len(self.b), *x.shape[1:])


def _chain(row: Tensor, a: Tensor, steps: int) -> Tensor:
    """row A^k of k = 0 to steps - 1, (steps, states)."""
    found = []
    for _ in range(steps):
        found.append(row)
        row = row @ a
    return torch.stack(found)


def _linear(neuron: Neuron, coefs: NamedTuple, wrong: Wrong) -> tuple[Tensor, Tensor, Tensor]:
    """q (states,), b (states,) and A (states, states)."""
    name = type(neuron).__name__
    out, ends, leaves = _probe(neuron, coefs)
    rows = [_derivatives(end, leaves) for end in (out, *ends)]
    quiet = (out.detach() == 0) if neuron.spiking else torch.ones(POINTS, dtype=torch.bool)
    instant = rows[0][0]
    seen = quiet & (instant.abs() > 1e-6 * instant.abs().max())
    if not seen.any():
        raise wrong(f"{name} hears its input a step late, or not at all", "choose   regime=ostl or eprop")
    q = torch.stack(rows[0][1:]) / instant  # (states, POINTS)
    b = torch.stack([row[0] for row in rows[1:]])
    a = torch.stack([torch.stack(row[1:]) for row in rows[1:]])
    return tuple(_same(value[..., seen], name, wrong) for value in (q, b, a))


def _probe(neuron: Neuron, coefs: NamedTuple) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """A step at random points in float64: out, the fields after it, and the leaves x and fields before it."""
    draw = torch.Generator().manual_seed(0)

    def leaf() -> Tensor:
        return (torch.rand(POINTS, generator=draw, dtype=torch.float64) - 0.5).requires_grad_()

    x = leaf()
    rest = neuron.initial_state(torch.zeros(POINTS, dtype=torch.float64))
    fields = {name: leaf() for name in rest._fields if getattr(rest, name) is not None}
    out, after = neuron.step(x, rest._replace(**fields), coefs)
    return out, [getattr(after, name) for name in fields], [x, *fields.values()]


def _derivatives(end: Tensor, leaves: list[Tensor]) -> list[Tensor]:
    if not end.requires_grad:
        return [torch.zeros(POINTS, dtype=torch.float64) for _ in leaves]
    found = torch.autograd.grad(end.sum(), leaves, retain_graph=True, allow_unused=True)
    return [torch.zeros(POINTS, dtype=torch.float64) if g is None else g for g in found]


def _same(values: Tensor, name: str, wrong: Wrong) -> Tensor:
    """The value at all points (..., n), if it is one."""
    first = values[..., 0]
    if ((values - first[..., None]).abs() > TOLERANCE * first.abs().max().clamp(min=1)).any():
        raise wrong(
            f"{name} is not linear below threshold, so that its traces cannot be kept at the inputs",
            "choose         neuron=lif, if, cuba_lif or li; or regime=ostl",
        )
    return first
