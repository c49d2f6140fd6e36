"""The graph of an ANN that is any torch module, traced by torch.fx."""

from __future__ import annotations

import copy
import math
import operator
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from snnctl.conversion.analog import INPUT, Analog
from snnctl.errors import UserError
from snnctl.networks import Add, Concatenate

SUMS = (operator.add, operator.iadd, torch.add, "add", "add_")
ENDS = (F.log_softmax, F.softmax, torch.softmax, torch.log_softmax, "softmax", "log_softmax")  # keep the largest score
FLATTENS = (torch.flatten, torch.reshape, "flatten", "view", "reshape")
MEANS = (torch.mean, "mean")
# Functions of torch -> the layer that computes the same, from the arguments after the first.
LAYERS: dict[Any, Callable[..., nn.Module]] = {
    F.relu: lambda inplace=False: nn.ReLU(), torch.relu: nn.ReLU, torch.relu_: nn.ReLU, "relu": nn.ReLU,
    "relu_": nn.ReLU, F.relu6: lambda inplace=False: nn.ReLU6(),
    F.dropout: lambda *args, **options: nn.Identity(), F.dropout2d: lambda *args, **options: nn.Identity(),
    F.avg_pool1d: nn.AvgPool1d, F.avg_pool2d: nn.AvgPool2d, F.avg_pool3d: nn.AvgPool3d,
    F.adaptive_avg_pool1d: nn.AdaptiveAvgPool1d, F.adaptive_avg_pool2d: nn.AdaptiveAvgPool2d,
    F.max_pool2d: nn.MaxPool2d, "contiguous": nn.Identity,
}  # fmt: skip


def from_module(module: nn.Module, shape: tuple[int, ...]) -> Analog:
    """Modules, sums, concatenations and functions of torch as operations, on copies of the layers.

    Args:
        module: (B, *shape) -> (B, classes).
        shape: of its input, without batch.

    Raises:
        UserError: it cannot be traced, does not take such an input, or does what no spiking layer stands for.
    """
    module = copy.deepcopy(module).eval()
    kind = type(module).__name__
    try:
        traced = fx.symbolic_trace(module)
    except Exception as error:  # whatever the user's forward raises on symbols
        hint = "its forward must not branch on values; layers one after the other, sums and torch.cat are fine"
        raise UserError(f"{kind} cannot be traced: {str(error).splitlines()[0]}", hint) from error
    if sum(node.op == "placeholder" for node in traced.graph.nodes) != 1:
        raise UserError(f"{kind} takes more than one input", "one is known: the frame (B, *shape)")
    try:
        with torch.no_grad():
            _Shapes(traced).run(torch.zeros(2, *shape))
    except Exception as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise UserError(f"{kind} does not take (B, {', '.join(map(str, shape))}): {reason}",
                        "it must fit the data set: snnctl data info dataset=...") from error  # fmt: skip
    graph, names = Analog(shape), {}
    for node in traced.graph.nodes:
        if node.op == "placeholder":
            names[node] = INPUT
        elif node.op == "output":
            _end(graph, kind, names.get(node.args[0]) if isinstance(node.args[0], fx.Node) else None)
        elif _is_tensor(node):
            names[node] = _operation(graph, traced, node, names)
    return graph


def _operation(graph: Analog, traced: fx.GraphModule, node: fx.Node, names: dict[fx.Node, str]) -> str:
    if node.op == "call_module":
        layer = traced.get_submodule(node.target)
        name = str(node.target) if str(node.target) not in graph.nodes else node.name
        return _softmax(graph, node, names) or graph.add(name, copy.deepcopy(layer), (_source(node, 0, names),), 1.0)
    target, rest, options = node.target, node.args[1:], dict(node.kwargs)
    title = f"{node.name} ({getattr(target, '__name__', target)})"
    if node.op == "get_attr" or target is getattr:
        raise UserError(f"operation {title} reads a tensor of the module", "put it into a layer")
    if target in SUMS and len(node.args) == 2 and all(isinstance(arg, fx.Node) for arg in node.args):
        return graph.add(node.name, Add(), (_source(node, 0, names), _source(node, 1, names)), 1.0)
    if target in (torch.cat, torch.concat):
        dim = options.get("dim", rest[0] if rest else 0)
        if dim % len(_shape(node)) != 1:
            raise UserError(f"operation {title} joins dimension {dim}", "channels, dimension 1, can be joined")
        return graph.add(node.name, Concatenate(), tuple(names[arg] for arg in node.args[0]), 1.0)
    if (end := _softmax(graph, node, names)) is not None:
        return end
    source = (_source(node, 0, names),)
    if target in FLATTENS and _shape(node) == (2, math.prod(_shape(node.args[0])) // 2):
        return graph.add(node.name, nn.Flatten(), source, 1.0)
    if target in MEANS and _over_maps(node, rest, options):
        sides = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d}
        pooled = graph.add(f"{node.name}_pool", sides[len(_shape(node.args[0])) - 2](1), source, 1.0)
        return pooled if len(_shape(node)) > 2 else graph.add(node.name, nn.Flatten(), (pooled,), 1.0)
    if target not in LAYERS:
        raise UserError(f"operation {title} cannot be converted", "layers of torch.nn, +, torch.cat and pooling can")
    options = {k: v for k, v in options.items() if k not in ("return_indices",)}
    return graph.add(node.name, LAYERS[target](*rest, **options), source, 1.0)


def _softmax(graph: Analog, node: fx.Node, names: dict[fx.Node, str]) -> str | None:
    """What stands before a softmax at the end: the largest score stays the largest without it."""
    layer = node.graph.owning_module.get_submodule(node.target) if node.op == "call_module" else None
    if not isinstance(layer, (nn.Softmax, nn.LogSoftmax)) and node.target not in ENDS:
        return None
    if any(user.op != "output" for user in node.users):
        raise UserError(
            f"operation {node.name} ({node.target}) cannot be converted", "a softmax may stand at the end only"
        )
    return _source(node, 0, names)


def _source(node: fx.Node, number: int, names: dict[fx.Node, str]) -> str:
    source = node.args[number] if len(node.args) > number else node.kwargs.get("input")
    if source not in names:
        raise UserError(f"operation {node.name} reads what is no layer's output", "give it a layer's output")
    return names[source]


def _end(graph: Analog, kind: str, last: str | None) -> None:
    if last is None:
        raise UserError(f"{kind} gives more than one tensor", "it must give (B, classes)")
    while graph.last != last:  # what nobody reads
        del graph.nodes[graph.last]


def _over_maps(node: fx.Node, rest: tuple[Any, ...], options: dict[str, Any]) -> bool:
    dims = options.get("dim", rest[0] if rest else None)
    rank = len(_shape(node.args[0]))
    listed = [dims] if isinstance(dims, int) else list(dims or ())
    return rank in (3, 4) and sorted(d % rank for d in listed) == list(range(2, rank))


class _Shapes(fx.Interpreter):
    """Notes the shape of what each operation gives."""

    def run_node(self, node: fx.Node) -> Any:
        out = super().run_node(node)
        if isinstance(out, Tensor):
            node.meta["shape"] = tuple(out.shape)
        return out


def _is_tensor(node: fx.Node) -> bool:
    return "shape" in node.meta


def _shape(node: fx.Node) -> tuple[int, ...]:
    return node.meta["shape"]
