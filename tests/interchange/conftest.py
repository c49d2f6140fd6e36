"""Neurons as the command line builds them."""

from tests.neurons.conftest import composed  # noqa: F401
