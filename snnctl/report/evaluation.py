"""What an evaluation found, as tables on a terminal or plain text elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from snnctl.report import episodes


def show(results: dict[str, Any], folder: Path | None = None) -> None:
    """Print accuracy, classes, layers and operations of a results.json, and the operations' energy.

    Args:
        results: as results.json holds them.
        folder: that they lie in; None where they are not kept.
    """
    if "test/return" in results:
        episodes.show(results, folder)
        return
    console = Console(width=None if Console().is_terminal else 110)
    traces = "test/acc" not in results
    loss = f"loss {results['test/loss']:.4{'g' if traces else 'f'}}  on {results['test/samples']:,} samples"
    accuracy = "" if traces else f"accuracy {100 * results['test/acc']:.2f} %  "
    console.print(f"test {accuracy}{loss}", highlight=False)
    classes = [] if traces else [_classes(results["classes"])]
    console.print(*classes, _layers(results), _operations(results["neurobench"]))
    console.print(energy_line(results["energy"]), highlight=False, soft_wrap=True)
    if folder is not None:
        console.print(f"results.json, predictions.csv in {folder}", highlight=False, soft_wrap=True)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right")
    return table


def _classes(rows: list[dict[str, Any]], most: int = 30) -> Table:
    table = _table("\nclasses", "class", "samples", "precision", "recall", "f1", "most taken for")
    for row in rows[:most]:
        taken = f"{row['taken_for']} ({row['times']})" if row["taken_for"] else ""
        table.add_row(row["name"], str(row["samples"]), *(_share(row[k]) for k in ("precision", "recall", "f1")), taken)
    if len(rows) > most:
        table.add_row(f"... {len(rows) - most} more in results.json")
    return table


def _layers(results: dict[str, Any]) -> Table:
    table = _table("\nspiking layers", "layer", "neurons", "spikes a step", "Hz", "silent", "ISI CV", "LV", "Fano")
    for row in results["spikes"]:
        figures = (
            f"{row['rate']:.4f}",
            f"{row['rate_hz']:.1f}",
            _share(row["silent"]),
            _plain(row["isi_cv"]),
            _plain(row["lv"]),
            _plain(row["fano"]),
        )
        table.add_row(row["layer"], f"{row['neurons']:,}", *figures)
    return table


def _operations(bench: dict[str, Any]) -> Table:
    table = _table(
        "\nsynaptic operations a sample", "layer", "kind", "effective", "dense", "per-step ACs", "per-step MACs"
    )
    for row in bench["layers"]:
        counts = (row["effective"], row["dense"], row["step_acs"], row["step_macs"])
        table.add_row(row["layer"], row["operation"], *(f"{c:,.0f}" for c in counts))
    table.add_row("all: ACs", "", f"{bench['effective_acs']:,.0f}", f"{bench['dense']:,.0f}")
    table.add_row("all: MACs", "", f"{bench['effective_macs']:,.0f}")
    table.caption = (
        f"footprint {bench['footprint']:,} bytes, connection sparsity {_plain(bench['connection_sparsity'])}, "
        f"activation sparsity {_plain(bench['activation_sparsity'])}, "
        f"membrane updates {_count(bench['membrane_updates'])}"
    )
    table.caption_justify = "left"
    return table


def energy_line(energy: dict[str, Any]) -> str:
    """What the operations of a sample take, by which figures, and what is left out."""
    return (
        f"energy of these operations {_joule(energy['pj_per_sample'])} a sample: {energy['ac_pj']:g} pJ an AC, "
        f"{energy['mac_pj']:g} pJ a MAC ({energy['numbers']}, 45 nm; {energy['source']}); "
        "without memory accesses and neuron updates"
    )


def _joule(pj: float) -> str:
    """Three digits in a unit that fits."""
    value = float(f"{pj:.3g}")
    for unit in ("pJ", "nJ", "uJ"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} mJ"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"
