"""Which values of a step the forward pass keeps for the backward pass: the fewest bytes that all of it follows from."""

from __future__ import annotations

from collections.abc import Iterable

import networkx

from snnctl.kernels.program import Program

# Bytes moved, in units of one float read: x is in memory already, anything else is written and read back; a truth
# value takes a byte. A state is a little dearer than a value made from it, which may spare saving x.
INPUT, VALUE, STATE, TRUTH = 100, 200, 201, 60


def saved_values(program: Program, coefs: Iterable[str], exact: bool = True) -> tuple[str, ...]:
    """The values from which the backward lines can be computed, at the least cost: a minimum cut of the forward lines.

    Args:
        program: of the neuron.
        coefs: the coefficients whose gradients are wanted.
        exact: saved numbers come back as they were; else what is true or false (a spike) is never made from them.

    Returns:
        Names, among them `x` or states (`s_...`) where these are cheapest. For a plain LIF it is the surrogate's
        derivative alone.

    Source: T. Chen et al., "Training deep nets with sublinear memory cost", arXiv:1604.06174 (recomputation); as a
    minimum cut: H. He, S. Zhang, "Transcending runtime-memory tradeoffs in checkpointing by being fusion aware",
    MLSys 2023.
    """
    inputs = {"x", *program.before}
    forward, backward = set(inputs), {"d_out", *(f"d_s_{s}" for s in program.states)}
    graph = networkx.DiGraph()
    for line in program.lines:
        used = [a for a in line.args if isinstance(a, str)]
        if any(a in backward for a in used):
            backward.add(line.name)
        elif any(a in forward for a in used):
            forward.add(line.name)
    costs = {"x": INPUT, **dict.fromkeys(program.before, STATE)}
    for line in program.lines:
        if line.name in forward and line.op != "number":  # a truth value is kept as such
            costs[line.name] = TRUTH if line.truth else VALUE
    for name in forward:
        graph.add_edge((name, "in"), (name, "out"), **({"capacity": costs[name]} if name in costs else {}))
    for name in inputs:
        graph.add_edge("given", (name, "in"))
    for line in program.lines:
        if line.name in forward and line.truth and not exact:
            graph.add_edge("given", (line.name, "in"))
        elif line.name in forward:
            for a in line.args:
                if a in forward:
                    graph.add_edge((a, "out"), (line.name, "in"))
    graph.add_node("wanted")
    d_coefs = dict(zip(program.coefs, program.d_coefs, strict=True))
    results = {program.d_x, *program.d_states, *(d_coefs[c] for c in coefs)}
    for line in program.backward_lines((), coefs):
        if line.name in backward:
            results.update(a for a in line.args if a in forward)
    for name in results & forward:
        graph.add_edge((name, "out"), "wanted")
    _, (reached, _) = networkx.minimum_cut(graph, "given", "wanted")
    return tuple(name for name in costs if (name, "in") in reached and (name, "out") not in reached)
