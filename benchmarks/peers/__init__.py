"""What peers do with the same input. The scripts here are run with the peers' own Python: they import nothing of ours."""
