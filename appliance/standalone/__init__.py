"""`vedette up`: starts and supervises the real servers on one machine. Used by the CLI and by the tests' fixtures."""
