"""List what there is.

    snnctl ls                    every noun and how many of it there are
    snnctl ls recipes            whole experiments, ready to train
    snnctl ls datasets           what comes in; sets that cannot be used are marked, with the reason
    snnctl ls targets            chips; the tools that each needs, and how to get those that are missing
    snnctl ls neurons            one line each; likewise networks, losses, surrogates, optimizers, ...

Next: snnctl show neuron/alif, snnctl show nmnist_conv
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from snnctl.config.comments import headline
from snnctl.config.folders import configs, groups, names, options, recipes
from snnctl.errors import UserError, did_you_mean
from snnctl.report.ink import bold, faint

HIDDEN = ("base",)  # what options of a group have in common; no option itself


def run(args: list[str]) -> int:
    """`snnctl ls ...` after the verb; returns the exit code."""
    if not args:
        for noun, count in counts().items():
            print(f"{bold(noun.ljust(16))} {count:>3}   {faint(f'snnctl ls {noun}')}")
        return 0
    if len(args) > 1:
        raise UserError("ls takes one noun", "for example   snnctl ls neurons")
    for name, text in listing(args[0]):
        _line(name, text)
        if args[0] in ("target", "targets"):
            _tools(name)
    return 0


def _tools(name: str) -> None:
    """The programs and packages that a target needs, and how to get those that are missing."""
    from snnctl import config
    from snnctl.config.allowed import find

    for tool in find(config.compose(None, [f"target={name}"]).target["_target_"]).tools:
        state = "there" if tool.present() else f"missing: {tool.get}"
        print(faint(f"{'':24} {tool.name} ({tool.purpose}): {state}"))


def plural(group: str) -> str:
    """`neuron` -> `neurons`, `loss` -> `losses`, `callbacks` as it is."""
    if group.endswith("s"):
        return f"{group}es" if group.endswith("ss") else group
    return f"{group}s"


def nouns() -> dict[str, str]:
    """Plural -> group, of the top-level groups."""
    return {plural(group): group for group in groups() if "/" not in group}


def counts() -> dict[str, int]:
    """How many there are of each noun."""
    found = {noun: len(members(group)) for noun, group in nouns().items()}
    return {"recipes": len(names(recipes())), **found}


def members(group: str) -> list[str]:
    """The options of a group that stand for themselves."""
    return [name for name in options(group) if name.rpartition("/")[2] not in HIDDEN]


def listing(noun: str) -> list[tuple[str, str]]:
    """(name, first comment) of everything that a noun covers.

    Raises:
        UserError: there is no such noun; names the nearest.
    """
    if noun in ("recipe", "recipes"):
        return [(name, headline(recipes() / f"{name}.yaml")) for name in names(recipes())]
    known = nouns()
    group = known.get(noun, noun if noun in known.values() else None)
    if group is None and noun in groups():
        group = noun
    if group is None:
        raise UserError(f"unknown noun  {noun}", did_you_mean(noun, ["recipes", *known]))
    return [(name, headline(_file(group, name))) for name in members(group)]


def _file(group: str, name: str) -> Path:
    return configs() / group / f"{name}.yaml"


def _line(name: str, text: str) -> None:
    line = f"{name.ljust(24)} {text}"
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        line = line if len(line) <= width else line[: width - 1] + "…"
    unsupported = text.lower().startswith("unsupported")
    print(faint(line) if unsupported else bold(line[: len(name)]) + line[len(name) :])
