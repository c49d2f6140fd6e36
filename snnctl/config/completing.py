"""What may come next on a command line: read from the YAML's text, without Hydra."""

from __future__ import annotations

import re
from pathlib import Path

from snnctl.config.comments import entries
from snnctl.config.folders import ROOT, configs, groups, is_path, names, options, recipes

WITH_RECIPE = ("train", "check", "show", "cp")
WITH_RUN = ("eval", "report", "runs", "check", "convert", "deploy")
FLAGS = {
    "train": ["--resume", "--dry-run", "--cfg", "--multirun", "--allow", "--debug", "--help"],
    "eval": ["--allow", "--debug", "--help"],
    "convert": ["--allow", "--debug", "--help"],
    "check": ["--allow", "--debug", "--help"],
    "cp": ["--force", "--help"],
    "report": ["--csv", "--md", "--plot", "--help"],
    "bench": ["--against", "--adapters", "--threads", "--rounds", "--json", "--memory", "--debug", "--help"],
    "runs": ["--all", "--yes", "--help"],
}
_DEFAULT = re.compile(
    r"^ *- *(?P<override>override +)?(?P<name>/?[\w/]+)(?:@(?P<package>[\w.]+))? *(?:: *(?P<option>[\w/.-]+))?"
)


def complete(line: str) -> list[str]:
    """The words that may take the place of the last, unfinished one of `line`."""
    words = line.split()
    if not line or line[-1].isspace():
        words.append("")
    before, current = words[1:-1], words[-1]
    return sorted({word for word in _candidates(before, current) if word.startswith(current)})


def _candidates(before: list[str], current: str) -> list[str]:
    from snnctl.cli import VERBS

    if not before:
        return [*VERBS, "--help", "--version"]
    verb, given = before[0], before[1:]
    if current.startswith("-"):
        return FLAGS.get(verb, ["--help", "--debug"])
    if given and given[-1] == "--resume":
        return _runs()
    if verb == "bench":
        from snnctl.benchmarks.cases import CASES

        return [] if given and given[-1].startswith("--") and given[-1] != "--memory" else list(CASES)
    plain = [word for word in given if "=" not in word and not word.startswith("-")]
    if verb in ("ls", "show", "completion", "data", "runs"):
        found = _of_verb(verb, plain)
        if found:
            return found
    found = []
    if not plain:
        found += [*names(recipes()), *_files(current)] if verb in WITH_RECIPE else []
    if verb in WITH_RUN and (not plain or verb in ("report", "runs")):
        found += _runs()
    if verb == "convert":
        found += [f"convert.{entry.path}=" for entry in entries(configs() / "convert" / "default.yaml")]
    if verb in ("train", "check", "eval", "convert", "show", "data"):
        recipe = plain[0] if plain and verb != "data" else None
        found += _overrides(recipe, [w for w in given if "=" in w], current)
    return found


def _of_verb(verb: str, plain: list[str]) -> list[str]:
    from snnctl.commands.ls import counts

    if verb == "completion" and not plain:
        return ["bash", "zsh", "fish"]
    if verb == "ls" and not plain:
        return list(counts())
    if verb == "show" and not plain:
        every = [f"{g}/{o}" for g in groups() if "/" not in g for o in options(g)]
        return [*names(recipes()), ROOT, *every]
    if verb == "data":
        return [["get", "info", "preview", "clear"], options("dataset")][len(plain)] if len(plain) < 2 else []
    if verb == "runs":
        return [*(["diff", "rm"] if not plain else []), *(_runs() if plain else [])]
    return []


def _overrides(recipe: str | None, given: list[str], current: str) -> list[str]:
    """`group=option`, `key=`, as far as typed: up to the next dot, so that lists stay short."""
    group, equals, _ = current.partition("=")
    package = group.partition("@")[0]
    if equals and package in groups():
        return [f"{group}={option}" for option in options(package)]
    keys = known_keys(choices(recipe, given))
    if equals:
        return [f"{group}={keys[group]}"] if keys.get(group) else []
    depth = current.count(".")
    shown = [f"{key}=" for key in chosen_groups()]
    for key in keys:
        parts = key.split(".")
        if len(parts) > depth + 1:
            shown.append(".".join(parts[: depth + 1]) + ".")
        elif len(parts) == depth + 1:
            shown.append(f"{key}=")
    return shown


def choices(recipe: str | None, given: list[str]) -> dict[str, str]:
    """`group[@package]` -> option, after train.yaml, the recipe and what was typed."""
    chosen: dict[str, str] = {}
    files = [configs() / f"{ROOT}.yaml"]
    if recipe is not None:
        files.append(Path(recipe) if is_path(recipe) else recipes() / f"{recipe}.yaml")
    for file in files:
        for name, package, option in _defaults(file):
            if option is not None:
                chosen[f"{name}@{package}" if package else name] = option
    chosen |= {key: value for key, _, value in (word.partition("=") for word in given)}
    return chosen


def chosen_groups() -> list[str]:
    """Every `group` and `group@package` that the default configuration chooses, nested ones included."""
    found: dict[str, str] = {}
    seen: list[str] = []
    _collect(configs() / f"{ROOT}.yaml", "", "", {}, found, seen)
    return seen


def known_keys(chosen: dict[str, str]) -> dict[str, str]:
    """Dotted key -> default as text, over train.yaml and the chosen options."""
    found: dict[str, str] = {}
    _collect(configs() / f"{ROOT}.yaml", "", "", chosen, found)
    return {key: value for key, value in found.items() if not key.rpartition(".")[2].startswith("_")}


def _collect(
    file: Path, base: str, package: str, chosen: dict[str, str], found: dict[str, str], seen: list[str] | None = None
) -> None:
    if not file.is_file():
        return
    for name, own_package, option in _defaults(file):
        group = name.lstrip("/") if name.startswith("/") or not base else f"{base}/{name}"
        if option is None and name != "_self_":
            _collect(configs() / f"{group}.yaml", base, package, chosen, found, seen)
        elif option is not None:
            inside = f"{package}.{own_package}" if own_package and package else own_package or group.replace("/", ".")
            key = f"{group}@{inside}" if own_package else group
            if seen is not None:
                seen.append(key)
            _collect(configs() / group / f"{chosen.get(key, option)}.yaml", group, inside, chosen, found, seen)
    for entry in entries(file):
        if entry.path.split(".")[0] != "hydra":
            found[f"{package}.{entry.path}" if package else entry.path] = entry.value


def _defaults(file: Path) -> list[tuple[str, str | None, str | None]]:
    """(name, package, option) of each entry of a file's defaults list."""
    found, inside = [], False
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else []:
        if line.startswith("defaults:"):
            inside = True
            if "[" in line:
                return [(part.strip(), None, None) for part in line.partition("[")[2].partition("]")[0].split(",")]
        elif inside:
            match = _DEFAULT.match(line)
            if not match:
                break
            found.append((match["name"], match["package"], match["option"]))
    return found


def _runs() -> list[str]:
    from snnctl.rundir import iter_runs

    return ["last", *(str(run.path) for run in iter_runs())]


def _files(current: str) -> list[str]:
    """Recipes of the user's own: YAML files in the folder typed so far, and the folders to go on to."""
    folder, slash, _ = current.rpartition("/")
    if not slash:
        return []
    where = Path(folder or "/").expanduser()
    if not where.is_dir():
        return []
    return [
        f"{folder}/{p.name}" + ("/" if p.is_dir() else "") for p in where.iterdir() if p.is_dir() or p.suffix == ".yaml"
    ]
