"""What regularizers read of a network while it runs: spikes, membranes, synaptic operations, parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from snnctl.errors import UserError
from snnctl.metrics.synapses import fan_out
from snnctl.neurons.neuron import Neuron

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
KINDS = ("spikes", "membranes", "operations", "parameters")


class Watch:
    """Hooks on a network that keep, with their gradient, what its layers did in training.

    Args:
        network: with `temporal_layers()`.
        reads: which of spikes, membranes, operations and parameters are wanted.

    Raises:
        UserError: there is no such thing to read.
    """

    def __init__(self, network: nn.Module, reads: set[str]):
        if unknown := reads - set(KINDS):
            raise UserError(f"a regularizer reads {min(unknown)!r}", f"choose from    {', '.join(KINDS)}")
        self.network = network
        self._kept: dict[str, dict[str, list[Tensor]]] = {kind: {} for kind in reads}
        self._fans: dict[tuple[str, tuple[int, ...]], Tensor] = {}
        self._batch = 0  # until `begin`: passes before it, as of a dry run, are not kept
        self._paused = False
        for name, layer in network.temporal_layers().items():
            if "spikes" in reads and getattr(layer, "spiking", False):
                self._on(layer, "spikes", name, lambda layer, args, kwargs, out: out[0])
            if "membranes" in reads and hasattr(layer, "trace"):
                self._on(layer, "membranes", name, _membrane)
        if "operations" in reads:
            self._watch_operations()

    def _watch_operations(self) -> None:
        inner: set[int] = set()  # modules that a layer with a state runs itself, step by step
        for name, layer in self.network.temporal_layers().items():
            inner |= {id(m) for m in layer.modules()} if hasattr(layer, "trace") else set()
            if hasattr(layer, "plain"):
                self._on(layer, "operations", name, self._of_sequence(name))
            feedback = getattr(layer, "feedback", None)
            if isinstance(feedback, nn.Module):
                self._on(layer, "operations", f"{name}.feedback", self._of_feedback(f"{name}.feedback"))
        for path, module in self.network.named_modules():
            if isinstance(module, WEIGHTED) and id(module) not in inner:
                self._on(module, "operations", short(path), self._of_inputs(short(path)))
            if hasattr(module, "time_major"):
                module.time_major = True  # so that rows are (T B)

    def _on(self, layer: nn.Module, kind: str, name: str, read: Callable[..., Tensor | None]) -> None:
        def hook(layer: nn.Module, args: Any, kwargs: dict[str, Any], output: Any) -> None:
            if self._paused or not self._batch or not layer.training:
                return
            seen = read(layer, args, kwargs, output)  # also while backward repeats the pass: it must be the same pass
            if seen is not None and not recomputing():
                self._kept[kind].setdefault(name, []).append(seen)

        layer.register_forward_hook(hook, with_kwargs=True)

    def _of_inputs(self, name: str) -> Callable[..., Tensor]:
        def read(layer: nn.Module, args: Any, kwargs: Any, output: Any) -> Tensor:
            return self._operations(layer, name, args[0].unflatten(0, (-1, self._batch)))

        return read

    def _of_sequence(self, name: str) -> Callable[..., Tensor]:
        def read(layer: nn.Module, args: Any, kwargs: Any, output: Any) -> Tensor:
            return self._operations(layer, name, args[0])

        return read

    def _of_feedback(self, name: str) -> Callable[..., Tensor]:
        def read(layer: nn.Module, args: Any, kwargs: Any, output: Any) -> Tensor:
            return self._operations(layer.feedback, name, output[0])

        return read

    def _operations(self, layer: nn.Module, name: str, x: Tensor) -> Tensor:
        """Synaptic operations that inputs (T, B, *shape) cause, (T, B), with the weights that are not 0 at first."""
        key = name, tuple(x.shape[2:])
        if key not in self._fans:
            with self.paused(), saved_tensors_hooks(_same, _same):  # backward does not repeat this one
                self._fans[key] = fan_out(layer, key[1])[0].float()
        x = x.flatten(2)
        return torch.where(x < 0, -x, x) @ self._fans[key].to(x)  # the slope at 0 is 1: abs would have none there

    def begin(self, batch: int) -> None:
        """Forget what was kept; the next passes are of this many samples."""
        self._batch = batch
        self.forget()

    def forget(self) -> None:
        """Let go of what was kept."""
        for kept in self._kept.values():
            kept.clear()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep nothing of what runs inside."""
        before, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = before

    def seen(self, kind: str) -> dict[str, Tensor]:
        """{layer: (T, B, ...)} of spikes or membranes, (T, B) of operations; {name: parameter} of parameters."""
        if kind == "parameters":
            return named_values(self.network)
        return {name: torch.cat(chunks) for name, chunks in self._kept[kind].items()}


def named_values(network: nn.Module) -> dict[str, Tensor]:
    """Parameters that a gradient or a rule trains, by a user's names: fc.weight; lif.tau_mem with its value, in s."""
    values = {}
    for path, p in network.named_parameters():
        if not p.requires_grad and not getattr(p, "plastic", False):
            continue
        owner, _, name = path.rpartition(".")
        log = name.startswith("log_") and isinstance(network.get_submodule(owner), Neuron)
        values[short(f"{owner}.{name.removeprefix('log_')}" if log else path)] = p.exp() if log else p
    return values


def short(path: str) -> str:
    """A module's or parameter's path without the containers' own part: layers.hidden.layers.fc -> hidden.fc."""
    return ".".join(part for part in path.split(".") if part != "layers")


def recomputing() -> bool:
    """Whether this forward pass is one that backward repeats, so that hooks do not count it twice."""
    return torch._C._current_graph_task_id() != -1


def _same(x: Tensor) -> Tensor:
    return x


def _membrane(layer: nn.Module, args: Any, kwargs: dict[str, Any], output: Any) -> Tensor | None:
    return layer.trace(*args, dt=kwargs["dt"])[2].get("v")
