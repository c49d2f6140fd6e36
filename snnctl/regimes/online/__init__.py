"""Rules that learn while a sequence runs: its activations are never kept over time."""
