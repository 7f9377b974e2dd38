"""One file per server: its command line, its configuration files and how to tell that it is ready. Starts nothing."""
