"""SpikingJelly's models, made small, with the same weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tests.networks.presets import data, preset
from tests.parity.cases.spikingjelly_structure import models, renamed
from tests.parity.drive import with_gradients
from tests.parity.parity import Inputs, Parity, Traces

STEPS, CLASSES, SIDE = 4, 3, 8
LIF = ("neuron=lif/spikingjelly", "neuron.tau_mem=2e-3", "neuron.detach_reset=true", "backend=eager")


def _inputs() -> Inputs:
    draw = torch.Generator().manual_seed(9)
    x = torch.rand(STEPS, 2, 3, SIDE, SIDE, generator=draw)
    return {"x": x, "g": torch.randn(STEPS, 2, CLASSES, generator=draw)}


def fill(parameters: Iterable[Tensor]) -> None:
    """The same numbers in the same order: weights, gains of norms around 1, shifts that make neurons fire."""
    draw = torch.Generator().manual_seed(2)
    for p in parameters:
        shape = [side for side in p.shape if side > 1] if p.dim() > 1 else list(p.shape)
        w = torch.randn(p.shape.numel(), generator=draw)
        p.data.copy_((w * (3 / p[0].numel()) ** 0.5 if len(shape) > 1 else 1 + 0.3 * w).view(p.shape))


def traces(given: Inputs, run: Any, first: Tensor, last: Tensor) -> Traces:
    x = given["x"].clone().requires_grad_()
    traces = with_gradients(run(x), x, given, [("first", first), ("last", last)])
    return renamed({**traces, "grad_first": traces["grad_first"].sum(0)}, "y")


def _mine(given: Inputs, overrides: Sequence[str]) -> Traces:
    net = preset(data((3, SIDE, SIDE), CLASSES, STEPS), *overrides, *LIF)
    parameters = list(net.parameters())
    fill(parameters)
    return traces(given, lambda x: net(x)[0], parameters[0], net.layers["classes"].weight)


def _resnet(given: Inputs, join: str) -> Traces:
    with models():
        from spikingjelly.activation_based import functional, neuron
        from spikingjelly.activation_based.model import sew_resnet

    options = {"spiking_neuron": neuron.LIFNode, "tau": 2.0, "detach_reset": True}
    net = sew_resnet.SEWResNet(sew_resnet.BasicBlock, [1, 1, 1, 1], CLASSES, cnf=join, **options)
    net.layer3 = net.layer4 = nn.Identity()  # two stages are enough
    net.fc = type(net.fc)(128, CLASSES)
    functional.set_step_mode(net, "m")
    fill(net.parameters())
    return traces(given, net, net.conv1.weight, net.fc.weight)


def _spikformer(given: Inputs, **options: Any) -> Traces:
    with models():
        from spikingjelly.activation_based.model import spikformer

    net = spikformer.Spikformer(STEPS, 3, SIDE, SIDE, 4, CLASSES, mlp_ratio=2.0, **options)
    for stage in net.patch_embed.stages:  # the authors pool spikes, theirs currents: as the authors
        pools = [m for m in stage.conv_bn.block if isinstance(m, nn.MaxPool2d)]
        if pools:
            stage.conv_bn.block = type(stage.conv_bn.block)(*list(stage.conv_bn.block)[:-1])
            stage.register_forward_hook(
                lambda m, args, out, pool=pools[0]: pool(out.flatten(0, 1)).unflatten(0, out.shape[:2])
            )
    fill(net.parameters())
    return traces(given, net, next(net.parameters()), net.head.weight)


def case(api: str, ours: str, setting: str, theirs: Any, mine: Sequence[str]) -> Parity:
    return Parity(f"spikingjelly.activation_based.model.{api}", f"network=zoo/{ours}", setting, _inputs, theirs,
                  lambda given: _mine(given, [f"network=zoo/{ours}", *mine]))  # fmt: skip


def _resnet_case(join: str) -> Parity:
    sizes = ["network.channels=[64,128]", "network.strides=[1,2]", f"network.join={join.lower()}"]
    return case("sew_resnet.SEWResNet", "sew_resnet18", f"two_blocks_cnf={join}",
                 lambda given: _resnet(given, join), sizes)  # fmt: skip


def _spikformer_case(dim: int, heads: int, depth: int) -> Parity:
    sizes = [f"network.stem=[{dim // 8},{dim // 4}]", f"network.pooled=[{dim // 2},{dim}]", f"network.hidden={2 * dim}",
             f"network.heads={heads}", f"network.depth={depth}", "network.bias=false"]  # fmt: skip
    options = {"embed_dims": dim, "num_heads": heads, "depths": depth}
    return case("spikformer.Spikformer", "spikformer", f"embed_dims={dim}_num_heads={heads}_depths={depth}",
                 lambda given: _spikformer(given, **options), sizes)  # fmt: skip


CASES = [
    *(_resnet_case(join) for join in ("ADD", "AND", "IAND")),
    *(_spikformer_case(*sizes) for sizes in ((16, 2, 1), (32, 4, 1), (16, 8, 2))),
]
