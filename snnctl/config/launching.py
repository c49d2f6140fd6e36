"""Hand a checked command line to Hydra, which makes the run folder and drives sweeps."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from snnctl.config.check import check
from snnctl.config.composed import at
from snnctl.config.folders import locate
from snnctl.config.source import search_path
from snnctl.errors import UserError, did_you_mean

SHOWING = ("--cfg", "-c", "--info", "-i", "--hydra-help", "--resolve", "--package", "-p")
TAKES_VALUE = ("--cfg", "-c", "--package", "-p")
FLAGS = (*SHOWING, "-m", "--multirun", "-r", "--run")


def launch(
    recipe: str | Path | None, args: list[str], task: Callable[[DictConfig], float | None], verb: str = "train"
) -> float | None:
    """Run `task` on the configuration, as Hydra does: run folder, `--cfg job`, `-m` with sweepers and launchers.

    The command line is checked first, so that a mistake leaves no folder behind. With `-m` each job is a process
    of its own, `snnctl VERB RECIPE <its overrides>`, and `task` is not called here.

    Args:
        recipe: a name, a path, or None for the default.
        args: Hydra's flags and overrides.
        task: gets the configuration inside the run folder's Hydra context; returns the objective.
        verb: the verb that a job of a sweep runs.

    Returns:
        What `task` returned; None for a sweep or where Hydra only showed something.

    Raises:
        UserError: the command line or the recipe is wrong.
        RunFailed: a job of the sweep failed.
    """
    place = locate(recipe)
    flags, overrides = split(args)
    many = "-m" in flags or "--multirun" in flags or "hydra.mode=MULTIRUN" in overrides
    showing = any(flag.split("=")[0] in SHOWING for flag in flags)
    checked = check(place, overrides, multirun=many, deep=not showing)
    many = many or at(checked.composed.before, "hydra.mode")[1] == "MULTIRUN"
    overrides = checked.overrides
    argv = list(sys.argv)
    result: dict[str, Any] = {}

    if many and not showing:
        from snnctl.config.sweep import Sweep

        sweep = Sweep(place, overrides, verb)
        with _hydra_environment([argv[0], *flags, *sweep.overrides]):
            try:
                _main(place, sweep.job)
            finally:
                if not isinstance(sys.exc_info()[1], KeyboardInterrupt):
                    sweep.finish()  # says more than what a sweeper raises when all jobs failed
        return None

    def job(cfg: DictConfig) -> None:
        sys.argv = argv  # Lightning builds the commands of its DDP processes from it
        try:
            result["value"] = task(cfg)
        except Exception as error:  # raised again below, without Hydra's report
            result["error"] = error

    with _hydra_environment([argv[0], *flags, *overrides]):
        _main(place, job)
    if "error" in result:
        raise result["error"]
    return result.get("value")


def split(args: list[str]) -> tuple[list[str], list[str]]:
    """Hydra's flags, with their values, and the overrides."""
    flags, overrides = [], []
    rest = iter(args)
    for arg in rest:
        if not arg.startswith("-"):
            overrides.append(arg)
            continue
        name, _, value = arg.lstrip("-").partition("=")
        if arg.partition("=")[0] not in FLAGS:
            like = f"for a key       {name}={value or '...'}" if "=" in arg or len(name) > 1 else ""
            raise UserError(f"unknown option  {arg}", f"{did_you_mean(arg, FLAGS)}\n{like}".strip())
        flags.append(arg)
        if arg in TAKES_VALUE:
            value = next(rest, None)
            if value is None:
                raise UserError(f"{arg} takes a value", "for example   --cfg job")
            flags.append(value)
    return flags, overrides


def _main(place: Any, task: Callable[[DictConfig], Any]) -> None:
    import hydra
    from hydra.core.plugins import Plugins

    from snnctl.config.searching import SnnctlSearchPath

    SnnctlSearchPath.folders = search_path(place)[1:]
    Plugins.instance().register(SnnctlSearchPath)
    try:
        hydra.main(version_base="1.3", config_path=str(place.folder), config_name=place.name)(task)()
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(str(error).strip().splitlines()[0], "as Hydra has it; more with --debug") from error


@contextmanager
def _hydra_environment(argv: list[str]) -> Any:
    """sys.argv as Hydra reads it, and its exceptions unchanged; both as they were afterwards."""
    before, full_error = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    sys.argv = argv
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    finally:
        sys.argv = before
        if full_error is None:
            del os.environ["HYDRA_FULL_ERROR"]
        else:
            os.environ["HYDRA_FULL_ERROR"] = full_error
