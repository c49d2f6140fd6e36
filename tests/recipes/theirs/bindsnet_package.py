"""BindsNET's networks and rules, without what its packages import beside them and is not installed."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.parity.frameworks import bindsnet, guard


@cache
def part(name: str) -> ModuleType:
    """A module of theirs, such as "models.models"."""
    _rules()
    if name == "evaluation.evaluation":  # its logistic regression is not asked for
        regression = sys.modules.setdefault("sklearn.linear_model", ModuleType("sklearn.linear_model"))
        regression.LogisticRegression = getattr(regression, "LogisticRegression", object)
    return bindsnet(name)


@cache
def _rules() -> None:
    """Put the rules in place, which their modules take from `bindsnet.learning`."""
    guard()
    bindsnet("network.topology")
    learning, package = bindsnet("learning.learning"), sys.modules["bindsnet.learning"]
    sys.modules["bindsnet"].learning = package
    for name in ("NoOp", "PostPre", "LearningRule"):
        setattr(package, name, getattr(learning, name))
    package.MCC_learning = bindsnet("learning.MCC_learning")
    bindsnet("learning.reward")
    sys.modules["bindsnet.network"].Network = bindsnet("network.network").Network
