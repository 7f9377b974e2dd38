"""The custom resources Detector and TrainingJob: what a platform engineer types, and what the operator answers.

The one source of `crds/*.yaml` (crd.py), of what `kubectl explain` teaches and of what standalone mode refuses
(validate.py). No I/O; knows neither Kubernetes' API nor the operator.
"""
