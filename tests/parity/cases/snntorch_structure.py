"""snnTorch's inhibition: only the highest membrane of a layer spikes."""

from __future__ import annotations

import math
import warnings

from snnctl.networks import WinnerTakeAll
from tests.parity.drive import currents, stepped, with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import preset

DT, ALPHA, BETA = 1e-3, 0.8, 0.9
TAUS = {"tau_syn": -DT / math.log(ALPHA), "tau_mem": -DT / math.log(BETA)}


def _theirs(given: Inputs, synaptic: bool, **options) -> Traces:
    import snntorch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that inhibition is tried on dense layers only
        built = {"beta": BETA, "inhibition": True, **options}
        neuron = snntorch.Synaptic(alpha=ALPHA, **built) if synaptic else snntorch.Leaky(**built)
    start = neuron.init_synaptic() if synaptic else (neuron.init_leaky(),)
    return stepped(given, neuron, start, ["", "v"] if synaptic else ["v"])


def _mine(given: Inputs, synaptic: bool, **options) -> Traces:
    name = "cuba_lif/snntorch" if synaptic else "lif/snntorch"
    neuron = preset(name, **(TAUS if synaptic else {"tau_mem": TAUS["tau_mem"]}), **options)
    layer = WinnerTakeAll(neuron, tuple(given["x"].shape[2:]))
    x = given["x"].clone().requires_grad_()
    out, _, states = layer.trace(x, dt=DT)
    return {**with_gradients(out, x, given, []), "v": states["v"]}


def _case(synaptic: bool, setting: str, theirs: dict, mine: dict, scale: float = 0.6) -> Parity:
    # with reset_delay=False theirs resets whom it inhibits a step later, and whom it lets fire at once: not copied
    api, name = ("Synaptic", "cuba_lif/snntorch") if synaptic else ("Leaky", "lif/snntorch")
    return Parity(
        f"snntorch.{api}", f"WinnerTakeAll with neuron={name}", f"inhibition=True{setting}",
        currents(scale, shape=(2, 6)), lambda given: _theirs(given, synaptic, **theirs),
        lambda given: _mine(given, synaptic, **mine),
    )  # fmt: skip


ZERO = {"reset_mechanism": "zero"}
CASES = [
    _case(False, "", {}, {}),
    _case(False, "_reset_mechanism=zero", ZERO, {"reset": "zero", "reset_delay": True}),
    _case(False, "_threshold=0.5", {"threshold": 0.5}, {"threshold": 0.5}),
    _case(True, "", {}, {}, scale=0.2),
    _case(True, "_reset_mechanism=zero", ZERO, {"reset": "zero"}, scale=0.2),
    _case(True, "_threshold=0.5", {"threshold": 0.5}, {"threshold": 0.5}, scale=0.2),
]
