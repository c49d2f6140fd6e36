"""Stands in for `snnctl train` in tests of sweeps: writes a result at once, or fails, or takes its time."""

import json
import sys
import time
from pathlib import Path

overrides = dict(word.lstrip("+").split("=", 1) for word in sys.argv[3:] if "=" in word)
folder = Path(overrides["hydra.run.dir"].strip("'"))
folder.mkdir(parents=True, exist_ok=True)
(folder / "run.json").write_text(json.dumps({"argv": sys.argv[1:], "metrics": {}}))
time.sleep(float(overrides.get("optimizer.weight_decay", 0)))
if overrides.get("seed") == "13":
    sys.exit(1)
lr = float(overrides.get("optimizer.lr", 1))
(folder / "results.json").write_text(json.dumps({"val/acc": 1 - abs(lr - 0.1)}))
