"""Learning from the exact times of spikes."""
