"""How an option is chosen on the command line."""

from __future__ import annotations

import re

from snnctl.config.completing import chosen_groups
from snnctl.config.folders import configs


def usage(group: str, option: str) -> str:
    """`neuron=alif`, `surrogate@neuron.surrogate=atan`, `+augment@dataset.augment.shift=shift`; empty if nowhere said.

    A group that the default configuration does not choose is used as some comment in configs/ shows it.
    """
    keys = [key for key in chosen_groups() if key.partition("@")[0] == group]
    if keys:
        return f"{min(keys, key=lambda key: '@' in key)}={option}"
    pattern = re.compile(rf"\+{re.escape(group)}@([\w.]+)=(\w+)")
    for file in (configs() / group / f"{option}.yaml", *sorted(configs().rglob("*.yaml"))):
        match = pattern.search(file.read_text(encoding="utf-8")) if file.is_file() else None
        if match:
            above, _, name = match[1].rpartition(".")
            place = f"{above}.{option}" if name == match[2] else match[1]  # named after the option
            return f"+{group}@{place}={option}"
    return ""
