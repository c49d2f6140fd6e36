"""CoupledLIF: compartments with spikes, joined by conductances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from snnctl.neurons.cuba_lif import CubaLIF, CubaLIFState
from snnctl.neurons.leaky import gained, leaked
from snnctl.neurons.quantity import one_of
from snnctl.neurons.stepwise import Stepwise
from snnctl.neurons.synapse import arrived

Couples = Literal["after", "before", "along"]


class CoupledLIFCoefficients(NamedTuple):
    """Derived from the parameters at one dt; None where no option needs it."""

    decay: float | Tensor
    gain: float | Tensor | None  # None is 1
    v_rest: float | Tensor | None  # None is 0
    threshold: float | Tensor
    v_reset: float | Tensor | None
    refractory: float | None  # steps
    syn_decay: float | Tensor
    coupling: Tensor  # (N, N), of one step


class CoupledLIF(Stepwise, CubaLIF):
    """Multi-compartment LIF: a layer of current-based LIF neurons whose membranes are joined by a matrix,

        tau_mem dv/dt = v_rest - v + i + tau_mem G v,   tau_syn di/dt = -i,  i += x

    of which one step is that of `CubaLIF`, and

        v[t] = v[t] + dt G v[t]                (couples "after" the reset)
        v[t-1] = v[t-1] + dt G v[t-1]          ("before" all else)
        v[t] = leak and input + dt G v[t-1]    ("along" with them, before the spike)

    Row k of G (the parameter `conductance`) is what compartment k receives from each, in 1/s: for conductances g_kj
    the off-diagonal element is g_kj / C and the diagonal one minus their sum. It couples refractory compartments too. G
    is one product a step, so the layer runs step by step in torch.

    Args:
        coupling: G, N rows of N numbers, 1/s; None: normal of variance 1 / N, which is weak. Always learnable.
        couples: when in the step.
        shape: (N,), which the network fills in; not needed where coupling is given.
        conventions: those of `CubaLIF`; with couples "along" no reset_delay.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; coupling that is not N by N.

    Source: W. Rall, "Core conductor theory and cable properties of neurons" (1977), doi:10.1002/cphy.cp010103; as a
    layer of spiking compartments: Norse, norse.torch.functional.lif_mc.
    """

    why = "its compartments are coupled by a matrix: a product a step"

    def __init__(
        self,
        *,
        coupling: Sequence[Sequence[float]] | Tensor | None = None,
        couples: Couples = "after",
        shape: Sequence[int] | None = None,
        **conventions,
    ):
        super().__init__(shape=shape, **conventions)
        self.couples = one_of(type(self).__name__, "couples", couples, Couples)
        if couples == "along" and self.reset_delay:
            raise self.wrong("coupling along with the leak needs a reset at once", "set            reset_delay: false")
        self.conductance = nn.Parameter(self._matrix(coupling))

    def coefficients(self, dt: float) -> CoupledLIFCoefficients:
        return CoupledLIFCoefficients(*super().coefficients(dt), coupling=self.conductance * dt)

    def step(self, x: Tensor, state: CubaLIFState, coefs: CoupledLIFCoefficients) -> tuple[Tensor, CubaLIFState]:
        matrix = coefs.coupling.to(state.v.dtype).T
        if self.couples == "before":
            state = state._replace(v=state.v + state.v @ matrix)
        if self.couples == "along":
            return self._along(x, state, coefs, state.v @ matrix)
        s, state = super().step(x, state, coefs)
        return s, state._replace(v=state.v + state.v @ matrix) if self.couples == "after" else state

    def _along(
        self, x: Tensor, state: CubaLIFState, coefs: CoupledLIFCoefficients, coupled: Tensor
    ) -> tuple[Tensor, CubaLIFState]:
        current, i = arrived(x, state.i, coefs.syn_decay, self.synapse)
        v = self.receive(leaked(state.v, coefs), gained(current, coefs.gain), state, coefs)
        if state.refractory is not None and self.refractory_mode == "hold":
            v = torch.where(state.refractory > 0, state.v, v)
        v = v + coupled
        s, *after = self.spike(v, coefs.threshold, state._replace(v=v), coefs)
        return s, CubaLIFState(i, *after)

    def _matrix(self, coupling: Sequence[Sequence[float]] | Tensor | None) -> Tensor:
        """G as a tensor (N, N)."""
        size = None if self.shape is None else self.shape[0]
        if self.shape is not None and len(self.shape) != 1:
            raise self.wrong(f"the shape is {self.shape}", "wanted         (N,): put torch.nn.Flatten before it")
        if coupling is None:
            if size is None:
                raise self.wrong("no coupling and no shape", "give           coupling: N rows of N, or shape=(N,)")
            return torch.randn(size, size) / size**0.5
        try:
            rows = coupling if isinstance(coupling, Tensor) else [[float(g) for g in row] for row in coupling]
            matrix = torch.as_tensor(rows, dtype=torch.get_default_dtype()).detach().clone()
        except (TypeError, ValueError):
            raise self.wrong(f"coupling is {coupling!r}", "wanted         N rows of N numbers, 1/s") from None
        if matrix.dim() != 2 or not matrix.isfinite().all() or set(matrix.shape) != {size or len(matrix)}:
            problem = f"coupling of shape {tuple(matrix.shape)}" + (f" for {size} compartments" if size else "")
            raise self.wrong(problem, "wanted         N rows of N finite numbers, 1/s")
        return matrix
