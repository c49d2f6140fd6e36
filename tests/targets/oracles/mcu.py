"""The recipe digits_mcu on its whole test split, on all four boards, in whole numbers and in float.

Trains the recipe (or takes the run given), builds it for every board, and holds what QEMU and this machine compute
against the model, bit for bit. Needs no environment of its own beside the tools:

    apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm make gcc
    python -m tests.targets.oracles.mcu [RUN]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import Tensor

from snnctl.cli import main as command
from snnctl.deployment.subject import Subject, of_run
from snnctl.targets.mcu.emulator import on_host
from tests.targets.mcu.circuits import target

BOARDS = ("lm3s6965evb", "mps2-an385", "mps2-an386", "mps2-an500")
CASES = [(board, "int8") for board in BOARDS] + [("mps2-an386", "float"), ("mps2-an500", "float")]


def whole_split(subject: Subject) -> tuple[Tensor, Tensor, Tensor]:
    """All test samples in one batch: x (T, B, *input), length (B,), labels (B,)."""
    x, length, labels = zip(*subject.batches(None), strict=True)
    return torch.cat(x, 1), torch.cat(length), torch.cat(labels)


def check(subject: Subject, board: str, numbers: str, folder: Path) -> bool:
    """Build for one board, compare, and print a line; whether all are equal."""
    mcu, circuit = target(f"board={board}", f"numbers={numbers}"), subject.circuit
    x, length, labels = whole_split(subject)
    plan = mcu.plan(circuit)
    model = mcu.quantise(circuit, plan, subject.for_scales())
    folder.mkdir()
    mcu.build(model, circuit, plan, folder)
    expected, started = model.run(x), time.monotonic()
    emulated = mcu.simulate(folder, x)
    seconds, host = time.monotonic() - started, on_host(folder, x, 600)
    equal = [
        torch.equal(a.out, expected.out) and all(torch.equal(a.spikes[n], s) for n, s in expected.spikes.items())
        for a in (emulated, host)
    ]
    right = {name: (subject.scores(out, length).argmax(1) == labels).float().mean().item()
             for name, out in (("float", circuit(x)[0]), ("board", emulated.out))}  # fmt: skip
    print(f"{board:12} {numbers:6} {len(labels):,} samples in {seconds:5.1f} s   float {right['float']:.2%}   "
          f"board {right['board']:.2%}   QEMU equal {equal[0]}   host equal {equal[1]}", flush=True)  # fmt: skip
    return all(equal)


def main() -> int:
    """0 if every board computes what the model computes."""
    with tempfile.TemporaryDirectory() as place:
        run = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(place) / "run"
        if not run.exists() and command(["train", "digits_mcu", "eval_after=false", f"hydra.run.dir={run}"]):
            return 1
        subject = of_run(str(run), [])
        equal = [check(subject, board, numbers, Path(place) / f"{board}-{numbers}") for board, numbers in CASES]
        return 0 if all(equal) else 1


if __name__ == "__main__":
    sys.exit(main())
