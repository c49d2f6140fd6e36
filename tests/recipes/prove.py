"""Run every recipe whole, over three seeds, beside its baselines, and write docs/proof.md.

python tests/recipes/prove.py [recipe ...]
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tests.recipes.budgets import BASELINES, BUDGETS, Budget  # noqa: E402

SHARED = os.environ.get("SNNCTL_TEST_DATA", str(ROOT.parent / "shared" / "data"))
SEEDS = (1, 2, 3)
RECORD = ROOT / "docs" / "proof.json"


def run(budget: Budget, seed: int, more: tuple[str, ...] = ()) -> dict[str, float]:
    """One whole run; its test accuracy and minutes."""
    folder = Path("runs") / "proof" / f"{budget.recipe}-{seed}-{time.time_ns()}"
    begin = time.monotonic()
    command = [sys.executable, "-m", "snnctl", "train", budget.recipe, f"seed={seed}", f"hydra.run.dir={folder}"]
    subprocess.run([*command, *budget.data(SHARED), *more], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    results = json.loads((ROOT / folder / "results.json").read_text())
    return {"acc": results["test/acc"], "minutes": (time.monotonic() - begin) / 60}


def git(*args: str) -> str:
    return subprocess.run(["git", *args], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def prove(budget: Budget) -> dict[str, object]:
    """Run a recipe over its seeds and its baselines over one."""
    runs = [run(budget, seed) for seed in SEEDS]
    entry = {
        "at_least": budget.at_least,
        "acc": [r["acc"] for r in runs],
        "minutes": statistics.mean(r["minutes"] for r in runs),
        "baselines": {name: run(budget, 1, more)["acc"] for name, more in BASELINES.items()},
        "date": time.strftime("%Y-%m-%d"),
        "commit": git("rev-parse", "--short", "HEAD"),
        "cores": int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())),
    }
    print(budget.recipe, entry, flush=True)
    return entry


def write(name: str, entry: dict) -> None:
    """Add an entry to docs/proof.json, and make docs/proof.md from it anew."""
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    record[name] = entry
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    lines = [
        "# What the recipes showed",
        "",
        "Written by `make recipes`. Test accuracy of the best (or, without validation, the last) weights; three seeds,",
        "which also draw the split where the set has no test part; baselines with seed 1.",
        "",
        "| recipe | asked | mean | seeds | minutes a run | cores | beside it, same events | date | commit |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, e in sorted(record.items()):
        seeds = ", ".join(f"{100 * a:.1f}" for a in e["acc"])
        beside = ", ".join(f"{k} {100 * v:.1f} %" for k, v in e["baselines"].items())
        lines.append(
            f"| {name} | {100 * e['at_least']:.0f} % | {100 * statistics.mean(e['acc']):.2f} % | {seeds} "
            f"| {e['minutes']:.1f} | {e['cores']} | {beside} | {e['date']} | {e['commit']} |"
        )
    (ROOT / "docs" / "proof.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    wanted = sys.argv[1:] or [budget.recipe for budget in BUDGETS]
    failed = []
    for budget in BUDGETS:
        if budget.recipe in wanted:
            entry = prove(budget)
            write(budget.recipe, entry)
            if statistics.mean(entry["acc"]) < budget.at_least:
                failed.append(budget.recipe)
    sys.exit(f"below what is asked: {', '.join(failed)}" if failed else 0)
