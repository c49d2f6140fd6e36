"""The base of all neurons: one pure step, run over time; state in, state out."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from snnctl.errors import UserError, did_you_mean
from snnctl.kernels import backend as backends
from snnctl.kernels.backend import Backend, Choice
from snnctl.kernels.pooling import Pooling
from snnctl.kernels.program import Program
from snnctl.neurons.node import Drive, Node
from snnctl.neurons.quantity import TIME, Kind, Per, Value, one_of, plain, spread
from snnctl.neurons.sequence import precision, stack, unbind
from snnctl.neurons.signature import whole_signature

# What a neuron's step may depend on besides its arguments; forgotten when an attribute is set.
_options: WeakKeyDictionary[Neuron, tuple] = WeakKeyDictionary()
# dt, the coefficients there, and the programs found with them, of neurons that are plain numbers; forgotten likewise.
_ready: WeakKeyDictionary[Neuron, tuple[float, NamedTuple, dict]] = WeakKeyDictionary()


_MODULE = frozenset(vars(nn.Module())) - {"training"}
_GIVEN = ("kinds", "lowest", "highest")  # of the values given; no step reads them


class Neuron(nn.Module, ABC):
    """A layer of neurons, defined by three methods of a subclass:

        coefs      = neuron.coefficients(dt)         decay factors and gains from the parameters, plain torch
        state      = neuron.initial_state(x[0])      a NamedTuple of tensors (B, ...); None where no option needs it
        out, state = neuron.step(x[t], state, coefs) pure, elementwise, reads like the paper

    Everything else (running it over T, recording it, its kernels) comes from these. Its NIR node, where there is one,
    is named in `nodes`, and `drives(dt)` gives the factors of its input there. `step` computes in the precision of the
    state: float32, or float64 for float64 input; half precision input is computed in float32 and its output cast back.

    A subclass takes its own arguments as keywords and passes the rest on (`**conventions`); the signature of the class
    shows both. A parameter is a float where it is one fixed number, a buffer where it is several, an nn.Parameter where
    it is learnable; a learnable time constant tau_mem is stored as log_tau_mem, and `neuron.tau_mem` is its value in s.

    Args:
        values: name -> (value, Kind) of the subclass's parameters.
        learnable: names of the parameters to train.
        per: one value for the layer, one a channel (C, 1, ...) or one a neuron (shape).
        shape: one time step without the batch, channels first; the network fills it in. Needed for per channel, and for
            one number spread per neuron.
        backend: what runs it over time. "auto": a kernel compiled from its step (the same numbers as eager to the last
            bit on a CPU), or eager where none can be; "eager": the step in torch; "cpu", "cuda": a kernel or an error.

    Raises:
        UserError: a value out of range, an unknown option or name.
    """

    temporal = True  # a network calls it as neuron(x, state, dt=dt)
    spiking = False  # out is spikes (0, 1, 2 ...)
    State: type  # NamedTuple
    nodes: tuple[Node, ...] = ()  # of NIR; the first whose parameters it has all. A subclass states its own
    said: Mapping[str, tuple] = {}  # option -> its values that a NIR node can express; none but these unless allowed

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        cls.nodes = vars(cls).get("nodes", ())  # its step may differ, so not its base's
        cls.__signature__ = whole_signature(cls)

    def __init__(
        self,
        values: Mapping[str, tuple[Value, Kind]] | None = None,
        /,
        *,
        learnable: Sequence[str] | str = (),
        per: Per = "layer",
        shape: Sequence[int] | None = None,
        backend: Backend = "auto",
    ):
        super().__init__()
        values = values or {}
        owner = type(self).__name__
        self.learnable = (learnable,) if isinstance(learnable, str) else tuple(learnable)
        self.per = one_of(owner, "per", per, Per)
        self.backend = one_of(owner, "backend", backend, Backend)
        self.shape = None if shape is None else tuple(shape)
        self.kinds = {name: kind for name, (_, kind) in values.items()}
        self.lowest: dict[str, float] = {}  # of the values given, so that range checks never wait for a GPU
        self.highest: dict[str, float] = {}
        for name in self.learnable:
            if name not in values:
                raise UserError(f"{owner}: learnable names no parameter {name!r}", did_you_mean(name, values))
        for name, (value, kind) in values.items():
            value = plain(owner, name, value, kind)
            extremes = (value, value) if isinstance(value, float) else (value.min().item(), value.max().item())
            self.lowest[name], self.highest[name] = extremes
            if name not in self.learnable and isinstance(value, float):
                setattr(self, name, value)
                continue
            value = spread(owner, name, value, self.per, self.shape)
            stored = torch.empty(value.shape).copy_(value)  # made on the default device, so on meta where asked
            if name not in self.learnable:
                self.register_buffer(name, stored)
            elif kind.log:
                self.register_parameter(f"log_{name}", nn.Parameter(stored.log()))
            else:
                self.register_parameter(name, nn.Parameter(stored))

    def __getattr__(self, name: str) -> Any:
        log = self.__dict__.get("_parameters", {}).get(f"log_{name}")
        if log is None:
            return super().__getattr__(name)
        return log.to(torch.promote_types(log.dtype, torch.float32)).exp()

    @abstractmethod
    def coefficients(self, dt: float) -> NamedTuple:
        """What `step` needs of the parameters at this dt: floats, and tensors that broadcast against (B, ...).

        Args:
            dt: step width, s.

        Raises:
            UserError: dt is not above 0, or a time constant is below dt / 2.
        """

    @abstractmethod
    def initial_state(self, x0: Tensor) -> NamedTuple:
        """The state before the first step.

        Args:
            x0: input of one step (B, ...); only its shape, dtype, device and strides matter.
        """

    @abstractmethod
    def step(self, x: Tensor, state: NamedTuple, coefs: NamedTuple) -> tuple[Tensor, NamedTuple]:
        """One time step: x (B, ...), the state and `coefficients(dt)` to out (B, ...) and the next state."""

    def drives(self, dt: float) -> dict[str, Drive]:
        """The factors of the input in its NIR node (r, w_in) -> what the input does in a step of dt, s."""
        return {}

    def forward(
        self,
        x: Tensor,
        state: NamedTuple | None = None,
        *,
        dt: float,
        overwrite: bool = False,
        pool: Pooling | None = None,
    ) -> tuple[Tensor, NamedTuple]:
        """A whole sequence in one call.

        Args:
            x: input (T, B, ...), T >= 1, any strides.
            state: what an earlier call returned; None starts at rest, and so does a field that is None.
            dt: step width, s.
            overwrite: x belongs to this call: its memory may be used again. For what nobody else reads, and what the
                operation that made x does not need for its own gradient.
            pool: give the output pooled over windows of its maps; x is then (T, B, C, H, W).

        Returns:
            out: (T, B, ...) in x's dtype (float32 for integers).
            state: after the last step, tensors (B, ...) in float32 (float64 for float64 input).

        Raises:
            UserError: x has no time and batch axis, or does not fit the state or the layer's shape.
        """
        given, state, coefs = self._begin(x, state, dt)
        choice = backends.choose(self.backend, x)
        program = None if choice.name == "eager" else self.program(state, coefs)
        if program is None:
            out, after = self._steps(given, state, coefs)
            out = out if pool is None else pool(out)
        else:
            scan = backends.scan_on(choice)
            out, after = scan(program, given, state, coefs, overwrite=overwrite or given is not x, pool=pool)
        return out.to(x.dtype if x.is_floating_point() else out.dtype), after

    def runs_on(self, x0: Tensor, dt: float, device: str | None = None) -> Choice:
        """What runs a sequence of inputs like `x0` (B, ...) on a device (None: x0's), and why.

        Raises:
            UserError: the backend insisted on cannot run.
        """
        choice = backends.choose(self.backend, x0, device)
        if choice.name == "eager":
            return choice
        program = self.program(self.initial_state(x0), self.coefficients(dt))
        return choice if program is not None else Choice("eager", "its step cannot be traced")

    def program(self, state: NamedTuple, coefs: NamedTuple) -> Program | None:
        """The step as straight-line code, forward and gradient; None where it cannot be traced and backend is auto."""
        _, known, programs = _ready.get(self, (None, None, {}))
        if known is not coefs:
            return self._program(state, coefs)
        fields = tuple(field is None for field in state)
        if programs.get(fields) is None:
            programs[fields] = self._program(state, coefs)
        return programs[fields]

    def _program(self, state: NamedTuple, coefs: NamedTuple) -> Program | None:
        key = _options.get(self)
        if key is None:
            named = self._named()
            key = (type(self), *((k, _hashable(v)) for k, v in named.items()))
            if all(isinstance(v, Hashable) or k in _GIVEN for k, v in named.items()):  # else it may change unseen
                _options[self] = key
        return backends.program(key, self.step, state, coefs, type(self).__name__, self.backend)

    def _named(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k not in _MODULE and k != "backend"}

    def _coefficients(self, dt: float) -> NamedTuple:
        """`coefficients(dt)`, which stay as they are while nothing is set where all they can depend on is numbers."""
        if self.backend == "eager" or self._parameters or self._buffers or self._modules:
            return self.coefficients(dt)
        found = _ready.get(self)
        if found is not None and found[0] == dt:
            return found[1]
        coefs = self.coefficients(dt)
        if all(c is None or isinstance(c, float) for c in coefs):
            if all(k in _GIVEN or _constant(v) for k, v in self._named().items()):
                _ready[self] = dt, coefs, {}
        return coefs

    def __setattr__(self, name: str, value: Any) -> None:
        _options.pop(self, None)
        _ready.pop(self, None)
        super().__setattr__(name, value)

    def trace(
        self, x: Tensor, state: NamedTuple | None = None, *, dt: float
    ) -> tuple[Tensor, NamedTuple, dict[str, Tensor]]:
        """As `forward`, and every state field after each step: name -> (T, B, ...)."""
        history: list[NamedTuple] = []
        out, state = self._steps(*self._begin(x, state, dt), history)
        out = out.to(x.dtype if x.is_floating_point() else out.dtype)
        names = [name for name in self.State._fields if getattr(state, name) is not None]
        return out, state, {name: stack([getattr(past, name) for past in history]) for name in names}

    def extra_repr(self) -> str:
        shown = []
        for name, argument in type(self).__signature__.parameters.items():
            value = getattr(self, name, argument.default)
            if name in self.kinds:
                shown.append(f"{name}={_short(value)}{' learnable' if name in self.learnable else ''}")
            elif name != "learnable" and value != argument.default:
                shown.append(f"{name}={value}")
        return ", ".join(shown)

    def _begin(self, x: Tensor, state: NamedTuple | None, dt: float) -> tuple[Tensor, NamedTuple, NamedTuple]:
        self._check(x)
        coefs = self._coefficients(dt)
        given = x.to(precision(x))
        return given, self.initial_state(given[0]) if state is None else self._fitting(state, given[0]), coefs

    def _steps(self, x: Tensor, state: NamedTuple, coefs: NamedTuple, history: list[NamedTuple] | None = None):
        outs = []
        for x_t in unbind(x):
            out, state = self.step(x_t, state, coefs)
            outs.append(out)
            if history is not None:
                history.append(state)
        return stack(outs), state

    def check_step(self, dt: float) -> None:
        """Raises a UserError unless dt > 0 and every time constant is at least dt / 2, as given when it was built."""
        if not 0 < dt < math.inf:
            raise self.wrong(f"dt is {dt!r} s", "range          finite, above 0, s")
        for name, kind in self.kinds.items():
            if kind == TIME and self.lowest[name] < dt / 2:
                raise self.wrong(
                    f"{name} is {self.lowest[name]:g} s, less than half a step of dt = {dt:g} s",
                    f"range          {dt / 2:g} s and above (with binning: per_sample it is in steps, dt = 1)",
                )

    def wrong(self, problem: str, hint: str) -> UserError:
        """The error to raise for a wrong value: it names this neuron."""
        return UserError(f"{type(self).__name__}: {problem}", hint)

    def _check(self, x: Tensor) -> None:
        got = tuple(x.shape)
        if x.dim() < 2 or not len(x):
            raise self.wrong(
                f"input of shape {got}", "wanted         (T, B, ...): one time step or more first, then batch"
            )
        if self.per != "layer" and self.shape is not None and got[2:] != self.shape:
            raise self.wrong(f"input of shape {got}", f"wanted         (T, B, *{self.shape}), as built per {self.per}")

    def _fitting(self, state: NamedTuple, x0: Tensor) -> NamedTuple:
        fresh = "or None to start at rest"
        if not isinstance(state, tuple) or len(state) != len(self.State._fields):
            raise self.wrong(f"state is a {type(state).__name__}", f"wanted         {self.State.__name__}, {fresh}")
        batch = next((field.shape[0] for field in state if field is not None), len(x0))
        if batch != len(x0):
            raise self.wrong(
                f"state of a batch of {batch} given with a batch of {len(x0)}",
                f"wanted         the state of the same samples, {fresh}",
            )
        for field in state:
            if field is not None and not all(a in (1, b) for a, b in zip(field.shape, x0.shape, strict=False)):
                raise self.wrong(
                    f"state of shape {tuple(field.shape)} given with an input of {tuple(x0.shape)} a step",
                    f"wanted         the state of the same neurons, {fresh}",
                )
        fields = zip(state, self.initial_state(x0), strict=True)
        return self.State(*(start if given is None else given for given, start in fields))


def _hashable(value: Any) -> Hashable:
    return value if isinstance(value, Hashable) else repr(value)


def _constant(value: Any) -> bool:
    """Whether nothing in it can change."""
    if isinstance(value, tuple):
        return all(map(_constant, value))
    frozen = is_dataclass(value) and value.__dataclass_params__.frozen and all(map(_constant, vars(value).values()))
    return frozen or value is None or isinstance(value, bool | int | float | str)


def _short(value: Any) -> str:
    if not isinstance(value, Tensor):
        return f"{value:g}"
    if value.is_meta or value.numel() == 0:
        return f"{tuple(value.shape)}"
    low, high = value.min().item(), value.max().item()
    return f"{low:g}" if value.dim() == 0 else f"{low:g}..{high:g} {tuple(value.shape)}"
