"""C99 of a circuit in whole numbers."""

from __future__ import annotations

from torch import Tensor

from snnctl.circuits import INPUT, OUTPUT
from snnctl.targets.mcu import fixed
from snnctl.targets.mcu.fixed import FORMS, Op
from snnctl.targets.mcu.integers import Cells, Integers
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

LOWEST = """\
static inline int lowest(uint32_t word)
{
#if defined(__GNUC__)
    return __builtin_ctz(word);
#else
    int n = 0;
    while (!(word >> n & 1)) ++n;
    return n;
#endif
}
"""


def integer_source(model: Integers) -> dict[str, str]:
    """File name -> text of snn.h and snn.c, which compute what `Integers.run` computes, bit for bit."""
    circuit, kept = model.circuit, longest_delays(model.circuit)
    summed = targets(circuit, OUTPUT in model.cells)
    ids = identifiers((INPUT, *summed))
    input_type = "uint8_t" if model.inputs.kind == "counts" else "int16_t"
    sources = {INPUT: Source(input_type, False, size_of(circuit.shapes[INPUT]))}
    for name in circuit.names:
        spiking = model.cells[name].spiking
        sources[name] = Source("uint32_t" if spiking else "int32_t", spiking, size_of(circuit.shapes[name]))
    most = max(size_of(circuit.shapes[name]) for name in summed)
    parts = [f'{TOP}#include "snn.h"\n\n#include <string.h>\n\n{fixed.HEAD}\n{LOWEST}\nstatic int32_t acc[{most}];\n']
    for name, source in sources.items():
        if name != INPUT or kept[INPUT]:
            parts += _kept(ids[name], source, kept[name])
    calls: dict[str, list[str]] = {}
    rests: list[str] = [f"memset({ids[n]}_y, 0, sizeof {ids[n]}_y);" for n in sources if n != INPUT or kept[INPUT]]
    rests += [f"{ids[n]}_at = 0;" for n, k in kept.items() if k]
    for name in summed:
        calls[name] = []
        for index, s in enumerate(model.synapses[name]):
            p = s.projection
            own = f"{ids[name]}_from{index}"
            size = size_of(circuit.shapes[name])
            parts.append(projection(own, p.title, s.wiring, s.weights, sources[p.source], size, s.shift))
            where = "x" if p.source == INPUT and not kept[INPUT] else slot(ids[p.source], p.delay, kept[p.source])
            calls[name].append(f"{own}({where});")
        cells, own = model.cells[name], ids[name]
        put = "out" if name == OUTPUT else slot(own, 0, kept[name])
        parts.append(_cells(own, cells, put))
        rests += [line for s in cells.states for line in _at_rest(own, cells, s)]
        calls[name].append(f"{own}_step({put});")
    traces = {n: (slot(ids[n], 0, kept[n]), f"{4 * sources[n].words}") for n in circuit.names}
    parts.append(whole_step(circuit, ids, calls, rests, _copy(model, ids, kept), traces))
    about = (
        f"dt {circuit.dt:g} s. Inputs are x / {model.inputs.scale:.9g}; outputs are "
        + ("spikes." if OUTPUT not in model.cells and model.cells[circuit.into(OUTPUT)[0].source].spiking
           else f"multiples of {_out(model).unit:.9g}.")
    )  # fmt: skip
    outputs = ("int32_t", size_of(circuit.shapes[OUTPUT]))
    head = header((input_type, sources[INPUT].size), outputs, circuit.names, about)
    return {"snn.h": head, "snn.c": "".join(parts)}


def _out(model: Integers) -> Cells:
    return model.cells[OUTPUT if OUTPUT in model.cells else model.circuit.into(OUTPUT)[0].source]


def _kept(own: str, source: Source, kept: int) -> list[str]:
    """The arrays of what a population gave."""
    ring = f"[{kept + 1}]" if kept else ""
    return [f"static {source.type} {own}_y{ring}[{source.words}];\n", f"static int {own}_at;\n" if kept else ""]


def _copy(model: Integers, ids: dict[str, str], kept: dict[str, int]) -> list[str]:
    """Statements that write `out`, where it is one population's output."""
    if OUTPUT in model.cells:
        return []
    p = model.circuit.into(OUTPUT)[0]
    where, size = slot(ids[p.source], p.delay, kept[p.source]), size_of(model.circuit.shapes[p.source])
    if model.cells[p.source].spiking:
        return [f"for (long i = 0; i < {size}; ++i) out[i] = (int32_t)({where}[i >> 5] >> (i & 31) & 1);"]
    return [f"memcpy(out, {where}, {4 * size});"]


def _bits(bits: int) -> str:
    return f"int{bits}_t"


def _at_rest(own: str, cells: Cells, state) -> list[str]:
    """Statements that set a state field to its rest."""
    name = f"{own}_{state.name}"
    if isinstance(state.rest, int) and not state.rest:
        return [f"memset({name}, 0, sizeof {name});"]
    size, area = size_of(cells.shape), _area(cells)
    value = _element(state.rest, f"{name}_rest", size, f"i / {area}")
    return [f"for (long i = 0; i < {size}; ++i) {name}[i] = {_cast(state.bits)}{value};"]


def _cast(bits: int) -> str:
    return "" if bits == 32 else f"({_bits(bits)})"


def _area(cells: Cells) -> int:
    return size_of(cells.shape[1:])


def _element(value: int | Tensor, name: str, size: int, channel: str = "c") -> str:
    """A value of the neuron at hand: a constant, or an element by neuron or by channel."""
    if isinstance(value, int):
        return str(value)
    return f"{name}[{'i' if value.numel() == size else channel}]"


def _cells(own: str, cells: Cells, put: str) -> str:
    """Arrays and the function of a population's step."""
    size, area = size_of(cells.shape), _area(cells)
    arrays = {f"{own}_{name[2:]}": value for name, value in cells.coefs.items()}
    arrays |= {f"{own}_bias": cells.bias} | {f"{own}_{s.name}_rest": s.rest for s in cells.states}
    arrays = {name: value for name, value in arrays.items() if isinstance(value, Tensor)}
    by_channel = area > 1 and any(value.numel() != size for value in arrays.values())
    lines = [f"\n/* {cells.name}: {size} neurons. */\n"]
    lines += [array("int32_t", name, value) for name, value in arrays.items()]
    lines += [f"static {_bits(s.bits)} {own}_{s.name}[{size}];\n" for s in cells.states]
    body = [*_current(own, cells, size), "acc[i] = 0;"]
    used = {a for op in cells.ops for a in op.args if isinstance(a, str)} | {cells.out, *cells.after}
    body += [f"const int32_t s_{s.name} = {own}_{s.name}[i];" for s in cells.states if f"s_{s.name}" in used]
    body += [_statement(op, own, cells, size) for op in cells.ops]
    body += [
        f"{own}_{s.name}[i] = {_cast(s.bits)}{after};" if s.kind == "flag" else
        f"{own}_{s.name}[i] = {_cast(s.bits)}clamped({after}, {s.limit});"
        for s, after in zip(cells.states, cells.after, strict=True)
    ]  # fmt: skip
    if cells.spiking:
        body.append(f"if ({cells.out}) y[i >> 5] |= (uint32_t)1 << (i & 31);")
    else:
        body.append(f"y[i] = {cells.out};")
    if by_channel:
        loops = [
            f"for (long c = 0, i = 0; c < {cells.shape[0]}; ++c)",
            f"    for (long end = i + {area}; i < end; ++i)",
        ]
    else:
        loops, body = [f"for (long i = 0; i < {size}; ++i)"], [line.replace("[c]", "[i]") for line in body]
    loops[-1] += " {"
    pad = "    " * len(loops)
    text = [*loops, *(pad + line for line in body), pad[4:] + "}"]
    if cells.spiking:
        text.insert(0, f"memset(y, 0, {4 * -(-size // 32)});")
    kind = "uint32_t" if cells.spiking else "int32_t"
    return "".join(lines) + f"\nstatic void {own}_step({kind} *y)\n{{\n" + "".join(f"    {t}\n" for t in text) + "}\n"


def _current(own: str, cells: Cells, size: int) -> list[str]:
    """x of the accumulator."""
    f = cells.fraction
    bias = _element(cells.bias, f"{own}_bias", size)
    plus = "" if bias == "0" else f" + {bias}"
    if f >= 0:
        return [f"const int32_t x = clamped(acc[i], {cells.limit >> f}) * {1 << f}{plus};"]
    return [f"const int32_t x = clamped((acc[i] + {1 << (-f - 1)}) >> {-f}, {cells.limit}){plus};"]


def _statement(op: Op, own: str, cells: Cells, size: int) -> str:
    def text(a: str | int) -> str:
        if isinstance(a, int):
            return str(a) if a >= 0 else f"({a})"
        return _element(cells.coefs[a], f"{own}_{a[2:]}", size) if a in cells.coefs else a

    kind = "int" if op.kind == "truth" else "int32_t"
    return f"const {kind} {op.name} = {FORMS[op.form].c.format(*map(text, op.args))};"
