"""Runs a built network over samples: in QEMU, or compiled for this machine."""

from __future__ import annotations

import json
import shutil
import struct
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snnctl.errors import RunFailed, UserError
from snnctl.targets.mcu.inputs import Inputs
from snnctl.targets.target import Traces
from snnctl.targets.tools import Tool, run

ABOUT = "network.json"
TICKS = 4  # bytes of the cycles that follow the traces of a step
QEMU = Tool("qemu-system-arm", "apt-get install qemu-system-arm", purpose="simulate")
TYPES = {"uint8_t": np.uint8, "int16_t": np.int16, "int32_t": np.int32, "float": np.float32}


def about(folder: Path) -> dict[str, Any]:
    """What network.json says."""
    return json.loads((folder / ABOUT).read_text())


def in_qemu(folder: Path, x: Tensor, seconds: float) -> Traces:
    """Run firmware.elf from rest over x (T, B, *input).

    Raises:
        UserError: QEMU is missing, or has no such board. RunFailed: the firmware failed or ran out of time.
    """
    facts = about(folder)
    return decoded(facts, emulated(folder, facts, x, seconds), x)


def instructions(folder: Path, facts: dict[str, Any], x: Tensor, seconds: float) -> tuple[int, int]:
    """Machine instructions of one call of snn_step over x (T, B, *input): the mean, and the most.

    QEMU counts instructions, not cycles: under -icount shift=0 each takes 1 ns of the board's time, by which its
    SysTick runs; the count is exact to `qemu_tick` instructions.
    """
    said = emulated(folder, facts, x, seconds, ("-icount", "shift=0"))
    steps, samples = x.shape[:2]
    each = np.frombuffer(said, np.uint8).reshape(samples * steps, -1)[:, -TICKS:].copy().view(np.uint32)
    return round(each.mean() * facts["qemu_tick"]), int(each.max()) * facts["qemu_tick"]


def emulated(folder: Path, facts: dict[str, Any], x: Tensor, seconds: float, more: Sequence[str] = ()) -> bytes:
    """What the firmware writes; `more` are arguments of QEMU."""
    if facts["qemu"] is None:
        raise UserError(f"QEMU has no board {facts['board']}", "choose another board, or run it on the board itself")
    command = [QEMU.require("mcu"), "-M", facts["qemu"], "-kernel", (folder / "firmware.elf").resolve(),
               "-display", "none", "-monitor", "none", "-no-reboot", *more]  # fmt: skip
    given = encoded(facts, x)
    if facts["io"] == "uart":
        return run([*command, "-chardev", "stdio,id=port,signal=off", "-serial", "chardev:port"], seconds, stdin=given)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "in.bin").write_bytes(given)
        run([*command, "-serial", "none", "-semihosting-config", "enable=on,target=native"], seconds, cwd=place)
        return (place / "out.bin").read_bytes()


def on_host(folder: Path, x: Tensor, seconds: float) -> Traces:
    """The same sources compiled for this machine, over x (T, B, *input).

    Raises:
        UserError: make or the compiler is missing.
    """
    facts = about(folder)
    make = Tool("make", "apt-get install make").require("mcu")
    Tool("cc", "apt-get install gcc").require("mcu")
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(folder, place, dirs_exist_ok=True)
        run([make, "-s", "host"], seconds, cwd=Path(place))
        return decoded(facts, run([Path(place) / "host"], seconds, stdin=encoded(facts, x)), x)


def encoded(facts: dict[str, Any], x: Tensor) -> bytes:
    """x as the bytes that the firmware reads."""
    steps, samples = x.shape[:2]
    if tuple(x.shape[2:]) != tuple(facts["input"]["shape"]):
        raise UserError(f"the input has {tuple(x.shape[2:])} a step, the artefact takes {facts['input']['shape']}")
    kind = TYPES[facts["input"]["type"]]
    if facts["numbers"] != "float":
        x = Inputs(facts["input"]["kind"], facts["input"]["scale"]).encode(x)
    values = x.transpose(0, 1).cpu().numpy().astype(kind)
    return struct.pack("<II", samples, steps) + values.tobytes()


def decoded(facts: dict[str, Any], said: bytes, x: Tensor) -> Traces:
    """The traces of what the firmware wrote.

    Raises:
        RunFailed: it wrote more or less than it should.
    """
    steps, samples = x.shape[:2]
    parts = [facts["output"], *facts["populations"]]
    sizes = [*(_bytes(part) for part in parts), TICKS]
    if len(said) != steps * samples * sum(sizes):
        raise RunFailed(
            f"the firmware wrote {len(said):,} bytes, expected {steps * samples * sum(sizes):,}",
            "build it again   snnctl deploy RUN target=mcu",
        )
    every = np.frombuffer(said, np.uint8).reshape(samples, steps, sum(sizes))
    split = np.split(every, np.cumsum(sizes)[:-1], axis=2)
    out, *seen = (_values(part, raw) for part, raw in zip(parts, split[:-1], strict=True))
    names = [part["name"] for part in facts["populations"]]
    return Traces(out.to(x.device), {name: s.to(x.device) for name, s in zip(names, seen, strict=True)})


def _bytes(part: dict[str, Any]) -> int:
    size = int(np.prod(part["shape"]))
    return 4 * (-(-size // 32) if part["type"] == "bits" else size)


def _values(part: dict[str, Any], raw: np.ndarray) -> Tensor:
    """Bytes (samples, steps, n) as float32 (steps, samples, *shape), in the circuit's unit."""
    shape = raw.shape[:2]
    if part["type"] == "bits":
        size = int(np.prod(part["shape"]))
        values = np.unpackbits(np.ascontiguousarray(raw), axis=2, bitorder="little")[:, :, :size].astype(np.float32)
    else:
        values = np.ascontiguousarray(raw).view(TYPES[part["type"]]).reshape(*shape, -1)
    found = torch.from_numpy(values.copy()).transpose(0, 1).reshape(shape[1], shape[0], *part["shape"])
    return found if found.dtype == torch.float32 else (found.double() * part["unit"]).float()
