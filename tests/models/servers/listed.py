"""The servers of the matrix. What is said of each is what its documentation or a report says; the source is named."""

from __future__ import annotations

from typing import Any

from loopwright.errors import (
    ModelError,
    ModelQuotaSpent,
    ModelRateLimited,
    ModelRejected,
    ModelUnauthorized,
    ModelUnavailable,
)
from loopwright.types import Usage
from tests.models.servers.description import OUTPUT, PROMPT, READ, THOUGHT, WRITTEN, Fault, Server, Wire

_PLAIN = {"prompt_tokens": PROMPT, "completion_tokens": OUTPUT, "total_tokens": PROMPT + OUTPUT}
_CACHED = {
    **_PLAIN,
    "prompt_tokens_details": {"cached_tokens": READ, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": THOUGHT},
}
_COUNTED = Usage(input=PROMPT, output=OUTPUT)
_COUNTED_ALL = Usage(input=PROMPT - READ - WRITTEN, cache_read=READ, cache_write=WRITTEN, output=OUTPUT)
_COUNTED_READ = Usage(input=PROMPT - READ, cache_read=READ, output=OUTPUT)


def _error(message: str, *, kind: str = "invalid_request_error", param: str | None = None, code: Any = None) -> Any:
    """An error as OpenAI writes it."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _fault(what: str, status: int, body: object, error: type[ModelError], says: str, **more: Any) -> Fault:
    headers = more.pop("headers", {})
    return Fault(what, Wire(status, body, headers), error, says, **more)


_BAD_KEY = _fault(
    "a wrong key",
    401,
    _error("Incorrect API key provided: sk-***.", code="invalid_api_key"),
    ModelUnauthorized,
    "Incorrect API key",
)
_REASONING_MODEL = {
    "temperature": Wire(
        400,
        _error(
            "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is "
            "supported.",
            param="temperature",
            code="unsupported_value",
        ),
    ),
    "max_tokens": Wire(
        400,
        _error(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
            "instead.",
            param="max_tokens",
            code="unsupported_parameter",
        ),
    ),
    "stop": Wire(
        400,
        _error(
            "Unsupported parameter: 'stop' is not supported with this model.",
            param="stop",
            code="unsupported_parameter",
        ),
    ),
}

OPENAI = Server(
    name="OpenAI",
    model="gpt-5-mini",
    sources={
        "parameters of reasoning models": "https://platform.openai.com/docs/guides/reasoning",
        "errors": "https://platform.openai.com/docs/guides/error-codes",
        "rate limits": "https://platform.openai.com/docs/guides/rate-limits",
    },
    refuses=_REASONING_MODEL,
    usage=_CACHED,
    counted=_COUNTED_READ,
    limited=_fault(
        "rate limit",
        429,
        _error(
            "Rate limit reached for gpt-5-mini on tokens per min (TPM): Limit 200000. Please try again in 7.2s.",
            kind="tokens",
            code="rate_limit_exceeded",
        ),
        ModelRateLimited,
        "Rate limit reached",
        headers={"retry-after-ms": "7200", "retry-after": "8", "x-ratelimit-remaining-tokens": "0"},
        wait=7.2,
    ),
    faults=(
        _BAD_KEY,
        _fault(
            "no credit",
            429,
            _error("You exceeded your current quota.", kind="insufficient_quota", code="insufficient_quota"),
            ModelQuotaSpent,
            "exceeded your current quota",
        ),
        _fault(
            "no such model",
            404,
            _error("The model `gpt-5-mini` does not exist or you do not have access to it.", code="model_not_found"),
            ModelRejected,
            "does not exist",
        ),
        _fault(
            "a failure in the stream",
            200,
            _error("The server had an error while processing your request.", kind="server_error"),
            ModelUnavailable,
            "had an error while processing",
            inside=True,
        ),
    ),
)

RESPONSES = Server(
    name="OpenAI Responses",
    model="gpt-5-mini",
    api="responses",
    sources={
        "events": "https://platform.openai.com/docs/api-reference/responses-streaming",
        "reasoning summaries": "https://platform.openai.com/docs/guides/reasoning",
    },
    refuses={
        "temperature": Wire(
            400,
            _error("Unsupported parameter: 'temperature' is not supported with this model.", param="temperature"),
        )
    },
    wants_back="encrypted_content",
    thoughts="summaries",
    shown_for=("reasoning", "summary"),
    usage={
        "input_tokens": PROMPT,
        "input_tokens_details": {"cached_tokens": READ},
        "output_tokens": OUTPUT,
        "output_tokens_details": {"reasoning_tokens": THOUGHT},
        "total_tokens": PROMPT + OUTPUT,
    },
    counted=_COUNTED_READ,
    limited=OPENAI.limited,
    faults=(
        _BAD_KEY,
        _fault(
            "a rate limit in the stream",
            200,
            'event: response.failed\ndata: {"type": "response.failed", "response": {"status": "failed", "error": '
            '{"code": "rate_limit_exceeded", "message": "Rate limit reached for gpt-5-mini."}, "output": []}}\n\n',
            ModelRateLimited,
            "Rate limit reached",
            inside=True,
        ),
        _fault(
            "a failure in the stream",
            200,
            'event: error\ndata: {"type": "error", "code": "server_error", "message": "The model failed.", '
            '"param": null}\n\n',
            ModelUnavailable,
            "The model failed",
            inside=True,
        ),
    ),
)

CLAUDE_COMPATIBLE = Server(
    name="Claude for OpenAI clients",
    model="claude-sonnet-4-5",
    sources={
        "fields, usage and what is passed over": "https://platform.claude.com/docs/en/api/openai-sdk",
        "errors": "https://platform.claude.com/docs/en/api/errors",
        "rate limits": "https://platform.claude.com/docs/en/api/rate-limits",
    },
    schema="passed over",
    usage=_PLAIN,
    counted=_COUNTED,
    limited=_fault(
        "rate limit",
        429,
        _error("This request would exceed your organization's rate limit.", kind="rate_limit_error"),
        ModelRateLimited,
        "rate limit",
        headers={"retry-after": "12", "anthropic-ratelimit-tokens-remaining": "0"},
        wait=12.0,
    ),
    faults=(
        _fault(
            "a wrong key",
            401,
            _error("invalid x-api-key", kind="authentication_error"),
            ModelUnauthorized,
            "invalid x-api-key",
        ),
        _fault("overloaded", 529, _error("Overloaded", kind="overloaded_error"), ModelRateLimited, "Overloaded"),
        _fault(
            "no credit",
            400,
            _error("Your credit balance is too low to access the Anthropic API.", kind="invalid_request_error"),
            ModelQuotaSpent,
            "credit balance is too low",
        ),
    ),
)


def _google(code: int, message: str, status: str, *details: Any) -> Any:
    return [{"error": {"code": code, "message": message, "status": status, "details": list(details)}}]


GEMINI_LIMIT = _fault(
    "rate limit",
    429,
    _google(
        429,
        "You exceeded your current quota, please check your plan and billing details. Please retry in 34.07s.",
        "RESOURCE_EXHAUSTED",
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": []},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"},
    ),
    ModelRateLimited,
    "exceeded your current quota",
    wait=34.0,
)

GEMINI_COMPATIBLE = Server(
    name="Gemini for OpenAI clients",
    model="gemini-2.5-flash",
    sources={
        "the API": "https://ai.google.dev/gemini-api/docs/openai",
        "a refused seed": "https://github.com/Vali-98/ChatterUI/issues/227",
        "thoughts": "https://ai.google.dev/gemini-api/docs/thinking",
        "signatures of thoughts": "https://ai.google.dev/gemini-api/docs/thought-signatures",
        "rate limits": "https://ai.google.dev/gemini-api/docs/rate-limits",
    },
    refuses={
        "seed": Wire(
            400,
            _google(400, 'Invalid JSON payload received. Unknown name "seed": Cannot find field.', "INVALID_ARGUMENT"),
        )
    },
    calls="whole, all with index 0",
    wants_back="thought_signature",
    thoughts="`<thought>` tags",
    shown_for=("extra_body", "google", "thinking_config", "include_thoughts"),
    own={"extra_body": {"google": {"thinking_config": {"include_thoughts": True}}}},
    # Thoughts are missing from the completion and not from the total.
    usage={**_PLAIN, "completion_tokens": OUTPUT - THOUGHT},
    counted=_COUNTED,
    limited=GEMINI_LIMIT,
    faults=(
        _fault(
            "a wrong key",
            400,
            _google(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT"),
            ModelUnauthorized,
            "API key not valid",
        ),
        _fault(
            "overloaded",
            503,
            _google(503, "The model is overloaded. Please try again later.", "UNAVAILABLE"),
            ModelUnavailable,
            "overloaded",
        ),
    ),
)


def _anthropic(kind: str, message: str) -> Any:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


CLAUDE = Server(
    name="Claude",
    model="claude-sonnet-5",
    api="anthropic",
    sources={
        "messages and usage": "https://platform.claude.com/docs/en/api/messages",
        "events": "https://platform.claude.com/docs/en/build-with-claude/streaming",
        "errors": "https://platform.claude.com/docs/en/api/errors",
        "rate limits": "https://platform.claude.com/docs/en/api/rate-limits",
    },
    refuses={
        "temperature": Wire(400, _anthropic("invalid_request_error", "`temperature` is deprecated for this model."))
    },
    wants_back="signature",
    thoughts="blocks",
    shown_for=("thinking", "display"),
    effort="medium",
    usage={
        "input_tokens": PROMPT - READ - WRITTEN,
        "cache_read_input_tokens": READ,
        "cache_creation_input_tokens": WRITTEN,
        "output_tokens": OUTPUT,
    },
    counted=_COUNTED_ALL,
    limited=_fault(
        "rate limit",
        429,
        _anthropic("rate_limit_error", "This request would exceed your organization's rate limit."),
        ModelRateLimited,
        "rate limit",
        headers={"retry-after": "12", "anthropic-ratelimit-tokens-remaining": "0"},
        wait=12.0,
    ),
    faults=(
        _fault(
            "a wrong key",
            401,
            _anthropic("authentication_error", "invalid x-api-key"),
            ModelUnauthorized,
            "invalid x-api-key",
        ),
        _fault("overloaded", 529, _anthropic("overloaded_error", "Overloaded"), ModelRateLimited, "Overloaded"),
        _fault(
            "overloaded in the stream",
            200,
            'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}\n\n',
            ModelRateLimited,
            "Overloaded",
            inside=True,
        ),
        _fault(
            "no such model",
            404,
            _anthropic("not_found_error", "model: claude-0"),
            ModelRejected,
            "model: claude-0",
        ),
    ),
)

GEMINI = Server(
    name="Gemini",
    model="gemini-3-flash",
    api="gemini",
    sources={
        "responses and usage": "https://ai.google.dev/api/generate-content",
        "thoughts": "https://ai.google.dev/gemini-api/docs/thinking",
        "signatures of thoughts": "https://ai.google.dev/gemini-api/docs/thought-signatures",
        "errors": "https://ai.google.dev/gemini-api/docs/troubleshooting",
    },
    wants_back="thoughtSignature",
    thoughts="parts",
    shown_for=("thinkingConfig", "includeThoughts"),
    usage={
        "promptTokenCount": PROMPT,
        "cachedContentTokenCount": READ,
        "candidatesTokenCount": OUTPUT - THOUGHT,
        "thoughtsTokenCount": THOUGHT,
        "totalTokenCount": PROMPT + OUTPUT,
    },
    counted=_COUNTED_READ,
    limited=GEMINI_LIMIT,
    faults=(
        _fault(
            "a wrong key",
            400,
            _google(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT")[0],
            ModelUnauthorized,
            "API key not valid",
        ),
        _fault(
            "overloaded",
            503,
            _google(503, "The model is overloaded. Please try again later.", "UNAVAILABLE")[0],
            ModelUnavailable,
            "overloaded",
        ),
        _fault(
            "no such model",
            404,
            _google(404, "models/gemini-0 is not found for API version v1beta", "NOT_FOUND")[0],
            ModelRejected,
            "is not found",
        ),
    ),
)

_FILTER_RESULT = {"hate": {"filtered": False, "severity": "safe"}, "violence": {"filtered": True, "severity": "medium"}}
AZURE = Server(
    name="Azure OpenAI",
    model="gpt-5-mini",
    sources={
        "the first event, and what a filter says": (
            "https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter"
        ),
        "a filtered prompt": "https://github.com/openai/openai-dotnet/issues/55",
        "rate limits": "https://learn.microsoft.com/azure/ai-foundry/openai/quotas-limits",
    },
    refuses=_REASONING_MODEL,
    usage=_CACHED,
    counted=_COUNTED_READ,
    first=(
        'data: {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": '
        '[{"prompt_index": 0, "content_filter_results": {}}]}\n\n',
    ),
    limited=_fault(
        "rate limit",
        429,
        {"error": {"code": "429", "message": "Requests have exceeded the token rate limit. Retry after 22 seconds."}},
        ModelRateLimited,
        "exceeded the token rate limit",
        headers={"retry-after": "22", "x-ms-region": "Sweden Central"},
        wait=22.0,
    ),
    faults=(
        _fault(
            "a filtered prompt",
            400,
            {
                "error": {
                    "message": "The response was filtered due to the prompt triggering Azure OpenAI's content "
                    "management policy. Please modify your prompt and retry.",
                    "type": None,
                    "param": "prompt",
                    "code": "content_filter",
                    "status": 400,
                    "innererror": {
                        "code": "ResponsibleAIPolicyViolation",
                        "content_filter_result": _FILTER_RESULT,
                    },
                }
            },
            ModelRejected,
            "content_filter",
        ),
        _fault(
            "a wrong key",
            401,
            {
                "error": {
                    "code": "401",
                    "message": "Access denied due to invalid subscription key or wrong API endpoint.",
                }
            },
            ModelUnauthorized,
            "Access denied",
        ),
        _fault(
            "no such deployment",
            404,
            {
                "error": {
                    "code": "DeploymentNotFound",
                    "message": "The API deployment for this resource does not exist.",
                }
            },
            ModelRejected,
            "DeploymentNotFound",
        ),
    ),
)

VLLM = Server(
    name="vLLM",
    model="Qwen/Qwen3-32B",
    sources={
        "the reasoning parser": "https://docs.vllm.ai/en/latest/features/reasoning_outputs.html",
        "errors": "https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/openai/protocol.py",
    },
    thoughts="`reasoning`",
    usage={**_PLAIN, "prompt_tokens_details": None},
    counted=_COUNTED,
    limited="none: requests wait in the server's queue",
    faults=(
        _fault(
            "too long a prompt, older releases",
            400,
            {
                "object": "error",
                "message": "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
                "type": "BadRequestError",
                "param": None,
                "code": 400,
            },
            ModelRejected,
            "maximum context length",
        ),
        _fault(
            "no such model",
            404,
            {
                "error": {
                    "message": "The model `x` does not exist.",
                    "type": "NotFoundError",
                    "param": None,
                    "code": 404,
                }
            },
            ModelRejected,
            "does not exist",
        ),
        _fault("a wrong key", 401, {"error": "Unauthorized"}, ModelUnauthorized, "Unauthorized"),
        _fault(
            "a failure in the stream",
            200,
            {
                "error": {
                    "object": "error",
                    "message": "EngineCore encountered an issue.",
                    "type": "InternalServerError",
                    "code": 500,
                }
            },
            ModelUnavailable,
            "EngineCore",
            inside=True,
        ),
    ),
)

LLAMACPP = Server(
    name="llama.cpp server",
    model="smollm2",
    sources={"the API": "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md"},
    thoughts="`reasoning_content`",
    usage={**_PLAIN, "prompt_tokens_details": {"cached_tokens": READ}},
    counted=_COUNTED_READ,
    limited="none: requests wait for a slot",
    faults=(
        _fault(
            "a wrong key",
            401,
            {"error": {"code": 401, "message": "Invalid API Key", "type": "authentication_error"}},
            ModelUnauthorized,
            "Invalid API Key",
        ),
        _fault(
            "still loading",
            503,
            {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
            ModelUnavailable,
            "Loading model",
        ),
        _fault(
            "too long a prompt",
            400,
            {
                "error": {
                    "code": 400,
                    "message": "the request exceeds the available context size, try increasing it",
                    "type": "exceed_context_size_error",
                    "n_prompt_tokens": 9000,
                    "n_ctx": 8192,
                }
            },
            ModelRejected,
            "exceeds the available context size",
        ),
    ),
)

OLLAMA = Server(
    name="Ollama",
    model="qwen3:8b",
    sources={
        "the API": "https://docs.ollama.com/api/openai-compatibility",
        "no tokens for a cached prompt": "https://github.com/ollama/ollama/issues/5370",
        "errors": "https://github.com/ollama/ollama/blob/main/openai/openai.go",
    },
    calls="whole",
    thoughts="`reasoning`",
    usage={"prompt_tokens": 0, "completion_tokens": OUTPUT, "total_tokens": OUTPUT},
    counted=Usage(),
    limited=_fault(
        "too many requests",
        503,
        {"error": "server busy, please try again.  maximum pending requests exceeded"},
        ModelUnavailable,
        "server busy",
    ),
    faults=(
        _fault(
            "no such model",
            404,
            _error('model "x" not found, try pulling it first', kind="api_error"),
            ModelRejected,
            "not found, try pulling",
        ),
        _fault(
            "plain text",
            500,
            {"error": "llama runner process has terminated: exit status 2"},
            ModelUnavailable,
            "llama runner",
        ),
        _fault(
            "a failure in the stream",
            200,
            {"error": "an error was encountered while running the model: unexpected EOF"},
            ModelUnavailable,
            "unexpected EOF",
            inside=True,
        ),
    ),
)

LM_STUDIO = Server(
    name="LM Studio",
    model="qwen3-8b",
    sources={
        "the API": "https://lmstudio.ai/docs/developer/openai-compat",
        "no model loaded": "https://github.com/lmstudio-ai/lms/issues/107",
    },
    thoughts="`<think>` tags",
    usage={**_PLAIN, "completion_tokens_details": {"reasoning_tokens": THOUGHT}},
    counted=_COUNTED,
    limited="none: requests wait in the server's queue",
    faults=(
        _fault(
            "no model loaded",
            404,
            _error("No models loaded. Please load a model in the developer page or use the `lms load` command."),
            ModelRejected,
            "No models loaded",
        ),
        _fault("plain text", 400, {"error": "Invalid type for 'messages'."}, ModelRejected, "Invalid type"),
        _fault(
            "a failure in the stream",
            200,
            'event: error\ndata: {"error": {"message": "The model has crashed without additional information."}}\n\n',
            ModelUnavailable,
            "crashed",
            inside=True,
        ),
    ),
)

OPENROUTER = Server(
    name="OpenRouter",
    model="qwen/qwen3-32b",
    sources={
        "comments in streams": "https://openrouter.ai/docs/api-reference/streaming",
        "errors": "https://openrouter.ai/docs/api/reference/errors-and-debugging",
        "reasoning": "https://openrouter.ai/docs/use-cases/reasoning-tokens",
        "usage": "https://openrouter.ai/docs/use-cases/usage-accounting",
    },
    wants_back="reasoning_details",
    thoughts="`reasoning_details`",
    usage={
        **_PLAIN,
        "prompt_tokens_details": {"cached_tokens": READ, "cache_write_tokens": WRITTEN},
        "completion_tokens_details": {"reasoning_tokens": THOUGHT},
        "cost": 0.001,
    },
    counted=_COUNTED_ALL,
    first=(": OPENROUTER PROCESSING\n\n", ": OPENROUTER PROCESSING\n\n"),
    limited=_fault(
        "rate limit",
        429,
        {"error": {"code": 429, "message": "Provider returned error", "metadata": {"raw": "temporarily limited"}}},
        ModelRateLimited,
        "Provider returned error",
        headers={"Retry-After": "5"},
        wait=5.0,
    ),
    faults=(
        _fault(
            "no credit",
            402,
            {"error": {"code": 402, "message": "Insufficient credits. Add more to continue."}},
            ModelQuotaSpent,
            "Insufficient credits",
        ),
        _fault(
            "an error under status 200",
            200,
            {"error": {"code": 502, "message": "Provider disconnected"}, "user_id": "u"},
            ModelUnavailable,
            "Provider disconnected",
        ),
        _fault(
            "an error beside a cut choice",
            200,
            {
                "id": "1",
                "error": {"code": 429, "message": "Rate limit exceeded upstream"},
                "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
            },
            ModelRateLimited,
            "upstream",
            inside=True,
        ),
    ),
)

DEEPSEEK = Server(
    name="DeepSeek",
    model="deepseek-reasoner",
    sources={
        "reasoning": "https://api-docs.deepseek.com/guides/reasoning_model",
        "reasoning that goes back with tools": "https://api-docs.deepseek.com/guides/thinking_mode",
        "no JSON schema": "https://github.com/ItzCrazyKns/Vane/issues/969",
        "usage, and why replies end": "https://api-docs.deepseek.com/api/create-chat-completion",
        "comments in streams": "https://api-docs.deepseek.com/quick_start/rate_limit",
        "errors": "https://api-docs.deepseek.com/quick_start/error_codes",
    },
    schema="refused",
    refuses={
        "response_format": Wire(
            400, _error("This response_format type is unavailable now", code="invalid_request_error")
        )
    },
    blind=Wire(
        400,
        _error(
            "Failed to deserialize the JSON body into the target type: messages[0]: unknown variant `image_url`, "
            "expected `text`"
        ),
    ),
    wants_back="reasoning_content",
    thoughts="`reasoning_content`",
    usage={**_PLAIN, "prompt_cache_hit_tokens": READ, "prompt_cache_miss_tokens": PROMPT - READ},
    counted=_COUNTED_READ,
    first=(": keep-alive\n\n",),
    limited=_fault(
        "rate limit",
        429,
        _error("You are sending requests too quickly.", kind="rate_limit_error"),
        ModelRateLimited,
        "too quickly",
    ),
    faults=(
        _fault(
            "no credit",
            402,
            _error("Insufficient Balance", kind="unknown_error", code="invalid_request_error"),
            ModelQuotaSpent,
            "Insufficient Balance",
        ),
        _fault(
            "interrupted for want of machines",
            200,
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "insufficient_system_resource"}]},
            ModelUnavailable,
            "insufficient_system_resource",
            inside=True,
        ),
    ),
)

MISTRAL = Server(
    name="Mistral",
    model="magistral-medium-latest",
    sources={
        "reasoning in parts": "https://docs.mistral.ai/capabilities/reasoning/",
        "the API": "https://docs.mistral.ai/api/",
    },
    refuses={
        "seed": Wire(
            422,
            {
                "object": "error",
                "message": {
                    "detail": [
                        {
                            "type": "extra_forbidden",
                            "loc": ["body", "seed"],
                            "msg": "Extra inputs are not permitted",
                            "input": 3,
                        }
                    ]
                },
                "type": "invalid_request_error",
                "param": None,
                "code": None,
            },
        )
    },
    calls="whole",
    thoughts="parts of the content",
    finish={"length": "model_length"},
    usage=_PLAIN,
    counted=_COUNTED,
    usage_in="the finishing chunk",
    limited=_fault(
        "rate limit",
        429,
        {"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "param": None, "code": "1300"},
        ModelRateLimited,
        "Rate limit exceeded",
    ),
    faults=(
        _fault("a wrong key", 401, {"detail": "Unauthorized"}, ModelUnauthorized, "Unauthorized"),
        _fault(
            "a list of details",
            422,
            {"detail": [{"type": "missing", "loc": ["body", "messages"], "msg": "Field required", "input": {}}]},
            ModelRejected,
            "Field required",
        ),
        _fault(
            "no such model",
            400,
            {
                "object": "error",
                "message": "Invalid model: x",
                "type": "invalid_model",
                "param": None,
                "code": "1500",
            },
            ModelRejected,
            "Invalid model",
        ),
    ),
)

GROQ = Server(
    name="Groq",
    model="qwen/qwen3-32b",
    sources={
        "reasoning": "https://console.groq.com/docs/reasoning",
        "rate limits": "https://console.groq.com/docs/rate-limits",
        "errors": "https://console.groq.com/docs/errors",
        "usage in streams": "https://github.com/vercel/ai/issues/1651",
    },
    thoughts="`reasoning`",
    usage={**_CACHED, "queue_time": 0.01, "total_time": 0.2},
    counted=_COUNTED_READ,
    usage_in="`x_groq`",
    limited=_fault(
        "rate limit",
        429,
        _error(
            "Rate limit reached for model qwen/qwen3-32b on tokens per minute (TPM): Limit 6000, Used 5800, "
            "Requested 900. Please try again in 7s.",
            kind="tokens",
            code="rate_limit_exceeded",
        ),
        ModelRateLimited,
        "Rate limit reached",
        headers={"retry-after": "7", "x-ratelimit-reset-tokens": "7s"},
        wait=7.0,
    ),
    faults=(
        _fault(
            "a wrong key",
            401,
            _error("Invalid API Key", code="invalid_api_key"),
            ModelUnauthorized,
            "Invalid API Key",
        ),
        _fault(
            "larger than a minute's tokens",
            413,
            _error(
                "Request too large for model on tokens per minute (TPM): Limit 6000, Requested 9000, please reduce "
                "your message size and try again.",
                kind="tokens",
                code="rate_limit_exceeded",
            ),
            ModelRejected,
            "Request too large",
        ),
        _fault(
            "no room in the flex tier",
            498,
            _error("Flex tier capacity exceeded", kind="internal_server_error", code="capacity_exceeded"),
            ModelUnavailable,
            "capacity exceeded",
        ),
    ),
)

TOGETHER = Server(
    name="Together",
    model="deepseek-ai/DeepSeek-R1",
    sources={
        "reasoning": "https://docs.together.ai/docs/reasoning-overview",
        "errors": "https://docs.together.ai/docs/error-codes",
        "rate limits": "https://docs.together.ai/docs/rate-limits",
    },
    thoughts="`<think>` tags",
    usage=_PLAIN,
    counted=_COUNTED,
    usage_in="the finishing chunk",
    limited=_fault(
        "rate limit",
        429,
        {
            "id": "o1",
            "error": {
                "message": "You have reached the rate limit specific to this model.",
                "type": "model_rate_limit",
                "param": None,
                "code": None,
            },
        },
        ModelRateLimited,
        "reached the rate limit",
        headers={"retry-after": "4", "x-ratelimit-reset": "4"},
        wait=4.0,
    ),
    faults=(
        _fault(
            "a wrong key",
            401,
            {"id": "o1", "error": {"message": "Invalid API key provided.", "type": "invalid_request_error"}},
            ModelUnauthorized,
            "Invalid API key",
        ),
        _fault(
            "overloaded",
            503,
            {"id": "o1", "error": {"message": "The server is overloaded or not ready yet.", "type": "overloaded"}},
            ModelUnavailable,
            "overloaded",
        ),
        _fault(
            "no credit",
            402,
            {"id": "o1", "error": {"message": "Credit limit exceeded.", "type": "credit_limit", "code": None}},
            ModelQuotaSpent,
            "Credit limit exceeded",
        ),
    ),
)

SERVERS = (
    OPENAI,
    RESPONSES,
    AZURE,
    CLAUDE,
    CLAUDE_COMPATIBLE,
    GEMINI,
    GEMINI_COMPATIBLE,
    OPENROUTER,
    DEEPSEEK,
    MISTRAL,
    GROQ,
    TOGETHER,
    VLLM,
    LLAMACPP,
    OLLAMA,
    LM_STUDIO,
)
