"""Detectors: how a change of a channel is found. One module each; the registry names them."""
