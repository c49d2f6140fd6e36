"""What a wrong command line is told."""

from __future__ import annotations

import pytest

from snnctl.config.check import check
from snnctl.config.folders import locate
from snnctl.errors import UserError


def text(recipe, *overrides: str, multirun: bool = False) -> str:
    """The message that a command line gives."""
    with pytest.raises(UserError) as caught:
        check(locate(recipe), list(overrides), multirun=multirun)
    assert caught.value.exit_code == 2
    return f"{caught.value.problem}\n{caught.value.hint}"
