"""Which connections close a cycle, where a file does not say."""

from __future__ import annotations

from collections.abc import Iterable


def closing(start: str, edges: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The edges that lead back to a node on the way to their own source, searched depth first from the input on.

    In a graph whose cycles are each entered at one node these are the same for every order of the search; in any other
    the order of the edges decides.

    Args:
        start: the input.
        edges: (source, target).

    Source: R. Tarjan, "Depth-first search and linear graph algorithms", SIAM Journal on Computing 1 (1972),
    doi:10.1137/0201010.
    """
    after: dict[str, list[str]] = {start: []}
    for source, target in edges:
        after.setdefault(source, []).append(target)
        after.setdefault(target, [])
    back, done, on_the_way = [], set(), set()
    for root in (start, *after):
        if root in done:
            continue
        work = [(root, iter(after[root]))]
        on_the_way.add(root)
        while work:
            node, targets = work[-1]
            for target in targets:
                if target in on_the_way:
                    back.append((node, target))
                elif target not in done:
                    on_the_way.add(target)
                    work.append((target, iter(after[target])))
                    break
            else:
                work.pop()
                on_the_way.discard(node)
                done.add(node)
    return list(dict.fromkeys(back))
