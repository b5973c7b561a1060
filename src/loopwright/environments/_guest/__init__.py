"""Programs that serve an environment inside its sandbox: standard library alone, Python 3.8 or later."""
