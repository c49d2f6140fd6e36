"""Compare runs in one table: accuracy, loss, firing rates, operations.

    snnctl report last
    snnctl report RUN RUN ...                     side by side
    snnctl report multirun/digits_conv/2026-...   every run of a sweep
    snnctl report RUN RUN --csv table.csv --md table.md

The CSV file has a row for each run, the Markdown file looks as on screen.

Next: snnctl runs diff RUN RUN, snnctl eval RUN record=[spikes,v]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from snnctl.atomic import write_text
from snnctl.errors import UserError
from snnctl.report.tables import show, to_csv, to_markdown
from snnctl.rundir import RunDir, iter_runs, read_json

OPERATIONS = {
    "effective_acs": "synaptic ACs a sample",
    "effective_macs": "synaptic MACs a sample",
    "dense": "dense operations a sample",
    "activation_sparsity": "activation sparsity",
    "connection_sparsity": "connection sparsity",
    "membrane_updates": "membrane updates a sample",
    "footprint": "footprint, bytes",
}


def run(args: list[str]) -> int:
    """`snnctl report ...` after the verb; returns the exit code."""
    given, files = _split(args)
    if not given:
        raise UserError("report which runs?", "for example   snnctl report last\nsee           snnctl runs")
    runs = [one for name in given for one in _runs(name)]
    columns = [measured(one) for one in runs]
    keys = list(dict.fromkeys(key for column in columns for key in column))
    names = _short([str(one.path) for one in runs])
    rows = [[key, *(column.get(key) for column in columns)] for key in keys]
    show(("", *names), rows, right=range(1, len(names) + 1))
    if "--csv" in files:
        write_text(
            Path(files["--csv"]),
            to_csv(("run", *keys), [[n, *map(c.get, keys)] for n, c in zip(names, columns, strict=True)]),
        )
    if "--md" in files:
        write_text(Path(files["--md"]), to_markdown(("", *names), rows))
    for path in files.values():
        print(f"written   {path}")
    return 0


def measured(run: RunDir) -> dict[str, Any]:
    """What is compared of a run, in order: name -> value."""
    facts = run.read()
    path = run.path / "results.json"
    results = read_json(path) if path.exists() else {}
    found: dict[str, Any] = {key: facts.get(key) for key in ("recipe", "seed", "state")}
    numbers = {k: v for k, v in results.items() if isinstance(v, (int, float)) and not isinstance(v, bool)}
    order = sorted(numbers, key=lambda k: (("test", "val", "train").index(k.split("/")[0]) if "/" in k else 9, k))
    found |= {key: numbers[key] for key in order}
    for layer in results.get("spikes") or []:
        found[f"rate {layer['layer']}, spikes a step"] = layer["rate"]
    for layer in results.get("spikes") or []:
        found[f"silent {layer['layer']}, share"] = layer.get("silent")
    bench = results.get("neurobench") or {}
    found |= {text: bench[key] for key, text in OPERATIONS.items() if key in bench}
    return found


def _runs(name: str) -> list[RunDir]:
    """A run, or every run below a folder, oldest first."""
    path = Path(name)
    if name != "last" and path.is_dir() and not (path / "run.json").exists():
        below = list(iter_runs([path]))
        if below:
            return below[::-1]
    return [RunDir.open(name)]


def _short(paths: list[str]) -> list[str]:
    """Paths without the folders that all share."""
    parts = [Path(p).parts for p in paths]
    shared = 0
    while len(parts) > 1 and all(len(p) > shared + 1 for p in parts) and len({p[shared] for p in parts}) == 1:
        shared += 1
    return ["/".join(p[shared:]) for p in parts] if shared else paths


def _split(args: list[str]) -> tuple[list[str], dict[str, str]]:
    given, files = [], {}
    rest = iter(args)
    for arg in rest:
        flag, equals, value = arg.partition("=")
        if flag in ("--csv", "--md"):
            value = value if equals else next(rest, "")
            if not value:
                raise UserError(f"{flag} takes a file", f"for example   {flag} table.{flag[2:]}")
            files[flag] = value
        elif arg.startswith("-"):
            raise UserError(f"unknown option  {arg}", "report takes   --csv FILE   --md FILE")
        else:
            given.append(arg)
    return given, files
