"""Lapicque: a leaky integrate-and-fire neuron given by its resistance and capacitance."""

from __future__ import annotations

from torch import Tensor

from snnctl.neurons.lif import LIF, LIFCoefficients, LIFState
from snnctl.neurons.node import Drive, Node
from snnctl.neurons.quantity import Kind, Value
from snnctl.neurons.sequence import zeros
from snnctl.neurons.spiking import SpikingNeuron

RESISTANCE = Kind("ohm", above=0.0, log=True)
CAPACITANCE = Kind("F", above=0.0, log=True)


class Lapicque(SpikingNeuron):
    """Lapicque's circuit, a capacitor that leaks through a resistor: C dv/dt = -v / R + x, of which one Euler step is

        v[t] = (1 - dt / (R C)) v[t-1] + dt / C x[t]
        s[t] = 1 if v[t] >= threshold
        v[t] = v[t] - s[t] threshold

    A LIF with tau_mem = R C, Euler steps and an input in ampere; v and threshold are in volt.

    Args:
        resistance: R of the membrane, ohm, > 0.
        capacitance: C of the membrane, F, > 0; R C at least dt / 2.
        conventions: threshold, v_reset, fire, reset, reset_delay, surrogate and the others of `SpikingNeuron`;
            learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; R C below dt / 2.

    Source: L. Lapicque, "Recherches quantitatives sur l'excitation électrique des nerfs traitée comme une
    polarisation", Journal de Physiologie et de Pathologie Générale 9 (1907); L. F. Abbott, Brain Research Bulletin 50
    (1999), doi:10.1016/S0361-9230(99)00161-6.
    """

    State = LIFState
    nodes = (Node("LIF", {"tau": "tau_mem", "v_threshold": "threshold", "v_reset": "v_reset"}, {"v_leak": 0.0}),)
    step = LIF.step
    decay, input_gain = "euler", "dt/tau"  # of the LIF that it is

    def __init__(self, *, resistance: Value = 5.0, capacitance: Value = 4e-3, **conventions):
        own = {"resistance": (resistance, RESISTANCE), "capacitance": (capacitance, CAPACITANCE)}
        super().__init__(own, **conventions)

    def coefficients(self, dt: float) -> LIFCoefficients:
        firing = self.firing(dt)
        tau = self.lowest["resistance"] * self.lowest["capacitance"]
        if tau < dt / 2:
            raise self.wrong(
                f"resistance * capacitance is {tau:g} s, less than half a step of dt = {dt:g} s",
                f"range          {dt / 2:g} s and above",
            )
        decay = 1 - dt / self.tau_mem
        return LIFCoefficients(decay=decay, gain=dt / self.capacitance, v_rest=None, **firing)

    @property
    def tau_mem(self) -> float | Tensor:
        """R C, the time constant, s."""
        return self.resistance * self.capacitance

    def drives(self, dt: float) -> dict[str, Drive]:
        return {"r": Drive(dt / self.capacitance, dt / self.tau_mem, dt / self.tau_mem)}

    def initial_state(self, x0: Tensor) -> LIFState:
        return LIFState(zeros(x0), **self.rested(x0))
