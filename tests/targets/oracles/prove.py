"""The chips' own simulators and tool chains beside ours; writes docs/proof.md.

python -m tests.targets.oracles.prove [target ...]

Environments of their own are made by `make oracles`; this one's Python runs the rest.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

from tests.proofs.record import ROOT, write

HERE = sys.executable
READOUT = "snnctl/targets/readout.py"  # of two chips


@dataclass(frozen=True)
class Oracle:
    """A target's proof.

    Args:
        commands: run one after the other from the project's root; each must succeed.
        covers: the files that it speaks of.
        env: added to the environment.
    """

    commands: tuple[tuple[str, ...], ...]
    covers: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()


def pytest(*words: str) -> tuple[str, ...]:
    return (HERE, "-m", "pytest", "-q", *words)


def own(target: str, *more: str) -> tuple[str, ...]:
    return (f"snnctl/targets/{target}", f"configs/target/{target}", f"configs/target/{target}.yaml", *more)


ORACLES = {
    "xylo": Oracle(
        (
            (".venv-xylosim/bin/python", "tests/targets/oracles/xylo.py"),
            (".venv-oracles/bin/python", "-m", "tests.targets.oracles.xylo_rockpool"),
            pytest("tests/targets/xylo", "-m", "not slow"),
        ),
        own("xylo", "tests/targets/xylo", "tests/targets/oracles/xylo*"),
    ),
    "speck": Oracle(
        ((".venv-oracles/bin/python", "-m", "tests.targets.oracles.speck"), pytest("tests/targets/speck")),
        own("speck", "tests/targets/speck", "tests/targets/oracles/speck.py", "tests/targets/golden/speck.npz"),
    ),
    "loihi2": Oracle(
        ((HERE, "-m", "tests.targets.oracles.loihi2", "--lava", ".venv-lava/bin/python", "--cases", "300"),),
        own(
            "loihi2", "snnctl/targets/readout.py", "tests/targets/loihi2_circuits.py", "tests/targets/oracles/loihi2.py"
        ),
    ),
    "spinnaker": Oracle(
        (pytest("-m", "slow", "tests/targets/test_spinnaker.py"),),
        own("spinnaker", READOUT, "tests/targets/test_spinnaker.py"),
        (("SNNCTL_SPYNNAKER", str(ROOT / ".venv-spynnaker/bin/python")),),
    ),
    "mcu": Oracle(
        ((HERE, "-m", "tests.targets.oracles.mcu"),),
        own("mcu", "tests/targets/oracles/mcu.py", "recipes/digits_mcu.yaml"),
        (("SNNCTL_REQUIRE_TOOLS", "1"),),
    ),
    "fpga": Oracle(
        (pytest("tests/targets/fpga"),),
        own("fpga", "tests/targets/fpga"),
        (("SNNCTL_REQUIRE_TOOLS", "1"),),
    ),
}


def prove(name: str, oracle: Oracle) -> bool:
    """Run a target's commands; whether all passed. The last line that each printed is the result."""
    said = []
    for command in oracle.commands:
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **dict(oracle.env)}, capture_output=True, text=True)
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        if done.returncode:
            print(f"{name}: {' '.join(command)} failed", *lines[-20:], done.stderr[-2000:], sep="\n", flush=True)
            return False
        said.append(lines[-1].strip("= ") if lines else "passed")
    result = "; ".join(said)
    print(f"{name}: {result}", flush=True)
    write(f"oracle {name}", oracle.covers, {"result": result.replace("|", "/")})
    return True


if __name__ == "__main__":
    wanted = sys.argv[1:] or list(ORACLES)
    failed = [name for name in wanted if not prove(name, ORACLES[name])]
    sys.exit(f"not proven: {', '.join(failed)}" if failed else 0)
