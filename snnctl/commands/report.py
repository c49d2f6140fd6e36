"""Compare runs in one table: accuracy, loss, firing rates, operations.

    snnctl report last
    snnctl report RUN RUN ...                     side by side
    snnctl report multirun/digits_conv/2026-...   every run of a sweep
    snnctl report RUN RUN --csv table.csv --md table.md
    snnctl report multirun/... --plot effective_acs,test/acc    what the sweep has traded, as a picture

The CSV file has a row for each run, the Markdown file looks as on screen. The picture is one figure of the table over
another: a dot for each run, a line through the means of those that differ in the seed alone. It lies in the folder
that was given, or in the current one where several were.

Next: snnctl runs diff RUN RUN, snnctl eval RUN record=[spikes,v]
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from snnctl.atomic import write, write_text
from snnctl.errors import UserError, did_you_mean
from snnctl.report.curve import Point, curve
from snnctl.report.pictures import png
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
    if "--plot" in files:
        axes = [_figure(name, keys) for name in _pair(files["--plot"])]
        folder = Path(given[0]) if len(given) == 1 and Path(given[0]).is_dir() else Path()
        files["--plot"] = str(plot([one.path for one in runs], columns, names, axes, folder))
    for path in files.values():
        print(f"written   {path}")
    return 0


def plot(paths: list[Path], columns: list[dict[str, Any]], names: list[str], axes: list[str], folder: Path) -> Path:
    """Draw one figure of runs over another, of those that have both.

    Args:
        paths, columns, names: of each run its folder, what is compared, what it is called.
        axes: the names of x and y in `columns`.
        folder: where the picture goes.

    Raises:
        UserError: no run has both figures as numbers.
    """
    x, y = axes
    points = [
        Point(float(column[x]), float(column[y]), name, _settings(path))
        for path, column, name in zip(paths, columns, names, strict=True)
        if all(isinstance(column.get(axis), (int, float)) for axis in axes)
    ]
    if not points:
        raise UserError(f"no run has both {x} and {y} as numbers", "see            snnctl report RUN")
    title = f"{len(points)} runs of {', '.join(sorted({str(column['recipe']) for column in columns}))}"
    path = folder / ("_over_".join(re.sub(r"[^a-zA-Z0-9.]+", "-", axis) for axis in (y, x)) + ".png")
    drawn = png(curve(points, x, y, title))
    write(path, lambda file: file.write(drawn))
    return path


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


def _pair(text: str) -> list[str]:
    """`X,Y`; a comma that a blank follows belongs to a name."""
    names = re.split(r",(?! )", text)
    if len(names) != 2:
        raise UserError(f"--plot takes two figures, not {text!r}", "for example   --plot effective_acs,test/acc")
    return names


def _figure(name: str, keys: list[str]) -> str:
    """The table's own name of a figure, which results.json may call otherwise."""
    own = OPERATIONS.get(name, name)
    if own not in keys:
        short = {text: key for key, text in OPERATIONS.items()}
        raise UserError(f"no run has a figure called {name!r}", did_you_mean(name, [short.get(k, k) for k in keys]))
    return own


def _settings(folder: Path) -> str:
    """A run's configuration without its seeds."""
    path = folder / "config.yaml"
    return re.sub(r"(?m)^ *seed: .*\n", "", path.read_text()) if path.exists() else str(folder)


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
        if flag in ("--csv", "--md", "--plot"):
            value = value if equals else next(rest, "")
            if not value and flag == "--plot":
                raise UserError("--plot takes two figures", "for example   --plot effective_acs,test/acc")
            if not value:
                raise UserError(f"{flag} takes a file", f"for example   {flag} table.{flag[2:]}")
            files[flag] = value
        elif arg.startswith("-"):
            raise UserError(f"unknown option  {arg}", "report takes   --csv FILE   --md FILE   --plot X,Y")
        else:
            given.append(arg)
    return given, files
