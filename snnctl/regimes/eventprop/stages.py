"""What of a network the regime can run in continuous time, layer by layer, and what it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor, nn

from snnctl.errors import UserError
from snnctl.networks.chain import Chain
from snnctl.networks.folding import over_time
from snnctl.neurons import LI, CubaLIF

HARD = "set            neuron.reset=zero (or value), or regime=bptt"
# Options that the continuous neuron has no word for -> the value that it needs.
PLAIN = {"decay": "exact", "synapse": "decay_then_add", "reset_delay": False, "max_spikes": 1, "ternary": False,
         "rounding": "down", "v_min": None, "refractory": 0.0, "learnable": (), "v_rest": 0.0}  # fmt: skip


class Stage(NamedTuple):
    """Neurons, and the weights before them.

    Args:
        name: of the neurons' layer.
        linear: None for the first, whose currents are those of `Stages.front`.
        neuron: CubaLIF, or LI as the last.
    """

    name: str
    linear: nn.Linear | None
    neuron: CubaLIF | LI


class Stages(NamedTuple):
    """A network apart: what comes before the first neurons, and the neurons.

    Args:
        front: layers without a state.
        all: one or more, the first without `linear`.
    """

    front: list[nn.Module]
    all: list[Stage]

    def currents(self, x: Tensor) -> Tensor:
        """What the first neurons get at each step: (T, B, *shape) -> (T, B, ...)."""
        for layer in self.front:
            x = over_time(layer, x)
        return x


def leaves(chain: Chain, at: str = "") -> Iterator[tuple[str, nn.Module]]:
    """(dotted name, layer), in order; a container that is more than a chain is given whole."""
    for name, layer in chain.layers.items():
        if isinstance(layer, Chain) and type(layer).forward is Chain.forward:
            yield from leaves(layer, f"{at}{name}.")
        else:
            yield at + name, layer


def stages(network: Chain) -> Stages:
    """Take a network apart.

    Raises:
        UserError: it has a layer that cannot be run in continuous time: which, why, and what would fit.
    """
    front: list[nn.Module] = []
    found: list[Stage] = []
    linear = None
    for name, layer in leaves(network):
        if getattr(layer, "temporal", False):
            _check(name, layer)
            if found and linear is None:
                raise _wrong(name, layer, "gets spikes without weights", "put a torch.nn.Linear before it")
            found.append(Stage(name, linear, layer))
            linear = None
        elif not found:
            front.append(layer)
        elif isinstance(layer, nn.Linear) and linear is None and type(found[-1].neuron) is CubaLIF:
            linear = layer
        elif not isinstance(layer, nn.Flatten | nn.Identity):
            hint = "choose         network=mlp (torch.nn.Linear and neurons in turn), or regime=bptt"
            raise _wrong(name, layer, "cannot take spikes at times of their own", hint)
    if not found or type(found[0].neuron) is not CubaLIF:
        raise UserError(
            "EventProp: the network has no neurons that spike", "choose         neuron=cuba_lif neuron.reset=zero"
        )
    return Stages(front, found)


def _check(name: str, layer: nn.Module) -> None:
    if type(layer) not in (CubaLIF, LI):
        why = "adapts" if "Ad" in type(layer).__name__ or "ALIF" in type(layer).__name__ else "has other equations"
        hint = "choose         neuron=cuba_lif neuron.reset=zero, or regime=bptt"
        raise _wrong(name, layer, f"{why}; the spike times solved here are those of a current-based LIF", hint)
    if type(layer) is CubaLIF and layer.reset not in ("zero", "value"):
        reset = "soft" if layer.reset == "subtract" else layer.reset
        raise _wrong(name, layer, f"has a {reset} reset; the adjoint equations are those of a hard one", HARD)
    if type(layer) is LI and layer.tau_syn is None:
        hint = "give           network.readout.tau_syn=5e-3 (s)"
        raise _wrong(name, layer, "jumps where a spike comes in, so that its samples have no derivative", hint)
    for option, wanted in PLAIN.items():
        value = getattr(layer, option, wanted)
        if value != wanted if not isinstance(value, Tensor) else True:
            hint = f"set            {option}: {'[]' if wanted == () else 'null' if wanted is None else wanted}"
            raise _wrong(name, layer, f"has {option} = {value}, which has no meaning in continuous time here", hint)
    if any(isinstance(getattr(layer, n, 0.0), Tensor) for n in ("tau_mem", "tau_syn", "threshold", "v_reset")):
        raise _wrong(name, layer, "has parameters that differ among its neurons", "set            one number a layer")


def _wrong(name: str, layer: nn.Module, why: str, hint: str) -> UserError:
    return UserError(f"EventProp: layer {name} ({type(layer).__name__}) {why}", hint)
