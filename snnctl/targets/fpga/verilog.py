"""The network as files for the core: sizes and tables in Verilog, weights in hexadecimal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path

from snnctl.circuits import INPUT
from snnctl.targets.fpga.arithmetic import Core
from snnctl.targets.fpga.layout import Synapses

SOURCES = ("core.v", "ring.v", "top.v", "uart_rx.v", "uart_tx.v")
TESTBENCH = "testbench.v"


def write(core: Core, folder: Path) -> None:
    """Write all that simulation and synthesis read: *.v, sizes.vh, tables.vh, weights.hex."""
    for name in (*SOURCES, TESTBENCH):
        (folder / name).write_text((files(__package__) / "verilog" / name).read_text())
    (folder / "sizes.vh").write_text(sizes(core))
    (folder / "tables.vh").write_text(tables(core))
    (folder / "weights.hex").write_text(hexadecimal(core))


def sizes(core: Core) -> str:
    """sizes.vh: the constants of core, top and testbench."""
    layout = core.layout
    most = max(layout.inputs, layout.outputs, *layout.sizes.values(), *(s.span for s in layout.synapses))
    constants = {
        "INPUTS": layout.inputs,
        "OUTPUTS": layout.outputs,
        "NEURONS": layout.neurons,
        "WEIGHTS": layout.weights,
        "OPERATIONS": len(layout.operations),
        "POPULATIONS": len(layout.sizes),
        "OUTPUT_POPULATION": list(layout.sizes).index(layout.output),
        "TERMS": core.terms,
        "STATE_BITS": core.state_bits,
        "NEURON_BITS": _bits(layout.neurons - 1),
        "WEIGHT_BITS": _bits(layout.weights),
        "COUNT_BITS": _bits(most),
        "OPERATION_BITS": _bits(len(layout.operations) - 1),
        "POPULATION_BITS": _bits(len(layout.sizes) - 1),
        "OUTPUT_BYTES": layout.output_bytes(core.state_bits),
        "QUEUE_BITS": layout.queue_bits,
    }
    return "".join(f"localparam {name} = {value};\n" for name, value in constants.items())


def tables(core: Core) -> str:
    """tables.vh: what the core looks up by operation and by population, as functions."""
    layout, names, width = core.layout, list(core.layout.sizes), core.state_bits
    first, at = {}, 0
    for s in layout.synapses:
        first[s], at = at, at + s.weights
    shift = dict(zip(layout.synapses, (w.shift for w in core.weights), strict=True))
    comments = "".join(f"// operation {i}: {_said(o)}\n" for i, o in enumerate(layout.operations))
    comments += "".join(f"// population {i}: {name}\n" for i, name in enumerate(names))

    def by_operation(name: str, size: str, of: Callable[[Synapses | str], int]) -> str:
        return _table(name, size, "operation", "OPERATION_BITS", map(of, layout.operations))

    def update(o: Synapses | str) -> bool:
        return isinstance(o, str)

    def population(o: Synapses | str) -> int:
        name = o if isinstance(o, str) else o.source
        return names.index(name) if name in names else 0

    resets = {i: _reset(core.populations[n].reset, core.populations[n].amount, width) for i, n in enumerate(names)}

    def own(name: str, size: str, of: Iterable[int]) -> str:
        return _table(name, size, "population", "POPULATION_BITS", of)

    count, address = "[COUNT_BITS-1:0]", "[NEURON_BITS-1:0]"
    parts = [
        by_operation("operation_updates", "", update),
        by_operation("operation_from_input", "", lambda o: not update(o) and o.source == INPUT),
        by_operation("operation_from_bias", "", lambda o: not update(o) and o.source is None),
        by_operation("operation_population", "[POPULATION_BITS-1:0]", population),
        by_operation("operation_sources", count, lambda o: 0 if update(o) else o.sources),
        by_operation("operation_targets", count, lambda o: layout.sizes[o] if update(o) else o.targets),
        by_operation("operation_span", count, lambda o: 0 if update(o) else o.span),
        by_operation("operation_first", address, lambda o: layout.first(o if update(o) else o.target)),
        by_operation("operation_weights", "[WEIGHT_BITS-1:0]", lambda o: 0 if update(o) else first[o]),
        _function("aligned", "operation", "OPERATION_BITS", "input signed [7:0] w",
                  {i: f"w <<< {shift[o]}" for i, o in enumerate(layout.operations) if not update(o)}, "w"),
        own("ring_length", "[31:0]", [layout.sizes[n] if n in layout.firing else 0 for n in names]),
        own("fires", "", [n in layout.firing for n in names]),
        own("threshold", "signed [STATE_BITS-1:0]", [core.populations[n].threshold or 0 for n in names]),
        _function("reset", "population", "POPULATION_BITS", "input signed [STATE_BITS-1:0] leaked", resets, "leaked"),
        _leak(core, names),
    ]  # fmt: skip
    return comments + "\n" + "\n".join(parts)


def hexadecimal(core: Core) -> str:
    """weights.hex: a byte a line, row by row of each source, in the order of operations."""
    return "".join(f"{int(value) & 255:02x}\n" for w in core.weights for value in w.values.flatten().long().tolist())


def _bits(largest: int) -> int:
    return max(1, int(largest).bit_length())


def _said(o: Synapses | str) -> str:
    if isinstance(o, str):
        return f"update of {o}"
    delay = " of the step before" if o.delay else ""
    return f"{o.title}: {'events' if o.source == INPUT else 'spikes' if o.source else 'once'}{delay}, to {o.target}"


def _table(name: str, size: str, index: str, bits: str, values: Iterable[int]) -> str:
    lines = "".join(f"        {i}: {name} = {int(v)};\n" for i, v in enumerate(values) if v)
    spaced = f" {size}" if size else ""
    return (
        f"function{spaced} {name}(input [{bits}-1:0] {index});\n    case ({index})\n{lines}"
        f"        default: {name} = 0;\n    endcase\nendfunction\n"
    )


def _function(name: str, index: str, bits: str, argument: str, cases: dict[int, str], default: str) -> str:
    lines = "".join(f"        {i}: {name} = {text};\n" for i, text in cases.items())
    return (
        f"function signed [STATE_BITS-1:0] {name}(input [{bits}-1:0] {index}, {argument});\n    case ({index})\n{lines}"
        f"        default: {name} = {default};\n    endcase\nendfunction\n"
    )


def _reset(kind: str, amount: int, width: int) -> str:
    constant = f"{'-' if amount < 0 else ''}{width}'sd{abs(amount)}"
    return {"subtract": f"leaked - {constant}", "value": constant, "none": "leaked"}[kind]


def _leak(core: Core, names: list[str]) -> str:
    lines = ""
    for k in range(core.terms):
        cases = "".join(
            f"            {i}: leak_term = v >>> {core.populations[n].leak[k]};\n"
            for i, n in enumerate(names)
            if k < len(core.populations[n].leak)
        )
        lines += f"        {k}: case (population)\n{cases}            default: leak_term = 0;\n        endcase\n"
    return (
        "function signed [STATE_BITS-1:0] leak_term(\n    input integer k, input [POPULATION_BITS-1:0] population,\n"
        f"    input signed [STATE_BITS-1:0] v\n);\n    case (k)\n{lines}        default: leak_term = 0;\n"
        "    endcase\nendfunction\n"
    )
