"""Neurons of snnctl as a user of the command line gets them, for proofs: a preset and what is changed in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from snnctl.networks import AllToAll, Recurrent
from snnctl.neurons.neuron import Neuron
from tests.parity.drive import ours, with_gradients
from tests.parity.parity import Inputs, Traces

CONFIGS = Path(__file__).parents[2] / "configs"


@cache
def _config(name: str) -> Any:
    from hydra import compose, initialize_config_dir  # not in the environment of the frameworks

    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose(overrides=[f"+neuron={name}"]).neuron


def preset(name: str, **options: Any) -> Neuron:
    """What `neuron=NAME neuron.OPTION=...` builds."""
    from hydra.utils import instantiate

    return instantiate(_config(name))(**options)


def mine(name: str, fields: Mapping[str, str] | None = None, learned: Sequence[str] = (), **options: Any):
    """(inputs) -> traces of a preset.

    Args:
        fields: trace name -> state field; None traces v.
        learned: parameters with a gradient; of a time constant it is that of its logarithm.
    """

    def run(given: Inputs) -> Traces:
        neuron = preset(name, learnable=list(learned), **options)
        stored = [(n, f"log_{n}" if hasattr(neuron, f"log_{n}") else n) for n in learned]
        return ours(given, neuron, 1e-3, None if fields is None else dict(fields), stored)

    return run


def silent(traces: Traces) -> dict[str, Tensor]:
    """The same of a neuron that does not spike: its output is compared as a value."""
    return {"out" if name == "spikes" else name: trace for name, trace in traces.items()}


def without(names: str, traces: Traces) -> dict[str, Tensor]:
    """Traces but for those named."""
    return {name: trace for name, trace in traces.items() if name not in names.split()}


def recurrent(
    given: Inputs,
    neuron: Neuron,
    fields: Mapping[str, str],
    feedback: Callable[..., nn.Module] = AllToAll,
    bias: Tensor | None = None,
) -> dict[str, Tensor]:
    """Traces of neurons that see their own outputs a step later.

    Args:
        given: x, g, and w, the weights of the feedback as it stores them.
        fields: trace name -> state field.
        feedback: as `Recurrent` takes it.
        bias: of the feedback.
    """
    layer = Recurrent(neuron, tuple(given["x"].shape[2:]), feedback)
    with torch.no_grad():
        layer.feedback.weight.copy_(given["w"].reshape(layer.feedback.weight.shape))
        if bias is not None:
            layer.feedback.bias.copy_(bias)
    x = given["x"].clone().requires_grad_()
    out, _, states = layer.trace(x, dt=1e-3)
    assert torch.equal(out, layer(given["x"], dt=1e-3)[0]), "the kernel's output is another"
    return {
        **with_gradients(out, x, given, [("w", layer.feedback.weight)]),
        **{name: states[field] for name, field in fields.items()},
    }
