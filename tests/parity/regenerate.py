"""Run the frameworks again: their traces must be the committed ones.

    python -m tests.parity.regenerate [--write] [FRAMEWORK or part of a name ...]

Run in the environment of `make frameworks`. --write commits what it saw to tests/parity/vectors; without it, a
difference is an error. A whole run without --write is a proof, kept in docs/proof.md.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np
import torch

from tests.parity.frameworks import guard
from tests.parity.parity import Parity, cases
from tests.proofs import record

COVERS = ["tests/parity", "tests/oracles/requirements.txt"]


def main(arguments: list[str]) -> int:
    """The number of proofs that do not stand."""
    guard()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    write = "--write" in arguments
    wanted = [a for a in arguments if a != "--write"]
    wrong = seen = 0
    for case in cases():
        if wanted and not any(w in f"{case.framework}/{case.name}" for w in wanted):
            continue
        seen += 1
        problem = check(case, write)
        if problem:
            wrong += 1
            print(f"{case.framework}/{case.name}: {problem}", flush=True)
    result = f"{seen} cases, {wrong} wrong"
    print(result)
    if not wanted and not write:
        record.write("parity", COVERS, {"result": result})
    return min(wrong, 100)


def check(case: Parity, write: bool) -> str:
    """What is wrong with a case; "" if nothing is."""
    try:
        theirs = case.run_theirs()
    except Exception as error:  # a framework may raise anything
        kind = type(error).__name__
        return "" if kind == case.fails else f"{kind}: {error}"
    if case.fails:
        return f"it no longer fails with {case.fails}"
    if write:
        case.vectors.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(case.vectors, **theirs)
        return ""
    if not case.vectors.exists():
        return f"{case.vectors.name} is not there"
    committed = {name: trace.numpy() for name, trace in case.load().items()}
    if committed.keys() != theirs.keys():
        return f"traces {sorted(theirs)}, committed {sorted(committed)}"
    for name, trace in theirs.items():
        old, slack = committed[name], 0 if name.startswith("spikes") else 1e-6  # another machine sums in another order
        if trace.shape != old.shape or not np.allclose(trace, old, rtol=slack, atol=slack, equal_nan=True):
            return f"{name} is not the committed one"
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
