"""Learning by local rules, from the spikes of both sides of a synapse; what follows may learn from labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from snnctl.datasets.batch import Batch
from snnctl.errors import UserError, did_you_mean, whole
from snnctl.kernels.backend import Backend
from snnctl.losses.loss import total
from snnctl.metrics.decoders import Learned
from snnctl.metrics.decoders.assigned import Assigned
from snnctl.networks.loop import Loop
from snnctl.plasticity.passes import Apply, PlasticPass
from snnctl.plasticity.rule import Rule
from snnctl.regimes.supervised import Supervised


class STDP(Supervised):
    """Plastic layers that learn without labels while they run, and behind them a readout of either kind:

        gradient   the layers behind the last plastic neurons learn from the loss, on the spikes of the moved weights
        readout    neurons are assigned classes by what they fire for, and a linear layer takes their votes

    Layers up to the last plastic neurons get no gradient. With a `readout` no layer does; its weights are 0, and the
    accuracy in training is that of one class, until labels were assigned for the first time: before each validation,
    or, without any, at the end of an epoch.

    Either kind of learning can have epochs of its own: a gradient that follows weights which still move learns what is
    soon no longer true, and a readout of weights that rest needs no second pass.

    Args:
        rules: name -> plasticity rule, which says its synapses.
        apply: whether weights move at every step, or at the end of a sequence: see `PlasticPass`.
        keep: layers of neurons whose raised thresholds are kept: see `KeptThresholds`.
        readout: name of a torch.nn.Linear without bias, the last layer, behind the neurons that are assigned labels.
            The decoder says how: all_activity, proportion_weighting, spike_likelihood, or ngram, which reads the
            neurons themselves.
        plastic_epochs: epochs, 1 and above, in which the rules act and no gradient does; afterwards the gradient alone
            does. None: both, always.
        backend: of the plastic pass: see `PlasticPass`.
        others: as in `Supervised`.

    Raises:
        UserError: rules do not fit the network; readout and decoder do not fit each other; nothing reads the spikes;
            plastic_epochs is no such number, or nothing learns after them; it is trained by several processes.

    Source: assigned labels: P. U. Diehl, M. Cook 2015, doi:10.3389/fncom.2015.00099.
    """

    def __init__(
        self,
        *args: Any,
        rules: dict[str, Rule] | None = None,
        apply: Apply = "step",
        keep: Sequence[str] = (),
        readout: str | None = None,
        plastic_epochs: int | None = None,
        backend: Backend = "auto",
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self.plastic = PlasticPass(self.network, dict(rules or {}), apply, keep, backend)
        self._freeze()
        self.readout = None if readout is None else self._votes(readout)
        if isinstance(self.decoder, Learned) and self.readout is None:
            raise UserError(
                f"the decoder {type(self.decoder).__name__} needs neurons to assign labels to",
                "set   regime.readout: the linear layer behind them",
            )
        self.plastic_epochs = self._first(plastic_epochs)

    def _freeze(self) -> None:
        """No gradient up to the last plastic neurons."""
        last = {site.neurons for site in self.plastic.sites} | set(self.plastic.kept.neurons)
        walked = list(self.network.walk())
        behind = max(i for i, (name, *_) in enumerate(walked) if name in last)
        for _, layer, _ in walked[: behind + 1]:
            layer.requires_grad_(False)
        for name in {name.partition(".")[0] for name in last}:
            if isinstance(self.network.layers[name], Loop):  # what stands in a loop with them comes back to them
                self.network.layers[name].requires_grad_(False)

    def _first(self, epochs: int | None) -> int | None:
        if epochs is None:
            return None
        whole("regime.plastic_epochs =", epochs, hint="range   whole numbers of 1 and above, or null")
        if not self._learns:
            raise UserError(
                f"regime.plastic_epochs = {epochs}: nothing learns by a gradient in the epochs after them",
                "set   regime.plastic_epochs=null, or put layers with weights behind the plastic neurons",
            )
        return epochs

    @property
    def _learns(self) -> bool:
        """Whether anything learns by a gradient."""
        return any(p.requires_grad for p in self.network.parameters())

    def _votes(self, name: str) -> nn.Linear:
        layers = dict((n, m) for n, m, _ in self.network.walk())
        if name not in layers:
            raise UserError(f"regime.readout: no layer is called {name!r}", did_you_mean(name, layers))
        layer = layers[name]
        if not isinstance(layer, nn.Linear) or layer.bias is not None or name != list(layers)[-1]:
            raise UserError(
                f"regime.readout: {name} ({type(layer).__name__}) cannot take votes",
                "wanted         the last layer, {_target_: torch.nn.Linear, bias: false}",
            )
        if not isinstance(self.decoder, Learned):
            raise UserError(
                "regime.readout needs a decoder that assigns labels",
                "choose from    decoder=all_activity, decoder=proportion_weighting, decoder=ngram",
            )
        layer.requires_grad_(False)
        with torch.no_grad():
            layer.weight.zero_()
        return layer

    def on_fit_start(self) -> None:
        if self.trainer.world_size > 1:
            raise UserError(
                f"regime stdp on {self.trainer.world_size} processes: each would move weights of its own",
                "set   trainer.devices=1 trainer.num_nodes=1",
            )

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor | None:
        plastic = self.plastic_epochs is None or self.current_epoch < self.plastic_epochs
        learns = self._learns and not (plastic and self.plastic_epochs)
        if plastic:
            out = self.plastic.run(batch.x, batch.length)
        if learns:
            out = self(batch)
        loss = self.loss(out, batch.target, batch.length)
        self.tallies["train"].add(loss, self.loss.scores(out, batch.length), batch.target)
        if self._row_due():
            self.log("train/loss_step", loss, on_step=True, on_epoch=False, batch_size=len(batch.target))
        return loss if learns else None

    def forward(self, batch: Batch) -> Tensor:
        """The readout over time, (T, B, C), while no rule acts."""
        return self.plastic.evaluate(batch.x)

    def on_train_epoch_start(self) -> None:
        super().on_train_epoch_start()
        self.plastic.outside.zero_()

    def on_train_epoch_end(self) -> None:
        super().on_train_epoch_end()
        self.log("train/outside", self.plastic.outside.float(), reduce_fx="sum", batch_size=1)
        if self.readout is not None and not self.trainer.enable_validation:
            self.network.eval()
            self._show_labels()
            self.network.train()

    def on_test_model_eval(self) -> None:
        if self.readout is not None and not self._reads_neurons and self.readout.weight.any():
            self.network.eval()  # labels were assigned in training, and are in the weights
            self.eval()
            return
        super().on_test_model_eval()

    @property
    def _reads_neurons(self) -> bool:
        return self.readout is not None and not isinstance(self.decoder, Assigned)

    @torch.no_grad()
    def _show_labels(self) -> None:
        if self.readout is None:
            return
        data = self.trainer.datamodule
        self.decoder.start(len(data.facts.classes))
        for batch in data.loader("train"):
            batch = self.trainer.strategy.batch_to_device(batch)
            with self.trainer.precision_plugin.forward_context():
                spikes = self.voters(batch)[1]
            self.decoder.add(spikes, batch.target, batch.length)
        self.decoder.finish()
        if isinstance(self.decoder, Assigned):
            self.readout.weight.copy_(self.decoder.votes())

    def voters(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The network's output (T, B, C), and the spikes (T, B, N) that reach the readout."""
        seen: list[Tensor] = []
        hook = self.readout.register_forward_hook(lambda layer, args, out: seen.append(args[0]))
        major, self.network.time_major = self.network.time_major, True
        try:
            out = self(batch)
        finally:
            hook.remove()
            self.network.time_major = major
        rows = out.shape[0] * out.shape[1]
        spikes = next(x for x in seen if len(x) == rows)  # whoever counts operations calls the layer too, with one row
        return out, spikes.unflatten(0, out.shape[:2])

    def _evaluate(self, stage: str, batch: Batch) -> Tensor:
        if self.readout is None:
            return super()._evaluate(stage, batch)
        if self._reads_neurons:
            out, spikes = self.voters(batch)
            scores = self.decoder.scores(spikes, batch.length)
        else:
            out = self(batch)
            scores = total(out, batch.length)
        self.tallies[stage].add(self.loss(out, batch.target, batch.length), scores, batch.target)
        return scores

    def running_state(self) -> dict[str, Any]:
        """As of `Supervised`, and the weights put back so far in this epoch."""
        return {**super().running_state(), "outside": int(self.plastic.outside)}

    def load_running_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        self.plastic.outside = torch.tensor(state.pop("outside", 0), device=self.device)
        super().load_running_state(state)

    def configure_optimizers(self) -> Any:
        if not self._learns:
            return None
        return super().configure_optimizers()
