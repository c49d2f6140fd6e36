"""Make a recipe your own.

    snnctl cp nmnist_conv ./mine.yaml        then edit it; it trains as it is
    snnctl cp nmnist_conv .                  ./nmnist_conv.yaml
    snnctl cp nmnist_conv ./mine.yaml --force

Classes of your own may lie beside the file: _target_: mylayers.MyNeuron for mylayers.py.

Next: snnctl check ./mine.yaml, snnctl train ./mine.yaml
"""

from __future__ import annotations

from pathlib import Path

from snnctl.atomic import write_text
from snnctl.config.folders import ROOT, locate
from snnctl.errors import UserError


def run(args: list[str]) -> int:
    """`snnctl cp ...` after the verb; returns the exit code."""
    force = "--force" in args
    plain = [a for a in args if a != "--force"]
    if len(plain) != 2:
        raise UserError("cp takes a recipe and where to put it", "for example   snnctl cp digits_conv ./mine.yaml")
    recipe = locate(plain[0])
    to = destination(plain[1], recipe.name)
    if to.exists() and not force:
        raise UserError(f"{to} is there already", f"overwrite it   snnctl cp {plain[0]} {plain[1]} --force")
    write_text(to, recipe.path.read_text(encoding="utf-8"))
    shown = to if to.is_absolute() else f"./{to}"
    print(f"{shown}\ntrain it   snnctl train {shown}")
    return 0


def destination(given: str, name: str) -> Path:
    """Where the copy goes: a file ending in .yaml, or a folder for the recipe's own name.

    Raises:
        UserError: another ending, or the name of the config that all recipes start from.
    """
    path = Path(given).expanduser()
    if path.is_dir() or given.endswith("/"):
        path = path / f"{name}.yaml"
    elif path.suffix == "":
        path = path.with_suffix(".yaml")
    if path.suffix != ".yaml":
        raise UserError(f"{given} does not end in .yaml", f"for example   {path.with_suffix('.yaml')}")
    if path.stem == ROOT:
        raise UserError(f"{path.name} is the name of the config that all recipes start from", "choose another name")
    return path
