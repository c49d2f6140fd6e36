"""A sweep's jobs: each a process of its own, so that Lightning's DDP children never inherit `-m`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from snnctl.config import study
from snnctl.config.allowed import allowed_packages
from snnctl.config.folders import Recipe
from snnctl.config.processes import interpreter, run
from snnctl.errors import RunFailed
from snnctl.objective import falls

RECORD = "jobs.csv"
COLUMNS = ("job", "exit", "objective", "value", "folder", "overrides")


class Job:
    """Hydra's task function for `-m`: runs one job as a process. Picklable: launchers carry it to other processes.

    Args:
        verb: what the job runs.
        recipe: as given by the user, a path made absolute.
        packages: what `--allow` named.
    """

    def __init__(self, verb: str, recipe: str, packages: list[str]):
        self.start = [*interpreter(), verb, recipe]
        self.allow = [part for package in packages for part in ("--allow", package)]

    def __call__(self, cfg: DictConfig) -> float | None:
        from hydra.core.hydra_config import HydraConfig

        hydra = HydraConfig.get()
        folder = free_folder(Path(hydra.runtime.output_dir))
        overrides = list(OmegaConf.to_container(hydra.overrides.task))
        code = run([*self.start, *overrides, f"hydra.run.dir={quoted(folder)}", *self.allow])
        objective = str(cfg.get("objective", "val/acc"))
        value = read_value(folder, objective) if code == 0 else None
        record = Path(hydra.sweep.dir) / RECORD
        append(record, (hydra.job.num, code, objective, value, folder, " ".join(overrides)))
        return value  # None: the sweeper counts the job as failed and goes on


class Sweep:
    """One `-m` command: what is settled before Hydra starts, and the account at the end.

    Args:
        recipe: its place.
        overrides: checked, as Hydra takes them.
        verb: what each job runs.
    """

    def __init__(self, recipe: Recipe, overrides: list[str], verb: str):
        given = str(recipe.path) if recipe.own else recipe.name
        self.job = Job(verb, given, allowed_packages())
        cfg, self.dir = _hydra_config(recipe, overrides)
        self.objective = str(cfg.get("objective", "val/acc"))
        self.overrides = [*overrides, f"hydra.sweep.dir={quoted(self.dir)}"]
        if "sampler" in cfg.hydra.sweeper:
            self.overrides += study.settle(cfg, overrides, recipe)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.record = self.dir / RECORD
        if not self.record.exists():
            self.record.write_text(",".join(COLUMNS) + "\n")
        self.earlier = len(self.rows())

    def rows(self) -> list[dict[str, str]]:
        """The jobs recorded so far."""
        with open(self.record, newline="") as file:
            return list(csv.DictReader(file))

    def finish(self) -> None:
        """Say how the jobs went.

        Raises:
            RunFailed: one failed.
        """
        rows = self.rows()[self.earlier :]
        failed = [row for row in rows if row["exit"] != "0"]
        measured = [row for row in self.rows() if row["value"]]  # of a continued sweep all
        print(f"{len(rows)} jobs in {self.dir}, {len(failed)} failed; see {RECORD} there")
        if measured:
            best = (min if falls(self.objective) else max)(measured, key=lambda row: float(row["value"]))
            print(f"best {self.objective} {float(best['value']):.4g}   {own_words(best, measured)}\n  {best['folder']}")
        if failed:
            lines = "\n".join(f"exit {row['exit']}   {row['overrides']}   {row['folder']}" for row in failed)
            raise RunFailed(f"{len(failed)} of {len(rows)} jobs failed", lines)


def own_words(row: dict[str, str], rows: list[dict[str, str]]) -> str:
    """The overrides of one job that are not those of all."""
    shared = set.intersection(*(set(other["overrides"].split(" ")) for other in rows))
    return " ".join(word for word in row["overrides"].split(" ") if word not in shared) or row["overrides"]


def quoted(path: Path) -> str:
    """A path as a value in Hydra's grammar, whatever characters it has."""
    text = str(path).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"


def _hydra_config(recipe: Recipe, overrides: list[str]) -> tuple[DictConfig, Path]:
    """The configuration with Hydra's part, sweeps left out, as Hydra's multirun starts with it; and its folder."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from snnctl.config.source import Source

    loader = Source(recipe, hydra=True).loader
    cfg = loader.load_configuration(recipe.name, overrides, RunMode.MULTIRUN)
    HydraConfig.instance().set_config(cfg)  # for links such as ${hydra:job.name}
    folder = Path(str(cfg.hydra.sweep.dir)).absolute()  # settles the time in it, once for the command
    HydraConfig.instance().cfg = None
    return cfg, folder


def free_folder(folder: Path) -> Path:
    """`folder`, or `folder-2`, ... where a run is in it already: a continued sweep counts its jobs from 0 again."""
    candidate, n = folder, 1
    while (candidate / "run.json").exists():
        n += 1
        candidate = folder.with_name(f"{folder.name}-{n}")
    return candidate


def read_value(folder: Path, objective: str) -> float | None:
    """The objective as a run's results.json or run.json has it; None where neither does."""
    for name in ("results.json", "run.json"):
        try:
            found = json.loads((folder / name).read_text())
            return float({**found, **found.get("metrics", {})}[objective])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return None


def append(record: Path, row: tuple[Any, ...]) -> None:
    """Add a row to the sweep's record; one write, so that rows of parallel jobs stay whole."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    with open(record, "a") as file:
        file.write(text.getvalue())
