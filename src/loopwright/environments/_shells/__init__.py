"""What the environments with a shell share: the shell in its sandbox, one that keeps its state, starting files."""
