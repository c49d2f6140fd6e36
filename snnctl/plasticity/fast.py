"""Networks whose plastic pass is one kernel: dense synapses, neurons that may compete, their inhibitory partners."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from snnctl.circuits.layers import Scale
from snnctl.kernels.plastic import Shape, kernel, vectors
from snnctl.networks.delays import Delay
from snnctl.networks.folding import over_time
from snnctl.networks.hooks import unhooked
from snnctl.networks.lateral import LateralInhibition, WinnerTakeAll
from snnctl.networks.loop import Loop, _looked_into, _told
from snnctl.neurons.neuron import Neuron
from snnctl.neurons.spiking import SpikingNeuron
from snnctl.plasticity.kept import KeptThresholds
from snnctl.plasticity.pair import PairCoefficients, PairSTDP
from snnctl.plasticity.sites import Site

if TYPE_CHECKING:
    from snnctl.networks.network import Network

_kernel = cache(kernel)


@dataclass
class Competition:
    """A network of which the beginning is: flattening layers; linear, without bias; then neurons that spike, or a
    winner-take-all of them, or such a layer in a loop with inhibitory partners (delay, scale, neurons, lateral).

    Args:
        network: all of it. linear: name of the synapses. layer: name of what follows.
        neuron: of the neurons. compete: whether one of them wins.
        partners: names in the loop of the winners, delay, scale and inhibitory neurons; empty: no loop.
        site: the rule's; None: only thresholds learn.
    """

    network: Network
    linear: str
    layer: str
    neuron: Neuron
    compete: bool
    partners: tuple[str, ...]
    site: Site | None
    kept: KeptThresholds

    def run(self, x: Tensor, valid: Tensor, learn: bool) -> tuple[Tensor, int]:
        """Run over a batch; what stands behind the neurons has its gradient.

        Args:
            x: (T, B, *shape). valid: (T, B), whether a step is no padding. learn: whether weights and thresholds move.

        Returns:
            The network's output (T, B, C), and how many weights were put back within their bounds.
        """
        with torch.no_grad():
            spikes, outside = self._spikes(x, valid, learn)
        return self._behind(spikes), outside

    def _spikes(self, x: Tensor, valid: Tensor, learn: bool) -> tuple[Tensor, int]:
        net, dt = self.network, self.network.dt
        synapses, layer = net.layers[self.linear], net.layers[self.layer]
        given = x.flatten(2).to(torch.float32).contiguous()
        steps, batch, _ = given.shape
        n = synapses.out_features
        like = given.new_zeros(batch, n)
        coefs, state = self.neuron.coefficients(dt), self.neuron.initial_state(like)
        program = self.neuron.program(state, coefs)
        inner = layer.layers[self.partners[3]] if self.partners else None
        ki = si = np.zeros((1, 1), np.float32)
        si = si[None]
        partner, delay, scale, inhibit = None, 1, 0.0, 0.0
        if inner is not None:
            of_inner, rest = inner.coefficients(dt), inner.initial_state(like)
            partner = inner.program(rest, of_inner)
            ki = vectors(partner, [getattr(of_inner, c) for c in partner.coefs], n)
            si = _states(partner, rest)
            late, weight = (layer.layers[name] for name in self.partners[1:3])
            delay = round(float(late.delay) / dt)
            scale = float(weight.factor)
            inhibit = float(next(iter(layer.back.values())).through.weight)
        rule = self.site.rule if self.site is not None else None
        traces = PairCoefficients(0.0, 0.0, 0.0, 0.0) if rule is None else rule.coefficients(dt)
        kept = self._kept_name
        theta = program.states.index("a") if kept else -1
        dependence, nearest = ("additive", False) if rule is None else (rule.dependence, rule.spikes == "nearest")
        size = 1 if rule is None or rule.reduction == "sum" else batch
        limits = [-np.inf, np.inf] if rule is None or rule.outside == "keep" else _bounds(rule)
        etas = (0.0, 0.0) if rule is None else (rule.eta_plus / size, rule.eta_minus / size)
        share = float(learn and theta >= 0)
        decay = float(coefs.adapt_decay) if theta >= 0 else 0.0
        mu = 1.0 if rule is None else rule.mu
        numbers = np.array([inhibit, scale, *traces, *etas, *limits, mu, decay, share], np.float32)
        w = synapses.weight.detach().t().contiguous()
        se = _states(program, state)
        draws = torch.rand(steps, batch, n) if self.compete else torch.empty(1, 1, 1)
        out, current = torch.empty(steps, batch, n), torch.empty(steps, batch, n)
        inh = torch.empty(steps if inner is not None else 1, batch, n)
        pre, post = torch.zeros(batch, given.shape[2]), torch.zeros(batch, n)
        outside = np.zeros(1, np.int64)
        _kernel(Shape(program, partner, self.compete, dependence, nearest, theta))(
            given.numpy(), valid.to(torch.float32).contiguous().numpy(), w.numpy(),
            vectors(program, [getattr(coefs, c) for c in program.coefs], n), se, ki, si, draws.numpy(),
            pre.numpy(), post.numpy(), out.numpy(), current.numpy(), inh.numpy(), numbers, delay,
            learn and rule is not None, outside,
        )  # fmt: skip
        if learn and rule is not None:
            synapses.weight.copy_(w.t())
        if learn and kept:
            self.kept.raised(kept, torch.from_numpy(se[theta, 0].copy()), steps)
        self._tell(given, current, out, inh, scale, delay, inhibit)
        return out, int(outside[0])

    @property
    def _kept_name(self) -> str | None:
        return next(iter(self.kept.neurons), None)

    def _behind(self, out: Tensor) -> Tensor:
        names = list(self.network.layers)
        for name in names[names.index(self.layer) + 1 :]:
            module = self.network.layers[name]
            if getattr(module, "temporal", False):
                out = module(out, None, dt=self.network.dt)[0]
            else:
                out = over_time(module, out, self.network.time_major)
        return out

    def _tell(
        self, x: Tensor, current: Tensor, out: Tensor, inh: Tensor, scale: float, delay: int, inhibit: float
    ) -> None:
        """Call the hooks of layers that the kernel stood in for, with all steps."""
        dt, layer = self.network.dt, self.network.layers[self.layer]
        calls = [(self.network.layers[self.linear], x, None)]
        if not self.partners:
            calls.append((layer, current, out))
        elif any(not unhooked(m) for m in [*layer.layers.values(), *(b.through for b in layer.back.values())]):
            late = torch.cat([torch.zeros_like(out[:delay]), out[: len(out) - delay]])
            before = torch.cat([torch.zeros_like(inh[:1]), inh[:-1]])
            everyone = before.sum(2, keepdim=True)
            ends = [(current, out), (out, late), (late, scale * late), (scale * late, inh)]
            calls += [(layer.layers[name], *end) for name, end in zip(self.partners, ends, strict=True)]
            lateral = next(iter(layer.back.values())).through
            calls.append((lateral, before, inhibit * (before - everyone)))
        for module, given, result in calls:
            if unhooked(module):
                continue
            if result is None:
                result = given @ module.weight.t()
            _told(module, given, None, result, {}, "", dt)

    def hidden(self) -> bool:
        """Whether somebody looks into the layers more closely than the kernel can tell."""
        layer = self.network.layers[self.layer]
        inside = [*layer.layers.values(), *(b.through for b in layer.back.values())] if self.partners else []
        front = list(self.network.layers.values())[: list(self.network.layers).index(self.layer)]
        if self.partners and not unhooked(layer):
            return True
        return any(_looked_into(m) for m in (*front, layer, *inside)) or not unhooked(self.network)


def recognised(network: Network, found: list[Site], kept: KeptThresholds) -> Competition | None:
    """The network as a kernel can run it; None where it cannot."""
    names, layers = list(network.layers), list(network.layers.values())
    front = next((i for i, m in enumerate(layers) if not isinstance(m, nn.Flatten)), len(layers))
    if front + 1 >= len(layers) or type(layers[front]) is not nn.Linear or layers[front].bias is not None:
        return None
    layer, partners = layers[front + 1], ()
    if type(layer) is Loop:
        partners = _partners(layer)
        if partners is None:
            return None
        spiking, where = layer.layers[partners[0]], f"{names[front + 1]}.{partners[0]}"
    else:
        spiking, where = layer, names[front + 1]
    compete = isinstance(spiking, WinnerTakeAll)
    if compete and spiking.winner != "random":
        return None
    neuron = spiking.neuron if compete else spiking
    if not isinstance(neuron, SpikingNeuron) or neuron.max_spikes != 1 or getattr(neuron, "ternary", False):
        return None
    if len(found) > 1 or any(s.synapses != names[front] or type(s.rule) is not PairSTDP for s in found):
        return None
    if any(s.rule.outside == "keep" and s.rule.dependence not in ("additive", "proportional") for s in found):
        return None
    if set(kept.neurons) - {where}:
        return None
    parts = [neuron, *([layer.layers[partners[3]]] if partners else [])]
    like = torch.zeros(1, layers[front].out_features)
    if like.is_meta or any(not _traceable(part, like, network.dt) for part in parts):
        return None
    site = found[0] if found else None
    return Competition(network, names[front], names[front + 1], neuron, compete, partners, site, kept)


def _partners(loop: Loop) -> tuple[str, ...] | None:
    """Names of the excitatory neurons, delay, scale and inhibitory neurons of a loop as in Diehl and Cook's network."""
    names, layers, back = list(loop.layers), list(loop.layers.values()), list(loop.back.values())
    if len(layers) != 4 or len(back) != 1 or loop.output != names[0]:
        return None
    _, late, weight, inner = layers
    plain = isinstance(late, Delay) and late.whole and not late.learnable and late.delay.dim() == 0
    plain = plain and isinstance(weight, Scale) and weight.factor.numel() == 1
    plain = plain and isinstance(inner, SpikingNeuron) and inner.max_spikes == 1
    wired = back[0].source == names[3] and back[0].target == names[0]
    return tuple(names) if plain and wired and type(back[0].through) is LateralInhibition else None


def _traceable(neuron: Neuron, like: Tensor, dt: float) -> bool:
    coefs = neuron.coefficients(dt)
    return neuron.program(neuron.initial_state(like), coefs) is not None


def _states(program: Any, state: Any) -> np.ndarray:
    fields = [getattr(state, name).to(torch.float32).numpy() for name in program.states]
    return np.stack(fields) if fields else np.zeros((1, 1, 1), np.float32)


def _bounds(rule: Any) -> list[float]:
    return [-np.inf if rule.low is None else rule.low, np.inf if rule.high is None else rule.high]
