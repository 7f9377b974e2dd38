"""The operator: puts detectors and training jobs onto a cluster and keeps them there. Imports contracts and clients only."""
