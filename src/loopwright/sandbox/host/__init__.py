"""The host's side of code inside sandboxes: what is sent there, the pipe to it, and what goes over the pipe."""
