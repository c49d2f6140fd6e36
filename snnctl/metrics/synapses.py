"""Synaptic operations of a layer, counted exactly from what meets what."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from snnctl.errors import UserError

CHUNK = 1 << 22  # elements of float64 held at once


@dataclass
class SynapseCount:
    """Operations of one linear layer, summed over valid steps of all samples.

    Attributes:
        effective: non-zero weights met by non-zero inputs. dense: all positions.
        step_acs: the part of `effective` in steps of a sample whose inputs are all in {-1, 0, 1}.
        binary: whether that held in every step so far.
    """

    module: nn.Module
    effective: float = 0.0
    dense: float = 0.0
    step_acs: float = 0.0
    binary: bool = True
    _fan_outs: dict[tuple[int, ...], tuple[Tensor, float]] = field(default_factory=dict)

    def add(self, x: Tensor, valid: Tensor) -> None:
        """Count a sequence.

        Args:
            x: (T, B, *shape), input of the layer.
            valid: (T, B) bool.
        """
        shape = tuple(x.shape[2:])
        if shape not in self._fan_outs:
            self._fan_outs[shape] = fan_out(self.module, shape)
        weights, dense = self._fan_outs[shape]
        rows = x.flatten(0, 1).flatten(1)
        unit = ((rows == 0) | (rows == 1) | (rows == -1)).all(1).view_as(valid)
        operations = torch.cat(
            [(part != 0).double() @ weights for part in rows.split(max(1, CHUNK // max(1, rows.shape[1])))]
        ).view(valid.shape)
        self.effective += float(operations[valid].sum())
        self.step_acs += float(operations[valid & unit].sum())
        self.dense += dense * int(valid.sum())
        self.binary = self.binary and bool(unit[valid].all())


def fan_out(module: nn.Module, shape: tuple[int, ...]) -> tuple[Tensor, float]:
    """How many non-zero weights each input position meets, and how many weights all positions meet.

    The layer is linear in its input, so with its weights replaced by 1 where they are not zero and its bias by 0, the
    derivative of the sum of its outputs with respect to an input is that number: exact for any stride, padding,
    dilation and grouping.

    Args:
        module: a layer with `weight`, linear in its input (B, *shape); or one that names such a layer by `plain()`.
        shape: of the input without batch.

    Returns:
        (prod(shape),) float64, and the number of operations with all weights and all inputs.
    """
    with torch.inference_mode(False), torch.enable_grad():
        module = module.plain() if hasattr(module, "plain") else module
        effective = _adjoint(module, shape, ones=False)
        return effective, float(_adjoint(module, shape, ones=True).sum())


def _adjoint(module: nn.Module, shape: tuple[int, ...], ones: bool) -> Tensor:
    parameters = {}
    for name, p in module.named_parameters():
        counted = torch.ones_like(p, dtype=torch.float64) if ones else (p.detach() != 0).double()
        parameters[name] = counted if name.startswith("weight") else torch.zeros_like(counted)
    weight = next((p for name, p in parameters.items() if name == "weight"), None)
    if weight is None:
        raise UserError(f"no synaptic operations of {type(module).__name__}: it has no parameter `weight`")
    x = torch.zeros(1, *shape, dtype=torch.float64, device=weight.device, requires_grad=True)
    (slope,) = torch.autograd.grad(torch.func.functional_call(module, parameters, (x,)).sum(), x)
    return slope.flatten()


def linear(weight: Tensor, bias: Tensor | None = None) -> nn.Linear:
    """A linear layer of these weights (out, in), which are not copied."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias is not None, device="meta")
    layer.weight, layer.bias = nn.Parameter(weight), None if bias is None else nn.Parameter(bias)
    return layer


def connection_sparsity(modules: list[nn.Module]) -> float | None:
    """Zero weights / weights over linear, convolutional and recurrent layers, biases excluded; None without weights."""
    weights = [(m.plain() if hasattr(m, "plain") else m).weight for m in modules]
    n = sum(w.numel() for w in weights)
    return sum(int((w == 0).sum()) for w in weights) / n if n else None


def footprint(network: nn.Module) -> int:
    """Bytes of parameters and buffers: elements times element size."""
    return sum(t.numel() * t.element_size() for t in (*network.parameters(), *network.buffers()))
