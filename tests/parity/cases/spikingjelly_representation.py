"""SpikingJelly's neurons that represent a number over a sequence, and those with connections in their layer."""

from __future__ import annotations

import torch
from torch import nn

from snnctl.networks import Recurrent
from snnctl.networks.populations import WithinPopulations
from snnctl.neurons import DSR, IF, LIF, CubaLIF, FewSpike
from snnctl.surrogates import Rectangle, Sigmoid
from tests.parity.drive import currents, with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import silent

DT = 1e-3
TABLE = {"theta": [0.9, 0.5, 0.3, 0.1], "h": [0.8, 0.45, 0.2, 0.15], "d": [1.0, 0.4, 0.3, 0.05]}


def _dsr(api: str, setting: str, scale: float, theirs: dict, mine: dict, dt: float = DT) -> Parity:
    def run(given: Inputs, layer: nn.Module, parameter: nn.Parameter, **options) -> Traces:
        x = given["x"].clone().requires_grad_()
        out = layer(x, **options)
        out = out[0] if isinstance(out, tuple) else out
        return silent(with_gradients(out, x, given, [("threshold", parameter)]))

    def run_theirs(given: Inputs) -> Traces:
        from spikingjelly.activation_based import neuron

        node = getattr(neuron, api)(T=40, **theirs)
        return run(given, node, node.v_threshold)

    def run_mine(given: Inputs) -> Traces:
        neuron = DSR(**mine)
        return run(given, neuron, neuron.threshold, dt=dt)

    return Parity(f"spikingjelly.{api}", "neuron=dsr", setting, currents(scale, scale / 2), run_theirs, run_mine)


def _few(setting: str, theirs: str = "", mine: dict | None = None, table: dict | None = None) -> Parity:
    table = table or TABLE

    def run_theirs(given: Inputs) -> Traces:
        from spikingjelly.activation_based import neuron, surrogate

        function = {"surrogate_function": surrogate.ATan(2.0)} if theirs else {}
        node = neuron.FewSpikeNode(neuron.FewSpikeTable(**table), step_mode="m", **function)
        x = given["x"].clone().requires_grad_()
        return silent(with_gradients(node(x), x, given, []))

    def run_mine(given: Inputs) -> Traces:
        lists = dict(zip(("thresholds", "resets", "weights"), (table["theta"], table["h"], table["d"]), strict=True))
        x = given["x"].clone().requires_grad_()
        options = {"surrogate": Sigmoid(4.0), **(mine or {})}
        return silent(with_gradients(FewSpike(**lists, **options)(x, dt=DT)[0], x, given, []))

    steps = len(table["theta"])
    return Parity(
        "spikingjelly.FewSpikeNode", "neuron=few_spike", setting, currents(0.5, 0.2, steps), run_theirs, run_mine
    )


def _connected(api: str, setting: str, theirs: dict, mine: nn.Module) -> Parity:
    """Their connection has a bias, which the first step does not get; here it has none. v_reset=None raises there."""
    populations, size = 3, 2

    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(11)
        return {**currents(0.7, 0.2, shape=(2, 6))(), "w": torch.randn(3, 2, 2, generator=draw) * 0.8}

    def run_theirs(given: Inputs) -> Traces:
        from spikingjelly.activation_based import neuron

        node = getattr(neuron, api)(populations, size, **theirs)
        with torch.no_grad():
            node.conn.weight.copy_(given["w"].reshape(6, 1, 2))
            node.conn.bias.zero_()
        x = given["x"].clone().requires_grad_()
        traces = with_gradients(node(x * 1.0), x, given, [("w", node.conn.weight)])  # it writes into its input
        return {**traces, "grad_w": traces["grad_w"].view(3, 2, 2)}

    def run_mine(given: Inputs) -> Traces:
        layer = Recurrent(mine, (6,), lambda shape: WithinPopulations(shape, populations))
        with torch.no_grad():
            layer.feedback.weight.copy_(given["w"])
        x = given["x"].clone().requires_grad_()
        return with_gradients(layer(x, dt=DT)[0], x, given, [("w", layer.feedback.weight)])

    return Parity(f"spikingjelly.{api}", "Recurrent(feedback=WithinPopulations)", setting, inputs, run_theirs, run_mine)


def _tau(decay: float) -> float:
    return -DT / torch.tensor(decay, dtype=torch.float64).log().item()


RECT = {"surrogate": Rectangle(0.5), "reset": "value"}
CASES = [
    _dsr("DSRIFNode", "defaults", 9.0, {}, {}),
    _dsr("DSRIFNode", "v_threshold=2 alpha=0.8", 3.0, {"v_threshold": 2.0, "alpha": 0.8},
         {"threshold": 2.0, "firing": 0.8}),
    _dsr("DSRIFNode", "v_threshold_grad_scaling=0.5", 9.0, {"v_threshold_grad_scaling": 0.5}, {"threshold_gain": 0.5}),
    _dsr("DSRLIFNode", "defaults", 60.0, {}, {"threshold": 1.0, "firing": 0.3, "tau_mem": 2.0, "lowest": 0.1}, 0.05),
    _dsr("DSRLIFNode", "v_threshold=0.5 tau=1 alpha=0.6", 20.0, {"v_threshold": 0.5, "tau": 1.0, "alpha": 0.6},
         {"threshold": 0.5, "firing": 0.6, "tau_mem": 1.0}, 0.05),
    _dsr("DSRLIFNode", "delta_t=0.2", 15.0, {"delta_t": 0.2}, {"threshold": 1.0, "firing": 0.3, "tau_mem": 2.0}, 0.2),
    _few("defaults"),
    _few("surrogate_function=ATan", "ATan", {"surrogate": FewSpike(steps=1).surrogate}),
    _few("K=2", table={n: v[:2] for n, v in TABLE.items()}),
    _connected("ILCIFNode", "defaults", {}, IF(**RECT)),
    _connected("ILCIFNode", "v_threshold=0.6", {"v_threshold": 0.6}, IF(**RECT, threshold=0.6)),
    _connected("ILCIFNode", "v_reset=-0.2", {"v_reset": -0.2}, IF(**RECT, v_reset=-0.2)),
    _connected("ILCLIFNode", "defaults", {}, LIF(**RECT, tau_mem=_tau(0.75))),
    _connected("ILCLIFNode", "v_decay=0.5", {"v_decay": 0.5}, LIF(**RECT, tau_mem=_tau(0.5))),
    _connected("ILCLIFNode", "v_threshold=0.6", {"v_threshold": 0.6},
               LIF(**RECT, tau_mem=_tau(0.75), threshold=0.6)),
    _connected("ILCCUBALIFNode", "defaults", {},
               CubaLIF(**RECT, tau_syn=_tau(0.5), tau_mem=_tau(0.75), threshold=0.5)),
    _connected("ILCCUBALIFNode", "c_decay=0.3 v_decay=0.6", {"c_decay": 0.3, "v_decay": 0.6},
               CubaLIF(**RECT, tau_syn=_tau(0.3), tau_mem=_tau(0.6), threshold=0.5)),
    _connected("ILCCUBALIFNode", "v_threshold=0.8", {"v_threshold": 0.8},
               CubaLIF(**RECT, tau_syn=_tau(0.5), tau_mem=_tau(0.75), threshold=0.8)),
]  # fmt: skip
