"""Run every recipe whole, over three seeds, beside its baselines, and write docs/proof.md.

python tests/recipes/prove.py [recipe ...]
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from snnctl.config.check import check  # noqa: E402
from snnctl.config.folders import locate  # noqa: E402
from tests.proofs.record import write  # noqa: E402
from tests.recipes.budgets import BASELINES, BUDGETS, Budget  # noqa: E402

SHARED = os.environ.get("SNNCTL_TEST_DATA", str(ROOT.parent / "shared" / "data"))
SEEDS = (1, 2, 3)


def seconds() -> float:
    """Of a core, that finished processes took: what a run costs, whoever else uses the machine."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(budget: Budget, seed: int, more: tuple[str, ...] = ()) -> dict[str, Any]:
    """One whole run: its folder, its figure and minutes of a core."""
    folder = Path("runs") / "proof" / f"{budget.recipe}-{seed}-{time.time_ns()}"
    begin = seconds()
    command = [sys.executable, "-m", "snnctl", "train", budget.recipe, f"seed={seed}", f"hydra.run.dir={folder}"]
    subprocess.run([*command, *budget.data(SHARED), *more], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    results = json.loads((ROOT / folder / "results.json").read_text())
    return {"folder": ROOT / folder, "figure": results[budget.figure], "minutes": (seconds() - begin) / 60}


def theirs(budget: Budget, seed: int) -> dict[str, float]:
    """The framework's own example on the same data, in the frameworks' environment: its figure and minutes of a core.

    The script takes --seed N and --root FOLDER, and prints the figure as its last line.
    """
    begin = seconds()
    command = [ROOT / ".venv-oracles" / "bin" / "python", Path(__file__).parent / "theirs" / budget.theirs]
    command += ["--seed", str(seed), "--root", f"{SHARED}/{budget.root}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return {"figure": float(done.stdout.split()[-1]), "minutes": (seconds() - begin) / 60}


def deploy(budget: Budget, folder: Path, target: str) -> dict[str, float]:
    """A run on a target: accuracy of the float network, and of the target's own files, which must be its integers.

    Of an ANN, "convert.T=32" and the like: its accuracy, and that of the spiking network.
    """
    if target.startswith("convert."):
        spiking = folder / "spiking"
        command = [sys.executable, "-m", "snnctl", "convert", str(folder), *target.split(), f"hydra.run.dir={spiking}"]
        subprocess.run([*command, *budget.data(SHARED)], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        accuracy = [json.loads((run / "results.json").read_text())["test/acc"] for run in (folder, spiking)]
        return {"float": accuracy[0], "simulated": accuracy[1]}
    command = [sys.executable, "-m", "snnctl", "deploy", str(folder), *target.split(), *budget.data(SHARED)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    report = json.loads(max((folder / "deploy").glob("*/report.json"), key=os.path.getmtime).read_text())
    if not report["equal_bit_for_bit"]["simulated"]:
        sys.exit(f"{budget.recipe} on {target}: what was built does not compute what was quantised")
    return {"float": report["accuracy"]["float"], "simulated": report["accuracy"]["simulated"]}


def prove(budget: Budget) -> dict[str, object]:
    """Run a recipe over its seeds and its baselines over one."""
    runs = [run(budget, seed) for seed in SEEDS]
    entry = {
        "name": budget.figure,
        "asked": budget.asked,
        "figures": [r["figure"] for r in runs],
        "minutes": statistics.mean(r["minutes"] for r in runs),
        "baselines": {name: run(budget, 1, BASELINES[name])["figure"] for name in budget.beside},
        "targets": {target: [deploy(budget, r["folder"], target) for r in runs] for target in budget.targets},
        "within": budget.within,
        "theirs": [theirs(budget, seed) for seed in budget.theirs_seeds] if budget.theirs else [],
        "cores": int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())),
    }
    print(budget.recipe, entry, flush=True)
    return entry


def loses(budget: Budget) -> Callable[[list[dict[str, float]]], bool]:
    """Whether a target's seeds lose more than is allowed, in the mean."""
    return lambda seeds: statistics.mean(s["float"] - s["simulated"] for s in seeds) > budget.within


def covers(budget: Budget) -> list[str]:
    """The files whose contents make the recipe, and what it is measured beside, what they are."""
    composed = check(locate(budget.recipe), []).composed
    beside = [f"tests/recipes/theirs/{budget.theirs}"] if budget.theirs else []
    files = (composed.source.repository.file(d.config_path or "") for d in composed.found.defaults)
    return sorted({str(file.resolve().relative_to(ROOT)) for file in files if file is not None} | set(beside))


if __name__ == "__main__":
    wanted = sys.argv[1:] or [budget.recipe for budget in BUDGETS]
    failed = []
    for budget in BUDGETS:
        if budget.recipe in wanted:
            entry = prove(budget)
            write(f"recipe {budget.recipe}", covers(budget), entry)
            mean = statistics.mean(entry["figures"])
            if not budget.reached(mean, budget.asked) or any(map(loses(budget), entry["targets"].values())):
                failed.append(budget.recipe)
    sys.exit(f"below what is asked: {', '.join(failed)}" if failed else 0)
