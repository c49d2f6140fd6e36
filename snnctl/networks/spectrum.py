"""Neurons of one layer with a range of synaptic time constants."""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import prod

from torch import nn

from snnctl.errors import UserError
from snnctl.networks.chain import Chain
from snnctl.networks.place import Place


class Spectrum(Chain):
    """Neurons whose synaptic time constants grow geometrically from one to the next, again and again:

        tau_syn_j = shortest ratio^(j mod constants)

    so that a layer holds short and long memories of its input, as in SynNet.

    Args:
        neuron: partial of a neuron with tau_syn.
        place: where it stands; filled in by the network.
        constants: how many different time constants there are.
        shortest: the first of them, s, above 0.
        ratio: of each to the one before it, above 0.

    Raises:
        UserError: a number is out of range, or the neuron has no tau_syn.

    Source: H. Bos, D. Muir, "Sub-mW neuromorphic SNN audio processing applications with Rockpool and Xylo" (2022),
    arXiv:2208.12991.
    """

    def __init__(
        self,
        neuron: Callable[..., nn.Module],
        place: Place,
        constants: int = 4,
        shortest: float = 2e-3,
        ratio: float = 2.0,
    ):
        if type(constants) is not int or constants < 1 or not shortest > 0 or not ratio > 0:
            raise UserError(
                f"Spectrum: constants {constants!r}, shortest {shortest!r} s, ratio {ratio!r}",
                "range          whole, 1 and above; above 0, s; above 0",
            )
        taus = [shortest * ratio ** (j % constants) for j in range(prod(place.shape))]
        super().__init__({"neuron": functools.partial(neuron, tau_syn=taus, per="neuron")}, place)
