"""`python -m appliance.training.cluster`: what the pods of a TrainingJob run (ADR 16)."""
