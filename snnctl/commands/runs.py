"""List runs, compare two, delete one.

    snnctl runs                       newest first: date, recipe, accuracy, state, folder
    snnctl runs --all                 not only the newest 30
    snnctl runs diff RUN RUN          what differs in configuration and result
    snnctl runs rm RUN                delete a run's folder; asks first (--yes does not)

RUN is a folder, or `last` for the newest run.

Next: snnctl eval RUN, snnctl report RUN RUN, snnctl train --resume RUN
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from snnctl.errors import UserError, did_you_mean
from snnctl.report.tables import cell, plain, show
from snnctl.rundir import RunDir, iter_runs, read_json

SHOWN = 30


def run(args: list[str]) -> int:
    """`snnctl runs ...` after the verb; returns the exit code."""
    if not args or args == ["--all"]:
        return list_runs(everything=bool(args))
    what, rest = args[0], args[1:]
    if what == "diff":
        return diff(rest)
    if what == "rm":
        return remove(rest)
    raise UserError(f"unknown  runs {what}", did_you_mean(what, ["diff", "rm", "--all"]))


def list_runs(everything: bool = False) -> int:
    """Print a line for each run below runs/ and multirun/."""
    found = list(iter_runs())
    if not found:
        print("no runs yet; start one   snnctl train")
        return 0
    rows = [summary(r) for r in (found if everything else found[:SHOWN])]
    show(("started", "recipe", "accuracy", "state", "folder"), rows, right=(2,))
    if len(found) > len(rows):
        print(f"{len(found) - len(rows)} older ones   snnctl runs --all")
    return 0


def summary(run: RunDir) -> tuple[Any, ...]:
    """started, recipe, accuracy with its split, state, folder."""
    try:
        facts = run.read()
    except UserError as error:
        return "", "", "", error.problem.rpartition(": ")[2], run.path
    return (
        facts.get("started", "")[:16],
        facts.get("recipe", ""),
        accuracy(facts.get("metrics") or {}),
        facts.get("state"),
        run.path,
    )


def accuracy(metrics: dict[str, Any]) -> str:
    """`97.31 % test`, or of the split that there is."""
    for split in ("test", "val", "train"):
        if isinstance(metrics.get(f"{split}/acc"), (int, float)):
            return f"{100 * metrics[f'{split}/acc']:.2f} % {split}"
    return ""


def diff(args: list[str]) -> int:
    """Print the keys in which two runs' configurations and results differ."""
    if len(args) != 2:
        raise UserError("runs diff takes two runs", "for example   snnctl runs diff RUN last")
    runs = [RunDir.open(arg) for arg in args]
    names = [str(r.path) for r in runs]
    configs = [flat(_config(r.path)) for r in runs]
    results = [flat(_results(r.path)) for r in runs]
    for title, (a, b) in (("configuration", configs), ("result", results)):
        keys = [key for key in {**a, **b} if a.get(key) != b.get(key)]
        if keys:
            print(plain((title, *names), [(key, _shown(a, key), _shown(b, key)) for key in keys]), end="\n\n")
        else:
            print(f"{title}: the same\n")
    return 0


def remove(args: list[str]) -> int:
    """Delete runs, after asking."""
    sure = "--yes" in args or "-y" in args
    given = [a for a in args if a not in ("--yes", "-y")]
    if not given:
        raise UserError("runs rm takes a run", "see   snnctl runs")
    runs = [RunDir.open(arg) for arg in given]
    for one in runs:
        started, recipe, accurate, state, folder = summary(one)
        if not sure:
            if not sys.stdin.isatty():
                raise UserError(f"delete {folder}?", f"to delete without being asked   snnctl runs rm {folder} --yes")
            answer = input(f"delete {folder} ({', '.join(filter(None, (recipe, started, accurate, state)))})? [y/N] ")
            if answer.strip().lower() not in ("y", "yes"):
                print("kept")
                continue
        one.remove()
        print(f"deleted {folder}")
    return 0


def flat(tree: Any, path: str = "", between: str = ".") -> dict[str, Any]:
    """Nested dicts and lists as dotted keys."""
    if isinstance(tree, dict) and tree:
        pairs = tree.items()
    elif isinstance(tree, list) and any(isinstance(v, (dict, list)) for v in tree):
        pairs = ((str(v.get("layer", v.get("name", i))) if isinstance(v, dict) else i, v) for i, v in enumerate(tree))
    else:
        return {path: tree}
    found: dict[str, Any] = {}
    for key, value in pairs:
        found |= flat(value, f"{path}{between}{key}" if path else str(key), between)
    return found


def _config(folder: Path) -> dict[str, Any]:
    import yaml

    try:
        return (
            yaml.load((folder / "config.yaml").read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
        )
    except (OSError, yaml.YAMLError) as error:
        raise UserError(f"{folder / 'config.yaml'} cannot be read", str(error).splitlines()[0]) from None


def _results(folder: Path) -> dict[str, Any]:
    path = folder / "results.json"
    return {k: v for k, v in read_json(path).items() if k != "confusion"} if path.exists() else {}


def _shown(values: dict[str, Any], key: str) -> str:
    if key not in values:
        return "-"
    value = values[key]
    return json.dumps(value) if isinstance(value, (list, dict)) or value is None else cell(value)
