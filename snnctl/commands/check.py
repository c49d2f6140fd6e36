"""Find every mistake in a recipe before anything runs, and show what would run. Reads no data.

    snnctl check nmnist_conv                       mistakes, layers with shapes over time, parameters, memory
    snnctl check ./mine.yaml dataset.batch_size=64
    snnctl check runs/digits_conv/2026-...         the same for a run, with changes if any are given
    snnctl check braille_xylo target=xylo/a2       and whether it will fit a chip, before any training

Next: snnctl train ./mine.yaml
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnctl.commands.starting import started
from snnctl.errors import UserError
from snnctl.report.tables import show

if TYPE_CHECKING:
    from omegaconf import DictConfig

ASSUMED_STEPS = 100  # where samples differ in length and the data are not read


def run(args: list[str]) -> int:
    """`snnctl check ...` after the verb; returns the exit code."""
    recipe, overrides = split(args)
    cfg = configuration(recipe, overrides)
    cfg = cfg if recipe is not None and is_run(recipe) else started(cfg)
    report(cfg)
    if cfg.get("target"):
        fit(cfg)
    resume = "--resume " if recipe is not None and is_run(recipe) else ""
    print(f"no mistakes; train it   snnctl train {resume}{shlex.join(args)}".rstrip())
    return 0


def split(args: list[str]) -> tuple[str | None, list[str]]:
    """The recipe or run, if one is given, and the overrides."""
    if args and "=" not in args[0] and args[0][0] not in "~+-":
        return args[0], args[1:]
    return None, args


def is_run(name: str) -> bool:
    """Whether a run is meant, not a recipe."""
    return name == "last" or (Path(name) / "run.json").exists()


def configuration(recipe: str | None, overrides: list[str]) -> DictConfig:
    """The checked configuration of a recipe or of a run.

    Raises:
        UserError: one for all mistakes.
    """

    from snnctl import config
    from snnctl.rundir import locate

    if recipe is not None and is_run(recipe):
        run_dir, _ = locate(recipe)
        return config.override(run_dir.configuration(), overrides)
    flags = [o for o in overrides if o.startswith("-")]
    if flags:
        raise UserError(f"check takes no {flags[0]}", "snnctl check RECIPE key=value ...")
    return config.compose(recipe, overrides)


def report(cfg: DictConfig) -> None:
    """Build everything on the meta device and print layers, parameters and memory."""
    import torch

    from snnctl import config
    from snnctl.experiment import assemble, quiet_lightning
    from snnctl.networks.table import memory, table

    quiet_lightning()
    with torch.device("meta"):
        parts = assemble(cfg)
    for group in ("callbacks", "logger"):
        for node in (cfg.get(group) or {}).values():
            if node and not node.get("_partial_"):
                config.build(node)
    facts, batch = parts.data.facts, parts.data.batch_size
    parts.regime.check(batch)
    steps = facts.steps or ASSUMED_STEPS
    runs = backends(parts.network, cfg.trainer.get("accelerator", "auto"))
    rows = [
        (row.layer, row.kind, " x ".join(map(str, row.shape)), row.parameters, size(row.bytes),
         runs[row.layer].name if row.layer in runs else "")
        for row in table(parts.network, batch, steps)
    ]  # fmt: skip
    about = "" if facts.steps else " (assumed: samples differ in length)"
    shape = " x ".join(map(str, facts.shape))
    print(f"data      {shape} a step, {facts.dt:g} s a step, T = {steps}{about}, {facts.outputs}")
    show(("layer", "class", "output (T x B x ...)", "parameters", "kept for backward", "runs on"), rows, right=(3, 4))
    for layer, choice in runs.items():
        if choice.name == "eager":
            print(f"eager     {layer}: {choice.why}")
    needs = memory(parts.network, batch, steps, moments=moments(cfg))
    learnable = sum(p.numel() for p in parts.network.parameters() if p.requires_grad)
    print(f"learnable {learnable:,} parameters")
    named = (("activations", needs.activations), ("parameters", needs.parameters), ("gradients", needs.gradients))
    each = ", ".join(f"{name} {size(value)}" for name, value in (*named, ("optimizer", needs.optimizer)))
    print(f"memory    {size(needs.total)} a training step of {batch} samples: {each}")


def fit(cfg: DictConfig) -> None:
    """Place the untrained network on the configuration's target and print where everything goes.

    Raises:
        UserError: with every reason why it does not fit.
    """
    from snnctl.deployment.stages import Deployment
    from snnctl.deployment.subject import of_recipe

    Deployment(of_recipe(cfg)).place()


def backends(network: Any, accelerator: str) -> dict[str, Any]:
    """What will run each layer of neurons, and why."""
    import torch

    gpu = accelerator in ("gpu", "cuda") or (accelerator == "auto" and torch.cuda.is_available())
    layers = [(name, layer, shape) for name, layer, shape in network.walk() if hasattr(layer, "runs_on")]
    return {
        name: layer.runs_on(torch.empty(1, *shape, device="meta"), network.dt, "cuda" if gpu else "cpu")
        for name, layer, shape in layers
    }


def moments(cfg: Any) -> int:
    """Values that the optimizer keeps for each parameter."""
    name = str(cfg.optimizer.get("_target_", "")) if cfg.get("optimizer") else ""
    if name.endswith(".SGD"):
        return 1 if cfg.optimizer.get("momentum") else 0
    return 2


def size(count: float) -> str:
    """`12.3 MB`."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
