"""Embedding models: a text becomes a vector."""

from loopwright.models.embedding._openai import OpenAIEmbedding, embedding_request, vector_of

__all__ = ["OpenAIEmbedding", "embedding_request", "vector_of"]
