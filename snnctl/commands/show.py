"""Show a recipe or an option as YAML, each key explained.

    snnctl show nmnist_conv                    everything the recipe sets, defaults included
    snnctl show ./mine.yaml optimizer.lr=1e-3  the same for your own, with changes
    snnctl show neuron/alif                    one option of a group: meaning, unit and default of each key
    snnctl show surrogate/atan [--plot a.png]  with its gradient drawn, also to a file
    snnctl show train                          what every recipe starts from

Next: snnctl cp nmnist_conv ./mine.yaml, snnctl train nmnist_conv neuron=alif
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from snnctl.config.comments import split_comment
from snnctl.config.folders import ROOT, configs, groups, is_path, names, options, recipes
from snnctl.errors import UserError, did_you_mean
from snnctl.report.ink import faint

if TYPE_CHECKING:
    from snnctl.surrogates import Surrogate


def run(args: list[str]) -> int:
    """`snnctl show ...` after the verb; returns the exit code."""
    if not args:
        raise UserError("show what?", "for example   snnctl show digits_conv\nsee           snnctl ls")
    args, picture = plotted(args)
    collecting = gc.isenabled()
    gc.disable()  # a tenth of this short command's time
    try:
        shown = text(args[0], args[1:])
        if picture is not None:
            draw(args[0], picture)
            shown = f"{shown}\n# drawn    {picture}"
        print(coloured(shown))
    finally:
        gc.freeze()  # and another: the interpreter looks through all that is left when it ends
        if collecting:
            gc.enable()
    return 0


def plotted(args: list[str]) -> tuple[list[str], Path | None]:
    """The arguments without `--plot FILE`, and the file.

    Raises:
        UserError: no file is named, or what is shown is no surrogate.
    """
    flags = [i for i, arg in enumerate(args) if arg.split("=")[0] == "--plot"]
    if not flags:
        return args, None
    i = flags[0]
    given = args[i].removeprefix("--plot").removeprefix("=")
    file = given or "".join(args[i + 1 : i + 2])
    rest = args[:i] + args[i + (1 if given else 2) :]
    if not file or not rest or len(flags) > 1:
        raise UserError("--plot takes one file", "for example   snnctl show surrogate/atan --plot atan.png")
    option = option_file(rest[0])
    if option is None or group_of(option)[0] != "surrogate":
        raise UserError(f"--plot draws surrogates; {rest[0]} is none", "see           snnctl ls surrogates")
    return rest, Path(file)


def group_of(option: Path) -> tuple[str, str]:
    """`configs/surrogate/norse/tanh.yaml` -> ("surrogate", "norse/tanh")."""
    group, chosen = option.relative_to(configs()).as_posix().removesuffix(".yaml").split("/", 1)
    return group, chosen


def surrogate_in(yaml: str) -> Surrogate:
    """The surrogate that the text of an option describes."""
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    return instantiate(OmegaConf.create(yaml))


def drawn(yaml: str) -> str:
    """The surrogate's gradient, as a comment of its YAML."""
    from snnctl.report.surrogate_plot import drawing

    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    braille = encoding.lower().replace("-", "").startswith("utf")
    return "\n".join(f"#   {line}".rstrip() for line in drawing(surrogate_in(yaml), braille=braille).splitlines())


def draw(name: str, file: Path) -> None:
    """Write the picture of a surrogate."""
    from snnctl.report.surrogate_plot import picture

    yaml = option_file(name).read_text(encoding="utf-8")
    picture(surrogate_in(yaml), file, yaml.splitlines()[0].removeprefix("# "))


def text(name: str, overrides: list[str]) -> str:
    """The YAML to show.

    Raises:
        UserError: there is nothing of that name, or the recipe has mistakes.
    """
    option = option_file(name)
    if option is not None:
        if overrides:
            raise UserError("an option is shown as it is", f"with changes   snnctl show RECIPE {' '.join(overrides)}")
        group, chosen = group_of(option)
        yaml = option.read_text(encoding="utf-8").rstrip()
        if "\ndefaults:" in yaml:
            from snnctl.config.listing import option_listing

            yaml = option_listing(group, chosen)
        if group == "surrogate":
            yaml = f"{yaml}\n\n{drawn(yaml)}"
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
