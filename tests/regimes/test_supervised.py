"""When a step's loss is logged."""

from __future__ import annotations

from functools import partial

import lightning
import pytest
import torch
from torch import nn

from snnctl.callbacks.metrics_csv import MetricsCSV, read
from snnctl.datasets.batch import Batch
from snnctl.datasets.facts import Facts
from snnctl.losses import MeanMembraneCrossEntropy
from snnctl.networks import Network
from snnctl.neurons import LI
from snnctl.regimes.bptt import BPTT


class Always(BPTT):
    """Logs at every step and leaves it to Lightning which of them become rows."""

    def _row_due(self) -> bool:
        return True


def regime(kind: type[BPTT] = BPTT) -> BPTT:
    torch.manual_seed(0)
    network = Network({"fc": nn.Linear, "readout": partial(LI, tau_mem=20e-3)}, Facts((3,), ("a", "b"), 1e-3, 4))
    return kind(network, MeanMembraneCrossEntropy(), partial(torch.optim.SGD, lr=0.1))


def batches(count: int) -> list[Batch]:
    draw = torch.Generator().manual_seed(0)
    given = torch.tensor([0, 1]), torch.tensor([4, 4]), torch.arange(2)
    return [Batch(torch.rand(4, 2, 3, generator=draw), *given) for _ in range(count)]


@pytest.mark.parametrize(("every", "accumulate"), [(1, 1), (3, 1), (2, 3), (0, 1)])
def test_the_rows_are_those_that_lightning_would_choose(tmp_path, every, accumulate):
    rows = []
    for kind in (BPTT, Always):
        logger = MetricsCSV(tmp_path / f"{kind.__name__}.csv")
        trainer = lightning.Trainer(
            max_epochs=2, logger=logger, log_every_n_steps=every, accumulate_grad_batches=accumulate,
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, accelerator="cpu",
        )  # fmt: skip
        trainer.fit(regime(kind), torch.utils.data.DataLoader(batches(10), batch_size=None))
        rows.append(read(logger.path))
    assert rows[0] == rows[1]
    steps = 2 * -(-10 // accumulate)
    assert sum("train/loss_step" in row for row in rows[0]) == (steps // every if every else 0)
