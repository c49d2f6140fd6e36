"""A composed recipe as YAML text with the meaning of each key beside it."""

from __future__ import annotations

import math
import re
from typing import Any

import yaml
from hydra.errors import HydraException
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from snnctl.config.comments import header, headline
from snnctl.config.composed import Composed, at, flat, raw, yaml_text
from snnctl.config.folders import ROOT, Recipe, configs, locate
from snnctl.config.source import Source
from snnctl.errors import UserError

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")  # text that YAML reads back as itself, unquoted
_LINK = re.compile(r"\$\{\w[\w.]*\}")  # `${optimizer.lr}`, looked up without Hydra's grammar, which is slow
UNITS = ("s", "Hz", "V")
COLUMN = 44  # where comments start, unless the line is longer


def listing(name: str, overrides: list[str]) -> str:
    """What a recipe sets, defaults included: values resolved, links to whole nodes kept as they are.

    Raises:
        UserError: one for all mistakes in the recipe or the overrides.
    """
    recipe = locate(name)
    try:
        source = Source(recipe)
        composed = Composed.read(source, [])
        healthy = composed.starts_from_train and not source.repository.faults and not overrides
    except Exception:  # whatever it is, the check says it better
        healthy = False
    if not healthy:
        from snnctl.config.check import check

        composed = check(recipe, overrides, deep=False).composed
    elif recipe.own and any(key.endswith("_target_") for _, body in composed.bodies for key in flat(body)):
        from snnctl.config.leftovers import drop_leftovers

        drop_leftovers(composed, ())
    cfg = composed.cfg
    OmegaConf.set_struct(cfg, False)
    cfg.pop("hydra", None)
    lines = [f"# {line}".rstrip() for line in header(recipe.path)]
    lines += _mapping(cfg, "", 0, composed)
    return "\n".join(lines)


def option_listing(group: str, option: str) -> str:
    """An option of a group with what it takes over from others (`base`, a surrogate), as it is in train.yaml's place.

    Raises:
        UserError: the option's files cannot be composed.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser

    recipe = Recipe(ROOT, configs() / f"{ROOT}.yaml")
    source = Source(recipe)
    listed = any(d.config_path.partition("/")[0] == group for d in source.defaults([]).defaults)
    override = OverridesParser.create().parse_override(f"{'' if listed else '+'}{group}={option}")
    try:
        composed = Composed.read(source, [override])
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(f"{group}/{option} cannot be composed", str(error).splitlines()[0]) from error
    node = OmegaConf.select(composed.cfg, group.replace("/", "."))
    lines = [f"# {line}".rstrip() for line in header(configs() / group / f"{option}.yaml")]
    return "\n".join([*lines, *_mapping(node, group.replace("/", "."), 0, composed)])


def _mapping(node: DictConfig, path: str, indent: int, composed: Composed) -> list[str]:
    lines = []
    for key in sorted(node, key=lambda k: not str(k).startswith("_")):
        here = f"{path}.{key}" if path else str(key)
        child = node._get_node(key)
        meaning = _explained(here, raw(child) if OmegaConf.is_config(child) else child._value(), composed)
        if isinstance(child, DictConfig) and not _plain(child) and len(child):
            lines.append(_line(f"{' ' * indent}{key}:", meaning))
            lines += _mapping(child, here, indent + 2, composed)
        elif isinstance(child, ListConfig) and not _plain(child) and any(isinstance(c, DictConfig) for c in child):
            lines.append(_line(f"{' ' * indent}{key}:", meaning))
            text = yaml.safe_dump(OmegaConf.to_container(child), sort_keys=False, width=10_000)
            lines += [f"{' ' * indent}{line}" for line in text.splitlines()]
        else:
            lines.append(_line(f"{' ' * indent}{key}: {_value(node, key, composed)}", meaning))
    return lines


def _explained(path: str, value: Any, composed: Composed) -> str:
    """What a key means; in brackets its default, where the recipe has another value, and what the recipe says."""
    option = _option(path, composed)
    meaning = option or composed.meanings.get(path, "")
    unit, colon, rest = composed.remarks.get(path, "").partition(": ")
    remark = rest if unit in UNITS else f"{unit}{colon}{rest}"  # the meaning has told the unit
    known, default = at(composed.base, path)
    changed = known and default != value and not isinstance(default, dict) and default != "???"
    aside = [f"default {yaml_text(default)}"] if changed else []
    aside += [f"here: {remark}"] if remark and remark != meaning else []
    return " ".join(filter(None, (meaning, f"[{'; '.join(aside)}]" if aside else "")))


def _plain(node: Any) -> bool:
    return node._is_none() or node._is_missing() or node._is_interpolation()


def _option(path: str, composed: Composed) -> str:
    """For a node that a group brought: which option, and what it is."""
    for key, option in composed.found.overrides.known_choices.items():
        group, _, package = key.partition("@")
        if path == (package or group.replace("/", ".")) and option:
            file = composed.source.repository.file(f"{group}/{option}")
            return f"{group}/{option}: {headline(file)}" if file else f"{group}/{option}"
    return ""


def _value(node: DictConfig, key: Any, composed: Composed) -> str:
    child = node._get_node(key)
    if child._is_missing():
        return "???"
    value = child._value()
    if child._is_interpolation():
        try:
            known, resolved = at(composed.before, value[2:-1]) if _LINK.fullmatch(value) else (False, None)
            if not known or (isinstance(resolved, str) and "${" in resolved):
                resolved = node[key]
        except OmegaConfBaseException:
            return str(value)
        if OmegaConf.is_config(resolved) or isinstance(resolved, (dict, list)):
            return str(value)
        value = resolved
    elif OmegaConf.is_config(child):
        value = OmegaConf.to_container(child)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)) and math.isfinite(value):
        return str(value)
    if (
        isinstance(value, str)
        and _BARE.fullmatch(value)
        and value.lower() not in ("null", "true", "false", "yes", "no", "on", "off")
    ):
        return value
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("...\n").strip()


def _line(text: str, meaning: str) -> str:
    return f"{text.ljust(COLUMN)}  # {meaning}" if meaning else text
