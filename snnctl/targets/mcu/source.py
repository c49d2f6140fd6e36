"""The network as C99: constant arrays, one function a projection, one a population, and `snn_step`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from snnctl import __version__
from snnctl.circuits import INPUT, OUTPUT, Circuit
from snnctl.kernels.c import float_constant
from snnctl.targets.mcu.wiring import Wiring

TOP = f"/* Printed by snnctl {__version__}. */\n"
A_LINE = 16  # numbers in a line
UNROLL = "#pragma GCC unroll 8"  # a fifth to a third fewer instructions, measured on digits_mcu and digits_conv


@dataclass(frozen=True)
class Source:
    """Where a projection finds what its source gave.

    Args:
        type: C type of a value; "uint32_t" for spikes, 32 to a word.
        spikes: whether it is spikes, one bit each.
        size: values.
    """

    type: str
    spikes: bool
    size: int

    @property
    def words(self) -> int:
        """Elements of the array that holds one step."""
        return -(-self.size // 32) if self.spikes else self.size


def identifiers(names: Iterable[str]) -> dict[str, str]:
    """Name -> C identifier, each another."""
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"\W", "_", name, flags=re.ASCII)
        plain = plain if plain[:1].isalpha() and plain not in ("acc", "snn") else f"n_{plain}"
        while plain in found.values():
            plain += "_"
        found[name] = plain
    return found


def array(kind: str, name: str, values: Tensor | np.ndarray) -> str:
    """A constant array."""
    flat = values.detach().flatten().numpy() if isinstance(values, Tensor) else values.flatten()
    words = [float_constant(v) for v in flat] if kind == "float" else flat.tolist()
    lines = (", ".join(map(str, words[i : i + A_LINE])) for i in range(0, len(words), A_LINE))
    return f"static const {kind} {name}[{len(words)}] = {{\n    " + ",\n    ".join(lines) + ",\n};\n"


def longest_delays(circuit: Circuit) -> dict[str, int]:
    """Name of a source -> steps that its outputs are kept."""
    found = {name: 0 for name in (INPUT, *circuit.names)}
    for p in circuit.projections:
        found[p.source] = max(found[p.source], p.delay)
    return found


def slot(name: str, delay: int, kept: int) -> str:
    """The array that holds what a source gave `delay` steps ago."""
    if not kept:
        return f"{name}_y"
    back = f"({name}_at + {kept + 1 - delay}) % {kept + 1}" if delay else f"{name}_at"
    return f"{name}_y[{back}]"


def projection(name: str, title: str, w: Wiring, weights: Tensor, source: Source, size: int, shift: int = 0) -> str:
    """Arrays and functions of a projection: `<name>(s)` adds to the accumulators what arrives of s.

    Args:
        title: for the comment.
        weights: int8 or float32, in the wiring's order.
        size: values of the target.
        shift: what arrives counts 2^shift.
    """
    real = weights.dtype == torch.float32
    kind = "float" if real else "int8_t"
    valued = not source.spikes
    term = " * ".join([*(["n"] if valued else []), *([str(1 << shift)] if shift else []), "{}"])
    lines = [f"\n/* {title}: {source.size} to {size}. Weights of what is 0 are not read. */\n"]
    single = w.kind == "same" and w.count == 1
    if not single:
        lines.append(array(kind, f"{name}_w", weights))
    taps = w.kind != "same" and (w.kind == "conv" or w.moves)
    if taps:
        lines += [*_taps(f"{name}_rows", w.rows), *_taps(f"{name}_columns", w.columns)]
    argument = f", {'float' if real else 'int32_t'} n" if valued else ""
    if w.kind == "same":
        one = (float_constant(weights.item()) if real else str(int(weights))) if single else f"{name}_w[j]"
        body = [f"acc[j] += {term.format(one)};"]
    else:
        body = _conv(name, w, kind, term) if w.kind == "conv" else _dense(name, w, kind, term, size)
    lines.append(f"static void {name}_add(long j{argument})\n{{\n" + _indented(body) + "}\n")
    if valued:
        walk = [f"for (long j = 0; j < {source.size}; ++j)", f"    if (s[j] != 0) {name}_add(j, s[j]);"]
    else:
        walk = [f"for (long b = 0; b < {source.words}; ++b)",
                "    for (uint32_t left = s[b]; left; left &= left - 1)",
                f"        {name}_add(32 * b + lowest(left));"]  # fmt: skip
    lines.append(f"\nstatic void {name}(const {source.type} *s)\n{{\n" + _indented(walk) + "}\n")
    return "".join(lines)


def _dense(name: str, w: Wiring, kind: str, term: str, size: int) -> list[str]:
    row = f"const {kind} *w = {name}_w + {size}L * {{}};"
    add = [UNROLL, f"for (long k = 0; k < {size}; ++k) acc[k] += {term.format('w[k]')};"]
    if not w.moves:
        return [row.format("j"), *add]
    place = f"((c * {w.target[1]} + {name}_rows[r][0]) * {w.target[2]} + {name}_columns[q][0])"
    return [*_place(w), *_over(name, [row.format(place), *add])]


def _conv(name: str, w: Wiring, kind: str, term: str) -> list[str]:
    channels, height, width, group = w.weights
    area = w.target[1] * w.target[2]
    first = "" if w.groups == 1 else f" + c / {channels // w.groups} * {group * area}L"
    if group == 1 and w.groups == channels:
        first = f" + c * {area}L"
    cell = f"((c * {height} + {name}_rows[r][1]) * {width} + {name}_columns[q][1])"
    inner = [
        f"const {kind} *w = {name}_w + {cell} * {group}L;",
        f"long at = {name}_rows[r][0] * {w.target[2]}L + {name}_columns[q][0]{first};",
        UNROLL,
        f"for (long k = 0; k < {group}; ++k, at += {area}) acc[at] += {term.format('w[k]')};",
    ]
    return [*_place(w), *_over(name, inner)]


def _place(w: Wiring) -> list[str]:
    _, height, width = w.source
    return [f"const long c = j / {height * width}, y = j / {width} % {height}, x = j % {width};"]


def _over(name: str, inner: Sequence[str]) -> list[str]:
    return [
        f"for (int r = {name}_rows_at[y]; r < {name}_rows_at[y + 1]; ++r)",
        f"    for (int q = {name}_columns_at[x]; q < {name}_columns_at[x + 1]; ++q) {{",
        *(f"        {line}" for line in inner),
        "    }",
    ]


def _taps(name: str, taps) -> list[str]:
    every = [tap for each in taps for tap in each]
    begins = np.cumsum([0, *map(len, taps)])
    rows = ", ".join(f"{{{place}, {row}}}" for place, row in every)
    at = ", ".join(map(str, begins))
    return [
        f"static const uint16_t {name}[{max(len(every), 1)}][2] = {{{rows or '{0, 0}'}}};\n",
        f"static const uint16_t {name}_at[{len(begins)}] = {{{at}}};\n",
    ]


def header(inputs: tuple[str, int], outputs: tuple[str, int], populations: Sequence[str], about: str) -> str:
    """snn.h.

    Args:
        inputs, outputs: (C type, number) of one step.
        populations: names, in the order of `snn_trace`.
        about: what the numbers stand for.
    """
    names = "".join(f"   {k}  {name}\n" for k, name in enumerate(populations))
    return (
        f"{TOP}/* {about} */\n#ifndef SNN_H\n#define SNN_H\n\n#include <stdint.h>\n\n"
        f"#define SNN_INPUTS {inputs[1]}\n#define SNN_OUTPUTS {outputs[1]}\n"
        f"#define SNN_POPULATIONS {len(populations)}\n\n"
        f"typedef {inputs[0]} snn_input_t;\ntypedef {outputs[0]} snn_output_t;\n"
        "typedef struct {\n    const void *data;\n    unsigned bytes;\n} snn_trace_t;\n\n"
        "/* All states at rest: before every sample. */\nvoid snn_reset(void);\n\n"
        "/* One time step: SNN_INPUTS values to SNN_OUTPUTS values. */\n"
        "void snn_step(const snn_input_t *x, snn_output_t *out);\n\n"
        f"/* What population k gave in the last step:\n{names}*/\nsnn_trace_t snn_trace(int k);\n\n#endif\n"
    )


def whole_step(
    circuit: Circuit,
    ids: Mapping[str, str],
    calls: Mapping[str, list[str]],
    rests: Sequence[str],
    copy: Sequence[str],
    traces: Mapping[str, tuple[str, str]],
) -> str:
    """snn_reset, snn_step and snn_trace.

    Args:
        ids: identifiers. calls: name of a population -> calls of one step.
        rests: statements of the reset. copy: statements that write `out`.
        traces: name of a population -> (pointer, bytes).
    """
    kept = longest_delays(circuit)
    forward = [f"{ids[n]}_at = ({ids[n]}_at + 1) % {k + 1};" for n, k in kept.items() if k]
    if kept[INPUT]:
        forward.append(f"memcpy({slot(ids[INPUT], 0, kept[INPUT])}, x, sizeof {ids[INPUT]}_y[0]);")
    lines = [*forward, *(line for name in calls for line in calls[name]), *copy]
    cases = [f"if (k == {k}) return (snn_trace_t){{{pointer}, {size}}};" for k, (pointer, size) in
             enumerate(traces[n] for n in circuit.names)]  # fmt: skip
    return (
        "\nvoid snn_reset(void)\n{\n" + _indented(["memset(acc, 0, sizeof acc);", *rests]) + "}\n"
        "\nvoid snn_step(const snn_input_t *x, snn_output_t *out)\n{\n" + _indented(lines) + "}\n"
        "\nsnn_trace_t snn_trace(int k)\n{\n" + _indented([*cases, "return (snn_trace_t){0, 0};"]) + "}\n"
    )


def _indented(lines: Iterable[str]) -> str:
    return "".join(f"    {line}\n" for line in lines)


def size_of(shape: Sequence[int]) -> int:
    """Values of a shape."""
    return math.prod(shape)


def targets(circuit: Circuit, weighted: bool) -> tuple[str, ...]:
    """What is summed, in order: the populations, and the output where it is a sum."""
    return (*circuit.names, *([OUTPUT] if weighted else []))
