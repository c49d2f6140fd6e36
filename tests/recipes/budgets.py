"""What each recipe must show: whole, over its seeds (`make recipes`), and on a small budget (the fast test)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """A recipe's proof.

    Args:
        recipe: its name.
        asked: mean over the seeds of the figure: at least, or at most where it is a loss.
        root: folder of the real recordings below the shared data, "" where the set needs none.
        small: overrides of the fast test. small_asked: what its figure must reach.
        targets: overrides of a deployment each, such as "target=fpga target.device=hx8k", of the whole test part; or of
            a conversion, "convert.T=32".
        within: how much less accurate than the float network a target may be, mean over the seeds.
        beside: the baselines, of those that there are.
        figure: which of the test's results is asked for.
        theirs: the framework's own example on the same data: a script beside this file, in the folder `theirs`.
    """

    recipe: str
    asked: float
    root: str = ""
    small: tuple[str, ...] = ()
    small_asked: float = 0.0
    targets: tuple[str, ...] = ()
    within: float = 0.0
    beside: tuple[str, ...] = ("linear", "ANN")
    figure: str = "test/acc"
    theirs: str = ""

    def data(self, shared: str) -> list[str]:
        return [f"dataset.root={shared}/{self.root}"] if self.root else []

    def reached(self, value: float, asked: float) -> bool:
        """Whether a figure is as good as is asked: a loss is no higher, others are no lower."""
        return value <= asked if self.figure.endswith("loss") else value >= asked


BASELINES = {  # the same command on the same events: the recipe's time bins, stacked as channels of one step
    "linear": ("network=linear", "dataset.layout=stacked"),
    "ANN": ("neuron=relu", "dataset.layout=stacked"),
}
SHORT = ("trainer.limit_test_batches=8",)
BUDGETS = (
    Budget("digits_conv", 0.97, "", (*SHORT, "trainer.max_epochs=1", "trainer.limit_train_batches=60"), 0.8),
    Budget("digits_mlp", 0.93, "", (*SHORT, "trainer.max_epochs=2"), 0.8),
    Budget("digits_mcu", 0.93, "", (*SHORT, "trainer.max_epochs=2"), 0.6, ("target=mcu",), 0.01),
    Budget("digits_recurrent", 0.93, "", (*SHORT, "trainer.max_epochs=2"), 0.8),
    Budget("nmnist_conv", 0.96, "nmnist-1k", (*SHORT, "trainer.max_epochs=3"), 0.75),
    Budget("fsdd_recurrent", 0.97, "fsdd", (*SHORT, "trainer.max_epochs=2"), 0.7),
    Budget("braille_recurrent", 0.98, "braille", (*SHORT, "trainer.max_epochs=5"), 0.6),
    Budget("digits_ann", 0.96, "", (*SHORT, "trainer.max_epochs=2"), 0.7, ("convert.T=32",), 0.01, ()),
    Budget(
        "fashion_mnist_ann",
        0.9,
        "",
        (*SHORT, "trainer.limit_train_batches=200", "trainer.limit_val_batches=4", "trainer.max_epochs=1"),
        0.7,
        ("convert.T=32",),
        0.003,
        (),
    ),
    Budget("braille_xylo", 0.98, "braille", (*SHORT, "trainer.max_epochs=5"), 0.6, ("target=xylo/a3",), 0.02),
    Budget("braille_loihi2", 0.98, "braille", (*SHORT, "trainer.max_epochs=5"), 0.6, ("target=loihi2",), 0.01),
    Budget(
        "braille_fpga",
        0.97,
        "braille",
        (*SHORT, "trainer.max_epochs=5"),
        0.5,
        ("target=fpga", "target=fpga target.device=hx8k samples=16"),  # the same Verilog
        0.02,
    ),
    Budget(
        "nmnist_speck",
        0.95,
        "nmnist-1k",
        (*SHORT, "trainer.max_epochs=3"),
        0.5,
        ("target=speck/2f",),
        0.02,
        (),  # its loss counts spikes
    ),
    Budget("braille_eprop", 0.975, "braille", (*SHORT, "trainer.max_epochs=5"), 0.6),
    Budget(
        "fashion_mnist_conv", 0.86, "", (*SHORT, "trainer.limit_train_batches=200", "trainer.limit_val_batches=4"), 0.7
    ),
    Budget(
        "fashion_mnist_qcfs",
        0.93,
        "",
        (*SHORT, "network.channels=[16,32,64]", "trainer.limit_train_batches=100", "trainer.max_epochs=1"),
        0.55,
        ("convert.T=16 convert.table=[16] trainer.precision=32-true",),
        0.005,
        (),
    ),
    Budget(
        "store_recall",
        0.97,
        "",
        (*SHORT, "trainer.max_epochs=4"),
        0.85,
        beside=(),  # its samples differ in length
        theirs="norse_memory.py",
    ),
)
