"""Pure image and geometry computation: arrays in, arrays out. No files, no servers, no threads."""
