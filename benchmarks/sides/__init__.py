"""One side of a comparison each, run in a process of its own by `environment.run_side`; the last line printed is JSON."""
