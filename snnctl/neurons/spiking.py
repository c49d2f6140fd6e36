"""How a neuron fires, resets and rests: the conventions of every spiking neuron, written once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from snnctl.neurons.leaky import checked_floor
from snnctl.neurons.neuron import Neuron
from snnctl.neurons.quantity import POTENTIAL, Kind, Value, one_of
from snnctl.neurons.sequence import zeros
from snnctl.surrogates import ATan, Surrogate

Fire = Literal["ge", "gt"]
Reset = Literal["subtract", "zero", "value", "none"]
ResetDelay = Literal[True, False, "with_input"]
Refractory = Literal["leak", "hold"]
Rounding = Literal["down", "nearest"]
SurrogateAt = Literal["nearest", "first"]
SurrogateIn = Literal["v", "threshold"]
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
        reset_delay: True: the reset acts one step later, on the leaked membrane before that step's input is added;
            "with_input": after it is added, so that reset "zero" discards the input too. The state then holds v before
            its reset.
        detach_reset: no gradient flows from the reset into the spike.
        max_spikes: most spikes in one step; None for no limit. Above 1, s counts the multiples of threshold that v
            reaches.
        rounding: of v / threshold where s counts: "down", or "nearest", which fires from threshold / 2 on.
        ternary: s[t] = -1 where -v[t] >= threshold; it subtracts -threshold, or resets as a spike does.
        v_min: v is raised to it after the reset, unit of v, at most what v starts at and resets to; None for no limit.
        refractory: s after a spike in which the neuron cannot fire; rounded to steps. 0 for none.
        refractory_mode: "leak": meanwhile it drops its input and its membrane goes on leaking; "hold": v stays as it
            is, and the surrogate passes gradient to the spike that began it (Norse).
        surrogate: the gradient of a spike.
        surrogate_at: where s counts, the surrogate acts on the multiple of threshold "nearest" to v, or on the "first"
            (at one spike this is the same).
        surrogate_in: the surrogate sees v - threshold, in the unit of "v", or v / threshold - 1, in units of
            "threshold", where its width grows with the threshold.
        conventions: of the bases.

    Raises:
        UserError: a value out of range or an unknown option.
    """

    spiking = True
    said = {
        "reset": ("value", "zero"),
        "reset_delay": (False,),
        "max_spikes": (1,),
        "rounding": ("down",),
        "ternary": (False,),
        "v_min": (None,),
        "refractory": (0.0,),
    }

    def __init__(
        self,
        values: Mapping[str, tuple[Value, Kind]] | None = None,
        /,
        *,
        threshold: Value = 1.0,
        v_reset: Value = 0.0,
        fire: Fire = "ge",
        reset: Reset = "subtract",
        reset_delay: ResetDelay = False,
        detach_reset: bool = False,
        max_spikes: int | None = 1,
        rounding: Rounding = "down",
        ternary: bool = False,
        v_min: float | None = None,
        refractory: float = 0.0,
        refractory_mode: Refractory = "leak",
        surrogate: Surrogate = DEFAULT_SURROGATE,
        surrogate_at: SurrogateAt = "nearest",
        surrogate_in: SurrogateIn = "v",
        **conventions,
    ):
        own = {"threshold": (threshold, POTENTIAL), "v_reset": (v_reset, POTENTIAL)}
        super().__init__({**(values or {}), **own}, **conventions)
        owner = type(self).__name__
        self.fire = one_of(owner, "fire", fire, Fire)
        self.reset = one_of(owner, "reset", reset, Reset)
        self.reset_delay = one_of(owner, "reset_delay", reset_delay, ResetDelay)
        self.detach_reset = one_of(owner, "detach_reset", detach_reset, Literal[True, False])
        if max_spikes is not None and (type(max_spikes) is not int or max_spikes < 1):
            raise self.wrong(f"max_spikes is {max_spikes!r}", "range          1 and above (spikes a step), or null")
        self.max_spikes = max_spikes
        self.rounding = one_of(owner, "rounding", rounding, Rounding)
        self.ternary = one_of(owner, "ternary", ternary, Literal[True, False])
        if type(refractory) not in (int, float) or not 0 <= refractory < math.inf:
            raise self.wrong(f"refractory is {refractory!r}", "range          0 and above, s")
        self.refractory = float(refractory)
        self.refractory_mode = one_of(owner, "refractory_mode", refractory_mode, Refractory)
        if not isinstance(surrogate, Surrogate):
            raise self.wrong(f"surrogate is {surrogate!r}", "wanted         an object, such as ATan(alpha=2)")
        self.surrogate = surrogate
        self.surrogate_at = one_of(owner, "surrogate_at", surrogate_at, SurrogateAt)
        self.surrogate_in = one_of(owner, "surrogate_in", surrogate_in, SurrogateIn)
        self.v_min = checked_floor(owner, v_min)
        self._check_potentials()
        self._check_combinations()

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
        if state.refractory is not None and self.refractory_mode == "leak":
            x = x * (state.refractory <= 0)
        if state.due is None:
            return v + x
        if self.reset_delay == "with_input":
            return self._after_reset(v + x, state.due, coefs)
        return self._after_reset(v, state.due, coefs) + x

    def spike(
        self, v: Tensor, threshold: float | Tensor, state, coefs, compared: float | Tensor | None = None
    ) -> tuple[Tensor | None, ...]:
        """Spikes of the membrane v (B, ...), then v, due and refractory of the next state.

        Args:
            compared: the threshold as v is compared with it, where its gradient differs from the subtracted one's.
        """
        s, fired = self._count(v, threshold if compared is None else compared)
        refractory = state.refractory
        if refractory is not None and self.refractory_mode == "leak":
            free = refractory <= 0
            s, fired = s * free, fired * free
            refractory = torch.where(fired > 0, coefs.refractory, (refractory - 1).clamp(min=0).detach())
        due = s if self.reset == "subtract" else fired
        due = due.detach() if self.detach_reset else due
        due = due * threshold if self.reset == "subtract" else due
        if self.reset == "none":
            due = None
        elif not self.reset_delay:
            v, due = self._after_reset(v, due, coefs), None
        if refractory is not None and self.refractory_mode == "hold":
            held = self.surrogate(refractory, True)
            v = (1 - held) * v + held * state.v
            s, fired = (1 - held) * s, (1 - held) * fired
            refractory = (1 - fired) * torch.relu(refractory - held) + fired * coefs.refractory
        return s, v if self.v_min is None else v.clamp(min=self.v_min), due, refractory

    def _count(self, v: Tensor, threshold: float | Tensor) -> tuple[Tensor, Tensor]:
        """Spikes, and 1 where there are any."""
        strict = self.fire == "gt"
        if self.surrogate_in == "threshold":
            v, threshold = v / threshold, 1.0
        if self.ternary:
            up, down = self.surrogate(v - threshold, strict), self.surrogate(-v - threshold, strict)
            return up - down, up + down
        if self.max_spikes == 1 and self.rounding == "down":
            s = self.surrogate(v - threshold, strict)
            return s, s
        half = 0.5 if self.rounding == "nearest" else 0.0  # s reaches k at (k - half) threshold
        nearest = (v / threshold + (0.5 + half)).floor().clamp(1, self.max_spikes).detach()
        over = v - (nearest - half) * threshold
        if self.surrogate_at == "nearest":
            s = self.surrogate(over, strict) + (nearest - 1)
        else:
            reached = over > 0 if strict else over >= 0
            s = self.surrogate(v - (1 - half) * threshold, strict) + (reached + (nearest - 2)).clamp(min=0)
        return s, s.clamp(max=1)

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
        counted = self.max_spikes != 1 or self.rounding != "down" or self.surrogate_in == "threshold" or self.ternary
        if not floors or self.reset == "subtract" or counted:
            floors.append(("0", 0.0))
        for name, floor in floors:
            if low["threshold"] <= floor:
                limit = name if name == "0" else f"{name} = {floor:g}"
                raise self.wrong(f"threshold is {low['threshold']:g} (unit of v)", f"range          above {limit}")
        starts = {name: low[name] for name in ("v_rest", "v_reset") if name in low}
        if self.reset != "value":
            del starts["v_reset"]
        for name, start in (starts or {"0": 0.0}).items():
            limit = name if name == "0" else f"{name} = {start:g}"
            if self.v_min is not None and self.v_min > start:
                raise self.wrong(f"v_min is {self.v_min:g} (unit of v)", f"range          up to {limit}, or null")
            if self.ternary and low["threshold"] <= -start:
                raise self.wrong(f"threshold is {low['threshold']:g} (unit of v)", f"range          above -({limit})")

    def _check_combinations(self) -> None:
        if self.ternary and (self.max_spikes != 1 or self.rounding != "down"):
            raise self.wrong("ternary and a count of spikes exclude each other", "set            max_spikes: 1")
        if self.refractory and self.refractory_mode == "hold" and self.reset_delay:
            raise self.wrong("a membrane that is held cannot be reset later", "set            reset_delay: false")
