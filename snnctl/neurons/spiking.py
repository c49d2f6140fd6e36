"""How a neuron fires, resets and rests: the conventions of every spiking neuron, written once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from snnctl.neurons.neuron import Neuron
from snnctl.neurons.quantity import POTENTIAL, Kind, Value, one_of
from snnctl.neurons.sequence import zeros
from snnctl.surrogates import ATan, Surrogate

Fire = Literal["ge", "gt"]
Reset = Literal["subtract", "zero", "value", "none"]
DEFAULT_SURROGATE = ATan()


class SpikingNeuron(Neuron):
    """Fires where the membrane reaches threshold, then resets:

        s[t] = 1 if v[t] >= threshold else 0            (the surrogate gives its gradient)
        v[t] = v[t] - s[t] threshold                    (subtract)
        v[t] = (1 - s[t]) v[t]                          (zero)
        v[t] = (1 - s[t]) v[t] + s[t] v_reset           (value)

    Args:
        values: name -> (value, Kind) of the subclass's own parameters.
        threshold: unit of v, above the potential that v starts at; above 0 where it is subtracted or counted.
        v_reset: potential after a spike, unit of v, below threshold; only for reset "value".
        fire: "ge" fires at v >= threshold, "gt" at v > threshold.
        reset: "subtract", "zero", "value" or "none".
        reset_delay: the reset acts one step later: on the leaked membrane, before that step's input is added. The state
            then holds v before its reset.
        detach_reset: no gradient flows from the reset into the spike.
        max_spikes: most spikes in one step; None for no limit. Above 1, s counts the multiples of threshold that v
            reaches; the surrogate acts on the multiple nearest to v (at 1 this is the ordinary surrogate).
        refractory: s after a spike in which the neuron drops its input and cannot fire, while its membrane goes on
            leaking; rounded to steps. 0 for none.
        surrogate: the gradient of a spike.
        conventions: of the bases.

    Raises:
        UserError: a value out of range or an unknown option.
    """

    spiking = True

    def __init__(
        self,
        values: Mapping[str, tuple[Value, Kind]] | None = None,
        /,
        *,
        threshold: Value = 1.0,
        v_reset: Value = 0.0,
        fire: Fire = "ge",
        reset: Reset = "subtract",
        reset_delay: bool = False,
        detach_reset: bool = False,
        max_spikes: int | None = 1,
        refractory: float = 0.0,
        surrogate: Surrogate = DEFAULT_SURROGATE,
        **conventions,
    ):
        own = {"threshold": (threshold, POTENTIAL), "v_reset": (v_reset, POTENTIAL)}
        super().__init__({**(values or {}), **own}, **conventions)
        owner = type(self).__name__
        self.fire = one_of(owner, "fire", fire, Fire)
        self.reset = one_of(owner, "reset", reset, Reset)
        self.reset_delay = one_of(owner, "reset_delay", reset_delay, Literal[True, False])
        self.detach_reset = one_of(owner, "detach_reset", detach_reset, Literal[True, False])
        if max_spikes is not None and (type(max_spikes) is not int or max_spikes < 1):
            raise self.wrong(f"max_spikes is {max_spikes!r}", "range          1 and above (spikes a step), or null")
        self.max_spikes = max_spikes
        if type(refractory) not in (int, float) or not 0 <= refractory < math.inf:
            raise self.wrong(f"refractory is {refractory!r}", "range          0 and above, s")
        self.refractory = float(refractory)
        if not isinstance(surrogate, Surrogate):
            raise self.wrong(f"surrogate is {surrogate!r}", "wanted         an object, such as ATan(alpha=2)")
        self.surrogate = surrogate
        self._check_potentials()

    def firing(self, dt: float) -> dict[str, float | Tensor | None]:
        """The coefficients threshold, v_reset (None unless reset to a value) and refractory (steps; None for none)."""
        self.check_step(dt)
        steps = round(self.refractory / dt)
        if self.refractory and not steps:
            raise self.wrong(
                f"refractory is {self.refractory:g} s, less than half a step of dt = {dt:g} s",
                f"range          0 (none), or {dt:g} s and above",
            )
        return {
            "threshold": self.threshold,
            "v_reset": self.v_reset if self.reset == "value" else None,
            "refractory": float(steps) if steps else None,
        }

    def rested(self, x0: Tensor) -> dict[str, Tensor | None]:
        """The state fields due and refractory before the first step, in x0's shape; None where no option needs them."""
        delayed = self.reset_delay and self.reset != "none"
        return {
            "due": zeros(x0) if delayed else None,
            "refractory": zeros(x0) if self.refractory else None,
        }

    def receive(self, v: Tensor, x: Tensor, state, coefs) -> Tensor:
        """The leaked membrane v after the reset that is due from the last step and the input x, both (B, ...)."""
        if state.due is not None:
            v = self._after_reset(v, state.due, coefs)
        if state.refractory is not None:
            x = x * (state.refractory <= 0)
        return v + x

    def spike(self, v: Tensor, threshold: float | Tensor, state, coefs) -> tuple[Tensor | None, ...]:
        """Spikes of the membrane v (B, ...), then v, due and refractory of the next state."""
        s = self._count(v, threshold)
        refractory = state.refractory
        if refractory is not None:
            s = s * (refractory <= 0)
            refractory = torch.where(s > 0, coefs.refractory, (refractory - 1).clamp(min=0).detach())
        if self.reset == "none":
            return s, v, None, refractory
        due = s.detach() if self.detach_reset else s
        if self.reset == "subtract":
            due = due * threshold
        elif self.max_spikes != 1:
            due = due.clamp(max=1)
        if self.reset_delay:
            return s, v, due, refractory
        return s, self._after_reset(v, due, coefs), None, refractory

    def _count(self, v: Tensor, threshold: float | Tensor) -> Tensor:
        strict = self.fire == "gt"
        if self.max_spikes == 1:
            return self.surrogate(v - threshold, strict)
        nearest = (v / threshold + 0.5).floor().clamp(1, self.max_spikes).detach()
        return self.surrogate(v - nearest * threshold, strict) + (nearest - 1)

    def _after_reset(self, v: Tensor, due: Tensor, coefs) -> Tensor:
        if self.reset == "subtract":
            return v - due
        kept = v * (1 - due)
        return kept if coefs.v_reset is None else kept + due * coefs.v_reset

    def _check_potentials(self) -> None:
        low, high = self.lowest, self.highest
        if self.reset != "value" and (low["v_reset"] or high["v_reset"] or "v_reset" in self.learnable):
            raise self.wrong(f"v_reset has no effect with reset: {self.reset}", "set            reset: value")
        floors = [("v_reset", high["v_reset"])] if self.reset == "value" else []
        floors += [("v_rest", high["v_rest"])] if high.get("v_rest") else []
        if not floors or self.reset == "subtract" or self.max_spikes != 1:
            floors.append(("0", 0.0))
        for name, floor in floors:
            if low["threshold"] <= floor:
                limit = name if name == "0" else f"{name} = {floor:g}"
                raise self.wrong(f"threshold is {low['threshold']:g} (unit of v)", f"range          above {limit}")
