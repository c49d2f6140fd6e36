"""What a network holds and what training it needs, found without data on the meta device."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from snnctl.errors import UserError

if TYPE_CHECKING:
    from snnctl.networks.network import Network


class Row(NamedTuple):
    """One layer.

    Args:
        layer: dotted name. kind: its class.
        shape: of its output over time, (T, B, ...).
        parameters: number of learnable values and others.
        bytes: what autograd keeps of this layer for backward.
    """

    layer: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    bytes: int


class Memory(NamedTuple):
    """Bytes of a training step: see `memory`."""

    parameters: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        return sum(self)


def table(network: Network, batch_size: int, steps: int | None = None) -> list[Row]:
    """A row for each layer, in order.

    `bytes` is what autograd saves for backward in the layer, read from a run of a copy on the meta device: each
    storage once, in the layer that saves it first, parameters left out. It grows by the same amount with every step,
    so three and four steps are run and the rest is extrapolated. A layer that decides by values cannot run without
    any: then it is ones on the CPU.

    Args:
        network: any network.
        batch_size: samples B of a batch.
        steps: time steps T; None: what the data set says.

    Raises:
        UserError: the number of steps is not known.
    """
    steps = steps or network.facts.steps
    if steps is None:
        raise UserError(
            "samples differ in length, so the number of steps is not known", "set   dataset.duration=SECONDS"
        )
    try:
        saved = _over_time(copy.deepcopy(network).to("meta").train(), batch_size, steps, "meta")
    except RuntimeError as error:
        if "on meta tensors" not in str(error):
            raise
        saved = _over_time(_of_ones(network), batch_size, steps, "cpu")
    return [
        Row(
            layer=name,
            kind=type(layer).__name__,
            shape=(steps, batch_size, *shape),
            parameters=sum(p.numel() for p in layer.parameters()),
            bytes=saved[name],
        )
        for name, layer, shape in network.walk()
    ]


def memory(network: Network, batch_size: int, steps: int | None = None, moments: int = 2) -> Memory:
    """An estimate of a training step's memory in bytes.

    parameters: with buffers. gradients: one value a learnable parameter. optimizer: `moments` values a learnable
    parameter (2: Adam; 1: SGD with momentum). activations: the input, and the sum of the table's bytes. Not in it:
    what single operations need while they run (convolution workspaces, gradients of activations on their way down),
    torch itself, and the data loader. Exact for float32 and eager neurons; fused kernels keep less.
    """
    rows = table(network, batch_size, steps)
    learnable = sum(p.numel() * p.element_size() for p in network.parameters() if p.requires_grad)
    held = sum(t.numel() * t.element_size() for t in (*network.parameters(), *network.buffers()))
    x = rows[0].shape[0] * batch_size * torch.Size(network.facts.shape).numel() * 4
    return Memory(held, learnable, moments * learnable, x + sum(row.bytes for row in rows))


def _of_ones(network: Network) -> Network:
    twin = copy.deepcopy(network).to_empty(device="cpu").train()
    for tensor in (*twin.parameters(), *twin.buffers()):
        tensor.detach().fill_(1)
    return twin


def _over_time(twin: Network, batch_size: int, steps: int, device: str) -> dict[str, int]:
    if steps <= 4:
        return _saved(twin, batch_size, steps, device)
    three, four = (_saved(twin, batch_size, n, device) for n in (3, 4))
    return {name: four[name] + (steps - 4) * (four[name] - three[name]) for name in four}


def _saved(twin: Network, batch_size: int, steps: int, device: str) -> dict[str, int]:
    """Bytes that autograd saves in each layer of a network."""
    x = torch.ones(steps, batch_size, *twin.facts.shape, device=device)
    seen: dict[int, Any] = {t.untyped_storage()._cdata: t for t in (x, *twin.parameters(), *twin.buffers())}
    saved = {name: 0 for name, *_ in twin.walk()}
    running: list[str] = []

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if running and storage._cdata not in seen:
            seen[storage._cdata] = tensor  # held, so that its address is not used again
            saved[running[-1]] += storage.nbytes()
        return tensor

    def enter(name: str) -> Any:
        return lambda module, args: running.append(name)

    def leave(module: nn.Module, args: Any, output: Any) -> None:
        running.pop()

    hooks = []
    for name, layer, _ in twin.walk():
        hooks += [layer.register_forward_pre_hook(enter(name)), layer.register_forward_hook(leave)]
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), torch.enable_grad():
        twin(x)
    for hook in hooks:
        hook.remove()
    return saved
