"""Find everything that is wrong with a recipe and its overrides, before anything runs."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from snnctl.config.allowed import trust_folder
from snnctl.config.composed import Composed, raw
from snnctl.config.faults import Faults
from snnctl.config.folders import ROOT, Recipe, configs, is_path, names, recipes
from snnctl.config.hydra_part import check_hydra, extra, search_space
from snnctl.config.keys import Overrides, check_bodies, first_value, sweep_values
from snnctl.config.leftovers import delete, drop_leftovers, second_rules, stranded
from snnctl.config.nodes import Nodes
from snnctl.config.repository import see
from snnctl.config.source import Source
from snnctl.config.usage import usage


@dataclass
class Checked:
    """A configuration without known faults.

    Args:
        cfg: the composed configuration, links unresolved; of a sweep its first job.
        overrides: the overrides as Hydra takes them.
        composed: which file said what.
    """

    cfg: DictConfig
    overrides: list[str]
    composed: Composed


def check(recipe: Recipe, overrides: list[str], multirun: bool = False, deep: bool = True) -> Checked:
    """Compose a recipe and look for mistakes: all of them, not only the first.

    Args:
        recipe: its place.
        overrides: as on the command line.
        multirun: whether `-m` is given, so that sweeps are allowed.
        deep: also look at the classes that are named, which imports them.

    Raises:
        UserError: one for all mistakes.
    """
    if recipe.own:
        trust_folder(recipe.folder)
    faults = Faults()
    parsed = parse(overrides, multirun, faults)
    of_hydra = [o for o in parsed if o.is_hydra_override()]
    source = Source(recipe, hydra=bool(of_hydra))
    groups, keys = [], []
    for override in parsed:
        (groups if _is_group(source, override) else keys).append(override)
    groups = [o for o in groups if _option_exists(source, o, faults)]
    composed = _compose(source, groups, faults)
    orphans = check_bodies(composed, faults, deep, _swapped(groups))
    check_hydra(composed, faults)
    _check_beside(composed, groups, faults)
    space = parse(search_space(composed), True, faults) if multirun else []
    apply = Overrides(composed, faults)
    lines = {id(o): apply.apply(o) for o in keys}
    for override in space:
        (_option_exists(source, override, faults) if _is_group(source, override) else apply.apply(override))
    apply.finish()
    orphans += _left_behind(composed, groups, apply.given)
    dropped = [*drop_leftovers(composed, apply.given), *delete(composed, orphans)]
    if orphans:
        chosen = " ".join(o.input_line or "" for o in groups)
        print(f"note: {chosen} does not take the recipe's {', '.join(orphans)}: left out", file=sys.stderr)
    nodes = Nodes(composed, faults, deep, apply.given)
    nodes.walk()
    for override in [*keys, *space]:
        for value in (sweep_values(override) or [])[1:]:
            nodes.check_value(override.key_or_group, value)
    _check_other_options(source, groups, keys, faults, deep)
    faults.raise_all()
    OmegaConf.set_struct(composed.cfg, False)
    composed.cfg.pop("hydra", None)
    OmegaConf.set_struct(composed.cfg, True)
    return Checked(composed.cfg, [*(lines.get(id(o), o.input_line or "") for o in parsed), *dropped], composed)


def parse(overrides: list[str], multirun: bool, faults: Faults) -> list[Override]:
    """Read overrides with Hydra's grammar; what it cannot read is a fault."""
    parser = OverridesParser.create()
    parsed = []
    for text in overrides:
        if "=" not in text and not text.startswith("~"):
            place = "the recipe comes first, then key=value" if text in names(recipes()) or is_path(text) else ""
            faults.add("not key=value", text, ("instead", place), ("for example", "optimizer.lr=1e-3"))
            continue
        try:
            override = parser.parse_override(text)
        except HydraException as error:
            reason = str(error).splitlines()[0]
            faults.add("cannot read", text, ("because", reason), ("quote it", f"'{text.partition('=')[0]}=\"...\"'"))
            continue
        if override.is_sweep_override() and not multirun:
            values = text.partition("=")[2]
            faults.add(
                "several values", text, ("one run each", "add -m"), ("one list", f"{text.partition('=')[0]}=[{values}]")
            )
            override = first_value(override)
        parsed.append(override)
    return parsed


def _is_group(source: Source, override: Override) -> bool:
    return source.repository.group_exists(override.key_or_group) and not isinstance(override.value(), dict)


def _options(override: Override) -> list[Any]:
    values = sweep_values(override)
    if values is None:
        value = override.value()
        values = value if isinstance(value, list) else [value]
    return values


def _node(override: Override) -> str:
    """Where the option that a group override chooses goes."""
    return override.package or override.key_or_group.replace("/", ".")


def _swapped(groups: list[Override]) -> list[str]:
    """The nodes for which the command line chose an option."""
    return [_node(o) for o in groups if o.type is OverrideType.CHANGE]


def _left_behind(composed: Composed, groups: list[Override], given: Iterable[str]) -> list[str]:
    """What of the recipe goes with an option of its own, where another was chosen, though configs/ know the key."""
    swapped = _swapped(groups)
    return second_rules(composed, swapped, given) + stranded(composed, swapped, [*given, *map(_node, groups)])


def _option_exists(source: Source, override: Override, faults: Faults) -> bool:
    group = override.key_or_group
    if override.is_delete():
        return True
    good = True
    for value in _options(override):
        if value is None:
            faults.add("wrong value", f"{group}=null", ("instead", f"~{group}"), see(group))
            good = False
        elif not source.repository.exists(group, str(value)):
            lines = [source.repository.nearest_option(group, str(value)), see(group)]
            if group.startswith("hydra/"):
                lines.append(extra(str(value), source.repository.choices(group)))
            faults.add("unknown option", f"{group}={value}", *lines)
            good = False
    return good


def _check_beside(composed: Composed, groups: list[Override], faults: Faults) -> None:
    """Report options that `+` put beside everything else, where nothing reads them."""
    for override in groups:
        if override.type is not OverrideType.ADD or override.key_or_group.startswith("hydra/"):
            continue
        group, options = override.key_or_group, [str(option) for option in _options(override)]
        top = _node(override).partition(".")[0]
        files = {f"{group}/{option}" for option in options}
        others = {(d.package or "").partition(".")[0] for d in composed.found.defaults if d.config_path not in files}
        if top not in {*others, *composed.links}:
            because = ("because", f"nothing reads the key {top}")
            faults.add("cannot choose", override.input_line or "", because, ("instead", usage(group, options[0])))


def _compose(source: Source, groups: list[Override], faults: Faults) -> Composed:
    """Compose; choices that Hydra refuses are faults and are left out, a broken recipe is replaced by train.yaml."""
    file = str(source.recipe.path) if source.recipe.own else source.recipe.name
    while True:
        try:
            composed = Composed.read(source, [first_value(o) for o in groups])
            break
        except (YAMLError, UnicodeDecodeError) as error:
            faults.extend(source.repository.faults)
            mark = getattr(error, "problem_mark", None)
            place = f"{file}, line {mark.line + 1}" if mark else file
            faults.add("not YAML", place, ("because", getattr(error, "problem", None) or str(error).splitlines()[0]))
        except (HydraException, OmegaConfBaseException, ValueError) as error:
            culprit = _culprit(source, groups)
            if culprit is not None:
                groups.remove(culprit)
                option = _options(culprit)[0] if not culprit.is_delete() else None
                use = usage(culprit.key_or_group, str(option)) if option else ""
                reason = str(error).splitlines()[0]
                faults.add("cannot choose", culprit.input_line or "", ("because", reason), ("instead", use))
                continue
            faults.extend(source.repository.faults)
            faults.add("cannot compose", file, ("because", _reason(error)))
        composed = Composed.read(Source(Recipe(ROOT, configs() / f"{ROOT}.yaml")), [])
        return composed
    if not composed.starts_from_train:
        faults.add("no beginning", file, ("put first", "defaults: [train, _self_]"), ("see", "snnctl show digits_conv"))
        composed = Composed.read(Source(Recipe(ROOT, configs() / f"{ROOT}.yaml")), [])
    faults.extend(f for f in source.repository.faults if f not in faults)
    return composed


def _reason(error: Exception) -> str:
    return " ".join(line.strip() for line in str(error).splitlines() if line.strip() and "://" not in line)[:300]


def _culprit(source: Source, groups: list[Override]) -> Override | None:
    """The choice that cannot be composed even alone."""
    for override in groups:
        try:
            Composed.read(source, [first_value(override)])
        except (HydraException, OmegaConfBaseException, ValueError):
            try:
                Composed.read(source, [])
            except (HydraException, OmegaConfBaseException, ValueError):
                return None
            return override
    return None


def _check_other_options(
    source: Source, groups: list[Override], keys: list[Override], faults: Faults, deep: bool
) -> None:
    """In a sweep over groups, look at each further option too, with the others at their first."""
    for override in groups:
        for value in (sweep_values(override) or [])[1:]:
            one = replace(first_value(override), _value=value)
            others = [first_value(o) for o in groups if o is not override]
            composed = _compose(source, [*others, one], faults)
            apply = Overrides(composed, faults)
            for key in keys:
                apply.apply(key)
            drop_leftovers(composed, apply.given)
            orphans = check_bodies(composed, Faults(), deep, _swapped(groups))
            orphans += _left_behind(composed, groups, apply.given)
            delete(composed, orphans)
            Nodes(composed, faults, deep).walk()


def override(cfg: DictConfig, overrides: list[str]) -> DictConfig:
    """A run's configuration with keys changed; `group=option` puts that option in place of what the run had.

    Raises:
        UserError: one for all mistakes.
    """
    faults = Faults()
    parsed = parse(overrides, False, faults)
    source = Source(Recipe(ROOT, configs() / f"{ROOT}.yaml"))
    cfg = OmegaConf.create(OmegaConf.to_container(cfg, resolve=False))
    groups = [o for o in parsed if _is_group(source, o) and _option_exists(source, o, faults)]
    composed = _compose(source, [o for o in groups if o.type is OverrideType.CHANGE], faults)
    for choice in groups:
        key = _node(choice)
        OmegaConf.update(cfg, key, OmegaConf.select(composed.cfg, key), merge=False, force_add=True)
    composed = replace(composed, cfg=cfg)
    composed.base = raw(cfg)
    apply = Overrides(composed, faults)
    for change in parsed:
        if not _is_group(source, change):
            apply.apply(change)
    apply.finish()
    drop_leftovers(composed, apply.given)
    Nodes(composed, faults, deep=True, given=apply.given).walk()
    faults.raise_all()
    return cfg
