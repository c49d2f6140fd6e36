"""With several processes: all train the same configuration, and end with the same weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import lightning
import torch

from snnctl.atomic import write_json
from snnctl.errors import RunFailed, UserError


class RanksAgree(lightning.Callback):
    """Compares the processes of a run before and after training, and writes ranks.json.

    A process that was started with other overrides than the first one would train another model under the same name:
    that ends the run. Does nothing where there is one process.

    Args:
        config: the resolved configuration as text.
        overrides: what this process was given on the command line, for the record.
        path: ranks.json in the run's folder.
    """

    def __init__(self, config: str, overrides: list[str], path: Path):
        self.config = config
        self.overrides = [o for o in overrides if not o.startswith("hydra.")]
        self.path = path

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if trainer.world_size == 1:
            return
        configs = _gather(trainer, self.config)
        for rank, config in enumerate(configs):
            if config != configs[0]:
                ours, theirs = configs[0].splitlines(), config.splitlines()
                pair = next(((a, b) for a, b in zip(ours, theirs, strict=False) if a != b), ("", "more lines"))
                raise UserError(
                    f"process {rank} runs another configuration than process 0",
                    f"process 0   {pair[0].strip()}\nprocess {rank}   {pair[1].strip()}",
                )

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if trainer.world_size == 1:
            return
        mine = {"rank": trainer.global_rank, "overrides": self.overrides, "weights": digest(pl_module)}
        ranks = _gather(trainer, mine)
        if trainer.is_global_zero:
            write_json(self.path, ranks)
        if len({rank["weights"] for rank in ranks}) > 1:
            raise RunFailed(
                "the processes ended with different weights", f"see {self.path}; please report it with the recipe"
            )


def digest(module: torch.nn.Module) -> str:
    """sha256 over the parameters and buffers of a module, by name and bytes."""
    total = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        total.update(name.encode())
        total.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def _gather(trainer: lightning.Trainer, value: object) -> list:
    values: list = [None] * trainer.world_size
    torch.distributed.all_gather_object(values, value)
    return values
