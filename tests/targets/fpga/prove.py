"""The recipe braille_fpga over three seeds, on both devices, the whole test part in Icarus Verilog.

    python tests/targets/fpga/prove.py [folder of the Braille recordings]

Needs iverilog, yosys, nextpnr-ice40 and fpga-icestorm; 10 minutes on two cores. Prints a line a seed and device, and
fails where the bitstream's Verilog is not bit for bit its integer model, or more than 2 points below the float network.
The Verilog of a seed is the same for both devices, so the second is simulated on 16 samples.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("SNNCTL_TEST_DATA", ROOT.parent / "shared" / "data"))
SEEDS, DEVICES = (1, 2, 3), {"up5k": (), "hx8k": ("samples=16",)}


def snnctl(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "snnctl", *words], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)


def prove(data: Path) -> bool:
    """Whether every seed holds, on every device."""
    fine, accuracies = True, []
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as name:
            run, root = Path(name) / "run", f"dataset.root={data}"
            snnctl("train", "braille_fpga", f"seed={seed}", root, f"hydra.run.dir={run}")
            for device, words in DEVICES.items():
                snnctl("deploy", str(run), "target=fpga", f"target.device={device}", root, *words)
                there = run / "deploy" / "fpga"
                report = json.loads((there / "report.json").read_text())
                exact = report["equal_bit_for_bit"]["simulated"]
                print(
                    f"seed {seed}: {report['samples']} samples, accuracy {report['accuracy']}, "
                    f"bit for bit {exact}; {report['next'][0]}",
                    flush=True,
                )
                fine &= exact
                if not words:
                    accuracies.append(report["accuracy"])
    mean = {name: statistics.mean(a[name] for a in accuracies) for name in accuracies[0]}
    print(f"mean {mean}")
    return fine and mean["simulated"] >= mean["float"] - 0.02


if __name__ == "__main__":
    sys.exit(0 if prove(Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED / "braille") else "not as asked")
