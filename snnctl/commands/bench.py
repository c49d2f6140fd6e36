"""Time snnctl beside the least work there is (a floor) and beside other frameworks.

    snnctl bench                                  every case, beside its floor and snnctl without kernels (eager)
    snnctl bench lif shd100 --threads 1           two of them; threads of torch
    snnctl bench lif --against snntorch,norse     beside frameworks that are installed; `all`: every one
    snnctl bench conv --rounds 15 --json conv.json
    snnctl bench onb512 --memory                  also the peak memory of each, in a process of its own

Layers: lif, cuba, alif, rlif (recurrent). Linear + LIF: onb512, onb2048. Training steps: shd100, shd250, conv.

Everyone runs once a round, in an order that rotates, and a ratio is taken within a round: what else the machine does
disturbs all alike. Shown are medians over the rounds (--rounds, 7 unless given) and

    spread      distance of the quartiles of the total
    / floor     its time over the floor's
    / snnctl    its time over snnctl's: how many times faster snnctl is
    rate        spikes a neuron and step of snnctl's spiking layers

Frameworks are called by adapters, which lie with the source (tests/bench/peers); --adapters FOLDER names another place.

Next: snnctl doctor, snnctl train
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnctl.benchmarks.cases import CASES, Case
from snnctl.errors import RunFailed, UserError, did_you_mean
from snnctl.report.tables import show

if TYPE_CHECKING:
    from snnctl.benchmarks.contest import Row
    from snnctl.benchmarks.peers import Peer

SILENT = 1e-3  # spikes a neuron and step below which a case says little


@dataclass
class Options:
    """What was asked for.

    Args:
        cases: workloads, in order.
        against: names of adapters.
        adapters: folder that holds them; None: the checkout's.
        threads: of torch; None: as many as torch takes.
        rounds: 1 and above.
        json: file to write; None: no file.
        memory: whether to measure it too.
    """

    cases: list[Case] = field(default_factory=list)
    against: list[str] = field(default_factory=list)
    adapters: Path | None = None
    threads: int | None = None
    rounds: int = 7
    json: Path | None = None
    memory: bool = False


def run(args: list[str]) -> int:
    """`snnctl bench ...` after the verb; returns the exit code."""
    options = parse(args)
    import torch

    from snnctl.benchmarks.contest import measure
    from snnctl.benchmarks.peers import find

    peers = find(options.against, options.adapters)
    before = torch.get_num_threads()
    torch.set_num_threads(options.threads or before)
    done: list[Row] = []
    left_out: list[dict[str, str]] = []
    try:
        print(f"medians; threads {torch.get_num_threads()}, rounds {options.rounds}")
        for case in options.cases:
            print(f"\n{case.name}   {case.about}; {case.size}")
            print(f"{' ' * len(case.name)}   floor: {case.floor}", flush=True)
            rows, missing = measure(case, options.rounds, peers)
            unweighed = weigh(case, rows, peers) if options.memory else {}
            table(rows, options.memory)
            notes(rows, missing | unweighed)
            done += rows
            left_out += [{"case": case.name, "contestant": name, "reason": why} for name, why in missing.items()]
            if options.json:
                write(options, done, left_out)
    finally:
        torch.set_num_threads(before)
    if options.json:
        print(f"\nwritten   {options.json}")
    return 0


def parse(args: Iterable[str]) -> Options:
    """Options from words.

    Raises:
        UserError: an unknown case or option, or a value that does not fit.
    """
    options = Options()
    takes: dict[str, Callable[[str], Any]] = {
        "against": lambda text: [name for name in text.split(",") if name],
        "adapters": _folder,
        "threads": lambda text: _count(text, "threads", os.cpu_count() or 1),
        "rounds": lambda text: _count(text, "rounds"),
        "json": _file,
    }
    rest = iter(args)
    for word in rest:
        flag, equals, value = word.partition("=")
        name = flag.removeprefix("--")
        if word == "--memory":
            options.memory = True
        elif flag.startswith("--") and name in takes:
            value = value if equals else next(rest, "")
            if not value or value.startswith("--"):
                raise UserError(f"{flag} takes a value", "for example    " + EXAMPLES[name])
            setattr(options, name, takes[name](value))
        elif word.startswith("-"):
            near = did_you_mean(flag, [*(f"--{name}" for name in takes), "--memory"])
            raise UserError(f"unknown option  {word}", f"{near}\nsee            snnctl bench --help")
        elif word not in CASES:
            raise UserError(f"unknown case  {word}", f"{did_you_mean(word, CASES)}\nsee            snnctl bench --help")
        elif CASES[word] not in options.cases:
            options.cases.append(CASES[word])
    options.cases = options.cases or list(CASES.values())
    return options


EXAMPLES = {
    "against": "--against snntorch,norse",
    "adapters": "--adapters tests/bench/peers",
    "threads": "--threads 1",
    "rounds": "--rounds 15",
    "json": "--json bench.json",
}


def _count(text: str, name: str, most: int | None = None) -> int:
    if text.isdecimal() and 1 <= int(text) and (most is None or int(text) <= most):
        return int(text)
    limit = "and above" if most is None else f"to {most}, the cores of this machine"
    raise UserError(f"--{name} is {text}", f"range          1 {limit}")


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise UserError(f"no folder  {text}", f"for example    {EXAMPLES['adapters']}")
    return Path(text)


def _file(text: str) -> Path:
    path = Path(text)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise UserError(f"--json cannot write  {text}", "give a file in a folder that exists")
    return path


def weigh(case: Case, rows: list[Row], peers: list[Peer]) -> dict[str, str]:
    """Fill in the peak memory of each, in a process of its own; returns name -> reason of those where it failed."""
    import torch

    from snnctl.benchmarks.memory import peak

    adapters = {peer.name: peer.path for peer in peers}
    failed = {}
    for row in rows:
        try:
            row.peak_mb = peak(case, row.contestant, torch.get_num_threads(), adapters.get(row.contestant))
        except RunFailed as error:
            failed[row.contestant] = error.problem
    return failed


def table(rows: list[Row], memory: bool) -> None:
    """Print a case's rows, the fastest first."""
    heads = ["", "forward ms", "backward ms", "total ms", "spread %", "/ floor", "/ snnctl", "rate"]
    lines = [
        [
            row.contestant,
            row.forward_ms,
            row.backward_ms,
            row.total_ms,
            round(100 * (row.quartiles_ms[1] - row.quartiles_ms[0]) / row.total_ms),
            _times(row.over_floor),
            _times(row.product_faster),
            " ".join(f"{rate:.3f}" for rate in (row.rates or {}).values()),
            *(["" if row.peak_mb is None else f"{row.peak_mb:.1f}"] if memory else []),
        ]
        for row in sorted(rows, key=lambda row: row.total_ms)
    ]
    show([*heads, *(["peak MB"] if memory else [])], lines, right=range(1, 9))


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def notes(rows: list[Row], missing: dict[str, str]) -> None:
    """Print who was left out, and which layers do not fire."""
    for name, why in missing.items():
        print(f"{name} left out: {why}")
    for row in rows:
        for layer, rate in (row.rates or {}).items():
            if rate < SILENT:
                print(f"layer {layer} hardly fires, {rate:.2g} spikes a neuron and step: the times mean little")


def write(options: Options, rows: list[Row], left_out: list[dict[str, str]]) -> None:
    """Write everything measured so far, and on what machine."""
    import platform

    import torch

    import snnctl
    from snnctl.atomic import write_json

    about = {
        "snnctl": snnctl.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": platform.platform(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "threads": torch.get_num_threads(),
        "rounds": options.rounds,
    }
    write_json(options.json, {**about, "results": [row.plain() for row in rows], "left_out": left_out})
