"""The `hydra:` part of a recipe: its options, its search space, and what it must not name."""

from __future__ import annotations

from typing import Any

from snnctl.config.composed import Composed, at, raw, yaml_text
from snnctl.config.faults import Faults
from snnctl.config.source import Source

# Hydra builds and configures these by name and is not asked to look further.
_TARGETS = ("hydra._internal.core_plugins.", "hydra.experimental.callbacks.", "hydra_plugins.", "optuna.samplers.")
EXTRAS = ("optuna", "joblib", "submitit", "ray")  # of pyproject.toml
_LOGGING = ("logging.", "colorlog.")


def check_hydra(composed: Composed, faults: Faults) -> None:
    """Report options of Hydra's groups that do not exist and names in `hydra:` that would run other code."""
    skipped = composed.source.repository.skipped
    if skipped:
        full = Source(composed.source.recipe, hydra=True).repository
        for group, option in skipped:
            if isinstance(option, str) and not full.exists(group, option):
                package = extra(option, full.choices(group))
                faults.add("unknown option", f"{group}: {option}", full.nearest_option(group, option), package)
    for file, body in composed.bodies:
        for path, name in _names(body.get("hydra", {}), "hydra"):
            faults.add(
                "not allowed",
                f"{path}: {name}",
                ("because", "it would run code that is not Hydra's"),
                ("in", str(file)),
            )


def extra(option: str, there: list[str]) -> tuple[str, str]:
    """The line that names the extra which brings an option, where there is one and it is not installed."""
    name = option.split("_")[0]
    known = name in EXTRAS and not any(other.split("_")[0] == name for other in there)
    return "perhaps", f"pip install 'snnctl[{name}]'" if known else ""


def search_space(composed: Composed) -> list[str]:
    """`hydra.sweeper.params` as overrides, which a sweep adds to those on the command line."""
    _, params = at(raw(composed.cfg), "hydra.sweeper.params")
    return [f"{key}={value if isinstance(value, str) else yaml_text(value)}" for key, value in (params or {}).items()]


def _names(tree: Any, path: str) -> list[tuple[str, str]]:
    found = []
    if isinstance(tree, dict):
        for key, value in tree.items():
            here = f"{path}.{key}"
            if key in ("_target_", "custom_search_space") and not str(value).startswith(_TARGETS):
                found.append((here, str(value)))
            elif key in ("()", "class") and "logging" in path and not str(value).startswith(_LOGGING):
                found.append((here, str(value)))
            elif key in ("python", "setup", "srun_args") and path.startswith("hydra.launcher"):
                found.append((here, str(value)))  # shell commands
            elif key == "env_set" and isinstance(value, dict):
                found += [(here, name) for name in value if str(name).startswith(("PYTHON", "LD_", "DYLD_"))]
            elif key == "searchpath":
                found += [(here, str(v)) for v in value or [] if "://" in str(v) and not str(v).startswith("file://")]
            found += _names(value, here)
    elif isinstance(tree, list):
        for i, value in enumerate(tree):
            found += _names(value, f"{path}.{i}")
    return found
