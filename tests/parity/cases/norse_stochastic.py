"""Norse's threshold functions that draw their spikes, on a leaky membrane. Both are given the same numbers."""

from __future__ import annotations

from functools import partial

import torch

from snnctl.surrogates import Circ, Surrogate, Tanh
from tests.parity.drive import currents, stepped, with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import preset
from tests.parity.uniforms import drawing


def _inputs() -> Inputs:
    given = currents(1.5, 0.5)()
    return {**given, "u": torch.rand(given["x"].shape, generator=torch.Generator().manual_seed(9))}


def _theirs(given: Inputs, function: str, alpha: float) -> Traces:
    from norse.torch.functional import threshold

    draws = iter(given["u"])

    def step(x, v):
        v = v + 0.1 * (x - v)
        with drawing(next(draws)):
            s = getattr(threshold, function)(v - 0.4, alpha)
        return s, (1 - s) * v

    return stepped(given, step, (torch.zeros_like(given["x"][0]),), ["v"])


def _mine(given: Inputs, escape: str, width: float, surrogate: Surrogate) -> Traces:
    neuron = preset("escape_lif", escape=escape, width=width, surrogate=surrogate, gradient="potential", tau_mem=10e-3,
                    decay="euler", input_gain="dt/tau", threshold=0.4, reset="zero")  # fmt: skip
    x = given["x"].clone().requires_grad_()
    with drawing(given["u"]):
        out, _, states = neuron.trace(x, dt=1e-3)
    return {**with_gradients(out, x, given, []), "v": states["v"]}


def _case(function: str, alpha: float) -> Parity:
    logistic = function == "logistic_fn"
    escape, width = ("logistic", 1 / alpha) if logistic else ("circular", alpha)
    return Parity(
        f"norse.torch.functional.threshold.{function}", f"neuron=escape_lif neuron.escape={escape}",
        f"leaky_membrane_alpha={alpha:g}", _inputs, partial(_theirs, function=function, alpha=alpha),
        partial(_mine, escape=escape, width=width, surrogate=Tanh(alpha) if logistic else Circ(alpha)),
    )  # fmt: skip


CASES = [_case(function, alpha) for function in ("logistic_fn", "circ_dist_fn") for alpha in (5.0, 1.0, 0.3)]
