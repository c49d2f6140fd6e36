"""snnTorch's spiking LSTMs.

SLSTM compares the shape of its states with that of its input, and forgets both at every step where they differ: it has
as many cells as inputs here. Its default threshold of 1 is above what its membrane can reach.
"""

from __future__ import annotations

import torch

from snnctl.neurons import SLSTM, SConvLSTM
from tests.parity.drive import currents, stepped, with_gradients
from tests.parity.parity import Inputs, Parity, Traces

N, C_IN, C, SIDE, STEPS = 5, 2, 2, 4, 20


def _inputs() -> Inputs:
    draw = torch.Generator().manual_seed(9)
    shapes = {"wi": (4 * N, N), "wh": (4 * N, N), "bi": (4 * N,), "bh": (4 * N,)}
    return {**currents(1.0, 0.2)(), **{n: torch.randn(s, generator=draw) * 0.7 for n, s in shapes.items()}}


def _dense(setting: str, mine: dict, **theirs) -> Parity:
    def run_theirs(given: Inputs) -> Traces:
        import snntorch

        layer = snntorch.SLSTM(N, N, **theirs)
        cell = layer.lstm_cell
        learned = [("wi", cell.weight_ih), ("wh", cell.weight_hh), ("bi", cell.bias_ih), ("bh", cell.bias_hh)]
        _copy(given, learned)
        rest = torch.zeros(2, N)
        # clones: their reset writes into the membrane that the next step's gradient needs
        return stepped(given, lambda x, c, v: layer(x, c.clone(), v.clone()), (rest, rest), ["c", "v"], learned)

    def run_mine(given: Inputs) -> Traces:
        layer = SLSTM(shape=(N,), fire="gt", **mine)
        learned = [("wi", layer.input.weight), ("wh", layer.recurrent.weight), ("bi", layer.input.bias)]
        learned += [("bh", layer.recurrent.bias)]
        _copy(given, learned)
        x = given["x"].clone().requires_grad_()
        out, _, states = layer.trace(x, dt=1e-3)
        return {**with_gradients(out, x, given, learned), **states}

    return Parity("snntorch.SLSTM", "neuron=slstm/snntorch", setting, _inputs, run_theirs, run_mine)


def _copy(given: Inputs, learned: list[tuple[str, torch.Tensor]]) -> None:
    with torch.no_grad():
        for name, parameter in learned:
            parameter.copy_(given[name])


def _convolved(setting: str, mine: dict, side: int = SIDE, **theirs) -> Parity:
    """Their one convolution of input and membrane, gates i, f, o, g, is two here, gates i, f, g, o."""

    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(10)
        given = currents(1.0, 0.2, STEPS, (2, C_IN, SIDE, SIDE))()
        weights = {
            "w": torch.randn(4 * C, C_IN + C, 3, 3, generator=draw) * 0.4,
            "b": torch.randn(4 * C, generator=draw),
        }
        return {**given, "g": torch.randn(STEPS, 2, C, side, side, generator=draw), **weights}

    def run_theirs(given: Inputs) -> Traces:
        import snntorch

        layer = snntorch.SConv2dLSTM(C_IN, C, 3, **theirs)
        learned = [("w", layer.conv.weight), ("b", layer.conv.bias)]
        _copy(given, learned)
        rest = torch.zeros(2, C, SIDE, SIDE)
        return stepped(given, lambda x, c, v: layer(x, c.clone(), v.clone()), (rest, rest), ["c", "v"], learned)

    def run_mine(given: Inputs) -> Traces:
        layer = SConvLSTM(shape=(C_IN, SIDE, SIDE), out_channels=C, fire="gt", **mine)
        i, f, o, g = torch.arange(4 * C).chunk(4)
        order = torch.cat([i, f, g, o])
        _copy(
            {"w": given["w"][order, :C_IN], "u": given["w"][order, C_IN:], "b": given["b"][order]},
            [("w", layer.input.weight), ("u", layer.recurrent.weight), ("b", layer.input.bias)],
        )
        x = given["x"].clone().requires_grad_()
        out, _, states = layer.trace(x, dt=1e-3)
        learned = [("w", layer.input.weight), ("u", layer.recurrent.weight), ("b", layer.input.bias)]
        traces = with_gradients(out, x, given, learned)
        joined = torch.cat([traces.pop("grad_w"), traces.pop("grad_u")], 1)
        back = order.argsort()
        return {**traces, "grad_w": joined[back], "grad_b": traces["grad_b"][back], **states}

    return Parity("snntorch.SConv2dLSTM", "snnctl.neurons.SConvLSTM", setting, inputs, run_theirs, run_mine)


CASES = [
    _dense("defaults", {"threshold": 1.0}),
    _dense("threshold=0.1", {}, threshold=0.1),
    _dense("threshold=0.2 reset_mechanism=subtract", {"threshold": 0.2, "reset": "subtract"}, threshold=0.2,
           reset_mechanism="subtract"),
    _dense("threshold=0.1 reset_mechanism=zero", {"reset": "zero"}, threshold=0.1, reset_mechanism="zero"),
    _convolved("defaults", {"threshold": 1.0}),
    _convolved("threshold=0.1 max_pool=2", {"pool": "max"}, SIDE // 2, threshold=0.1, max_pool=2),
    _convolved("threshold=0.1 avg_pool=2 reset_mechanism=subtract", {"pool": "mean", "reset": "subtract"}, SIDE // 2,
               threshold=0.1, avg_pool=2, reset_mechanism="subtract"),
    _convolved("threshold=0.1 reset_mechanism=zero", {"reset": "zero"}, threshold=0.1, reset_mechanism="zero"),
]  # fmt: skip
