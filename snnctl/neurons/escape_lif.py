"""EscapeLIF: a leaky integrate-and-fire neuron that fires by chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from snnctl.neurons.leaky import Leaky, gained, leaked
from snnctl.neurons.quantity import Kind, Value, one_of
from snnctl.neurons.sequence import stack, unbind
from snnctl.neurons.spiking import SpikingNeuron
from snnctl.neurons.stepwise import Stepwise
from snnctl.surrogates import Surrogate, TwoSlopes

Escape = Literal["exponential", "logistic", "circular"]
Gradient = Literal["probability", "potential"]
WIDTH = Kind("unit of v", above=0.0, log=True)
RATE = Kind("1/s", above=0.0, log=True)
EXPECTED = TwoSlopes(below=1.0, above=1.0)  # the expected spike grows as its probability does
CERTAIN = 20.0  # of (v - threshold) / width: 5e8 times the rate at threshold, a certain spike, and nothing overflows


class EscapeLIFState(NamedTuple):
    """Between two steps, each (B, ...); None where no option needs it."""

    v: Tensor  # membrane potential
    due: Tensor | None = None  # never
    refractory: Tensor | None = None  # steps left
    chance: Tensor | None = None  # the number drawn for the coming step, 0 to 1; None: the step draws it


class EscapeLIFCoefficients(NamedTuple):
    """Derived from the parameters at one dt; None where no option needs it."""

    decay: float | Tensor
    gain: float | Tensor | None  # None is 1
    v_rest: float | Tensor | None  # None is 0
    threshold: float | Tensor
    v_reset: float | Tensor | None
    refractory: float | None  # steps
    width: float | Tensor
    hazard: float | Tensor  # rate dt


class EscapeLIF(Leaky, Stepwise, SpikingNeuron):
    """Leaky integrate-and-fire neuron with escape noise (SRM0 with exponential kernels): it fires with a probability,

        v[t] = v_rest + decay (v[t-1] - v_rest) + gain x[t]            decay = exp(-dt / tau_mem), gain = 1
        p[t] = 1 - exp(-rate dt exp(y))                                ("exponential"; y = (v[t] - threshold) / width)
        p[t] = (1 + tanh(y)) / 2                                       ("logistic")
        p[t] = (1 + y / sqrt(1 + y^2)) / 2                             ("circular", with heavy tails)
        s[t] = 1 with probability p[t]
        v[t] = v[t] - s[t] threshold

    The gradient of a spike is that of its probability, ds/dv = dp/dv, which is the gradient of the expected spike.
    Random numbers come from torch's generator, in one draw a sequence, so that torch.manual_seed makes a run
    repeatable; inside a recurrent layer each step draws its own. It runs step by step.

    Args:
        escape: the probability as a function of v - threshold. Only the exponential one is a rate in time, whose
            spikes do not depend on dt; its exponent is held at 20 and below.
        width: of the noise, unit of v, > 0; towards 0 the threshold is sharp.
        rate: of spikes at threshold, 1/s, > 0; of the exponential escape.
        gradient: what the surrogate sees: "probability", how far p is above the number drawn, where the slope of 1 (the
            default) gives dp/dv; or "potential", v - threshold, whatever was drawn.
        refractory_fires: a refractory neuron drops its input, but may fire (BindsNET's SRM0Nodes).
        conventions: tau_mem, v_rest, decay, input_gain of `Leaky`; threshold, v_reset, reset, detach_reset, v_min,
            refractory, surrogate of `SpikingNeuron`; learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2; an option of
            `SpikingNeuron` that has no meaning here.

    Source: W. Gerstner et al., "Neuronal Dynamics" (2014), doi:10.1017/CBO9781107447615, sections 6.4 and 9.1.
    """

    State = EscapeLIFState
    why = "it draws its spikes at random"

    def __init__(
        self,
        *,
        escape: Escape = "exponential",
        width: Value = 0.1,
        rate: Value = 1000.0,
        gradient: Gradient = "probability",
        refractory_fires: bool = False,
        surrogate: Surrogate = EXPECTED,
        **conventions,
    ):
        super().__init__({"width": (width, WIDTH), "rate": (rate, RATE)}, surrogate=surrogate, **conventions)
        owner = type(self).__name__
        self.escape = one_of(owner, "escape", escape, Escape)
        self.gradient = one_of(owner, "gradient", gradient, Gradient)
        self.refractory_fires = one_of(owner, "refractory_fires", refractory_fires, Literal[True, False])
        for name, plain in {"reset_delay": False, "max_spikes": 1, "ternary": False, "rounding": "down",
                            "refractory_mode": "leak"}.items():  # fmt: skip
            if getattr(self, name) != plain:
                raise self.wrong(f"{name} has no meaning here", f"set            {name}: {str(plain).lower()}")

    def coefficients(self, dt: float) -> EscapeLIFCoefficients:
        own = {"width": self.width, "hazard": self.rate * dt}
        return EscapeLIFCoefficients(**self.membrane(dt), **self.firing(dt), **own)

    def initial_state(self, x0: Tensor) -> EscapeLIFState:
        return EscapeLIFState(self.resting(x0), **self.rested(x0))

    def step(self, x: Tensor, state: EscapeLIFState, coefs: EscapeLIFCoefficients) -> tuple[Tensor, EscapeLIFState]:
        v = self.receive(leaked(state.v, coefs), gained(x, coefs.gain), state, coefs)
        chance = torch.rand_like(v) if state.chance is None else state.chance
        s, v, _, refractory = self._drawn(v, chance, state, coefs)
        return s, EscapeLIFState(v, None, refractory)

    def drawn(self, x: Tensor, *, dt: float) -> tuple[Tensor, Tensor]:
        """Spikes over a sequence from rest, and how probable each was.

        Args:
            x: input (T, B, ...).
            dt: step width, s.

        Returns:
            Both (T, B, ...).
        """
        given, state, coefs = self._begin(x, None, dt)
        spikes, chances = [], []
        for x_t in unbind(given):
            v = self.receive(leaked(state.v, coefs), gained(x_t, coefs.gain), state, coefs)
            chances.append(self._probability((v - coefs.threshold) / coefs.width, coefs))
            s, state = self.step(x_t, state, coefs)
            spikes.append(s)
        return stack(spikes), stack(chances)

    def _drawn(self, v: Tensor, chance: Tensor, state: EscapeLIFState, coefs: EscapeLIFCoefficients):
        probability = self._probability((v - coefs.threshold) / coefs.width, coefs)
        if self.gradient == "probability":
            s = self.surrogate(probability - chance, strict=True)
        else:
            s = self.surrogate(v - coefs.threshold)
            s = s + ((chance < probability).to(s.dtype) - s).detach()  # 0 and 1 add up exactly
        refractory = state.refractory
        if refractory is not None:
            s = s if self.refractory_fires else s * (refractory <= 0)
            refractory = torch.where(s > 0, coefs.refractory, (refractory - 1).clamp(min=0).detach())
        due = s.detach() if self.detach_reset else s
        if self.reset != "none":
            v = self._after_reset(v, due * coefs.threshold if self.reset == "subtract" else due, coefs)
        return s, v if self.v_min is None else v.clamp(min=self.v_min), None, refractory

    def _probability(self, y: Tensor, coefs: EscapeLIFCoefficients) -> Tensor:
        if self.escape == "exponential":
            return -torch.expm1(-(coefs.hazard * torch.exp(y.clamp(max=CERTAIN))))
        return 0.5 + 0.5 * (torch.tanh(y) if self.escape == "logistic" else y / torch.sqrt(1 + y * y))

    def _steps(
        self,
        x: Tensor,
        state: EscapeLIFState,
        coefs: EscapeLIFCoefficients,
        history: list[EscapeLIFState] | None = None,
    ) -> tuple[Tensor, EscapeLIFState]:
        outs: list[Tensor] = []
        draws: Sequence[Tensor] = unbind(torch.rand_like(x, memory_format=torch.contiguous_format))
        for x_t, chance in zip(unbind(x), draws, strict=True):
            out, state = self.step(x_t, state._replace(chance=chance), coefs)
            outs.append(out)
            if history is not None:
                history.append(state)
        return stack(outs), state
