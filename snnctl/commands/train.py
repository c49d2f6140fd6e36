"""Train a network as a recipe says.

    snnctl train                                         the default recipe, on the embedded data set
    snnctl train nmnist_conv optimizer.lr=1e-3           any key of the recipe can be given
    snnctl train ./mine.yaml trainer.max_epochs=20       a recipe of your own (see: snnctl cp)
    snnctl train nmnist_conv -m seed=1,2,3               a sweep: one run a value
    snnctl train digits_mlp -m hydra/sweeper=optuna "optimizer.lr=tag(log,interval(1e-3,1e-2))" \\
      hydra.sweeper.n_trials=20 hydra.sweeper.storage=sqlite:///study.db
                                                         a search; the same command again does what is missing
    snnctl train --resume runs/nmnist_conv/2026-...      go on with a stopped or killed run
    snnctl train nmnist_conv --dry-run                   compose, check and build everything, train nothing

Next: snnctl eval RUN, snnctl runs
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnctl.atomic import write_json
from snnctl.commands.starting import started, take
from snnctl.errors import Interrupted, UserError
from snnctl.rundir import RunDir, read_json, write_config

if TYPE_CHECKING:
    import lightning
    from omegaconf import DictConfig

    from snnctl.callbacks.checkpoint import Checkpoint
    from snnctl.experiment import Experiment


def run(args: list[str]) -> int:
    """`snnctl train ...` after the verb; returns the exit code."""
    from snnctl import config

    if "--resume" in args:
        return resume(args)
    if "--dry-run" in args:
        from snnctl.commands import check

        return check.run([a for a in args if a != "--dry-run"])
    recipe = None
    if args and "=" not in args[0] and args[0][0] not in "-~+":
        recipe, args = args[0], args[1:]

    def task(cfg: DictConfig) -> float | None:
        from hydra.core.hydra_config import HydraConfig

        hydra = HydraConfig.get()
        return train(cfg, Path(hydra.runtime.output_dir), hydra.job.config_name, list(hydra.overrides.task))

    config.launch(recipe, args, task)
    return 0


def resume(args: list[str]) -> int:
    """`snnctl train --resume RUN k=v ...`: the run goes on in its folder, with what is given changed."""

    from snnctl import config

    rest = [a for a in args if a != "--resume"]
    if not rest or "=" in rest[0]:
        raise UserError("--resume needs the folder of a run", "see   snnctl runs")
    run_dir = RunDir.open(rest[0])
    facts = run_dir.read()
    cfg = config.override(run_dir.configuration(), rest[1:])
    train(cfg, run_dir.path, facts.get("recipe", "?"), rest[1:], resuming=True)
    return 0


def train(cfg: DictConfig, folder: Path, recipe: str, overrides: list[str], resuming: bool = False) -> float | None:
    """One run, from a composed configuration to a folder with results.

    Args:
        cfg: the composed configuration.
        folder: the run's folder.
        recipe: its name, for the record.
        overrides: what was given on the command line, for the record.
        resuming: go on from the folder's last checkpoint, or anew where there is none.

    Returns:
        The best value of `cfg.objective`, or None where it was never measured.

    Raises:
        UserError: a mistake in the configuration or the data, a full disk, a loss that is no number.
        Interrupted: Ctrl-C, after a checkpoint.
    """
    first = os.environ.get("LOCAL_RANK", "0") == "0" and os.environ.get("NODE_RANK", "0") == "0"
    run_dir = RunDir(folder)
    cfg = cfg if resuming else started(cfg)
    experiment, trainer, checkpoint = _assemble(cfg, run_dir, overrides, resuming, first)
    if first and resuming:
        run_dir.acquire()
        run_dir.update(state="running", error=None)
    elif first:
        _begin(cfg, run_dir, recipe, overrides)
    try:
        if first:
            experiment.write_facts(folder)
            print(f"{folder}  {experiment.summary()}", flush=True)
            for line in getattr(experiment.network, "assumed", ()):
                print(f"assumed  {line}", flush=True)
            if experiment.data.skipped:
                print(f"{experiment.left_out()}; reasons in {folder / 'skipped.json'}", flush=True)
                run_dir.update(skipped=len(experiment.data.skipped))
        return fit_and_evaluate(cfg, run_dir, experiment, trainer, checkpoint, resuming, first)
    except BaseException as error:
        if first:
            stopped = isinstance(error, (Interrupted, KeyboardInterrupt))
            _record(run_dir, "stopped" if stopped else "failed", error)
        if isinstance(error, Interrupted):
            from snnctl.config.allowed import allowed_packages

            allow = "".join(f" --allow {package}" for package in allowed_packages())
            raise Interrupted(
                error.problem, f"go on with   snnctl train --resume {folder}{allow}", error.signal
            ) from None
        raise
    finally:
        run_dir.release()


def _assemble(
    cfg: DictConfig, run_dir: RunDir, overrides: list[str], resuming: bool, first: bool
) -> tuple[Experiment, lightning.Trainer, Checkpoint | None]:
    """Build everything and make the data be there; a mistake found here leaves no run behind."""
    from snnctl.callbacks.checkpoint_io import check_fits, load_checkpoint
    from snnctl.experiment import assemble, assemble_trainer

    if first and not resuming:
        run_dir.refuse_second()
    try:
        experiment = assemble(cfg)
        if cfg.regime.get("start") and not resuming:
            take(experiment, cfg.regime.start)
        trainer, checkpoint = assemble_trainer(cfg, run_dir.path, overrides)
        for limit in ("max_epochs", "max_steps"):
            if getattr(trainer, limit) == 0:
                raise UserError(f"trainer.{limit}=0 trains nothing", "expected at least 1")
        if resuming and _last(run_dir):  # before the run is touched: a mistake leaves it as it was
            check_fits(load_checkpoint(_last(run_dir))["state_dict"], experiment.regime, _last(run_dir))
        split = run_dir.path / "split.json"
        if resuming and split.exists():
            experiment.data.load_split(read_json(split))
        if first:
            experiment.data.prepare_data()
            experiment.data.setup("fit")
    except BaseException:
        if first and not resuming:
            run_dir.remove_if_empty()  # Hydra has made it
        raise
    return experiment, trainer, checkpoint


def _begin(cfg: DictConfig, run_dir: RunDir, recipe: str, overrides: list[str]) -> None:
    """Write down what the run is."""
    from omegaconf import OmegaConf

    from snnctl.config import kept_code, kept_graph

    command = shlex.join(["snnctl", *sys.argv[1:]])
    run_dir.create(recipe=recipe, command=command, seed=cfg.seed, versions=versions())
    write_config(run_dir, OmegaConf.to_yaml(cfg), OmegaConf.to_yaml(cfg, resolve=True), overrides)
    kept_code.keep(run_dir.path)
    kept_graph.keep(cfg, run_dir.path)


def _record(run_dir: RunDir, state: str, error: BaseException) -> None:
    """Write how the run ended; a full disk may stand in the way of that too."""
    try:
        run_dir.update(state=state, error=getattr(error, "problem", f"{type(error).__name__}: {error}"))
    except UserError:
        pass


def fit_and_evaluate(
    cfg: DictConfig,
    run_dir: RunDir,
    experiment: Experiment,
    trainer: lightning.Trainer,
    checkpoint: Checkpoint | None,
    resuming: bool,
    first: bool,
) -> float | None:
    """Train what is assembled and measure it; arguments and result as of `train`, `first`: of several processes."""
    import torch
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    last = _last(run_dir) if resuming else None
    try:
        trainer.fit(experiment.regime, datamodule=experiment.data, ckpt_path=last, weights_only=True)
    except MisconfigurationException as error:
        raise UserError(f"trainer: {str(error).splitlines()[0]}", "see   snnctl show trainer/default") from error
    finally:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        _end_children(trainer)
    if not first:
        return None
    if trainer.fast_dev_run:  # Lightning writes nothing then
        run_dir.update(state="done")
        return None
    best = checkpoint.best_value if checkpoint else None
    results: dict[str, Any] = {} if best is None else {cfg.objective: best}
    write_json(run_dir.path / "results.json", results)
    if cfg.eval_after:
        from snnctl.commands.eval import evaluate_run

        results = evaluate_run(cfg, run_dir, experiment)
    run_dir.update(state="done", metrics={k: v for k, v in results.items() if isinstance(v, (int, float))})
    if cfg.eval_after:
        from snnctl.report.evaluation import show

        show(results, run_dir.path)
    return best


def _last(run_dir: RunDir) -> Path | None:
    """The checkpoint that a resumed run goes on from, if it got as far as one."""
    path = run_dir.checkpoints / "last.ckpt"
    return path if path.exists() else None


def _end_children(trainer: lightning.Trainer, patience: float = 10.0) -> None:
    """Wait for the processes that the trainer started; one that does not end by itself is killed."""
    for process in getattr(trainer.strategy.launcher, "procs", []):
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def versions() -> dict[str, str]:
    """Of the packages that a run's numbers depend on."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for package in ("snnctl", "torch", "lightning", "hydra-core", "tonic", "numpy", "numba"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
