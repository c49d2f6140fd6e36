"""Name every proof that is older than a file it covers.

python -m tests.proofs.stale
"""

from __future__ import annotations

import re
import subprocess
from typing import Any

from tests.proofs.record import ROOT, read

COMMENT = re.compile(r"(^|\s+)#.*")


def stale(proof: dict[str, Any]) -> str:
    """Why a proof no longer stands for what is here; "" if it does."""
    commit = proof["commit"]
    if commit.endswith("-changed"):
        return f"made with changes on top of {commit.removesuffix('-changed')}"
    found = subprocess.run(
        ["git", "diff", "--name-only", commit, "HEAD", "--", *proof["covers"]], cwd=ROOT, capture_output=True, text=True
    )
    if found.returncode:
        return f"commit {commit} is not in this history"
    changed = [path for path in found.stdout.split() if _meaning(commit, path) != _meaning("HEAD", path)]
    return f"{len(changed)} of its files changed since {commit}: {', '.join(changed[:4])} ..." if changed else ""


def _meaning(commit: str, path: str) -> list[str]:
    """Lines of a file as committed; of YAML without comments, such as what a recipe showed or what a key may be, and
    without keys that are null: one that is new and null changes nothing."""
    shown = subprocess.run(["git", "show", f"{commit}:{path}"], cwd=ROOT, capture_output=True)
    lines = shown.stdout.decode(errors="replace").splitlines()
    if not path.endswith(".yaml"):
        return lines
    return [line for line in (COMMENT.sub("", line) for line in lines) if line and not line.endswith(": null")]


def main() -> None:
    proofs = read()
    old = {name: why for name, proof in sorted(proofs.items()) if (why := stale(proof))}
    for name, why in old.items():
        print(f"proof older than what it covers: {name}, of {proofs[name]['date']}: {why}")
    print(f"{len(proofs)} proofs, {len(old)} older than what they cover")


if __name__ == "__main__":
    main()
