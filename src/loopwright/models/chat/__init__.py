"""Chat models: the request and the reply, one module per provider."""
