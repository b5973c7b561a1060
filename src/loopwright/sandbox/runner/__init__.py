"""The host's side of the runner: its program, the pipe to it, and what goes over the pipe."""
