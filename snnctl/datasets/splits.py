"""Seeded splits: validation from the training part, and test too where the set has no test part."""

from __future__ import annotations

import numpy as np

from snnctl.datasets.draws import generator
from snnctl.errors import UserError


def split(labels: dict[str, np.ndarray], val_fraction: float, test_fraction: float, seed: int) -> dict[str, list[int]]:
    """Which samples train, validate and test; the official test part, where there is one, is used whole.

    Args:
        labels: of each part, as Source.parts() gives them: "train", and "test" if the set has one; a set that came
            with nothing but a test part has only that.
        val_fraction: share of the training part, after the test samples left it, that validates.
        test_fraction: share of the training part that tests; unused where there is a test part.
        seed: the same seed gives the same split.

    Returns:
        {"train", "val", "test"}: sorted indices within the part; "test" within the test part, if there is one, else
        within the training part.

    Raises:
        UserError: a fraction outside of 0..1, or one that leaves nothing to train on.
    """
    for name, fraction in (("val_fraction", val_fraction), ("test_fraction", test_fraction)):
        if not 0 <= fraction < 1:
            raise UserError(f"dataset.{name} is {fraction}", "expected a share from 0 to below 1")
    own = labels.get("train", np.empty(0, np.int64))
    order = stratified(own, seed)
    official = "test" in labels
    tests = 0 if official else round(len(own) * test_fraction)
    validates = round((len(own) - tests) * val_fraction)
    if len(own) and len(own) - tests - validates < 1:
        raise UserError(
            f"no sample of {len(own)} is left to train on",
            f"dataset.val_fraction={val_fraction}, dataset.test_fraction={test_fraction}: choose smaller ones",
        )
    return {
        "train": sorted(order[tests + validates :].tolist()),
        "val": sorted(order[tests : tests + validates].tolist()),
        "test": list(range(len(labels["test"]))) if official else sorted(order[:tests].tolist()),
    }


def stratified(labels: np.ndarray, seed: int) -> np.ndarray:
    """An order of the samples of which every beginning holds the classes in proportion, to within one sample a class.

    Each class is shuffled; its sample number r of n gets the place (r + 1/2) / n; all are sorted by place.

    Args:
        labels: (n,) class indices.
        seed: of the shuffle.

    Returns:
        (n,) int64, a permutation.
    """
    labels = np.asarray(labels)
    shuffled = generator(seed, 0, -1, "split").permutation(len(labels))
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return shuffled[np.argsort(place[shuffled], kind="stable")]
