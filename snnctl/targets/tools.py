"""Programs and packages that a target needs: found, or named with the line that gets them; always with a time limit."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from snnctl.errors import RunFailed, UserError


@dataclass(frozen=True)
class Tool:
    """A program on the PATH, or a Python package.

    Args:
        name: of the program, or of the package as it is imported.
        get: the line that installs it, such as "apt-get install iverilog".
        package: whether it is a Python package.
        purpose: what it is needed for: "build", "simulate", "flash".
    """

    name: str
    get: str
    package: bool = False
    purpose: str = "build"

    def present(self) -> bool:
        """Whether it is there. A package is looked for and not imported."""
        return find_spec(self.name) is not None if self.package else shutil.which(self.name) is not None

    def require(self, target: str) -> str:
        """The program's path, or the package's name.

        Raises:
            UserError: it is missing; says how to get it.
        """
        if not self.present():
            kind = "package" if self.package else "program"
            raise UserError(
                f"{target}: the {kind} {self.name} is missing, needed to {self.purpose}", f"get it   {self.get}"
            )
        return self.name if self.package else str(shutil.which(self.name))


def run(
    command: Sequence[str | Path],
    seconds: float,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
) -> bytes:
    """Run a program to its end and return what it printed on stdout.

    Args:
        command: program and arguments.
        seconds: time limit; it is killed after it.
        cwd: where it runs; env: the whole of its environment, None for ours.
        stdin: what it reads.

    Raises:
        RunFailed: it failed or ran out of time; quotes the end of what it said.
    """
    words = [str(word) for word in command]
    name = Path(words[0]).name
    with tempfile.TemporaryFile() as said:
        try:
            done = subprocess.run(words, cwd=cwd, env=env, input=stdin if stdin is not None else b"", timeout=seconds,
                                  stdout=subprocess.PIPE, stderr=said, check=False)  # fmt: skip
        except subprocess.TimeoutExpired:
            raise RunFailed(
                f"{name} did not end within {seconds:g} s and was stopped", f"it was   {' '.join(words)}"
            ) from None
        said.seek(0)
        errors = said.read().decode(errors="replace")
    if done.returncode:
        lines = (errors.strip() or done.stdout.decode(errors="replace").strip()).splitlines()[-12:]
        raise RunFailed(
            f"{name} failed with exit code {done.returncode}", "\n".join([*lines, f"it was   {' '.join(words)}"])
        )
    return done.stdout
