"""snnTorch's accuracies: by count, by a population's count, by first spike."""

from __future__ import annotations

import torch

from snnctl.metrics.decoders import Count, Decoder, Population, SpikeTimes
from tests.parity.outputs import outputs
from tests.parity.parity import Inputs, Parity, Traces


def _case(api: str, yaml: str, setting: str, theirs: dict, decoder: Decoder, **given) -> Parity:
    def run(x: Inputs) -> Traces:
        from snntorch import functional

        return {
            "accuracy": torch.tensor(getattr(functional, api)(x["out"], x["target"], **theirs), dtype=torch.float32)
        }

    def ours(x: Inputs) -> Traces:
        return {"accuracy": torch.tensor(decoder.accuracy(x["out"], x["target"]))}

    return Parity(f"snntorch.functional.{api}", yaml, setting, outputs(batch=200, **given), run, ours)


CASES = [
    _case("accuracy_rate", "decoder=count", "defaults", {}, Count()),
    _case("accuracy_rate", "decoder=count", "sparse", {}, Count(), chance=0.03),
    _case(
        "accuracy_rate", "decoder=population", "population_code=True", {"population_code": True, "num_classes": 4},
        Population(5), neurons=20, classes=4, chance=0.05,
    ),
    _case("accuracy_temporal", "decoder=first_spike", "defaults", {}, SpikeTimes()),
    _case("accuracy_temporal", "decoder=first_spike", "sparse", {}, SpikeTimes(), chance=0.02),
    _case("accuracy_temporal", "decoder=first_spike", "dense", {}, SpikeTimes(), chance=0.4),
]  # fmt: skip
