"""e-prop: eligibility traces times a learning signal that is broadcast."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from snnctl.datasets.batch import EventList, dense
from snnctl.errors import number
from snnctl.neurons.quantity import one_of
from snnctl.regimes.online import eligibility
from snnctl.regimes.online.eligibility import Eligibility
from snnctl.regimes.online.influence import tensors
from snnctl.regimes.online.online import Gradients, Online, add
from snnctl.regimes.online.response import Response
from snnctl.regimes.online.stages import Run, Stage, inner, run, scalars, stages, twin
from snnctl.regimes.online.streaming import Criterion

Feedback = Literal["symmetric", "random", "adaptive"]


class EProp(Online):
    """Each neuron's own past times one error a neuron, broadcast from the readout:

        dL / dW_ji = sum_t L_j[t] F(e_ji)[t],   e_ji[t] = (dout_j / dh_j)[t] eps_ji[t]
        eps_ji[t] = (dh_j[t] / dh_j[t-1]) eps_ji[t-1] + (dh_j[t] / dx_j[t]) s_i[t],   L[t] = B^T dL / dout[t]

    h: the state of neuron j, from any neuron's step. s: input, or output of a neuron of the same layer one step before;
    that it in turn hangs on weights is left out. F: the leak of the readout, if it has one. The readout's own weights
    get BPTT's gradient.

    Args:
        feedback: B. "symmetric": the readout's weights, for one hidden layer; "random": fixed, for each hidden layer;
            "adaptive": random at first, then moved as the readout's weights would be, by the same optimizer.
        feedback_gain: factor of random weights, whose standard deviation is 1 / sqrt(neurons) at 1.
        reset_gradient: whether eps goes through the reset too; False as published.
        others: as in `Online`.

    Raises:
        UserError: a readout that spikes, is recurrent or differs in its decays; symmetric with several hidden layers;
            where a sequence is longer than a chunk: weights other than one linear layer and all-to-all feedback, or
            neurons with learnable parameters.

    Source: G. Bellec et al., "A solution to the learning dilemma for recurrent networks of spiking neurons", Nature
    Communications 11 (2020), doi:10.1038/s41467-020-17236-y.
    """

    def __init__(
        self,
        *args: Any,
        feedback: Feedback = "symmetric",
        feedback_gain: float = 1.0,
        reset_gradient: bool = False,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self.feedback = one_of("EProp", "feedback", feedback, Feedback)
        self.feedback_gain = number("regime.feedback_gain =", feedback_gain, "no unit", 0.0, math.inf, True)
        self.reset_gradient = one_of("EProp", "reset_gradient", reset_gradient, Literal[True, False])
        *hidden, readout = stages(self.network, "EProp")
        self._check_readout(readout)
        if feedback == "symmetric" and len(hidden) > 1:
            raise self.wrong(
                f"feedback is symmetric, and {hidden[0].name} has no weights to the readout",
                "choose         regime.feedback=random or adaptive, or regime=ostl",
            )
        for stage in (*hidden, readout):
            if self.streams and stage.layer is not None and not eligibility.is_local(stage):
                raise self.wrong(
                    f"{stage.name} is not one linear layer, neurons with fixed parameters and all-to-all feedback",
                    f"set            regime.chunk of a whole sequence (now {self.chunk}), or regime=ottt",
                )
        if feedback != "symmetric":
            for stage in hidden:
                size, classes = torch.Size(stage.shape).numel(), self.network.shape_out[-1]
                weights = torch.randn(classes, size) * (self.feedback_gain / math.sqrt(size))
                name = _broadcast(stage)
                if feedback == "random":
                    self.register_buffer(name, weights)
                else:
                    self.register_parameter(name, nn.Parameter(weights))

    def _check_readout(self, readout: Stage) -> None:
        if readout.layer is None:
            return
        if readout.feedback is not None or readout.neuron.spiking:
            kind = "is recurrent" if readout.feedback is not None else "spikes"
            raise self.wrong(
                f"the readout {readout.name} ({type(readout.layer).__name__}) {kind}, and no error can be taken at it",
                "end with       a leaky integrator (neuron@network.readout=li) or a linear layer",
            )
        Response(readout.neuron, self.network.dt, self.wrong)  # so that weights and leak may change places

    def begin(self, x: Tensor | EventList) -> list[dict[str, Any]]:
        return [
            {"stage": stage, "state": None, "filter": None, "trace": Eligibility()}
            for stage in stages(self.network, "EProp")
        ]

    def learn(
        self, x: Tensor | EventList, carried: list[dict[str, Any]], criterion: Criterion, more: bool
    ) -> tuple[Gradients, list[dict[str, Any]]]:
        pre, leak = dense(x), carried[-1]["stage"].layer
        runs: list[Run] = []
        with torch.enable_grad():
            for kept in carried:
                runs.append(self._forward(kept, pre, leak if kept is not carried[-1] else None))
                pre = runs[-1].out.detach()
            signal = criterion(pre)
            gradients: Gradients = {}
            for kept, here in zip(carried, runs, strict=True):
                wanted = signal if kept is carried[-1] else self._broadcast(here, runs[-1], signal, gradients)
                add(gradients, self._through_time(kept, here, wanted, more))
        return gradients, carried

    def _forward(self, kept: dict[str, Any], pre: Tensor, leak: nn.Module | None) -> Run:
        """A stage's neurons, and for a hidden stage the readout's leak behind each of them."""
        stage, dt = kept["stage"], self.network.dt
        here, after = run(stage, pre, kept["state"], dt, down=leak is None and self.feedback == "symmetric")
        if stage.layer is None:
            here.out = here.extra["end"] = here.y
            return here
        neuron = twin(stage.neuron, hold_reset=not self.reset_gradient)
        begun = _leaves(inner(kept["state"]))
        here.out, here.after = neuron(here.drive, begun, dt=dt)
        here.extra |= {"end": here.out, "starts": tensors(begun), "ends": tensors(here.after)}
        kept["state"] = pytree.tree_map_only(Tensor, Tensor.detach, here.after if after is None else after)
        if leak is not None:
            begun = _leaves(kept["filter"])
            here.extra["end"], past = leak.forward(here.out, begun, dt=dt)
            here.extra["starts"] += tensors(begun)
            here.extra["ends"] += tensors(past)
            kept["filter"] = pytree.tree_map_only(Tensor, Tensor.detach, past)
        return here

    def _broadcast(self, here: Run, readout: Run, signal: Tensor, gradients: Gradients) -> Tensor:
        """L (K, B, neurons...) of a hidden stage; the gradient of adaptive weights."""
        if self.feedback == "symmetric":
            return readout.to_input(signal)
        weights = getattr(self, _broadcast(here.stage))
        if self.feedback == "adaptive":
            heard = here.extra["end"].detach().flatten(2)
            gradients[weights] = torch.einsum("tbc,tbn->cn", signal.to(heard.dtype), heard)
        return (signal @ weights.detach().to(signal.dtype)).view_as(here.out)

    def _through_time(self, kept: dict[str, Any], here: Run, signal: Tensor, more: bool) -> Gradients:
        stage, trace = here.stage, kept["trace"]
        if stage.layer is None:
            return here.to_weights(signal)
        own, starts = scalars(stage.neuron), here.extra["starts"]
        grads = torch.autograd.grad(
            here.extra["end"], [here.drive, *own, *starts], signal, retain_graph=more, allow_unused=True
        )
        found = here.to_weights(grads[0]) | {p: g for p, g in zip(own, grads[1:], strict=False) if g is not None}
        past = trace.gradient(grads[1 + len(own) :])
        if past is not None:
            add(found, eligibility.to_parameters(stage, past))
        if more:
            trace.advance(here.extra["ends"], here.drive, starts, eligibility.inputs(here))
        return found

    def traces(self, batch_size: int) -> int:
        """Bytes of eps of all layers; none where a chunk holds the sequence."""
        if not self.streams:
            return 0
        *hidden, readout = stages(self.network, "EProp")
        leak = 0 if readout.layer is None else _fields(readout)
        total = sum(eligibility.numbers(stage, _fields(stage) + leak) for stage in hidden)
        return 4 * batch_size * (total + (eligibility.numbers(readout, leak) if leak else 0))


def _broadcast(stage: Stage) -> str:
    return f"broadcast_{stage.name.replace('.', '_')}"


def _leaves(state: Any) -> Any:
    return pytree.tree_map_only(Tensor, lambda leaf: leaf.detach().requires_grad_(), state)


def _fields(stage: Stage) -> int:
    return len(tensors(stage.neuron.initial_state(torch.empty(1, *stage.shape, device="meta"))))
