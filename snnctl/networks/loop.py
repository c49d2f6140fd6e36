"""Layers of which a later one comes back to an earlier one, one step later."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from torch import Tensor, nn

from snnctl.errors import UserError, did_you_mean
from snnctl.networks.chain import Chain, Layers
from snnctl.networks.hooks import unhooked
from snnctl.networks.place import OUTPUTS, Place, construct, lacks_outputs
from snnctl.networks.shapes import shape_after
from snnctl.neurons.neuron import Neuron
from snnctl.neurons.sequence import precision, stack, unbind

Step = Callable[[Tensor, Any], tuple[Tensor, Any]]


class LoopState(NamedTuple):
    """State of a loop: that of its layers, and what the sources gave at the last step, each (B, ...)."""

    layers: dict[str, Any]
    out: dict[str, Tensor]


class Back(nn.Module):
    """A connection against the order of the layers.

    Args:
        source: layer whose output comes back.
        target: layer to whose input it is added, one step later: the source itself or one before it.
        through: partial of what lies between, (B, *source) -> (B, *target); None: the identity where the shapes are
            equal, else a linear layer without bias. A number of outputs that is left out is the target's.
    """

    def __init__(self, source: str, target: str, through: Callable[..., nn.Module] | None = None):
        super().__init__()
        self.source, self.target, self.wanted = source, target, through
        self.through: nn.Module = nn.Identity()  # called by the loop

    def connect(self, place: Place, target: tuple[int, ...]) -> None:
        """Build what lies between, at the source's place, for a target of this shape.

        Raises:
            UserError: it gives another shape.
        """
        wanted = self.wanted
        self.wanted = None  # built now
        if wanted is None and place.shape == target:
            return
        if wanted is None:
            if len(place.shape) != 1 or len(target) != 1:
                raise UserError(f"network layer {place.name}: nothing leads from {place.shape} back to {target}",
                                "give   through: {_target_: torch.nn.ConvTranspose2d, ...}")  # fmt: skip
            wanted = _linear
        given = dict.fromkeys(OUTPUTS, target[0]) if lacks_outputs(wanted) else {}
        place = replace(place, given={**place.given, **given})
        self.through = construct(wanted, place)
        got = shape_after(self.through, place)
        if got != target:
            raise UserError(
                f"network layer {place.name} ({type(self.through).__name__}) gives {got}, and {self.target} gets "
                f"{target} at each step",
                "they are added, so their shapes must be equal",
            )


class Loop(Chain):
    """Layers run one step at a time, so that a later one's output comes back to an earlier one:

        input of target[t] = what the layer before it gives at t + through(output of source[t - 1]),   output[-1] = 0

    Only what lies in the loop need stand in it: layers before and after run over all steps at once. A batch norm in it
    would see one step at a time.

    Args:
        layers: as of a network.
        place: where it stands; filled in by the network.
        back: name -> partial of `Back`; names of sources and targets are those of layers of this loop.
        output: the layer whose output leaves the loop; None: the last.

    Raises:
        UserError: a connection names no layer, leads forward, or has the wrong shape.
    """

    def __init__(
        self, layers: Layers, place: Place, back: Mapping[str, Callable[..., Back]], output: str | None = None
    ):
        super().__init__(layers, place)
        names = list(self.layers)
        self.output = names[-1] if output is None else output
        built = {name: copy.deepcopy(b) if isinstance(b, nn.Module) else b() for name, b in back.items()}
        self.back = nn.ModuleDict(built)
        ends = [(f"back.{key}.{end}", getattr(b, end)) for key, b in built.items() for end in ("source", "target")]
        for key, name in [("output", self.output), *ends]:
            if name not in names:
                problem = f"network layer {place.name} (Loop): {key} names no layer {name!r}"
                raise UserError(problem, did_you_mean(name, names))
        before = dict(zip(names, [place.shape, *self.shapes.values()], strict=False))
        for name, b in self.back.items():
            if names.index(b.target) > names.index(b.source):
                raise UserError(
                    f"network layer {place.name} (Loop): back.{name} leads from {b.source} forward to {b.target}",
                    "exchange source and target, or use a Residual",
                )
            at = replace(place, name=f"{place.name}.back.{name}", shape=self.shapes[b.source], last=False)
            b.connect(at, before[b.target])
        self.shape_out = self.shapes[self.output]
        for name, layer in self.layers.items():
            if isinstance(layer, Neuron) and layer.backend != "eager":
                if layer.backend != "auto":
                    problem = f"network layer {place.name}.{name}: backend {layer.backend} cannot run neurons in a Loop"
                    raise UserError(problem, "choose   backend=auto: its neurons run step by step in torch")
                layer.backend = "eager"

    def forward(self, x: Tensor, state: LoopState | None = None, *, dt: float) -> tuple[Tensor, LoopState]:
        """Run over a sequence, step by step.

        Args:
            x: (T, B, *shape).
            state: as returned by the call before; None starts at rest.
            dt: time step, seconds.

        Returns:
            out (T, B, *shape_out), and the state after the last step.
        """
        given = x.to(precision(x)) if x.is_floating_point() else x.float()
        states = {} if state is None else dict(state.layers)
        start = dict(states)
        sources = {b.source: self.shapes[b.source] for b in self.back.values()}
        last = {name: given.new_zeros(x.shape[1], *shape) for name, shape in sources.items()}
        last |= {} if state is None else state.out
        returns = {f"back.{name}": b.through for name, b in self.back.items()}
        called = {**self.layers, **returns}
        steps = {name: _stepwise(layer, dt) for name, layer in called.items()}
        ins: dict[str, list[Tensor]] = {name: [] for name in called}
        outs: dict[str, list[Tensor]] = {name: [] for name in called}
        for y in unbind(given):
            back = {}
            for key, b in zip(returns, self.back.values(), strict=True):
                ins[key].append(last[b.source])
                outs[key].append(steps[key](last[b.source], None)[0])
                back.setdefault(b.target, []).append(outs[key][-1])
            for name in self.layers:
                for returned in back.get(name, ()):
                    y = y + returned
                ins[name].append(y)
                y, after = steps[name](y, states.get(name))
                if after is not None:
                    states[name] = after
                outs[name].append(y)
            last = {name: outs[name][-1] for name in sources}
        for name, layer in called.items():
            if not unhooked(layer) and not _looked_into(layer):
                outs[name] = list(_told(layer, stack(ins[name]), start.get(name), stack(outs[name]), states, name, dt))
        return stack(outs[self.output]).to(x.dtype), LoopState(states, last)

    def walk(self):
        """The layers, then what leads back where it computes something."""
        yield from super().walk()
        for name, b in self.back.items():
            if not isinstance(b.through, nn.Identity):
                yield f"back.{name}", b.through, self.shapes[b.source]


def _linear(in_features: int, out_features: int) -> nn.Linear:
    return nn.Linear(in_features, out_features, bias=False)


def _looked_into(layer: nn.Module) -> bool:
    """Whether hooks before and after a call look at what happens within it, so that every step must be a call."""
    return bool(layer._forward_pre_hooks and layer._forward_hooks) or "forward" in vars(layer)


def _stepwise(layer: nn.Module, dt: float) -> Step:
    """One step of a layer: (B, ...), state -> out, state. Hooks are called once, for all steps, if they can be."""
    temporal = getattr(layer, "temporal", False)
    if _looked_into(layer):
        call = layer
    elif isinstance(layer, Neuron) and type(layer).forward is Neuron.forward:
        coefs = layer.coefficients(dt)
        return lambda x, state: layer.step(x, layer.initial_state(x) if state is None else state, coefs)
    else:
        call = layer.forward

    def step(x: Tensor, state: Any) -> tuple[Tensor, Any]:
        if not temporal:
            return call(x), None
        out, after = call(x[None], state, dt=dt)
        return out[0], after

    return step


def _told(layer: nn.Module, x: Tensor, state: Any, out: Tensor, states: dict[str, Any], name: str, dt: float) -> Tensor:
    """Call a layer's hooks with all steps of what was computed of it, as if it had been called."""
    temporal = getattr(layer, "temporal", False)
    x, given = (x, (out, states.get(name))) if temporal else (x.flatten(0, 1), out.flatten(0, 1))

    def forward(*args: Any, **options: Any) -> Any:  # a hook may call the layer again, with something else
        return given if args and args[0] is x else type(layer).forward(layer, *args, **options)

    layer.forward = forward
    try:
        result = layer(x, state, dt=dt) if temporal else layer(x)
    finally:
        del layer.forward
    return result[0] if temporal else result.unflatten(0, out.shape[:2])
