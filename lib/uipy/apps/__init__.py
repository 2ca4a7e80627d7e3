"""Applications: callbacks on the core's public names."""
