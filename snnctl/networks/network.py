"""A network: layers in order, built from what the data set is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from snnctl.errors import UserError
from snnctl.networks.chain import Chain, Layers, State
from snnctl.networks.place import Place

if TYPE_CHECKING:
    from snnctl.datasets.batch import EventList
    from snnctl.datasets.facts import Facts


class Network(Chain):
    """Layers one after the other, for the inputs and classes of a data set.

    Arguments that a layer's signature has and the configuration leaves out are filled in: in_features, in_channels,
    num_features, num_channels, normalized_shape, shape, dt, steps, classes; and the number of outputs of the last layer
    that leaves it out is the number of classes. Plain torch layers and classes of the user's own work as they are.

        Network({"flatten": nn.Flatten, "fc": nn.Linear, "readout": partial(LI, tau_mem=20e-3)}, facts)

    Args:
        layers: name -> partial, class or built module, in order; a list is numbered. None leaves a layer out.
        facts: shape, classes, dt and steps of the data set.
        settings: names that the configuration's layers refer to; not looked at here.

    Attributes:
        facts: as given. dt: time step in seconds, handed to every layer with a state.

    Raises:
        UserError: a layer's name, argument or shape is wrong, or the last layer does not give the classes.
    """

    def __init__(self, layers: Layers, facts: Facts, **settings: Any):
        super().__init__(layers, Place(name="", shape=tuple(facts.shape), facts=facts, last=True))
        self._check_classes(facts)

    def _check_classes(self, facts: Facts) -> None:
        self.facts, self.dt = facts, facts.dt
        classes = (len(facts.classes),)
        if facts.classes and self.shape_out != classes:
            name = list(self.layers)[-1]
            raise UserError(
                f"network layer {name} ({type(self.layers[name]).__name__}), the last, gives {self.shape_out}, "
                f"expected {classes}, one output a class",
                "leave out_features of the last torch.nn.Linear out: it becomes the number of classes",
            )

    def forward(self, x: Tensor | EventList, state: State | None = None) -> tuple[Tensor, State]:
        """Run the network over a sequence.

        Args:
            x: (T, B, *shape) float32, or a list of events: a linear layer at the beginning adds up the weights that the
                events name, before any other layer the list is made dense.
            state: {layer: its state} as returned by the call before; None starts at rest.

        Returns:
            out (T, B, classes), and the states after the last step.

        Raises:
            UserError: x or state is not of this network.
        """
        self._check_input(x, state)
        out, state = super().forward(x, state, dt=self.dt)
        return out if isinstance(out, Tensor) else out.dense(), state

    def _check_input(self, x: Tensor | EventList, state: State | None) -> None:
        if tuple(x.shape[2:]) != tuple(self.facts.shape):
            raise UserError(
                f"the network expects (T, B, {', '.join(map(str, self.facts.shape))}), got {tuple(x.shape)}",
                "it was built for another data set, or the batch comes before the time",
            )
        if isinstance(state, Mapping) and (unknown := set(state) - set(self.layers)):
            raise UserError(f"the state has layers that the network has not: {', '.join(sorted(unknown))}")
