"""The recipe for an iCE40, trained and deployed by the command line: real weights, real recordings, a bitstream."""

from __future__ import annotations

import json

import pytest

from snnctl.cli import main
from tests.targets.fpga.circuits import need

SAMPLES = 10  # simulated here; all 270 by tests/recipes/prove.py


@pytest.mark.slow
@pytest.mark.data
def test_braille_on_an_up5k(tmp_path, shared_data, capsys):
    need("iverilog", "vvp", "yosys", "nextpnr-ice40", "icepack", "iceprog")
    run, root = tmp_path / "run", f"dataset.root={shared_data / 'braille'}"
    assert main(["train", "braille_fpga", root, f"hydra.run.dir={run}"]) == 0
    capsys.readouterr()
    assert main(["deploy", str(run), "target=fpga", root, f"samples={SAMPLES}"]) == 0
    said = capsys.readouterr().out
    assert "up5k block RAMs (weights 13, membranes 2, outputs 2, queue 1) 18 of 30" in said
    report = json.loads((run / "deploy" / "fpga" / "report.json").read_text())
    assert report["samples"] == SAMPLES and report["equal_bit_for_bit"] == {"simulated": True}
    placed = json.loads((run / "deploy" / "fpga" / "artefact" / "placed.json").read_text())
    assert placed["used"]["ICESTORM_RAM"]["used"] == 18 and placed["fastest_clock_mhz"] > 12
    assert placed["clocks a step, most"] < 25e-3 * 12e6  # in time for the next step

    assert accuracy(run, root, "quantised") > accuracy(run, root, "float") - 0.02 > 0.94

    assert main(["deploy", str(run), "target=fpga", root, "samples=2", "--flash"]) == 3
    assert "iceprog found no FTDI USB device" in capsys.readouterr().err


def accuracy(run, root: str, name: str) -> float:
    """On the whole test part, of the float network or of the integers that the Verilog was seen to equal."""
    from snnctl import config
    from snnctl.deployment.comparison import Comparison
    from snnctl.deployment.subject import of_run

    subject = of_run(str(run), ["target=fpga", root])
    target = config.build(subject.cfg.target)
    model = target.quantise(subject.circuit, target.plan(subject.circuit))
    comparison = Comparison(subject.circuit, {"quantised": model.run}, subject.scores)
    for batch in subject.batches(None):
        comparison.add(*batch)
    found = comparison.result()
    assert found["samples"] == 270
    return found["accuracy"][name]
