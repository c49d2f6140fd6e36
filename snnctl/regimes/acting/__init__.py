"""Learning to act: a policy plays, and learns from the rewards."""
