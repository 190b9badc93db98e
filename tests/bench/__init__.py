"""Figures, not tests: `make bench` prints them, docs/measured.md keeps the last ones."""
