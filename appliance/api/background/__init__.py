"""What the API does without being asked: publish, listen, heal, clean up. Safe with several API processes at once."""
