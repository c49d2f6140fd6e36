"""In which order the nodes of a graph can be run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def groups(names: Sequence[str], edges: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """The strongly connected components of a graph, each after those that lead to it; within one, and among those that
    are not connected, the order of `names`.

    Args:
        names: of the nodes.
        edges: (source, target); those with another name at an end are left out.

    Source: R. Tarjan, "Depth-first search and linear graph algorithms", SIAM Journal on Computing 1 (1972),
    doi:10.1137/0201010.
    """
    after: dict[str, list[str]] = {name: [] for name in names}
    for source, target in edges:
        if source in after and target in after:
            after[source].append(target)
    for targets in after.values():
        targets.reverse()
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    found: list[tuple[str, ...]] = []
    stack: list[str] = []
    rank = {name: i for i, name in enumerate(names)}
    for root in reversed(names):  # the last component found is the first: unconnected nodes keep their order
        # An explicit stack: a chain of a thousand layers is deeper than Python's recursion.
        work = [(root, iter(after[root]))] if root not in index else []
        while work:
            node, targets = work[-1]
            if node not in index:
                index[node] = lowest[node] = len(index)
                stack.append(node)
            for target in targets:
                if target not in index:
                    work.append((target, iter(after[target])))
                    break
                if target in stack:
                    lowest[node] = min(lowest[node], index[target])
            else:
                work.pop()
                if work:
                    lowest[work[-1][0]] = min(lowest[work[-1][0]], lowest[node])
                if lowest[node] == index[node]:
                    cut = stack.index(node)
                    found.append(tuple(sorted(stack[cut:], key=rank.__getitem__)))
                    del stack[cut:]
    return found[::-1]
