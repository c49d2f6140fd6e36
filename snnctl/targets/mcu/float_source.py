"""C99 of a circuit in float, each neuron's step being that of `snnctl.kernels.c`."""

from __future__ import annotations

import torch
from torch import Tensor

from snnctl.circuits import INPUT, OUTPUT
from snnctl.kernels.c import FLOAT_HEAD, float_constant, step_source
from snnctl.neurons.neuron import Neuron
from snnctl.targets.mcu.floats import Floats
from snnctl.targets.mcu.source import (
    TOP,
    Source,
    array,
    header,
    identifiers,
    longest_delays,
    projection,
    size_of,
    slot,
    targets,
    whole_step,
)


def float_source(model: Floats) -> dict[str, str]:
    """File name -> text of snn.h and snn.c, which compute what `Floats.run` computes, bit for bit."""
    circuit, kept = model.circuit, longest_delays(model.circuit)
    summed = targets(circuit, weighted=True)
    ids = identifiers((INPUT, *summed))
    sources = {name: Source("float", False, size_of(circuit.shapes[name])) for name in (INPUT, *circuit.names)}
    most = max(size_of(circuit.shapes[name]) for name in summed)
    parts = [f'{TOP}#include "snn.h"\n\n#include <string.h>\n\n{FLOAT_HEAD}\nstatic float acc[{most}];\n']
    for name, source in sources.items():
        if name != INPUT or kept[INPUT]:
            ring = f"[{kept[name] + 1}]" if kept[name] else ""
            parts.append(f"static float {ids[name]}_y{ring}[{source.size}];\n")
            parts.append(f"static int {ids[name]}_at;\n" if kept[name] else "")
    calls: dict[str, list[str]] = {}
    rests = [f"memset({ids[n]}_y, 0, sizeof {ids[n]}_y);" for n in sources if n != INPUT or kept[INPUT]]
    rests += [f"{ids[n]}_at = 0;" for n, k in kept.items() if k]
    for name in summed:
        calls[name] = []
        for index, s in enumerate(model.synapses[name]):
            p, own = s.projection, f"{ids[name]}_from{index}"
            parts.append(projection(own, p.title, s.wiring, s.weights, sources[p.source], s.size))
            where = "x" if p.source == INPUT and not kept[INPUT] else slot(ids[p.source], p.delay, kept[p.source])
            calls[name].append(f"{own}({where});")
        put = "out" if name == OUTPUT else slot(ids[name], 0, kept[name])
        neuron = None if name == OUTPUT else circuit.populations[name]
        text, reset = _population(ids[name], name, neuron, circuit.shapes[name], circuit.dt, model.bias[name])
        parts.append(text)
        rests += reset
        calls[name].append(f"{ids[name]}_all({put});")
    traces = {n: (slot(ids[n], 0, kept[n]), f"{4 * sources[n].size}") for n in circuit.names}
    parts.append(whole_step(circuit, ids, calls, rests, (), traces))
    outputs = ("float", size_of(circuit.shapes[OUTPUT]))
    about = f"dt {circuit.dt:g} s."
    return {"snn.h": header(("float", sources[INPUT].size), outputs, circuit.names, about), "snn.c": "".join(parts)}


def _population(
    own: str, name: str, neuron: Neuron | None, shape: tuple[int, ...], dt: float, bias: Tensor
) -> tuple[str, list[str]]:
    """The text of a population, and the statements of its reset."""
    size = size_of(shape)
    lines = [f"\n/* {name}: {size} neurons. */\n"]
    if bias.any():
        lines.append(array("float", f"{own}_bias", bias))
    biased = [f"for (long i = 0; i < {size}; ++i) acc[i] += {own}_bias[i];"] if bias.any() else []
    reset: list[str] = []
    if neuron is None:
        steps = [f"memcpy(y, acc, {4 * size});"]
    else:
        with torch.no_grad():
            start, coefs = neuron.initial_state(torch.zeros(1, *shape)), neuron.coefficients(dt)
        program = neuron.program(start, coefs)
        lines.append(step_source(program, name=own).partition(FLOAT_HEAD)[2])
        arguments = ["{n}", "acc{i}", "y{i}"]
        for field in program.states:
            lines.append(f"static float {own}_{field}[{size}];\n")
            arguments.append(f"{own}_{field}{{i}}")
            text, statement = _at_rest(f"{own}_{field}", getattr(start, field)[0], size)
            lines.append(text)
            reset.append(statement)
        channels = False
        for field in program.coefs:
            values = torch.as_tensor(getattr(coefs, field)).detach().float()
            lines.append(array("float", f"{own}_c_{field}", values))
            each = 1 < values.numel() < size
            channels |= each
            arguments += [f"{own}_c_{field}" + ("{c}" if each else "{i}" if values.numel() > 1 else ""),
                          "{n}" if values.numel() == size > 1 else "1"]  # fmt: skip
        call = f"{own}_step({', '.join(arguments)});"
        if channels:
            area = size // shape[0]
            inside = call.format(n=area, i=f" + c * {area}L", c=" + c")
            steps = [f"for (long c = 0; c < {shape[0]}; ++c) {inside}"]
        else:
            steps = [call.format(n=size, i="", c="")]
    steps = [*biased, *steps, f"memset(acc, 0, {4 * size});"]
    return "".join(lines) + f"\nstatic void {own}_all(float *y)\n{{\n" + "".join(
        f"    {s}\n" for s in steps
    ) + "}\n", reset


def _at_rest(name: str, start: Tensor, size: int) -> tuple[str, str]:
    """An array of the rest where neurons differ, and the statement that sets a state to it."""
    flat = start.flatten()
    if not flat.any():
        return "", f"memset({name}, 0, sizeof {name});"
    if bool((flat == flat[0]).all()):
        return "", f"for (long i = 0; i < {size}; ++i) {name}[i] = {float_constant(flat[0].item())};"
    return array("float", f"{name}_rest", flat), f"memcpy({name}, {name}_rest, sizeof {name});"
