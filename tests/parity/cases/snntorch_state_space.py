"""snnTorch's neurons without a reset, and its associative memory.

Of StateLeaky and LinearLeaky, beta sets tau = 1 / (1 - beta) steps, so their decay is exp(-(1 - beta)), not beta; and
graded_spikes_factor is applied twice, which is not reproduced. LeakyParallel is a ReLU recurrence: a negative membrane
becomes 0; a beta of one value a neuron is ignored there (its test for a tensor's length comes before), so it has one.
AssociativeLeaky divides by a product of leaks plus 1e-8, and is wrong from the step at which that product is smaller:
its sequences are short here.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from snnctl.neurons import KLIF, AssociativeLeaky, ParallelLIF, SlidingPSN
from tests.parity.drive import currents, ours, with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import without

DT = 1e-3


def tau(beta: float | list[float]) -> Tensor:
    """tau_mem of a beta, s."""
    return DT / (1 - torch.tensor(beta, dtype=torch.float64))


def _state_leaky(setting: str, beta, mine: dict, **theirs) -> Parity:
    learned = theirs.get("learn_beta", False)

    def run_theirs(given: Inputs) -> Traces:
        import snntorch

        neuron = snntorch.StateLeaky(torch.tensor(beta), 5, **theirs)
        x = given["x"].clone().requires_grad_()
        spikes, v = neuron(x)
        return {**with_gradients(spikes, x, given, [("tau", neuron.tau)] if learned else []), "v": v}

    def run_mine(given: Inputs) -> Traces:
        options = {"learnable": "tau_mem", "per": "neuron", "shape": (5,)} if learned else {}
        neuron = ParallelLIF(tau_mem=tau(beta), fire="gt", **options, **mine)
        traces = ours(given, neuron, DT, learned=[("tau", "log_tau_mem")] if learned else [])
        # of the logarithm here, of tau in steps there
        return {n: t * DT / neuron.tau_mem if n == "grad_tau" else t for n, t in traces.items()}

    return Parity(
        "snntorch.StateLeaky", "neuron=parallel_lif/snntorch", setting, currents(0.5, 0.1), run_theirs, run_mine
    )


def _truncated(steps: int) -> Parity:
    def run_theirs(given: Inputs) -> Traces:
        import snntorch

        neuron = snntorch.StateLeaky(torch.tensor(0.9), 5, kernel_truncation_steps=steps)
        x = given["x"].clone().requires_grad_()
        return with_gradients(neuron(x)[0], x, given, [])

    def run_mine(given: Inputs) -> Traces:
        neuron = SlidingPSN(order=steps, decay=float(torch.exp(-DT / tau(0.9))))
        x = given["x"].clone().requires_grad_()
        return with_gradients(neuron(x, dt=DT)[0], x, given, [])

    return Parity(
        "snntorch.StateLeaky", "neuron=sliding_psn", f"kernel_truncation_steps={steps}", currents(0.5, 0.1),
        run_theirs, run_mine,
    )  # fmt: skip


def _with_weights() -> Inputs:
    draw = torch.Generator().manual_seed(6)
    weights = {"w": torch.randn(4, 5, generator=draw) * 0.5, "b": torch.randn(4, generator=draw) * 0.2 + 0.2}
    return {**currents(0.6, 0.1)(), "g": torch.randn(40, 2, 4, generator=draw), **weights}


def _linear_leaky(setting: str, mine: dict, beta: float = 0.9, **theirs) -> Parity:
    def run_theirs(given: Inputs) -> Traces:
        import snntorch

        layer = snntorch.LinearLeaky(beta, 5, 4, **theirs)
        x = given["x"].clone().requires_grad_()
        learned = _weigh(given, layer.linear.weight, layer.linear.bias)
        spikes, v = layer(x)
        return {**with_gradients(spikes, x, given, learned), "v": v}

    return Parity(
        "snntorch.LinearLeaky", "torch.nn.Linear, neuron=parallel_lif/snntorch", setting, _with_weights, run_theirs,
        lambda given: _after_linear(given, ParallelLIF(tau_mem=tau(beta), fire="gt", **mine), theirs.get("bias", True)),
    )  # fmt: skip


def _leaky_parallel(setting: str, beta: float, mine: dict, **theirs) -> Parity:
    def run_theirs(given: Inputs) -> Traces:
        import snntorch

        layer = snntorch.LeakyParallel(5, 4, beta=beta, **theirs)
        x = given["x"].clone().requires_grad_()
        with torch.no_grad():
            if layer.rnn.bias:
                layer.rnn.bias_hh_l0.zero_()
        learned = _weigh(given, layer.rnn.weight_ih_l0, layer.rnn.bias_ih_l0 if layer.rnn.bias else None)
        return with_gradients(layer(x), x, given, learned)

    exact = -DT / torch.tensor(beta, dtype=torch.float64).log()
    return Parity(
        "snntorch.LeakyParallel", "torch.nn.Linear, neuron=klif with reset: none, fire: gt", setting, _with_weights,
        run_theirs,
        lambda given: without("v", _after_linear(
            given, KLIF(tau_mem=exact, reset="none", fire="gt", **mine), theirs.get("bias", True))),
    )  # fmt: skip


def _weigh(given: Inputs, weight: nn.Parameter, bias: nn.Parameter | None) -> list[tuple[str, nn.Parameter]]:
    named = [("w", weight)] + ([] if bias is None else [("b", bias)])
    with torch.no_grad():
        for name, parameter in named:
            parameter.copy_(given[name])
    return named


def _after_linear(given: Inputs, neuron: nn.Module, bias: bool) -> Traces:
    linear = nn.Linear(5, 4, bias=bias)
    learned = _weigh(given, linear.weight, linear.bias)
    x = given["x"].clone().requires_grad_()
    spikes, _, states = neuron.trace(linear(x), dt=DT)
    return {**with_gradients(spikes, x, given, learned), "v": states["v"]}


def _associative(setting: str, use_q_projection: bool, values: int, keys: int) -> Parity:
    steps, names = 10, ["v", "k", "alpha"] + ["q"] * use_q_projection
    outputs = values * (values if use_q_projection else keys)
    sizes = {"v": values, "k": keys, "alpha": keys, "q": values * keys}

    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(8)
        weights = {f"w{n}": torch.randn(sizes[n], 5, generator=draw) * 0.6 for n in names}
        biases = {f"b{n}": torch.randn(sizes[n], generator=draw) * 0.3 + 0.4 for n in names}
        weights["walpha"], biases["balpha"] = weights["walpha"] * 0.3, biases["balpha"] + 2.5  # leaks near 1
        return {**currents(1.0, 0.3, steps)(), "g": torch.randn(steps, 2, outputs, generator=draw), **weights, **biases}

    def run(given: Inputs, layers: dict[str, nn.Linear], call: Callable[[Tensor], Tensor]) -> Traces:
        learned = []
        with torch.no_grad():
            for n in names:
                layers[n].weight.copy_(given[f"w{n}"])
                layers[n].bias.copy_(given[f"b{n}"])
                learned += [(f"w{n}", layers[n].weight), (f"b{n}", layers[n].bias)]
        x = given["x"].clone().requires_grad_()
        traces = with_gradients(call(x), x, given, learned)
        return {("out" if n == "spikes" and use_q_projection else n): t for n, t in traces.items()}

    def run_theirs(given: Inputs) -> Traces:
        import snntorch

        layer = snntorch.AssociativeLeaky(5, values, keys, values * keys, use_q_projection)
        return run(given, {n: getattr(layer, f"to_{n}") for n in names}, layer)

    def run_mine(given: Inputs) -> Traces:
        layer = AssociativeLeaky(values=values, keys=keys, query=use_q_projection, fire="gt", shape=(5,))
        layers = {"v": layer.value, "k": layer.key, "alpha": layer.leak, "q": layer.query}
        return run(given, layers, lambda x: layer(x, dt=DT)[0])

    return Parity("snntorch.AssociativeLeaky", "snnctl.neurons.AssociativeLeaky", setting, inputs, run_theirs, run_mine)


CASES = [
    _state_leaky("defaults", 0.9, {}),
    _state_leaky("beta=0.6 threshold=0.5", 0.6, {"threshold": 0.5}, threshold=0.5),
    _state_leaky("beta of each neuron learn_beta=True", [0.5, 0.7, 0.8, 0.9, 0.95], {}, learn_beta=True),
    _truncated(8),
    _linear_leaky("defaults", {}),
    _linear_leaky("bias=False threshold=0.5", {"threshold": 0.5}, bias=False, threshold=0.5),
    _linear_leaky("beta=0.5", {}, beta=0.5),
    _leaky_parallel("defaults beta=0.9", 0.9, {}),
    _leaky_parallel("beta=0.5 bias=False", 0.5, {}, bias=False),
    _leaky_parallel("threshold=0.4", 0.9, {"threshold": 0.4}, threshold=0.4),
    _associative("defaults", True, 3, 3),
    _associative("d_value=2 d_key=4", True, 2, 4),
    _associative("use_q_projection=False", False, 3, 4),
]
