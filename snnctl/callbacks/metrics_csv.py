"""metrics.csv: one row a logged step or epoch, whole after every row, exact after a resume."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

from snnctl import atomic

INDEX = ("epoch", "step")


class MetricsCSV(Logger):
    """A logger that writes `path`.

    A metric that appears for the first time adds a column. What is logged twice for one step is one row.
    A checkpoint keeps the rows' number and the last row; loading it drops every later row from the file.

    Args:
        path: the file.
    """

    def __init__(self, path: Path):
        super().__init__()
        self.path = Path(path)
        self.columns: list[str] = list(INDEX)
        self.rows: list[dict[str, str]] = []

    @property
    def name(self) -> str:
        return "csv"

    @property
    def version(self) -> str:
        return ""

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """The configuration lies beside, in config.yaml."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        values = {k: str(np.float32(v)) for k, v in metrics.items() if k != "epoch"}
        index = {"step": "" if step is None else str(step)}
        if "epoch" in metrics:
            index["epoch"] = str(int(metrics["epoch"]))
        new = [k for k in values if k not in self.columns]
        same_row = bool(self.rows) and self.rows[-1]["step"] == index["step"]
        self.columns += new
        if same_row:
            self.rows[-1].update(index | values)
        else:
            self.rows.append({**index, **values})
        if new or same_row or not self.path.exists():
            self._rewrite()
        else:
            text = io.StringIO(newline="")
            csv.DictWriter(text, self.columns).writerow(self.rows[-1])
            atomic.append_text(self.path, text.getvalue())

    def _rewrite(self) -> None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self.columns)
        writer.writeheader()
        writer.writerows(self.rows)
        atomic.write_text(self.path, text.getvalue())

    def state_dict(self) -> dict[str, Any]:
        return {"rows": len(self.rows), "last": dict(self.rows[-1]) if self.rows else {}, "columns": list(self.columns)}

    @rank_zero_only
    def load_state_dict(self, state: dict[str, Any]) -> None:
        with self.path.open(newline="") as file:
            rows = list(csv.DictReader(file))[: state["rows"]]
        if state["rows"]:
            rows[-1] = state["last"]
        self.columns = list(state["columns"])
        self.rows = [{k: v for k, v in row.items() if k in self.columns and (v or k == "step")} for row in rows]
        self._rewrite()


def read(path: Path) -> list[dict[str, float]]:
    """The rows of a metrics.csv, empty cells left out."""
    with Path(path).open(newline="") as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]
