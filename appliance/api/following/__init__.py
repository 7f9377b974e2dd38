"""What the Detectors and TrainingJobs of a cluster ask of the API: pure decisions. Used by services and background work."""
