"""What happens around training: checkpoints, rates, progress, guards."""
