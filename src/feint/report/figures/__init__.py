"""Drawn people: stills, animations, the paper's figures."""
