"""Kernels: any neuron's step, traced once and printed as one fused scan over time, forward and back."""
