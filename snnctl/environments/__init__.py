"""What a policy acts in: worlds that answer an action with an observation and a reward."""

from snnctl.environments.dot import DotTracing
from snnctl.environments.environment import Environment
from snnctl.environments.grid import EventGrid
from snnctl.environments.gym import Gym

__all__ = ["DotTracing", "Environment", "EventGrid", "Gym"]
