"""When each layer runs on a chip whose every connection takes a step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from snnctl.circuits import INPUT
from snnctl.targets.plan import Misfit

Edge = tuple[str, str, int]  # source, target, steps of delay in the circuit


def latencies(names: Sequence[str], edges: Iterable[Edge], dt: float) -> tuple[dict[str, int], list[Misfit]]:
    """Steps by which each population on the chip runs behind the circuit, the least that let every connection take

        delay + latency(target) - latency(source)  >=  1

    steps on the chip. With them the chip computes what the circuit does, each layer some steps later.

    Args:
        names: populations. edges: between them and from "input". dt: step, s.

    Returns:
        population -> steps, 1 and above; and a misfit for every cycle with fewer steps of delay than connections.
    """
    edges = [(s, t, d) for s, t, d in edges if t in names and (s in names or s == INPUT)]
    misfits = []
    while True:
        behind = dict.fromkeys(names, 1)
        why: dict[str, str] = {}  # the source that made a population late
        changed = None
        for _ in range(len(behind) + 1):
            changed = None
            for source, target, delay in edges:
                need = behind.get(source, 0) + 1 - delay
                if need > behind[target]:
                    behind[target], why[target], changed = need, source, target
            if changed is None:
                return behind, misfits
        cycle = _cycle(changed, why, names)
        pairs = list(zip(cycle, [*cycle[1:], cycle[0]], strict=True))
        misfits.append(_late(cycle, sum(min(d for s, t, d in edges if (s, t) == pair) for pair in pairs), dt))
        edges = [edge for edge in edges if edge[:2] != pairs[-1]]  # look for the next one


def _cycle(name: str, why: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """Populations on the cycle that made one late for as many rounds as there are populations, in order."""
    for _ in range(len(why)):
        name = why[name]
    found = [name]
    while why[found[-1]] != name:
        found.append(why[found[-1]])
    first = found.index(min(found, key=names.index))
    return [*found[first::-1], *found[:first:-1]]


def _late(cycle: list[str], delay: int, dt: float) -> Misfit:
    count, missing = len(cycle), len(cycle) - delay
    return Misfit(
        ", ".join(cycle),
        f"a cycle of {count} {'connection' if count == 1 else 'connections'} is delayed by {delay} "
        f"{'step' if delay == 1 else 'steps'}, and each connection takes 1 step",
        f"put snnctl.networks.Delay of {missing * dt:g} s into it",
    )
