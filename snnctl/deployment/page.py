"""report.html: one page without scripts or links, with the picture of layers on cores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from snnctl.deployment.cores import picture

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: .5rem 0 1.5rem } td, th { padding: .2rem .9rem .2rem 0; text-align: left }
th { border-bottom: 1px solid #999 } td.n { text-align: right } .bar { background: #ddd; width: 12rem; height: .8rem }
.bar div { background: #3a6ea5; height: 100% } .over div { background: #b3261e }
"""


def page(values: Mapping[str, Any]) -> str:
    """The page of a report.json's values."""
    parts = [
        f"<!doctype html><meta charset=utf-8><title>{_text(values['target'])}</title><style>{STYLE}</style>",
        f"<h1>{_text(values['subject'])} on {_text(values['target'])}</h1>",
        _accuracy(values),
        "<h2>Layers on cores</h2>", picture(values["cores"], values["layers"]),
        "<h2>Resources</h2>", _resources([*values["resources"], *values["measured"]]),
        _lines("Notes", [*values["notes"], *values["assumed"]]),
        "<h2>Synaptic operations a sample</h2>",
        _table(("projection", "operations"), [(k, f"{v:,.0f}") for k, v in values["synaptic_operations"].items()]),
        _energy(values),
        "<h2>Quantisation</h2>", _table(("", ""), [(k, _plain(v)) for k, v in values["quantisation"].items()]),
        _lines("Where the limits are from", values["sources"]),
        _lines("Next", values["next"]),
    ]  # fmt: skip
    return "\n".join(part for part in parts if part) + "\n"


def _accuracy(values: Mapping[str, Any]) -> str:
    runs = ["float", *values["equal_bit_for_bit"]] if not values["same_answers"] else ["float", *values["same_answers"]]
    rows = []
    for name in runs:
        layers = values["spike_agreement"].get(name, {})
        shared = ", ".join(f"{layer} {percent(share)}" for layer, share in layers.items())
        rows.append(
            (
                name,
                percent(values["accuracy"].get(name)),
                percent(values["same_answers"].get(name)),
                shared,
                equality(values, name),
            )
        )
    head = ("run", "accuracy", "same answers as float", "spikes shared with float", "equal to quantised")
    about = f"<p>{values['samples']:,} samples; simulated by {_text(values['simulator'])}.</p>"
    other = values.get("beside")
    return about + _table(head, rows) + (f"<p>{_text(gained(other))}</p>" if other else "")


def gained(other: Mapping[str, Any]) -> str:
    """What a run gains over another that was quantised after training, in words."""
    after = f"{percent(other['float'])} in float, {percent(other['quantised'])} in the target's numbers"
    return f"{100 * other['gain']:+.2f} points over {other['run']}, quantised after training: {after}"


def equality(values: Mapping[str, Any], name: str) -> str:
    """Whether a run equals the quantised one: "yes", or by how much its outputs differ; empty for others."""
    equal = values["equal_bit_for_bit"].get(name)
    return "" if equal is None else "yes" if equal else f"differs by up to {values['largest_difference'][name]:.3g}"


def _resources(resources: Iterable[Mapping[str, Any]]) -> str:
    rows = []
    for r in resources:
        share = r["used"] / r["available"] if r["available"] else None
        over = " over" if share is not None and share > 1 else ""
        bar = (
            ""
            if share is None
            else f'<div class="bar{over}"><div style="width:{min(100, 100 * share):.0f}%"></div></div>'
        )
        limit = number(r["available"]) if r["available"] else ""
        cells = (_text(r["where"]), _text(r["name"]), number(r["used"]), limit, _text(r["unit"]), bar)
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head = "".join(f"<th>{h}</th>" for h in ("where", "resource", "used", "of", "", ""))
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _energy(values: Mapping[str, Any]) -> str:
    energy = values["energy"]
    if energy is None:
        return "<p>No published figure for the energy of an operation on this target is known to us.</p>"
    return f"<p>{1e6 * energy['joule_a_sample']:.3g} uJ a sample ({_text(energy['source'])}): an estimate.</p>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{_text(h)}</th>" for h in head)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def _lines(title: str, lines: Sequence[str]) -> str:
    return f"<h2>{title}</h2><ul>{''.join(f'<li>{_text(line)}</li>' for line in lines)}</ul>" if lines else ""


def number(value: float) -> str:
    """Whole numbers with thousands set apart, others with three digits."""
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 1000 else f"{value:.3g}"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_plain(v)}" for k, v in value.items())
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def percent(share: float | None) -> str:
    """`97.40 %`; empty for None."""
    return "" if share is None else f"{100 * share:.2f} %"


def _text(value: Any) -> str:
    return escape(str(value))
