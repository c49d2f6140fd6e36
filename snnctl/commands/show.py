"""Show a recipe or an option as YAML, each key explained.

    snnctl show nmnist_conv                    everything the recipe sets, defaults included
    snnctl show ./mine.yaml optimizer.lr=1e-3  the same for your own, with changes
    snnctl show neuron/alif                    one option of a group: meaning, unit and default of each key
    snnctl show train                          what every recipe starts from

Next: snnctl cp nmnist_conv ./mine.yaml, snnctl train nmnist_conv neuron=alif
"""

from __future__ import annotations

import gc
from pathlib import Path

from snnctl.config.comments import split_comment
from snnctl.config.folders import ROOT, configs, groups, is_path, names, options, recipes
from snnctl.errors import UserError, did_you_mean
from snnctl.report.ink import faint


def run(args: list[str]) -> int:
    """`snnctl show ...` after the verb; returns the exit code."""
    if not args:
        raise UserError("show what?", "for example   snnctl show digits_conv\nsee           snnctl ls")
    collecting = gc.isenabled()
    gc.disable()  # a tenth of this short command's time
    try:
        print(coloured(text(args[0], args[1:])))
    finally:
        if collecting:
            gc.enable()
    return 0


def text(name: str, overrides: list[str]) -> str:
    """The YAML to show.

    Raises:
        UserError: there is nothing of that name, or the recipe has mistakes.
    """
    option = option_file(name)
    if option is not None:
        if overrides:
            raise UserError("an option is shown as it is", f"with changes   snnctl show RECIPE {' '.join(overrides)}")
        group, chosen = option.relative_to(configs()).as_posix().removesuffix(".yaml").split("/", 1)
        yaml = option.read_text(encoding="utf-8").rstrip()
        if "\ndefaults:" in yaml:
            from snnctl.config.listing import option_listing

            yaml = option_listing(group, chosen)
        from snnctl.config.usage import usage

        use = usage(group, chosen)
        return f"{yaml}\n\n# use it   snnctl train {use}" if use else yaml
    if name == ROOT:
        return (configs() / f"{ROOT}.yaml").read_text(encoding="utf-8").rstrip()
    if not is_path(name) and name not in names(recipes()):
        raise UserError(f"unknown name  {name}", f"{did_you_mean(name, everything())}\nsee           snnctl ls")
    from snnctl.config.listing import listing

    return listing(name, overrides)


def option_file(name: str) -> Path | None:
    """The YAML of `group/option`, or of an option whose name only one group has; None if `name` is neither."""
    if name.endswith(".yaml") or name.startswith((".", "/", "~")):
        return None
    whole = configs() / f"{name}.yaml"
    if "/" in name and whole.is_file():
        return whole
    if "/" in name or name in names(recipes()) or name == ROOT:
        if "/" in name and not Path(name).exists():
            raise UserError(f"unknown name  {name}", f"{did_you_mean(name, everything())}\nsee           snnctl ls")
        return None
    homes = [group for group in groups() if "/" not in group and name in options(group)]
    if len(homes) > 1:
        raise UserError(f"{name} is in several groups", "\n".join(f"snnctl show {g}/{name}" for g in homes))
    return configs() / homes[0] / f"{name}.yaml" if homes else None


def everything() -> list[str]:
    """Every name that `show` takes."""
    return [*names(recipes()), *(f"{group}/{o}" for group in groups() if "/" not in group for o in options(group))]


def coloured(text: str) -> str:
    """YAML with its comments faint, on a terminal."""
    lines = []
    for line in text.splitlines():
        _, comment = split_comment(line)
        start = len(line) - len(comment) - 1 if comment else len(line)
        start = line.rfind("#", 0, start + 1) if comment else start
        lines.append(line[:start] + faint(line[start:]))
    return "\n".join(lines)
