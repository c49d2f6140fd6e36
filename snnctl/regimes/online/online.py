"""What every online rule shares: the sequence in chunks, gradients gathered on the way, weights moved after it."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from snnctl.datasets.batch import Batch, EventList
from snnctl.errors import UserError
from snnctl.networks.hooks import unhooked
from snnctl.regimes.online.streaming import Criterion, of_whole, piece
from snnctl.regimes.supervised import Supervised

Gradients = dict[nn.Parameter, Tensor]


class Online(Supervised):
    """A rule that runs over a sequence once, in chunks, and keeps no activation longer than a chunk.

        memory = parameters + the rule's traces + activations of one chunk,   whatever T

    The length of a chunk changes no number: traces carry exactly what a rule wants of the past. A loss that is no mean
    over steps (`Loss.stepwise`) has its gradient only when all is read out: where the sequence is longer than a chunk
    it is then run twice, and the readout (T, B, C) kept. A rule has two methods: `begin` and `learn`.
    Validation goes in chunks too; a test, which counts operations and spikes, sees all steps at once.

    Args:
        chunk: steps, 1 and above.
        update_every: steps after which weights move within a sequence, a multiple of `chunk`; None: at its end. Traces
            go on over an update; they then belong to weights that were.
        cosine_every: batches between two comparisons with BPTT's gradient, logged as train/cosine; 0: never. A
            comparison needs BPTT's memory.
        memory: bytes that traces may take; more is refused before training.
        others: as in `Supervised`.

    Raises:
        UserError: a number out of range; a loss that does not go with update_every.
    """

    def __init__(
        self,
        *args: Any,
        chunk: int = 100,
        update_every: int | None = None,
        cosine_every: int = 0,
        memory: float = 4e9,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        if type(chunk) is not int or chunk < 1:
            raise UserError(f"regime.chunk = {chunk!r}", "range          1 and above, whole, steps")
        if update_every is not None and (type(update_every) is not int or update_every < 1 or update_every % chunk):
            raise UserError(
                f"regime.update_every = {update_every!r}, regime.chunk = {chunk}",
                "wanted         a multiple of chunk, steps; null for the end of each sequence",
            )
        if type(cosine_every) is not int or cosine_every < 0:
            raise UserError(f"regime.cosine_every = {cosine_every!r}", "range          0 and above, whole, batches")
        if not memory > 0:
            raise UserError(f"regime.memory = {memory!r}", "range          above 0, bytes")
        self.chunk, self.update_every, self.cosine_every, self.memory = chunk, update_every, cosine_every, float(memory)
        steps = self.network.facts.steps
        self.streams = steps is None or steps > chunk  # whether traces lead from one chunk into another
        if update_every is not None and self.streams and not self.loss.stepwise:
            raise self.wrong(
                f"{type(self.loss).__name__} is known at the end of a sequence, and weights are to move within",
                "choose         loss=per_step, or regime.chunk and update_every of a whole sequence",
            )

    @abstractmethod
    def begin(self, x: Tensor | EventList) -> Any:
        """What the rule carries from chunk to chunk, before the first one of x (T, B, ...)."""

    @abstractmethod
    def learn(self, x: Tensor | EventList, carried: Any, criterion: Criterion, more: bool) -> tuple[Gradients, Any]:
        """One chunk.

        Args:
            x: (K, B, ...).
            carried: what the chunk before left.
            criterion: readout (K, B, C) -> dL / dout; to be called once.
            more: whether another chunk follows.

        Returns:
            Parameter -> what this chunk adds to its gradient; and what the next chunk needs.
        """

    def traces(self, batch_size: int) -> int:
        """Bytes that the rule carries from chunk to chunk."""
        return 0

    def check(self, batch_size: int) -> None:
        """Raises a UserError where the traces of a batch would take more than `memory`."""
        needed = self.traces(batch_size)
        if needed > self.memory:
            raise self.wrong(
                f"its traces take {needed / 1e9:.3g} GB at a batch of {batch_size}, "
                f"and regime.memory allows {self.memory / 1e9:.3g} GB",
                "choose         fewer neurons, a smaller dataset.batch_size, or regime=eprop, ottt or sltt",
            )

    def wrong(self, problem: str, hint: str) -> UserError:
        """The error to raise for what this rule cannot train: it names the rule."""
        return UserError(f"{type(self).__name__}: {problem}", hint)

    def on_fit_start(self) -> None:
        self.check(self.trainer.datamodule.batch_size)
        if self.trainer.world_size > 1 and self.update_every is not None:
            raise self.wrong("weights that move within a sequence need one process", "set   trainer.devices=1")
        if self.trainer.accumulate_grad_batches > 1 and self.update_every is not None:
            raise self.wrong(
                "weights that move within a sequence cannot wait for several batches",
                "set   trainer.accumulate_grad_batches=1, or regime.update_every=null",
            )

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss, scores, gradients = self.gradients(batch)
        self.tallies["train"].add(loss, scores, batch.target)
        if self._row_due():
            self.log("train/loss_step", loss, on_step=True, on_epoch=False, batch_size=len(batch.target))
        if self.cosine_every and batch_idx % self.cosine_every == 0:
            self.log("train/cosine", cosine(gradients, self.backpropagated(batch)), batch_size=len(batch.target))
        return _Given.apply(loss, len(gradients), *gradients.values(), *gradients)

    @torch.no_grad()
    def gradients(self, batch: Batch) -> tuple[Tensor, Tensor, Gradients]:
        """What the rule makes of a batch: loss (), scores (B, C), parameter -> gradient since the last update."""
        steps = batch.x.shape[0]
        starts = range(0, steps, self.chunk)
        if len(starts) > 1 and not self.loss.stepwise:
            criterion, _ = of_whole(self.loss, self._streamed(batch.x), batch)
        else:
            criterion = Criterion(self.loss, batch)
        carried, found = self.begin(batch.x), {}
        for start in starts:
            stop = min(start + self.chunk, steps)
            here, carried = self.learn(piece(batch.x, start, stop), carried, criterion, stop < steps)
            add(found, here)
            if self.update_every is not None and stop % self.update_every == 0 and stop < steps:
                self.update(found)
                found = {}
        return criterion.total, criterion.scores, found

    def update(self, gradients: Gradients) -> None:
        """Move the weights within a sequence; the trainer counts and schedules the last move of each batch alone."""
        optimizer = self.optimizers(use_pl_optimizer=False)
        for p in (p for group in optimizer.param_groups for p in group["params"]):
            p.grad = gradients.get(p)
        clip = self.trainer.gradient_clip_val
        if clip:
            self.clip_gradients(optimizer, clip, self.trainer.gradient_clip_algorithm)
        optimizer.step()
        optimizer.zero_grad()

    def forward(self, batch: Batch) -> Tensor:
        """The readout over time, (T, B, C): in chunks, but where hooks that count or record look on, all at once."""
        alone = all(unhooked(module, but_rates=True) for module in self.network.modules())
        return self._streamed(batch.x) if alone and not torch.is_grad_enabled() else super().forward(batch)

    def _streamed(self, x: Tensor | EventList) -> Tensor:
        outs, state = [], None
        for start in range(0, x.shape[0], self.chunk):
            out, state = self.network(piece(x, start, min(start + self.chunk, x.shape[0])), state)
            outs.append(out)
        return outs[0] if len(outs) == 1 else torch.cat(outs)

    def backpropagated(self, batch: Batch) -> Gradients:
        """BPTT's gradient of the same loss."""
        learned = [p for p in self.network.parameters() if p.requires_grad]
        with torch.enable_grad():
            loss = self.loss(self.network(batch.x)[0], batch.target, batch.length)
            found = torch.autograd.grad(loss, learned, allow_unused=True)
        return {p: g for p, g in zip(learned, found, strict=True) if g is not None}


def add(total: Gradients, part: Gradients) -> None:
    """total += part."""
    for p, g in part.items():
        total[p] = total[p] + g if p in total else g


def cosine(a: Gradients, b: Gradients) -> Tensor:
    """a.b / (|a| |b|) over the parameters that both have, shape ()."""
    both = [p for p in a if p in b]
    first, second = (torch.cat([g[p].flatten().double() for p in both]) for g in (a, b))
    return torch.nn.functional.cosine_similarity(first, second, dim=0).float()


class _Given(torch.autograd.Function):
    """The loss, whose backward hands out gradients that are known: clipping, accumulation and scaling act as always."""

    @staticmethod
    def forward(ctx, loss: Tensor, count: int, *rest: Tensor) -> Tensor:
        ctx.count = count
        ctx.save_for_backward(*rest[:count])
        return loss.clone()

    @staticmethod
    def backward(ctx, grad: Tensor):
        return (None, None, *[None] * ctx.count, *(grad * g for g in ctx.saved_tensors))
