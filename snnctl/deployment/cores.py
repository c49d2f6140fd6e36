"""The picture of layers on cores, as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

COLOURS = ("#3a6ea5", "#5b8c5a", "#b0713a", "#7d5a9c", "#a54a5b", "#4a8c94", "#8c7d3a", "#666666")
WIDTH, HEIGHT, ACROSS = 168, 30, 5  # of a core's box a line, px; boxes in a row


def picture(cores: Mapping[str, Sequence[str]], layers: Mapping[str, Mapping[str, Any]]) -> str:
    """A box for each core with the layers on it; a layer has one colour wherever it is.

    Args:
        cores: core -> the layers on it.
        layers: layer -> {"shape": ...}, in the network's order.
    """
    names = list(layers)
    tall = HEIGHT * (1 + max((len(on) for on in cores.values()), default=1)) + 12
    rows = math.ceil(len(cores) / ACROSS)
    shapes = []
    for i, (core, on) in enumerate(cores.items()):
        x, y = (i % ACROSS) * (WIDTH + 12), (i // ACROSS) * (tall + 12)
        shapes.append(f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{tall}" fill="#f2f2f2" stroke="#999"/>')
        shapes.append(f'<text x="{x + 8}" y="{y + 20}" font-size="13" fill="#555">{escape(str(core))}</text>')
        for j, layer in enumerate(on):
            top = y + HEIGHT * (j + 1)
            known = next(
                (n for n in names if layer == n or layer.startswith(f"{n}[") or layer.startswith(f"{n} ")), None
            )
            colour = COLOURS[names.index(known) % len(COLOURS)] if known else COLOURS[-1]
            size = " x ".join(map(str, layers[known]["shape"])) if known else ""
            shapes.append(
                f'<rect x="{x + 6}" y="{top}" width="{WIDTH - 12}" height="{HEIGHT - 4}" rx="3" fill="{colour}"/>'
            )
            label = escape(f"{layer} {size}"[:26])
            shapes.append(f'<text x="{x + 12}" y="{top + 18}" font-size="12" fill="#fff">{label}</text>')
    width, height = min(len(cores), ACROSS) * (WIDTH + 12), rows * (tall + 12)
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{"".join(shapes)}</svg>'
