"""Programs that run inside sandboxes: sent as text, standard library alone, Python 3.8 or later."""
