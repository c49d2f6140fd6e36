"""From a composed configuration to the objects of a run: data, network, regime, trainer."""

from __future__ import annotations

import inspect
import logging
import random
import re
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import numpy as np
import torch
from lightning.pytorch.profilers import PassThroughProfiler
from omegaconf import OmegaConf

from snnctl import config
from snnctl.allocator import keep_freed_memory
from snnctl.atomic import write_json
from snnctl.callbacks.checkpoint import Checkpoint
from snnctl.callbacks.checkpoint_io import AtomicCheckpointIO, check_fits, load_checkpoint
from snnctl.callbacks.metrics_csv import MetricsCSV
from snnctl.callbacks.progress import EpochLines
from snnctl.callbacks.ranks import RanksAgree
from snnctl.datasets.facts import Facts
from snnctl.environments.environment import Environment
from snnctl.errors import UserError
from snnctl.rundir import RunDir, locate, read_json

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from snnctl.datasets.datamodule import DataModule
    from snnctl.networks.network import Network
    from snnctl.regimes.distill import Teacher
    from snnctl.regimes.supervised import Supervised


@dataclass
class Experiment:
    """What a run is made of, before a trainer takes it."""

    data: DataModule
    network: Network
    regime: Supervised

    def summary(self) -> str:
        """`34x34x2, 10 classes, dt 15 ms; conv 12,345 parameters`."""
        facts = self.data.facts
        size = "x".join(map(str, facts.shape))
        steps = f", {facts.steps} steps" if facts.steps else ""
        parameters = sum(p.numel() for p in self.network.parameters())
        outputs = f"{len(facts.classes)} actions" if isinstance(self.data, Environment) else facts.outputs
        return f"{size}{steps}, {outputs}, {parameters:,} parameters"

    def left_out(self, named: int = 3) -> str:
        """`2 recordings cannot be read and are left out: a.npy, b.npy`, the first `named`; empty where all can be."""
        files = list(self.data.skipped)
        if not files:
            return ""
        more = f", and {len(files) - named} more" if len(files) > named else ""
        kind = "recording" if len(files) == 1 else "recordings"
        return f"{len(files)} {kind} cannot be read, left out: {', '.join(files[:named])}{more}"

    def write_facts(self, folder: Path) -> None:
        """Keep what the data told the network, and which samples were for what, in the run's folder.

        Recordings that were left out are named with the reason in skipped.json.
        """
        write_json(folder / "facts.json", asdict(self.data.facts))
        if self.data.skipped:
            write_json(folder / "skipped.json", self.data.skipped)
        if not (folder / "split.json").exists():
            write_json(folder / "split.json", self.data.split)


def assemble(cfg: DictConfig) -> Experiment:
    """Build data, network and regime; every random number of it follows from `cfg.seed`.

    Raises:
        UserError: a constructor refuses its arguments, a layer does not fit.
    """
    quiet_lightning()
    seed_all(cfg.seed)
    data = config.build(data_node(cfg))
    network = config.build(cfg.network)(facts=data.facts)
    optional = {name: config.build(cfg[name]) for name in ("scheduler", "decoder") if cfg.get(name)}
    optimizer = config.build(cfg.optimizer)
    try_out(optimizer, optional.get("scheduler"), network)
    made = config.build(with_target(cfg))
    if isinstance(made.func, type):  # a function's regime is known once it is built
        check_purpose(made.func, optional.get("decoder"), data)
    regime = made(
        network=network,
        loss=config.build(cfg.loss),
        optimizer=optimizer,
        monitor=cfg.objective,
        **optional,
    )
    if hasattr(regime, "find_teacher"):
        regime.find_teacher = teacher_of
    return Experiment(data, network, regime)


def use_split(experiment: Experiment, run_dir: RunDir, changed: set[str]) -> None:
    """The run's own split, so that nothing it learned from tests it; one elsewhere tests with its test part, if any.

    Args:
        changed: keys that were given on the command line.
    """
    path = run_dir.path / "split.json"
    if not path.exists() or "dataset" in changed:
        return
    if "dataset.root" not in changed or "test" not in experiment.data.source.parts():
        experiment.data.load_split(read_json(path))


def data_node(cfg: DictConfig) -> DictConfig:
    """What the run learns from: its environment, where it has one, else its data set."""
    return cfg.environment if cfg.get("environment") else cfg.dataset


def check_purpose(kind: Any, decoder: Any, data: Any) -> None:
    """Raises a UserError where a regime of this class is given what it does not learn from: labels, traces or an
    environment; or its decoder is.
    """
    name, acts = kind.__name__, kind.acts
    if acts and not isinstance(data, Environment):
        raise UserError(
            f"{name} learns to act, a data set of labels has no rewards",
            "choose an environment   environment=cartpole   see   snnctl ls environments\nor   regime=bptt",
        )
    if isinstance(data, Environment) and not acts:
        raise UserError(
            f"{name} learns from labels, {data.world.name} has none",
            "choose   regime=ppo, reinforce, dqn, mstdp, mstdpet or rmax\nor a recipe with data   snnctl ls recipes",
        )
    if data.facts.targets == "traces":
        if not kind.takes_traces:
            raise UserError(f"{name} learns from classes, {data.source.name} has traces", "choose   regime=bptt")
        if decoder is not None:
            raise UserError(f"a decoder names classes, {data.source.name} has traces", "choose   decoder=loss")


def teacher_of(reference: str) -> Teacher:
    """The trained network of a run, or of a checkpoint, as one to learn from.

    Raises:
        UserError: there is no such run, or it has no weights yet.
    """
    from snnctl.regimes.distill import Teacher

    run, weights = locate(reference)
    cfg = run.configuration()
    frame = cfg.regime.get("frame") if str(cfg.regime.get("_target_", "")).endswith(".ANN") else None
    return Teacher(load_network(cfg, run.path, weights), config.build(cfg.loss), frame)


def with_target(cfg: DictConfig) -> DictConfig:
    """The regime's node, with the target that `regime.quantize` names in its place, and the options of the
    configuration's own target where it is the same.

    Raises:
        UserError: there is no such target.
    """
    name = cfg.regime.get("quantize")
    if not isinstance(name, str):
        return cfg.regime
    target = config.compose(None, [f"target={name}"]).target
    own = cfg.get("target")
    if own and all(own.get(key) == target.get(key) for key in ("_target_", "name")):
        target = own
    return OmegaConf.merge(cfg.regime, {"quantize": target})


def try_out(optimizer: Callable[..., Any], scheduler: Callable[..., Any] | None, network: Network) -> None:
    """Build an optimizer and a schedule once, so that a value that torch refuses is told before a run begins.

    Raises:
        UserError: torch refuses one.
    """
    parameters = [p for p in network.parameters() if p.requires_grad]
    if not parameters:
        return
    name = "optimizer"
    try:
        trial = optimizer(parameters)
        if scheduler is not None:
            name = "scheduler"
            takes, given = inspect.signature(scheduler).parameters, getattr(scheduler, "keywords", {})
            length = {n: 100 for n in ("total_steps", "T_max") if n in takes and given.get(n) is None}
            scheduler(trial, **({} if "epochs" in given else length))
    except (TypeError, ValueError) as error:
        raise UserError(f"{name}: {error}", f"see   snnctl ls {name}s") from error


def assemble_trainer(
    cfg: DictConfig, folder: Path, overrides: list[str]
) -> tuple[lightning.Trainer, Checkpoint | None]:
    """The trainer with its callbacks, loggers and profiler, writing to `folder`; and its Checkpoint, if it has one."""
    callbacks = [config.build(node) for node in (cfg.get("callbacks") or {}).values() if node]
    callbacks += [EpochLines(), RanksAgree(OmegaConf.to_yaml(cfg, resolve=True), overrides, folder / "ranks.json")]
    checkpoint = next((c for c in callbacks if isinstance(c, Checkpoint)), None)
    if checkpoint is not None:
        checkpoint.folder = folder / "checkpoints"
    if sys.stdout.isatty():
        from lightning.pytorch.callbacks import RichProgressBar

        callbacks.append(RichProgressBar(leave=False))
    loggers = [MetricsCSV(folder / "metrics.csv")]
    loggers += [_in_folder(config.build(node), folder) for node in (cfg.get("logger") or {}).values() if node]
    fixed = {
        "callbacks": callbacks,
        "logger": loggers,
        "plugins": [AtomicCheckpointIO()],
        "enable_checkpointing": False,
        "default_root_dir": folder,
        "enable_progress_bar": sys.stdout.isatty(),
    }
    # Deterministic mode would write NaN into all new memory, 6 % of a step; nothing here reads what it did not write.
    torch.utils.deterministic.fill_uninitialized_memory = False
    keep_freed_memory()
    trainer = config.build(cfg.trainer, **{k: v for k, v in fixed.items() if k not in cfg.trainer})
    if not isinstance(trainer.profiler, PassThroughProfiler) and trainer.profiler.filename is None:
        trainer.profiler.dirpath, trainer.profiler.filename = folder, "profile"
    return trainer, checkpoint


def _in_folder(logger: Callable[..., Any], folder: Path) -> Any:
    """Finish a partial logger whose `save_dir` was left out; what it logs then lies in the run's folder."""
    try:
        return logger(save_dir=str(folder)) if "save_dir" in inspect.signature(logger).parameters else logger()
    except ModuleNotFoundError as error:
        package = (re.findall(r"Requirement '([\w-]+)", str(error)) or [error.name or str(error)])[0]
        name = getattr(logger, "func", logger).__name__
        raise UserError(
            f"{name} needs {package}, which is not installed",
            f"install it   pip install {'mlflow-skinny' if package == 'mlflow' else package}",
        ) from None


def load_network(cfg: DictConfig, folder: Path, weights: Path | None = None) -> Network:
    """The network of a run with its trained weights, in evaluation mode, without reading any data.

    Args and errors: as `restore_weights`, and the run's configuration.
    """
    facts = read_json(folder / "facts.json")
    facts = Facts(**{**facts, "shape": tuple(facts["shape"]), "classes": tuple(facts["classes"])})
    network = config.build(cfg.network)(facts=facts)
    restore_weights(network, folder, weights)
    return network.eval()


def restore_weights(network: Network, folder: Path, weights: Path | None = None) -> None:
    """Put a run's trained weights into a network.

    Args:
        network: built from the run's configuration.
        folder: the run's folder.
        weights: a checkpoint; None for the run's weights.safetensors.

    Raises:
        UserError: the run has no weights yet, they are damaged, or they are from another network.
    """
    source = weights or folder / "weights.safetensors"
    if weights is not None:
        kept = load_checkpoint(weights)["state_dict"]
        state = {k.removeprefix("network."): v for k, v in kept.items() if k.startswith("network.")}
    else:
        state = _read_safetensors(source)
    check_fits(state, network, source)
    network.load_state_dict(state)


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except FileNotFoundError:
        raise UserError(f"{path.parent} has no finished checkpoint", f"snnctl train --resume {path.parent}") from None
    except (SafetensorError, OSError) as error:
        hint = "evaluate a checkpoint   snnctl eval RUN/checkpoints/last.ckpt"
        raise UserError(f"{path} is damaged: {error}", hint) from None


def seed_all(seed: int) -> None:
    """Seed Python's, numpy's and torch's generators.

    Raises:
        UserError: it is not a whole number of 64 bits.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not -(2**63) <= seed < 2**64:
        raise UserError(f"seed is {seed!r}", "expected a whole number from -2^63 to 2^64 - 1, for example   seed=1")
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def quiet_lightning() -> None:
    """Leave out Lightning's banners; show warnings as one line without a source path."""
    for name in ("lightning", "lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="torch")
    for noise in (
        ".*does not have many workers.*",
        ".*smaller than the logging interval.*",
        ".*`ModelCheckpoint`.*",
        ".*sync_dist=True.*",
        ".*LeafSpec.*",
        ".*treespec.*",
        ".*defined a `validation_step` but have no `val_dataloader`.*",
        ".*lr_scheduler.step.*",
        ".*across ranks is zero.*",  # no validation
        ".*`LightningModule.configure_optimizers` returned `None`.*",  # nothing learns by a gradient
        ".*`training_step` returned `None`.*",
        ".*It will use the implementation from `LightningModule`.*",  # regime ann makes frames of batches
    ):
        warnings.filterwarnings("ignore", message=noise)
    warnings.showwarning = lambda message, *rest, **more: print(f"warning: {message}", file=sys.stderr)
