"""Which layer goes on which core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from snnctl.targets.plan import Misfit


class Words(NamedTuple):
    """Memory, in words: what a layer takes, or a core has."""

    kernel: int
    neuron: int
    bias: int


def words(inputs: int, outputs: tuple[int, int, int], kernel: int, bias: bool) -> Words:
    """What a layer takes of a core. Addresses are put together of bits, so sizes count as powers of two:

        kernel memory = c 2^(ceil log2 k^2 + ceil log2 f)
        neuron memory = f 2^(ceil log2 height + ceil log2 width)

    Args:
        inputs: channels c. outputs: (f, height, width) of the convolution, before pooling.
        kernel: side k. bias: whether there is one, of f words.

    Source: SynSense, "Speck: overview", section "Memory constraints and network sizing",
    https://sinabs.readthedocs.io/en/main/speck/overview.html
    """
    f, height, width = outputs
    return Words(inputs << (_bits(kernel**2) + _bits(f)), f << (_bits(height) + _bits(width)), f if bias else 0)


def _bits(count: int) -> int:
    """ceil log2 count"""
    return max(count - 1, 0).bit_length()


def assign(needs: Mapping[str, Words], cores: Sequence[Words]) -> tuple[dict[str, int], list[Misfit]]:
    """A core for each layer, no two the same: a maximum matching of layers to the cores that are large enough.

    Args:
        needs: layer -> what it takes.
        cores: what each has.

    Returns:
        layer -> core; and for each layer that has none a misfit or more, which say which cores are large enough, and
        which layers compete for them.

    Source: J. E. Hopcroft, R. M. Karp, SIAM Journal on Computing 2 (1973), doi:10.1137/0202019, in scipy; why there is
    no core: P. Hall, Journal of the London Mathematical Society 10 (1935), doi:10.1112/jlms/s1-10.37.26.
    """
    names = list(needs)
    large = {name: [i for i, core in enumerate(cores) if _fits(needs[name], core)] for name in names}
    if not names:
        return {}, []
    edges = np.zeros((len(names), len(cores)), dtype=np.int8)
    for row, name in enumerate(names):
        edges[row, large[name]] = 1
    matched = maximum_bipartite_matching(csr_array(edges), perm_type="column")
    found = {name: int(core) for name, core in zip(names, matched, strict=True) if core >= 0}
    left = [name for name in names if name not in found]
    return found, [why for name in left for why in _why(name, needs, cores, large, found)]


def _fits(need: Words, core: Words) -> bool:
    return all(n <= c for n, c in zip(need, core, strict=True))


def _why(
    name: str,
    needs: Mapping[str, Words],
    cores: Sequence[Words],
    large: Mapping[str, list[int]],
    found: Mapping[str, int],
) -> list[Misfit]:
    """Why a layer has no core."""
    need = needs[name]
    taken = f"{need.kernel:,} words of kernel memory, {need.neuron:,} of neuron memory"
    if not large[name]:
        most = Words(*(max(sizes) for sizes in zip(*cores, strict=True)))
        lacking = [
            Misfit(name, f"{n:,} words of {kind} memory", f"the largest core has {there:,}; {CURE[kind]}")
            for kind, n, there in zip(Words._fields, need, most, strict=True)
            if n > there
        ]
        if lacking:
            return lacking
        kernel = [i for i, core in enumerate(cores) if core.kernel >= need.kernel]
        neuron = [i for i, core in enumerate(cores) if core.neuron >= need.neuron]
        hint = f"{_listed(kernel)} would hold the kernel, {_listed(neuron)} the neurons; {CURE['neuron']}"
        return [Misfit(name, f"{taken}, and no core has both", hint)]
    # All layers that could give this one a core by moving, and all cores that they could move to.
    rivals, reach, on = [name], set(large[name]), {core: layer for layer, core in found.items()}
    for rival in rivals:
        for core in large[rival]:
            if core in on and on[core] not in rivals:
                rivals.append(on[core])
                reach |= set(large[on[core]])
    others = [rival for rival in needs if rival in rivals and rival != name]
    cure = "fewer layers" if len(reach) == len(cores) else CURE["kernel"] + ", or a smaller map before the pooling"
    only = "there are" if len(reach) == len(cores) else "large enough are only"
    return [Misfit(name, f"{taken}; {only} {_listed(sorted(reach))}, and {', '.join(others)} need them too", cure)]


CURE = {
    "kernel": "a smaller kernel or fewer channels",
    "neuron": "fewer channels, or a stride in the convolution",
    "bias": "fewer channels, or bias=false",
}


def _listed(cores: Sequence[int]) -> str:
    if len(cores) == 1:
        return f"core {cores[0]}"
    return f"cores {', '.join(map(str, cores))}" if cores else "no core"
