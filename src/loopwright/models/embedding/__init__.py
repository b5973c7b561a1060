"""Embedding models: a text becomes a vector."""

from loopwright.models.embedding._openai import (
    EMBEDDING_POLICY,
    EMBEDDING_SECONDS,
    TEXTS_AFTER_FAILURE,
    OpenAIEmbedding,
    embedding_request,
    vector_of,
)

__all__ = [
    "EMBEDDING_POLICY",
    "EMBEDDING_SECONDS",
    "TEXTS_AFTER_FAILURE",
    "OpenAIEmbedding",
    "embedding_request",
    "vector_of",
]
