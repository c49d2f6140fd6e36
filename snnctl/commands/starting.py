"""Runs that begin where another one ended: which of its settings, weights and samples they take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnctl.errors import UserError
from snnctl.rundir import locate, read_json

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from snnctl.experiment import Experiment

TAKEN = ("dataset", "network", "neuron", "decoder")  # of the other run's configuration


def started(cfg: DictConfig) -> DictConfig:
    """The configuration of a run with the data, network and neurons of the converted run that `regime.start` names.

    Raises:
        UserError: there is no such run, or it is not converted.
    """
    from omegaconf import OmegaConf

    start = cfg.regime.get("start")
    if not start:
        return cfg
    run, _ = locate(start)
    if "converted_from" not in run.read():
        raise UserError(f"regime.start={start} is no converted network", f"make one   snnctl convert {start}")
    theirs = OmegaConf.to_container(run.configuration(), resolve=True)
    cfg = cfg.copy()
    OmegaConf.set_struct(cfg, False)
    for key in TAKEN:
        OmegaConf.update(cfg, key, theirs.get(key), merge=False)
    if "seed" in cfg.dataset:  # the split is the other run's, kept in its file; order and augmentation are this one's
        cfg.dataset.seed = cfg.seed
    return cfg


def take(experiment: Experiment, start: str) -> None:
    """Put the other run's weights and split of the samples into an experiment that was made of `started`."""
    from snnctl.experiment import restore_weights

    run, weights = locate(start)
    restore_weights(experiment.network, run.path, weights)
    if (run.path / "split.json").exists():
        experiment.data.load_split(read_json(run.path / "split.json"))
