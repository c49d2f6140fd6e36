"""SpikingJelly's recurrent layers of spiking gates."""

from __future__ import annotations

import torch
from torch import nn

from snnctl.neurons import SpikingGRU, SpikingLSTM, SpikingRNN
from snnctl.surrogates import ATan, Sigmoid
from tests.parity.drive import currents, with_gradients
from tests.parity.parity import Inputs, Parity, Traces

KINDS = {"SpikingLSTM": (SpikingLSTM, 4, "spiking_lstm"), "SpikingGRU": (SpikingGRU, 3, "spiking_gru"),
         "SpikingVanillaRNN": (SpikingRNN, 1, "spiking_rnn")}  # fmt: skip
INPUTS, CELLS = 5, 4


def _inputs(gates: int, layers: int):
    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(3)
        given = currents(1.0, 0.2, 30, (2, INPUTS))()
        given["g"] = torch.randn(30, 2, CELLS, generator=draw)
        for k in range(layers):
            width = CELLS if k else INPUTS
            shapes = {"wi": (gates * CELLS, width), "wh": (gates * CELLS, CELLS), "bi": (gates * CELLS,),
                      "bh": (gates * CELLS,)}  # fmt: skip
            given |= {f"{n}{k}": torch.randn(s, generator=draw) * 0.5 for n, s in shapes.items()}
        return given

    return inputs


def _weigh(given: Inputs, k: int, of_input: nn.Linear, of_state: nn.Linear) -> list[tuple[str, nn.Parameter]]:
    named = [(f"wi{k}", of_input.weight), (f"wh{k}", of_state.weight)]
    named += [(f"bi{k}", of_input.bias), (f"bh{k}", of_state.bias)] if of_input.bias is not None else []
    with torch.no_grad():
        for name, parameter in named:
            parameter.copy_(given[name])
    return named


def _case(name: str, setting: str, theirs=lambda surrogate: {}, mine: dict | None = None, layers: int = 1) -> Parity:
    kind, gates, preset = KINDS[name]

    def run_theirs(given: Inputs) -> Traces:
        from spikingjelly.activation_based import rnn, surrogate

        net = getattr(rnn, name)(INPUTS, CELLS, layers, **theirs(surrogate))
        learned = [p for k, c in enumerate(net.cells) for p in _weigh(given, k, c.linear_ih, c.linear_hh)]
        x = given["x"].clone().requires_grad_()
        out, last = net(x)
        last = last[-1] if isinstance(last, tuple) else last  # c, of LSTM
        return {**with_gradients(out, x, given, learned), "last": last[-1]}

    def run_mine(given: Inputs) -> Traces:
        x = out = given["x"].clone().requires_grad_()
        learned = []
        for k in range(layers):
            layer = kind(shape=(out.shape[-1],), out_features=CELLS, **(mine or {}))
            learned += _weigh(given, k, layer.input, layer.recurrent)
            out, state = layer(out, dt=1e-3)
        return {**with_gradients(out, x, given, learned), "last": state[0]}

    return Parity(f"spikingjelly.{name}", f"neuron={preset}", setting, _inputs(gates, layers), run_theirs, run_mine)


CASES = [
    *(_case(name, "defaults") for name in KINDS),
    *(_case(name, "num_layers=2", layers=2) for name in KINDS),
    *(_case(name, "bias=False", lambda _: {"bias": False}, {"bias": False}) for name in KINDS),
    *(
        _case(
            name, "surrogate_function1=Sigmoid surrogate_function2=ATan",
            lambda s: {"surrogate_function1": s.Sigmoid(4.0), "surrogate_function2": s.ATan(2.0)},
            {"surrogate": Sigmoid(4.0), "candidate": ATan(2.0)},
        )
        for name in ("SpikingLSTM", "SpikingGRU")
    ),
]  # fmt: skip
