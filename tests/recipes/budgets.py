"""What each recipe must show: whole, over its seeds (`make recipes`), and on a small budget (the fast test)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """A recipe's proof.

    Args:
        recipe: its name.
        at_least: mean test accuracy over the seeds.
        root: folder of the real recordings below the shared data, "" where the set needs none.
        small: overrides of the fast test. small_at_least: test accuracy it must reach.
    """

    recipe: str
    at_least: float
    root: str = ""
    small: tuple[str, ...] = ()
    small_at_least: float = 0.0

    def data(self, shared: str) -> list[str]:
        return [f"dataset.root={shared}/{self.root}"] if self.root else []


BASELINES = {  # the same command on the same events: the recipe's time bins, stacked as channels of one step
    "linear": ("network=linear", "dataset.layout=stacked"),
    "ANN": ("neuron=relu", "dataset.layout=stacked"),
}
SHORT = ("trainer.limit_test_batches=8",)
BUDGETS = (
    Budget("digits_conv", 0.97, "", (*SHORT, "trainer.max_epochs=1", "trainer.limit_train_batches=60"), 0.8),
    Budget("digits_mlp", 0.93, "", (*SHORT, "trainer.max_epochs=2"), 0.8),
    Budget("digits_recurrent", 0.93, "", (*SHORT, "trainer.max_epochs=2"), 0.8),
    Budget("nmnist_conv", 0.96, "nmnist-1k", (*SHORT, "trainer.max_epochs=3"), 0.75),
    Budget("fsdd_recurrent", 0.97, "fsdd", (*SHORT, "trainer.max_epochs=2"), 0.7),
    Budget("braille_recurrent", 0.98, "braille", (*SHORT, "trainer.max_epochs=5"), 0.6),
    Budget("braille_eprop", 0.975, "braille", (*SHORT, "trainer.max_epochs=5"), 0.6),
    Budget("braille_xylo", 0.98, "braille", (*SHORT, "trainer.max_epochs=5"), 0.6),
    Budget(
        "fashion_mnist_conv", 0.86, "", (*SHORT, "trainer.limit_train_batches=200", "trainer.limit_val_batches=4"), 0.7
    ),
)
