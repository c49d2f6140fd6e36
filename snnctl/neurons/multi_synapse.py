"""MultiSynapse: several synapses a neuron, each with its own input and time constant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from snnctl.kernels.backend import Backend, Choice
from snnctl.kernels.pooling import Pooling
from snnctl.neurons.leaky import Decay
from snnctl.neurons.lif import LIF
from snnctl.neurons.neuron import Neuron
from snnctl.neurons.sequence import precision
from snnctl.neurons.synapse import Synapse
from snnctl.neurons.synapses import ExpSynapse


class MultiSynapseState(NamedTuple):
    """Between two steps: the states of the synapses (B, C, S, ...) and of the neurons (B, C, ...)."""

    synapses: Any
    neuron: Any


class MultiSynapseCoefficients(NamedTuple):
    """Of both at one dt."""

    synapses: NamedTuple
    neuron: NamedTuple


class MultiSynapse(Neuron):
    """Neurons behind S exponential synapses each, whose currents add up:

        i_k[t] = syn_decay_k i_k[t-1] + x_k[t]            syn_decay_k = exp(-dt / tau_syn_k), k = 1 ... S
        out[t] = neuron(i_1[t] + ... + i_S[t])

    It takes S channels a neuron, those of one neuron next to each other: (S C, ...) at each step become (C, ...).

    Args:
        neuron: partial or built neuron that the currents drive; None is a LIF. Another order of reset and input, its
            threshold and surrogate are its own.
        tau_syn: S time constants, s, > 0 and >= dt / 2, the same for every neuron; [5e-3, 20e-3] makes S = 2.
        synapse: order of decay and arrival, as in `CubaLIF`.
        decay: of the synapses: "exact", "euler" or "bitshift".
        learnable: ["tau_syn"] to train them.
        shape: one time step of the input without the batch, channels first; filled in by the network.
        backend: of the synapses, as of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option; channels that are no multiple of S.

    Source: W. Gerstner et al., "Neuronal Dynamics" (2014), doi:10.1017/CBO9781107447615, section 3.1; two synapses a
    neuron in hardware: H. Bos, D. Muir, "Sub-mW neuromorphic SNN audio processing applications with Rockpool and Xylo",
    arXiv:2208.12991.
    """

    State = MultiSynapseState

    def __init__(
        self,
        neuron: Callable[..., Neuron] | Neuron | None = None,
        *,
        tau_syn: Sequence[float] = (20e-3,),
        synapse: Synapse = "decay_then_add",
        decay: Decay = "exact",
        learnable: Sequence[str] | str = (),
        shape: Sequence[int] | None = None,
        backend: Backend = "auto",
    ):
        super().__init__(shape=shape, backend=backend)
        self.size = len(tau_syn) if isinstance(tau_syn, Sequence) and not isinstance(tau_syn, str) else 0
        if not self.size:
            raise self.wrong(f"tau_syn is {tau_syn!r}", "wanted         a list of time constants, s")
        inner = None
        if self.shape is not None:
            inner = self.shape_out = (self._neurons(self.shape[0]), *self.shape[1:])
        rest = () if self.shape is None else self.shape[1:]
        self.synapses = ExpSynapse(
            tau_syn=list(tau_syn), synapse=synapse, decay=decay, learnable=learnable, per="channel",
            shape=(self.size, *rest), backend=backend,
        )  # fmt: skip
        made = LIF if neuron is None else neuron
        self.neuron = made if isinstance(made, Neuron) else made(shape=inner)

    @property
    def spiking(self) -> bool:
        return self.neuron.spiking

    def coefficients(self, dt: float) -> MultiSynapseCoefficients:
        return MultiSynapseCoefficients(self.synapses.coefficients(dt), self.neuron.coefficients(dt))

    def initial_state(self, x0: Tensor) -> MultiSynapseState:
        apart = self._apart(x0, 1)
        return MultiSynapseState(self.synapses.initial_state(apart), self.neuron.initial_state(apart[:, :, 0]))

    def step(
        self, x: Tensor, state: MultiSynapseState, coefs: MultiSynapseCoefficients
    ) -> tuple[Tensor, MultiSynapseState]:
        currents, synapses = self.synapses.step(self._apart(x, 1), state.synapses, coefs.synapses)
        out, neuron = self.neuron.step(currents.sum(2), state.neuron, coefs.neuron)
        return out, MultiSynapseState(synapses, neuron)

    def forward(
        self,
        x: Tensor,
        state: MultiSynapseState | None = None,
        *,
        dt: float,
        overwrite: bool = False,
        pool: Pooling | None = None,
    ) -> tuple[Tensor, MultiSynapseState]:
        """As `Neuron.forward`: x (T, B, S C, ...) to out (T, B, C, ...); the synapses have a kernel of their own."""
        current, synapses = self._currents(x, state, dt)
        out, neuron = self.neuron(current, state and state.neuron, dt=dt, overwrite=True, pool=pool)
        return out.to(x.dtype if x.is_floating_point() else out.dtype), MultiSynapseState(synapses, neuron)

    def trace(
        self, x: Tensor, state: MultiSynapseState | None = None, *, dt: float
    ) -> tuple[Tensor, MultiSynapseState, dict[str, Tensor]]:
        """As `Neuron.trace`: the fields of the neuron's state, and i_k as `currents` (T, B, C, S, ...)."""
        kept: dict[str, Tensor] = {}
        current, synapses = self._currents(x, state, dt, kept)
        out, neuron, fields = self.neuron.trace(current, state and state.neuron, dt=dt)
        return out.to(x.dtype), MultiSynapseState(synapses, neuron), {**fields, **kept}

    def runs_on(self, x0: Tensor, dt: float, device: str | None = None) -> Choice:
        """As `Neuron.runs_on`, of the neuron behind the synapses."""
        return self.neuron.runs_on(self._apart(x0, 1)[:, :, 0], dt, device)

    def extra_repr(self) -> str:
        return f"synapses_per_neuron={self.size}"

    def _currents(self, x: Tensor, state: MultiSynapseState | None, dt: float, kept: dict | None = None):
        self._check(x)
        apart = self._apart(x.to(precision(x)), 2)
        before = None if state is None else type(state.synapses)(*(f.flatten(0, 1) for f in state.synapses))
        out, after = self.synapses(apart.flatten(1, 2), before, dt=dt)  # neurons fold into the batch
        currents = out.unflatten(1, apart.shape[1:3])
        if kept is not None:
            kept["currents"] = currents
        return currents.sum(3), type(after)(*(f.unflatten(0, apart.shape[1:3]) for f in after))

    def _apart(self, x: Tensor, axis: int) -> Tensor:
        return x.unflatten(axis, (self._neurons(x.shape[axis]), self.size))

    def _neurons(self, channels: int) -> int:
        if channels % self.size:
            raise self.wrong(
                f"{channels} channels for {self.size} synapses a neuron", f"wanted         a multiple of {self.size}"
            )
        return channels // self.size
