"""The same layers several times, with the arguments that differ."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from snnctl.errors import UserError
from snnctl.networks.chain import Chain, Layers
from snnctl.networks.place import Place


class Repeat(Chain):
    """Layers repeated: `layers` with the first of each value, `layers` with the second, ...

    An argument in `each` goes to every layer inside whose signature has it and whose configuration leaves it out.
    The repetitions are named 0, 1, ..., so a layer inside is called `<name>.0.<layer>`.

    Args:
        layers: as of a network.
        place: where it stands; filled in by the network.
        each: argument -> its values, one a repetition, e.g. {out_channels: [16, 32]}.
        times: number of repetitions; follows from `each` where that is given.

    Raises:
        UserError: no number of repetitions, or lists of different lengths.
    """

    def __init__(
        self,
        layers: Layers,
        place: Place,
        each: Mapping[str, Sequence[Any]] | None = None,
        times: int | None = None,
    ):
        each = {name: list(values) for name, values in (each or {}).items()}
        counts = {len(values) for values in each.values()} | ({times} if times is not None else set())
        if len(counts) != 1:
            lists = ", ".join(f"{name} {values}" for name, values in each.items())
            raise UserError(
                f"network layer {place.name} (Repeat): {lists or 'neither each nor times is given'}"
                + (f", times {times}" if times is not None else ""),
                "give   times: 2   or lists of the same length   each: {out_channels: [16, 32]}",
            )
        inside = [
            functools.partial(_chain, layers, {name: values[i] for name, values in each.items()})
            for i in range(counts.pop())
        ]
        super().__init__(inside, place)


def _chain(layers: Layers, given: Mapping[str, Any], place: Place) -> Chain:
    return Chain(layers, replace(place, given={**place.given, **given}))
