"""Evolution: weights drawn from a normal distribution that moves to where the loss is small; no gradient at all."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import torch
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor, nn
from torch.func import functional_call

from snnctl.datasets.batch import Batch
from snnctl.errors import RunFailed, UserError, number
from snnctl.losses import Loss
from snnctl.neurons.quantity import one_of
from snnctl.regimes.unmoved import GradientFree

Algorithm = Literal["auto", "cma", "sep_cma"]
WHOLE = (
    1000  # parameters up to which `auto` keeps a whole covariance matrix: 8 MB, and its eigenvectors each generation
)


class Evolution(GradientFree):
    """The evolution strategy CMA-ES; a batch is a generation.

        w_k = mean + sigma C^(1/2) z_k,   z_k ~ N(0, 1),   k = 1 .. population;    mean, sigma, C from the best half

    All candidates of a generation see the same batch; the network holds the mean. The loss need not be differentiable,
    and neurons need no surrogate. Draws follow from (seed, generation), so that a resumed run repeats them.

    Args:
        population: candidates a generation, 4 and above; None: 4 + 3 ln(parameters), rounded down.
        sigma: first standard deviation, in shares of each parameter tensor's own (1 / sqrt(inputs) where that is 0).
        algorithm: cma (a whole covariance matrix), sep_cma (its diagonal, Ros, Hansen 2008), or auto: by the number of
            parameters, cma up to 1000.
        criterion: what is made small: loss, or error (the share of wrong answers, with a 1000th of the loss to tell
            equals apart).
        weight_decay: L2 penalty of each candidate's parameters, mean of squares.
        seed: of the draws.
        others: as in `Supervised`; optimizer and scheduler are not used.

    Raises:
        UserError: cmaes is not installed; a number out of range. RunFailed: no candidate has a finite loss.

    Sources: N. Hansen, A. Ostermeier, Evolutionary Computation 9 (2001), doi 10.1162/106365601750190398; R. Ros,
    N. Hansen, PPSN X (2008), doi 10.1007/978-3-540-87700-4_30. The algorithm is the package cmaes (M. Nomura,
    M. Shibata 2024, arXiv 2402.01373).
    """

    def __init__(
        self,
        *args: Any,
        population: int | None = None,
        sigma: float = 0.5,
        algorithm: Algorithm = "auto",
        criterion: Literal["loss", "error"] = "loss",
        weight_decay: float = 0.0,
        seed: int = 1,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        if population is not None and (type(population) is not int or population < 4):
            raise UserError(f"regime.population = {population!r}", "range          4 and above, whole; null: by size")
        self.sigma = number("regime.sigma =", sigma, "shares of each tensor's standard deviation", 0.0, above=True)
        self.weight_decay = number("regime.weight_decay =", weight_decay, "no unit", 0.0)
        self.criterion = one_of("Evolution", "criterion", criterion, Literal["loss", "error"])
        one_of("Evolution", "algorithm", algorithm, Algorithm)
        try:
            import cmaes
        except ModuleNotFoundError:
            raise UserError("Evolution needs cmaes, which is not installed", "install it   pip install cmaes") from None
        self.learned = {n: p for n, p in self.network.named_parameters() if p.requires_grad}
        size = sum(p.numel() for p in self.learned.values())
        if not size:
            raise UserError("Evolution: the network has no parameters to train", "choose   network=mlp")
        if algorithm == "cma" and size > 20 * WHOLE:
            problem = f"Evolution: a covariance matrix of {size:,} parameters takes {8e-9 * size**2:.3g} GB"
            raise UserError(problem, "choose   regime.algorithm=sep_cma")
        whole = algorithm == "cma" or (algorithm == "auto" and size <= WHOLE)
        self.population = population or 4 + int(3 * math.log(size))
        self.seed = seed
        self.nonfinite = 0  # candidates of this epoch whose loss was no number
        self._kind = cmaes.CMA if whole else cmaes.SepCMA
        self._strategy: Any = None
        for p in self.learned.values():
            p.requires_grad_(False)

    def start(self) -> None:
        """Begin where the network's weights are."""
        scales = [self._scale(p) for p in self.learned.values()]
        self.scales = torch.cat(
            [torch.full((p.numel(),), s) for p, s in zip(self.learned.values(), scales, strict=True)]
        )
        self.origin = torch.cat([p.detach().flatten().cpu() for p in self.learned.values()]).double()
        zeros = np.zeros(len(self.origin))
        self._strategy = self._kind(zeros, self.sigma, population_size=self.population, seed=0)

    def learn(self, batch: Batch) -> None:
        if self._strategy is None:
            self.start()
        strategy = self._strategy
        strategy._rng = np.random.RandomState(
            np.random.SeedSequence([self.seed, strategy.generation]).generate_state(4)
        )
        told, values = [], []
        for _ in range(self.population):
            found = strategy.ask()
            loss, scores = self.judged(batch, self.parameters_at(found))
            value = float(loss)
            if self.criterion == "error":
                value = float((scores.argmax(1) != batch.target).float().mean()) + 1e-3 * value
            value += self.weight_decay * float(np.mean((self.origin.numpy() + self.scales.numpy() * found) ** 2))
            values.append(value)
            told.append((found, value))
        bad = sum(not math.isfinite(v) for v in values)
        self.nonfinite += bad
        if bad == self.population:
            raise RunFailed(
                f"Evolution: no candidate of generation {strategy.generation} has a finite loss",
                "lower          regime.sigma, or look at the data   snnctl data preview",
            )
        worst = max(v for v in values if math.isfinite(v))
        strategy.tell([(x, v if math.isfinite(v) else worst) for x, v in told])
        mean = self.parameters_at(strategy._mean)
        for name, p in self.learned.items():
            p.copy_(mean[name])
        loss, scores = self.judged(batch, {})
        self.tallies["train"].add(loss, scores, batch.target)
        if self._row_due():
            self.log("train/loss_step", loss, on_step=True, on_epoch=False, batch_size=len(batch.target))

    def judged(self, batch: Batch, parameters: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Loss () and scores (B, C) of the network with these parameters."""
        loss: Loss = self.loss
        out = functional_call(self.network, parameters, (batch.x,))[0]
        return loss(out, batch.target, batch.length), loss.scores(out, batch.length)

    def parameters_at(self, found: np.ndarray) -> dict[str, Tensor]:
        """The network's parameters at a point of the search: origin + scale found."""
        flat = self.origin + self.scales * torch.from_numpy(found)
        parts = flat.split([p.numel() for p in self.learned.values()])
        return {n: part.view(p.shape).to(p) for (n, p), part in zip(self.learned.items(), parts, strict=True)}

    def on_train_epoch_end(self) -> None:
        super().on_train_epoch_end()
        self.log("train/sigma", float(self._strategy._sigma), batch_size=1)
        if self.nonfinite:
            rank_zero_warn(f"{self.nonfinite} candidates of this epoch had no finite loss; each counts as the worst")
            self.log("train/nonfinite", float(self.nonfinite), batch_size=1)
        self.nonfinite = 0

    def on_fit_start(self) -> None:
        if self.trainer.world_size > 1:
            raise UserError("Evolution runs in one process", "set   trainer.devices=1")

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        if self._strategy is None:
            return
        kept = {n: _kept(v) for n, v in vars(self._strategy).items() if n != "_rng"}
        checkpoint["evolution"] = {"strategy": kept, "origin": self.origin, "scales": self.scales}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        if "evolution" not in checkpoint:
            return
        kept = checkpoint["evolution"]
        self.start()
        self.origin, self.scales = kept["origin"], kept["scales"]
        for name, value in kept["strategy"].items():
            setattr(self._strategy, name, value.numpy().copy() if isinstance(value, Tensor) else value)

    def running_state(self) -> dict[str, Any]:
        return {**super().running_state(), "nonfinite": self.nonfinite}

    def load_running_state(self, state: dict[str, Any]) -> None:
        super().load_running_state(state)
        self.nonfinite = state["nonfinite"]

    @staticmethod
    def _scale(p: nn.Parameter) -> float:
        std = float(p.detach().double().std()) if p.numel() > 1 else 0.0
        return std or 1 / math.sqrt(p.shape[-1] if p.dim() else 1)


def _kept(value: Any) -> Any:
    """A value of the strategy as what a checkpoint may hold: tensors and plain numbers."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    return value.item() if isinstance(value, np.generic) else value
