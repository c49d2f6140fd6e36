"""Sinabs's layers that make spikes. Draws: torch.rand is given the same uniform numbers."""

from __future__ import annotations

from snnctl.datasets.encodings import Direct, Rate
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.uniforms import drawing, given, images

DT, STEPS = 1e-3, 40


def _image(setting: str, theirs: dict, mine: dict, low: float = 0.0, dt: float = DT) -> Parity:
    def run(x: Inputs) -> Traces:
        from sinabs.layers import Img2SpikeLayer

        layer = Img2SpikeLayer((2, 5), tw=STEPS, **theirs)
        with drawing(x["u"]):
            return {"spikes": layer(x["x"] * 255)}

    def ours(x: Inputs) -> Traces:
        return {"spikes": Rate(**{"max_rate": 1000.0, **mine})(x["x"][None], STEPS, dt, given(x["u"]))}

    inputs = images(low=low)
    return Parity("sinabs.layers.Img2SpikeLayer", "encoding=rate/sinabs", setting, inputs, run, ours)


def _signal(setting: str, theirs: dict, mine) -> Parity:
    def inputs() -> Inputs:
        return {"x": images(shape=(10, 1, 3))()["x"], "u": images(40, (1, 3))()["u"]}

    def run(x: Inputs) -> Traces:
        from sinabs.layers import Sig2SpikeLayer

        layer = Sig2SpikeLayer(3, tw=4, **theirs)
        with drawing(x["u"]):
            return {"spikes": layer(x["x"][:, 0].T.contiguous()).unsqueeze(1)}

    def ours(x: Inputs) -> Traces:
        return {"spikes": mine(x["x"].repeat_interleave(4, 0), 40, DT, given(x["u"]))}

    return Parity("sinabs.layers.Sig2SpikeLayer", "encoding=rate/sinabs", setting, inputs, run, ours)


CASES = [
    _image("defaults", {}, {}),
    _image("max_rate=200", {"max_rate": 200}, {"max_rate": 200.0}),
    _image("negative_spikes=True", {"negative_spikes": True}, {"signed": True}, low=-1.0),
    _signal("defaults", {}, Rate()),
    _signal("norm_level=4", {"norm_level": 4}, Rate(250.0)),
    _signal("spk_out=False", {"spk_out": False}, Direct()),
]
