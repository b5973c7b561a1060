"""Trains the small diffusion models of coloured shapes."""
