"""Kopf's decorators and settings, and nothing else: what happens is told to the tracker. Nowhere else is kopf named, but in main.py."""
