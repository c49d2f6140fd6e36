"""NeuroBench's metrics of a network on a data set, by their definitions and without the framework."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from snnctl.errors import UserError
from snnctl.metrics.synapses import SynapseCount, connection_sparsity, footprint

COUNTED = (nn.Linear, nn.modules.conv._ConvNd)
ACTIVATIONS = (nn.ReLU, nn.Sigmoid)
NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm, nn.LocalResponseNorm)


class SynapseRow(NamedTuple):
    """Operations of one layer, per sample.

    Args:
        layer: name; `<name>.feedback` for the recurrent weights of a layer.
        operation: AC where its inputs were all in {-1, 0, 1} over the whole data set, else MAC.
        effective: non-zero weights met by non-zero inputs. dense: all positions.
        step_acs, step_macs: `effective` divided by deciding anew at every step of every sample.
    """

    layer: str
    operation: str
    effective: float
    dense: float
    step_acs: float
    step_macs: float


class Result(NamedTuple):
    """NeuroBench's metrics; None where there is nothing to measure (no weights, no activation layers, no membranes).

    Args:
        footprint: bytes of parameters and buffers.
        connection_sparsity: zero weights / weights.
        activation_sparsity: zeros / elements over the outputs of spiking and ReLU layers.
        effective_macs, effective_acs, dense: synaptic operations per sample, summed over steps.
        membrane_updates: membrane values that changed, per sample; the first step sets and counts all.
        layers: the operations by layer.
    """

    footprint: int
    connection_sparsity: float | None
    activation_sparsity: float | None
    effective_macs: float
    effective_acs: float
    dense: float
    membrane_updates: float | None
    layers: list[SynapseRow]


class NeuroBench:
    """Counts operations, activity and membrane updates of a network by forward hooks, over any number of batches.

        with NeuroBench(network) as bench:
            for batch in loader:
                bench.run(batch.x, batch.length)
        bench.result()

    Where another part runs the network (a Trainer), call `begin(x, length)` before each batch instead of `run`.
    Steps past a sample's length are not counted, so no figure depends on how samples are batched.

    Args:
        network: (T, B, ...) -> (out, state), with `temporal_layers()`.

    Raises:
        UserError: a layer has weights whose operations are not known how to count (torch.nn.LSTM, an embedding, ...).

    Source: Yik et al. 2025, doi 10.1038/s41467-025-56739-4, definitions as of neurobench 2.3.0.
    """

    def __init__(self, network: nn.Module):
        self.network = network
        self.synapses: dict[str, SynapseCount] = {}
        self.samples = 0
        self.zeros = self.elements = self.updates = 0
        self.membranes = False
        self._valid: Tensor | None = None
        self._hooks: list[Any] = []
        self._counting = False
        self._layers = dict(network.temporal_layers())
        feedback = {name: getattr(layer, "feedback", None) for name, layer in self._layers.items()}
        self._feedback = {name: module for name, module in feedback.items() if isinstance(module, nn.Module)}
        recurrent = {name: getattr(layer, "recurrent", None) for name, layer in self._layers.items()}
        self._recurrent = {name: module for name, module in recurrent.items() if isinstance(module, nn.Module)}
        self._synaptic = {name: layer for name, layer in self._layers.items() if hasattr(layer, "plain")}
        # Modules that a layer with a state runs step by step: they are counted through that layer.
        self._inner = {id(m) for layer in self._layers.values() if hasattr(layer, "trace") for m in layer.modules()}
        self._linear = self._find()

    def __enter__(self) -> NeuroBench:
        for name, module in self._linear.items():
            self.synapses.setdefault(name, SynapseCount(module))
            self._hooks.append(module.register_forward_pre_hook(self._linear_hook(name)))
        for name, layer in self._synaptic.items():
            self.synapses.setdefault(name, SynapseCount(layer))
        for name, module in (*self._feedback.items(), *self._recurrent.items()):
            self.synapses.setdefault(f"{name}.feedback", SynapseCount(module))
        for name, layer in self._layers.items():
            self._hooks.append(layer.register_forward_hook(self._temporal_hook(name), with_kwargs=True))
        for module in self.network.modules():
            if isinstance(module, ACTIVATIONS) and id(module) not in self._inner:
                self._hooks.append(module.register_forward_hook(self._activation_hook))
            if hasattr(module, "time_major"):
                module.time_major = True
        return self

    def __exit__(self, *error: Any) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks, self._valid = [], None
        for module in self.network.modules():
            module.__dict__.pop("time_major", None)

    def begin(self, x: Any, length: Tensor) -> None:
        """Announce the next batch: x (T, B, ...) as the network gets it, length (B,) valid steps of each sample."""
        steps, batch = x.shape[:2]
        self._valid = torch.arange(steps, device=length.device)[:, None] < length.clamp(max=steps)
        self.samples += batch

    def run(self, x: Any, length: Tensor) -> Tensor:
        """`begin`, then the network in evaluation mode without gradient; returns its output (T, B, C)."""
        self.begin(x, length)
        training = self.network.training
        self.network.eval()
        with torch.no_grad():
            out = self.network(x)[0]
        self.network.train(training)
        return out

    def result(self) -> Result:
        """The metrics over what was counted.

        Raises:
            UserError: nothing was counted, or a layer with weights never ran.
        """
        if not self.samples:
            raise UserError("NeuroBench: no batch was counted", "call run(x, length) inside `with NeuroBench(...)`")
        idle = [name for name, count in self.synapses.items() if not count.dense]
        if idle:
            raise UserError(f"NeuroBench: layer {idle[0]} has weights, but no input of it was seen")
        rows = [self._row(name, count) for name, count in self.synapses.items()]
        return Result(
            footprint=footprint(self.network),
            connection_sparsity=connection_sparsity([c.module for c in self.synapses.values()]),
            activation_sparsity=self.zeros / self.elements if self.elements else None,
            effective_macs=sum(r.effective for r in rows if r.operation == "MAC"),
            effective_acs=sum(r.effective for r in rows if r.operation == "AC"),
            dense=sum(r.dense for r in rows),
            membrane_updates=self.updates / self.samples if self.membranes else None,
            layers=rows,
        )

    def _row(self, name: str, count: SynapseCount) -> SynapseRow:
        effective, acs = count.effective / self.samples, count.step_acs / self.samples
        kind = "AC" if count.binary else "MAC"
        return SynapseRow(name, kind, effective, count.dense / self.samples, acs, effective - acs)

    def _find(self) -> dict[str, nn.Module]:
        """Linear and convolutional layers by name; recurrent weights are counted from their layer's outputs."""
        found = {}
        called = {id(module): name for name, module, _ in getattr(self.network, "walk", tuple)()}
        for path, module in self.network.named_modules():
            name = called.get(id(module), ".".join(part for part in path.split(".") if part != "layers"))
            if id(module) in self._inner:
                continue
            if isinstance(module, COUNTED):
                found[name] = module
            elif not isinstance(module, NORMS):
                own = [n for n, p in module.named_parameters(recurse=False) if p.dim() > 1]
                if own:
                    owner = f"{name} ({type(module).__name__}, parameter {own[0]})"
                    raise UserError(
                        f"NeuroBench: no rule counts the operations of layer {owner}",
                        "counted are torch.nn.Linear, Conv1d, Conv2d, Conv3d and snnctl.networks.Recurrent",
                    )
        return found

    def _mask(self, name: str) -> Tensor:
        if self._valid is None:
            raise UserError(f"NeuroBench: layer {name} ran before its batch was announced", "call begin or run")
        return self._valid

    def _linear_hook(self, name: str) -> Any:
        def hook(module: nn.Module, args: tuple[Tensor, ...]) -> None:
            if self._counting:  # the layer is run on ones
                return
            valid, x = self._mask(name), args[0]
            x = x.unflatten(0, valid.shape) if len(x) == valid.numel() else x
            if x.shape[:2] != valid.shape:
                raise UserError(
                    f"NeuroBench: layer {name} got {tuple(x.shape)}, not {tuple(valid.shape)} steps and samples",
                    "a layer inside a class of your own must see all steps at once",
                )
            self._count(name, x, valid)

        return hook

    def _count(self, name: str, x: Tensor, valid: Tensor) -> None:
        self._counting = True
        try:
            self.synapses[name].add(x.detach(), valid.to(x.device))
        finally:
            self._counting = False

    def _temporal_hook(self, name: str) -> Any:
        def hook(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: tuple[Tensor, Any]) -> None:
            out, valid = output[0].detach(), self._mask(name).to(output[0].device)
            if (args[1] if len(args) > 1 else kwargs.get("state")) is not None:
                raise UserError("NeuroBench: a sequence must be run in one piece, from rest", "give no state")
            if name in self._synaptic:
                self._count(name, args[0], valid)
            traced = layer.trace(args[0], None, dt=kwargs["dt"])[2] if hasattr(layer, "trace") else {}
            if name in self._feedback or name in self._recurrent:  # cells of gates get back the last field of the state
                back = out if name in self._feedback else traced[layer.State._fields[-1]].detach()
                self._count(f"{name}.feedback", torch.cat([torch.zeros_like(back[:1]), back[:-1]]), valid)
            if "v" in traced:
                self.membranes = True
                changed = traced["v"][1:] != traced["v"][:-1]
                self.updates += int(changed[valid[1:]].sum()) + traced["v"][0].numel()
            if getattr(layer, "spiking", False) or "v" not in traced:
                self._activity(out, valid)

        return hook

    def _activation_hook(self, module: nn.Module, args: Any, output: Tensor) -> None:
        name = type(module).__name__
        valid = self._mask(name).to(output.device)
        if len(output) != valid.numel():
            raise UserError(f"NeuroBench: {name} gave {tuple(output.shape)}, not one row a step and sample")
        self._activity(output.detach().unflatten(0, valid.shape), valid)

    def _activity(self, out: Tensor, valid: Tensor) -> None:
        counted = out[valid]
        self.elements += counted.numel()
        self.zeros += counted.numel() - int(counted.count_nonzero())
