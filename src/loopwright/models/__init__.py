"""Chat models behind one protocol."""

from loopwright.models._types import Message, Model, Reply, Request, Role, Sampling, Usage

__all__ = ["Message", "Model", "Reply", "Request", "Role", "Sampling", "Usage"]
