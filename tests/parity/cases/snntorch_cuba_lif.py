"""snnTorch's Synaptic."""

from __future__ import annotations

import math

from tests.parity.drive import currents, stepped
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine

DT, ALPHA, BETA = 1e-3, 0.8, 0.9
TAUS = {"tau_syn": -DT / math.log(ALPHA), "tau_mem": -DT / math.log(BETA)}


def _theirs(given: Inputs, **options) -> Traces:
    import snntorch

    neuron = snntorch.Synaptic(alpha=ALPHA, beta=BETA, **options)
    learned = [(n, getattr(neuron, n)) for n in ("alpha", "beta", "threshold") if options.get(f"learn_{n}")]
    traces = stepped(given, neuron, neuron.init_synaptic(), ["i", "v"], learned)
    for factor, name in ((ALPHA, "tau_syn"), (BETA, "tau_mem")):  # of a factor to that of log tau
        gradient = traces.pop(f"grad_{ {'tau_syn': 'alpha', 'tau_mem': 'beta'}[name] }", None)
        if gradient is not None:
            traces[f"grad_{name}"] = gradient * -factor * math.log(factor)
    return traces


def _case(setting: str, theirs: dict, options: dict, learned: tuple[str, ...] = (), scale: float = 0.3) -> Parity:
    return Parity(
        "snntorch.Synaptic", "neuron=cuba_lif/snntorch", setting, currents(scale, 0.1),
        lambda given: _theirs(given, **theirs),
        mine("cuba_lif/snntorch", {"i": "i", "v": "v"}, learned, **TAUS, **options),
    )  # fmt: skip


CASES = [
    _case("defaults", {}, {}),
    _case("reset_mechanism=zero", {"reset_mechanism": "zero"}, {"reset": "zero"}),
    _case("reset_mechanism=none", {"reset_mechanism": "none"}, {"reset": "none"}),
    # weak currents: where v is above threshold even after its reset, their undelayed reset is withheld from the spike
    _case("reset_delay=False", {"reset_delay": False}, {"reset_delay": False, "detach_reset": False}, scale=0.1),
    _case(
        "learn_alpha_beta_threshold",
        {"learn_alpha": True, "learn_beta": True, "learn_threshold": True},
        {},
        ("threshold", "tau_syn", "tau_mem"),
    ),
]
