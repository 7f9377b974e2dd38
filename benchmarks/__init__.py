"""Figures side by side with a peer, one command each: `python -m benchmarks NAME`. Prints one JSON line per comparison.

Each side of a comparison runs in a process of its own, the sides take turns (ours, peer, ours, peer, ...), and the
medians are compared: machines are shared and noisy. Nothing of the appliance imports this package.
"""
