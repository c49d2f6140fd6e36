"""Where populations go on a core, in which order, and how late they run there."""

from __future__ import annotations

import torch
from torch import nn

from snnctl.circuits import Circuit, Projection
from snnctl.targets.xylo.placement import place
from tests.targets.xylo.circuits import DT, chip, circuit, events, neurons, readout


def chain(*joined: tuple[str, str, int], sizes: dict[str, int]) -> Circuit:
    """Populations joined by linear layers (source, target, delay)."""
    torch.manual_seed(3)
    edges = [Projection(a, b, {f"{a}-{b}": nn.Linear(sizes[a], sizes[b], bias=False)}, delay) for a, b, delay in joined]
    names = [name for name in sizes if name not in ("input", "last")]
    populations = {**{name: neurons(threshold=0.5) for name in names}, "last": readout()}
    shapes = {name: (n,) for name, n in sizes.items()} | {"output": (sizes["last"],)}
    return Circuit(populations, [*edges, Projection("last", "output")], shapes, DT)


def test_one_recurrent_layer():
    placement, found = place(circuit())
    assert not found and placement.first == {"hidden": 0} and placement.output == "readout"
    assert (placement.entered, placement.left, placement.hidden) == (12, 12, 12)
    assert placement.latency == {"hidden": 0, "readout": 1, "output": 1} and placement.longest == 1
    later = place(circuit(delay=1))[0]
    assert later.latency == {"hidden": 0, "readout": 0, "output": 0}


def test_those_that_take_input_come_first_and_those_that_reach_the_output_last():
    sizes = {"input": 2, "c": 5, "b": 4, "a": 3, "last": 2}
    deep = chain(("input", "c", 0), ("c", "b", 0), ("b", "a", 0), ("a", "last", 0), sizes=sizes)
    placement, found = place(deep)
    assert not found and placement.first == {"c": 0, "b": 5, "a": 9}
    assert (placement.entered, placement.left) == (5, 3)
    assert placement.latency == {"c": 0, "b": 1, "a": 2, "last": 3, "output": 3}


def test_a_layer_that_does_neither_lies_in_the_smaller_expansion():
    sizes = {"input": 2, "both": 5, "neither": 4, "in": 3, "last": 2}
    joined = [("input", "both", 0), ("input", "in", 0), ("in", "neither", 1), ("neither", "both", 1),
              ("both", "last", 0)]  # fmt: skip
    placement, found = place(chain(*joined, sizes=sizes))
    assert not found and placement.first == {"in": 0, "both": 3, "neither": 8}
    assert (placement.entered, placement.left) == (8, 9)


def test_paths_of_different_length_are_found():
    sizes = {"input": 2, "a": 3, "b": 4, "last": 2}
    split = [("input", "a", 0), ("input", "b", 0), ("a", "b", 0), ("b", "last", 0)]
    _, (misfit,) = place(chain(*split, sizes=sizes))
    assert misfit.layer == "a-b" and "1 step later" in misfit.problem and "a delay of 1 steps" in misfit.hint
    split[2] = ("a", "b", 1)
    placement, found = place(chain(*split, sizes=sizes))
    assert not found and placement.latency["last"] == 1


def test_what_has_no_such_form():
    shapes = {"input": (2,), "a": (2,), "output": (2,)}
    alone = Circuit({"a": readout()}, [Projection("input", "a"), Projection("a", "output")], shapes, DT)
    assert "without hidden ones" in str(place(alone)[1][0])
    open_end = [Projection("input", "a"), Projection("a", "output", {"fc": nn.Linear(2, 2)})]
    assert "does not end in neurons" in str(place(Circuit({"a": neurons()}, open_end, shapes, DT))[1][0])
    back = chain(("input", "a", 0), ("a", "last", 0), ("last", "a", 1), sizes={"input": 2, "a": 3, "last": 2})
    assert "output neurons project to a" in str(place(back)[1][0])
    early = chain(("input", "a", 2), ("a", "last", 0), sizes={"input": 2, "a": 3, "last": 2})
    assert any("2 steps earlier" in str(misfit) for misfit in place(early)[1])
    unfed = chain(("input", "a", 0), ("b", "last", 0), ("a", "last", 0), ("b", "b", 1),
                  sizes={"input": 2, "a": 3, "b": 3, "last": 2})  # fmt: skip
    assert any(misfit.layer == "b" and "no input" in misfit.problem for misfit in place(unfed)[1])


def test_latency_is_taken_back():
    """Deep feed-forward layers come later on the core; the model gives every layer at the circuit's own steps."""
    sizes = {"input": 5, "c": 12, "b": 10, "a": 8, "last": 2}
    deep = chain(("input", "c", 0), ("c", "b", 0), ("b", "a", 0), ("a", "last", 0), sizes=sizes)
    target, x = chip("a3"), events(rate=0.8)
    ours = target.quantise(deep, target.plan(deep), x).run(x).spikes
    with torch.no_grad():
        theirs = deep.trace(x)[2]
    for name in ("c", "b", "a"):
        at = _shared(ours[name], theirs[name])
        beside = _shared(ours[name][1:], theirs[name][:-1]), _shared(ours[name][:-1], theirs[name][1:])
        assert theirs[name].sum() > 100 and at > 0.9 and at > max(beside), name


def _shared(a: torch.Tensor, b: torch.Tensor) -> float:
    """The part of the spikes that both have at the same step."""
    return (2 * torch.minimum(a, b).sum() / (a.sum() + b.sum())).item()
