"""The product's speed and memory on fixed workloads, beside the least work there is and beside other frameworks."""
