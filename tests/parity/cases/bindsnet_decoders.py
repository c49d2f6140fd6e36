"""BindsNET's label assignment and what reads it. It breaks ties of assignments by noise of 1e-6; here the lowest wins.

n-grams: where nothing was seen before, its prediction is class 0, as the lowest of equal scores here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from unittest import mock

from snnctl.metrics.decoders import AllActivity, Assigned, NGram, ProportionWeighting
from snnctl.metrics.decoders.decoder import first_of_the_largest, whole
from tests.parity.frameworks import bindsnet
from tests.parity.outputs import outputs
from tests.parity.parity import Inputs, Parity, Traces

CLASSES, NEURONS = 4, 20


def _evaluation() -> ModuleType:
    """Their module, which imports scikit-learn for functions that are not looked at here."""
    absent = ModuleType("sklearn.linear_model")
    absent.LogisticRegression = None
    with mock.patch.dict(sys.modules, {"sklearn": ModuleType("sklearn"), absent.__name__: absent}):
        return bindsnet("evaluation.evaluation")


def _spikes(seed: int, batch: int, chance: float) -> Inputs:
    given = outputs(chance, 30, batch, NEURONS, CLASSES, seed)()
    given["out"][:, :, -1] = 0  # a neuron that never fires
    return given


def _learned(decoder: Assigned, chance: float, calls: int) -> Assigned:
    decoder.start(CLASSES)
    for k in range(calls):
        seen = _spikes(k, 60, chance)
        decoder.add(seen["out"][:, :25], seen["target"][:25], whole(seen["out"][:, :25]))
        decoder.add(seen["out"][:, 25:], seen["target"][25:], whole(seen["out"][:, 25:]))
        decoder.finish()
    return decoder


def _theirs(chance: float, calls: int, **options):
    evaluation, rates = _evaluation(), None
    for k in range(calls):
        seen = _spikes(k, 60, chance)
        found = evaluation.assign_labels(seen["out"].transpose(0, 1), seen["target"], CLASSES, rates, **options)
        rates = found[2]
    return found


def _assign(setting: str, calls: int = 1, chance: float = 0.1, keep: float = 1.0, **options) -> Parity:
    def run(x: Inputs) -> Traces:
        labels, proportions, rates = _theirs(chance, calls, **options)
        return {"labels": labels, "proportions": proportions, "rates": rates}

    def ours(x: Inputs) -> Traces:
        found = _learned(AllActivity(keep), chance, calls)
        return {"labels": found.labels, "proportions": found.proportions, "rates": found.rates}

    api = "bindsnet.evaluation.assign_labels"
    return Parity(api, "decoder=all_activity", setting, lambda: {}, run, ours)


def _votes(api: str, kind: Callable[[], Assigned], setting: str, chance: float, silent: bool = False) -> Parity:
    def inputs() -> Inputs:
        x = _spikes(9, 16, chance)
        x["out"][:, :2] *= not silent
        return x

    def run(x: Inputs) -> Traces:
        labels, proportions, _ = _theirs(chance, 1)
        given = {"assignments": labels, "n_labels": CLASSES}
        given |= {"proportions": proportions} if api == "proportion_weighting" else {}
        call = getattr(_evaluation(), api)
        return {"predicted": call(spikes=x["out"].transpose(0, 1), **given)}

    def ours(x: Inputs) -> Traces:
        return {"predicted": _learned(kind(), chance, 1).predict(x["out"])}

    return Parity(f"bindsnet.evaluation.{api}", f"decoder={api}", setting, inputs, run, ours)


def _ngram(setting: str, n: int, chance: float) -> Parity:
    def run(x: Inputs) -> Traces:
        evaluation = _evaluation()
        seen = _spikes(0, 20, chance)
        scores = evaluation.update_ngram_scores(seen["out"].transpose(0, 1), seen["target"], CLASSES, n, {})
        return {"predicted": evaluation.ngram(x["out"].transpose(0, 1), scores, CLASSES, n)}

    def ours(x: Inputs) -> Traces:
        seen, decoder = _spikes(0, 20, chance), NGram(n)
        decoder.start(CLASSES)
        decoder.add(seen["out"], seen["target"], whole(seen["out"]))
        decoder.finish()
        return {"predicted": first_of_the_largest(decoder.scores(x["out"], whole(x["out"])))}

    return Parity("bindsnet.evaluation.ngram", "decoder=ngram", setting, lambda: _spikes(9, 16, chance), run, ours)


CASES = [
    _assign("defaults"),
    _assign("three_calls", 3),
    _assign("three_calls_alpha=0.3", 3, 0.1, 0.3, alpha=0.3),
    _votes("all_activity", AllActivity, "defaults", 0.1),
    _votes("all_activity", AllActivity, "sparse", 0.01),
    _votes("all_activity", AllActivity, "silent_samples", 0.05, silent=True),
    _votes("proportion_weighting", ProportionWeighting, "defaults", 0.1),
    _votes("proportion_weighting", ProportionWeighting, "sparse", 0.01),
    _votes("proportion_weighting", ProportionWeighting, "silent_samples", 0.05, silent=True),
    _ngram("n=2", 2, 0.04),
    _ngram("n=2_dense", 2, 0.1),
    _ngram("n=3", 3, 0.03),
]
