"""Norse's RecurrentSequential: what a module gives comes back as input of the first, one step later."""

from __future__ import annotations

import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.networks import Back, Loop
from snnctl.networks.place import Place
from tests.parity.drive import currents, with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import preset, silent

NAMES = ("first", "between", "second")


def _inputs() -> Inputs:
    draw = torch.Generator().manual_seed(3)
    return {**currents(6.0, 3.0)(), "w": 8 * torch.rand(5, 5, generator=draw)}


def _theirs(given: Inputs, output: int) -> Traces:
    from norse.torch import LIFBoxCell
    from norse.torch.module.sequential import RecurrentSequential

    between = nn.Linear(5, 5, bias=False)
    between.weight.data.copy_(given["w"])
    loop = RecurrentSequential(LIFBoxCell(), between, LIFBoxCell(), output_modules=output)
    x, outs, state = given["x"].clone().requires_grad_(), [], None
    for x_t in x:
        out, state = loop(x_t, state)
        outs.append(out)
    return silent(with_gradients(torch.stack(outs), x, given, [("w", between.weight)]))


def _mine(given: Inputs, output: int) -> Traces:
    between = nn.Linear(5, 5, bias=False)
    between.weight.data.copy_(given["w"])
    layers = dict(zip(NAMES, (preset("lif/norse", backend="eager"), between, preset("lif/norse", backend="eager")),
                      strict=True))  # fmt: skip
    place = Place("loop", (5,), Facts((5,), (), 1e-3, None))
    loop = Loop(layers, place, {"back": Back(NAMES[output], "first")}, output=NAMES[output])
    x = given["x"].clone().requires_grad_()
    out, _ = loop(x, dt=1e-3)
    return silent(with_gradients(out, x, given, [("w", between.weight)]))


def _case(setting: str, output: int) -> Parity:
    return Parity(
        "norse.torch.RecurrentSequential", "snnctl.networks.Loop", setting, _inputs,
        lambda given: _theirs(given, output), lambda given: _mine(given, output),
    )  # fmt: skip


CASES = [_case("defaults", -1), _case("output_modules=0", 0), _case("output_modules=1", 1)]
