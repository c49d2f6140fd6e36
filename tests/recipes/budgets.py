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
        theirs_seeds: of that example, fewer where it is slow.
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
    theirs_seeds: tuple[int, ...] = (1, 2, 3)

    def data(self, shared: str) -> list[str]:
        return [f"dataset.root={shared}/{self.root}"] if self.root else []

    def reached(self, value: float, asked: float) -> bool:
        """Whether a figure is as good as is asked: a loss is no higher, others are no lower."""
        return value <= asked if self.figure.endswith("loss") else value >= asked


BASELINES = {  # the same command on the same events: the recipe's time bins, stacked as channels of one step
    "linear": ("network=linear", "dataset.layout=stacked"),
    "ANN": ("neuron=relu", "dataset.layout=stacked"),
    "random delays": ("network.learnable=false",),
    "no delays": ("network.learnable=false", "network.delay=0", "network.window=linear"),
}
SHORT = ("trainer.limit_test_batches=8",)
FEW = (  # fewer neurons, that learn faster, on a share of the digits, shown for a fifth of the time
    "network.neurons=30",
    "network.excitatory.beta=0.5",
    "regime.rules.input.eta_plus=0.05",
    "dataset.steps=50",
    "dataset.duration=0.05",
    "dataset.encoding.max_rate=500",
    "dataset.val_fraction=0.85",
    "trainer.limit_val_batches=0",
    "trainer.limit_test_batches=60",
    "callbacks.weight_pictures=null",
)
PLAYED = (  # a few turns in a world, a few episodes to tell
    "trainer.max_epochs=1",
    "environment.turns=150",
    "environment.val_episodes=4",
    "environment.test_episodes=20",
)
BUDGETS = (
    Budget("digits_conv", 0.97, "", (*SHORT, "trainer.max_epochs=1", "trainer.limit_train_batches=60"), 0.8),
    Budget("digits_mlp", 0.93, "", (*SHORT, "trainer.max_epochs=2"), 0.8),
    Budget("digits_mcu", 0.93, "", (*SHORT, "trainer.max_epochs=2"), 0.6, ("target=mcu",), 0.01),
    Budget("digits_recurrent", 0.93, "", (*SHORT, "trainer.max_epochs=2"), 0.8),
    Budget("nmnist_conv", 0.96, "nmnist-1k", (*SHORT, "trainer.max_epochs=3"), 0.75, theirs="snntorch_nmnist.py"),
    Budget("fsdd_recurrent", 0.97, "fsdd", (*SHORT, "trainer.max_epochs=2"), 0.7),
    Budget(
        "fsdd_delays",
        0.98,
        "fsdd",
        (*SHORT, "trainer.max_epochs=1", "network.hidden=[64]"),
        0.4,
        beside=("random delays", "no delays"),
    ),
    Budget("digits_rows", 0.92, "", (*SHORT, "trainer.max_epochs=2"), 0.6, theirs="sinabs_rows.py"),
    Budget("digits_rows_taus", 0.92, "", (*SHORT, "trainer.max_epochs=2"), 0.6, beside=()),
    Budget(
        "digits_synops",
        0.95,
        "",
        (*SHORT, "trainer.max_epochs=1", "trainer.limit_train_batches=40"),
        0.7,
        theirs="sinabs_synops.py",
    ),
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
        "fashion_mnist_population",
        0.86,
        "",
        (*SHORT, "trainer.limit_train_batches=100", "trainer.limit_val_batches=2"),
        0.65,
        beside=(),  # it pools the spikes of neurons
        theirs="snntorch_population.py",
    ),
    Budget(
        "regression_lif",
        0.0008,
        "",
        ("trainer.max_epochs=30",),
        0.03,
        beside=(),  # one step cannot follow a function of time
        figure="test/loss",
        theirs="snntorch_regression_lif.py",
    ),
    Budget(
        "regression_recurrent",
        0.06,
        "",
        (*SHORT, "trainer.max_epochs=1"),
        0.2,
        beside=(),  # its loss counts spikes
        figure="test/loss",
        theirs="snntorch_regression_recurrent.py",
    ),
    Budget(
        "fashion_mnist_conv", 0.86, "", (*SHORT, "trainer.limit_train_batches=200", "trainer.limit_val_batches=4"), 0.7
    ),
    Budget(
        "digits_diehl_cook",
        0.835,
        "",
        FEW,
        0.25,
        beside=(),
        theirs="bindsnet_eth_mnist.py",
    ),
    Budget(
        "digits_stdp_readout",
        0.86,
        "",
        (*FEW, "trainer.max_epochs=2", "regime.plastic_epochs=1"),
        0.25,
        beside=(),
    ),
    Budget(
        "digits_eventprop", 0.92, "", (*SHORT, "trainer.max_epochs=1", "trainer.limit_train_batches=40"), 0.4, beside=()
    ),
    Budget("digits_tempotron", 0.9, "", (*SHORT, "trainer.max_epochs=1"), 0.6, beside=()),
    Budget("digits_forward_forward", 0.82, "", (*SHORT, "trainer.max_epochs=1"), 0.4, beside=()),
    Budget("digits_evolution", 0.68, "", (*SHORT, "trainer.max_epochs=6"), 0.2, beside=()),
    Budget("braille_reservoir", 0.9, "braille", ("network.hidden=[128]",), 0.5, beside=()),
    Budget("gridworld_mstdpet", 0.75, "", PLAYED, 0.0, beside=(), figure="test/return"),
    Budget("gridworld_rmax", 0.7, "", PLAYED, -0.2, beside=(), figure="test/return"),
    Budget(
        "dot_tracing_mstdpet",
        40.0,
        "",
        ("trainer.max_epochs=1", "environment.turns=60", "environment.val_episodes=2", "environment.test_episodes=4"),
        5.0,
        beside=(),
        figure="test/return",
        theirs="bindsnet_dot_tracing.py",
    ),
    Budget(
        "cartpole_ppo",
        475.0,
        "",
        ("trainer.max_epochs=1", "environment.turns=128", "environment.val_episodes=2", "environment.test_episodes=4"),
        30.0,
        beside=(),
        figure="test/return",
    ),
    Budget(
        "acrobot_ppo",
        -110.0,
        "",
        ("trainer.max_epochs=1", "environment.turns=32", "environment.val_episodes=2", "environment.test_episodes=2"),
        -500.0,  # it plays; so little teaches nothing
        beside=(),
        figure="test/return",
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
        theirs_seeds=(1,),  # six minutes each
    ),
)
