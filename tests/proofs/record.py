"""What was proven outside CI, when and of which files: docs/proof.json, and docs/proof.md for people."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RECORD, PAGE = ROOT / "docs" / "proof.json", ROOT / "docs" / "proof.md"

HEAD = """# What was proven, when

Written by `make recipes`, `make oracles` and `make parity`, which take too long for CI. `.ci/run` names every proof
that is older than a file it covers.

## Recipes

Test accuracy, or what is named, of the best (or, without validation, the last) weights; three seeds, which also draw
the split where the set has no test part; baselines with seed 1. Theirs: the framework's own example (the scripts in
tests/recipes/theirs) on the same data.

| recipe | asked | mean | seeds | minutes, one core | threads | beside it, same data | theirs (min) | date | commit |
|---|---|---|---|---|---|---|---|---|---|
"""
CHIPS = """
## On chips

Deployed, the whole test part run by what was built: the target's own integers, bit for bit (`samples=` says where it
was fewer). Allowed: points of test accuracy less than in float, mean over the seeds.

| recipe | target | float | on the target | allowed | date | commit |
|---|---|---|---|---|---|---|
"""
ORACLES = """
## Chips' own simulators and tool chains

Run beside ours by `make oracles`.

| target | result | date | commit |
|---|---|---|---|
"""
PARITY = """
## Parity

The frameworks run again, their traces beside the committed ones.

| result | date | commit |
|---|---|---|
"""


def read() -> dict[str, dict[str, Any]]:
    """Proofs by name: "parity", "recipe digits_conv"."""
    return json.loads(RECORD.read_text())


def write(name: str, covers: Sequence[str], seen: dict[str, Any]) -> None:
    """Keep a proof that was made just now, and write the page anew.

    Args:
        name: of the proof. covers: the files that it speaks of, as git's pathspecs. seen: what came out.
    """
    commit = git("rev-parse", "--short", "HEAD") + ("-changed" if git("status", "--porcelain", "--", *covers) else "")
    record = read() | {name: {**seen, "covers": list(covers), "date": time.strftime("%Y-%m-%d"), "commit": commit}}
    RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    PAGE.write_text(page(record))


def page(record: dict[str, dict[str, Any]]) -> str:
    """docs/proof.md."""
    recipes = {name.split()[1]: proof for name, proof in sorted(record.items()) if name.startswith("recipe ")}
    text = HEAD + "".join(_recipe(name, proof) for name, proof in recipes.items())
    if on_chips := {name: proof for name, proof in recipes.items() if proof.get("targets")}:
        text += CHIPS + "".join(_on_chips(name, proof) for name, proof in on_chips.items())
    if oracles := {name.split()[1]: proof for name, proof in sorted(record.items()) if name.startswith("oracle ")}:
        text += ORACLES
        text += "".join(f"| {n} | {p['result']} | {p['date']} | {p['commit']} |\n" for n, p in oracles.items())
    if proof := record.get("parity"):
        text += PARITY + f"| {proof['result']} | {proof['date']} | {proof['commit']} |\n"
    return text


def _recipe(name: str, proof: dict[str, Any]) -> str:
    def figure(value: float, digits: int = 1) -> str:
        return f"{100 * value:.{digits}f} %" if proof["name"] == "test/acc" else f"{value:.4g}"

    called = "" if proof["name"] == "test/acc" else proof["name"].removeprefix("test/") + " "
    beside = ", ".join(f"{kind} {figure(value)}" for kind, value in sorted(proof["baselines"].items()))
    theirs = ""
    if runs := proof.get("theirs"):
        mean, minutes = (statistics.mean(run[key] for run in runs) for key in ("figure", "minutes"))
        theirs = f"{figure(mean)}: {', '.join(figure(run['figure']) for run in runs)} ({minutes:.1f})"
    seeds = ", ".join(figure(value) for value in proof["figures"]).replace(" %", "")
    return (
        f"| {name} | {called}{figure(proof['asked'], 0)} | {figure(statistics.mean(proof['figures']), 2)} | {seeds} "
        f"| {proof['minutes']:.1f} | {proof['cores']} | {beside} | {theirs} | {proof['date']} | {proof['commit']} |\n"
    )


def _on_chips(name: str, proof: dict[str, Any]) -> str:
    rows = ""
    for target, seeds in proof["targets"].items():
        cells = []
        for run in ("float", "simulated"):
            each = [100 * seed[run] for seed in seeds]
            cells.append(f"{statistics.mean(each):.2f} % ({', '.join(f'{acc:.1f}' for acc in each)})")
        allowed = f"{100 * proof['within']:g}"
        rows += f"| {name} | {target} | {' | '.join(cells)} | {allowed} | {proof['date']} | {proof['commit']} |\n"
    return rows


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
