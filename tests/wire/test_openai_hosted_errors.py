"""What OpenAI, Azure, OpenRouter and others answer when something is wrong, and what is said of it.

The bodies are those that the servers send, as their users report them; the comment before each
group says where they were seen. All go over the wire: a server on loopback answers with them.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.wire.known_errors import Answer, check, invalid, openai_error, verdict_on
from tests.wire.openai_calls import clean_environment


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_environment(monkeypatch)


TPM = "in organization org-x on tokens per min (TPM): Limit 30000"
REFUSED_MAX_TOKENS = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. "
    "Use 'max_completion_tokens' instead."
)
SCHEMA = (
    "Invalid schema for response_format 'answer': In context=(), 'additionalProperties' is "
    "required to be supplied and to be false."
)

# Source: OpenAI's guide "Error codes"; community reports of each, 2023 to 2026.
OPENAI = [
    Answer(
        "OpenAI", 400, invalid(REFUSED_MAX_TOKENS, "max_tokens", "unsupported_parameter"),
        "fatal", "URL refuses the parameter 'max_tokens' (400): Unsupported parameter: "
        "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead; "
        "set the model's option reasoning to true",
    ),
    Answer(
        "OpenAI", 400,
        invalid(
            "Unsupported value: 'temperature' does not support 0.2 with this model. Only the "
            "default (1) value is supported.", "temperature", "unsupported_value",
        ),
        "fatal", "set temperature to null in the stage, or the model's option reasoning to true",
    ),
    Answer(
        "OpenAI", 400,
        invalid(
            "Unsupported value: 'minimal' is not supported with the 'gpt-5.1' model. Supported "
            "values are: 'none', 'low', 'medium', and 'high'.",
            "reasoning_effort", "unsupported_value",
        ),
        "fatal", "leave the model's option reasoning_effort out",
    ),
    Answer(
        "OpenAI", 400,
        invalid(
            "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
            "messages[0].role", "unsupported_value",
        ),
        "fatal", "write the system text into the user's prompt",
    ),
    Answer(
        "OpenAI", 400, invalid("Unrecognized request argument supplied: top_k"),
        "fatal", "URL refuses the parameter 'top_k' (400): Unrecognized request argument "
        "supplied: top_k; take it out of the model's option extra_body",
    ),
    Answer(
        "OpenAI", 400, invalid(SCHEMA, "response_format"),
        "fatal", "choose an answer format without a schema in the stage",
    ),
    Answer(
        "OpenAI", 400,
        invalid(
            "max_tokens is too large: 100000. This model supports at most 16384 completion "
            "tokens, whereas you provided 100000.", "max_tokens",
        ),
        "never", "URL rejects the value of 'max_tokens' (400): max_tokens is too large: 100000.",
    ),
    Answer(
        "OpenAI", 400,
        invalid(
            "This model's maximum context length is 128000 tokens. However, your messages "
            "resulted in 204308 tokens. Please reduce the length of the messages.",
            "messages", "context_length_exceeded",
        ),
        "never", "the call is too long for 'some-model' (400): This model's maximum",
    ),
    Answer(
        "OpenAI", 400,
        invalid("Invalid content type. image_url is only supported by certain models.",
                "messages.[0].content.[1].type"),
        "fatal", "'some-model' at URL takes no pictures (400): Invalid content type. image_url is "
        "only supported by certain models; choose a model that does",
    ),
    Answer(
        "OpenAI", 400,
        invalid(
            "You uploaded an unsupported image. Please make sure your image has of one the "
            "following formats: ['png', 'jpeg', 'gif', 'webp'].", None, "invalid_image_format",
        ),
        "never", "URL cannot read a picture of this call (400): You uploaded an unsupported image",
    ),
    Answer(
        "OpenAI", 404,
        invalid("The model `some-model` does not exist or you do not have access to it.",
                None, "model_not_found"),
        "fatal", "no model 'some-model' at URL (404): The model `some-model` does not exist or "
        "you do not have access to it; check model and base_url",
    ),
    Answer(
        "OpenAI", 403,
        invalid("Project `proj_x` does not have access to model `some-model`",
                None, "model_not_found"),
        "fatal", "no model 'some-model' at URL (403): Project `proj_x` does not have access",
    ),
    Answer(
        "OpenAI", 429,
        openai_error(f"Rate limit reached for gpt-4o {TPM}, Used 29937, Requested 385. Please try "
                     "again in 644ms.", "tokens", None, "rate_limit_exceeded"),
        "slow_down", "rate limit (429)", after_s=0.644,
    ),
    Answer(
        "OpenAI", 429,
        openai_error("Rate limit reached for gpt-4o in organization org-x on requests per day "
                     "(RPD): Limit 200, Used 200, Requested 1. Please try again in 7m12s.",
                     "requests", None, "rate_limit_exceeded"),
        "slow_down", "rate limit of the day (429)", after_s=432.0,
    ),
    Answer(
        "OpenAI", 429,
        openai_error(f"Request too large for gpt-4o {TPM}, Requested 36278. The input or output "
                     "tokens must be reduced in order to run successfully.",
                     "tokens", None, "rate_limit_exceeded"),
        "never", "one call needs more tokens than the account may use in a minute (429): Request "
        "too large for gpt-4o",
    ),
    Answer(
        "OpenAI", 429,
        openai_error("You exceeded your current quota, please check your plan and billing "
                     "details.", "insufficient_quota", None, "insufficient_quota"),
        "fatal", "the account has no credit left (429): You exceeded your current quota",
    ),
]  # fmt: skip

# Source: Microsoft's guides "Azure OpenAI quotas and limits" and "Content filtering"; issues
# openai/openai-node#1108, vanderschaarlab/climb#1, openai/openai-dotnet#838.
AZURE = [
    Answer(
        "Azure", 404,
        {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource "
         "does not exist. If you created the deployment within the last 5 minutes, please wait a "
         "moment and try again."}},
        "fatal", "no model 'some-model' at URL (404): The API deployment for this resource",
    ),
    Answer(
        "Azure", 401,
        {"error": {"code": "401", "message": "Access denied due to invalid subscription key or "
         "wrong API endpoint. Make sure to provide a valid key for an active subscription and use "
         "a correct regional API endpoint for your resource."}},
        "fatal", "URL does not know the key in OPENAI_API_KEY (401): Access denied due to",
    ),
    Answer(
        "Azure", 429,
        {"error": {"code": "429", "message": "Requests to the ChatCompletions_Create Operation "
         "under Azure OpenAI API version 2024-02-15-preview have exceeded token rate limit of "
         "your current OpenAI S0 pricing tier. Please retry after 33 seconds. Please go here: "
         "https://aka.ms/oai/quotaincrease if you would like to further increase the default "
         "rate limit."}},
        "slow_down", "rate limit (429)", after_s=33.0,
    ),
    Answer(
        "Azure", 429,
        {"error": {"code": "429", "message": "Requests to the ChatCompletions_Create Operation "
         "have exceeded token rate limit. Please retry after 86400 seconds."}},
        "slow_down", "rate limit (429)", after_s=3600.0,  # asked about once an hour
    ),
    Answer(
        "Azure", 400,
        {"error": {"message": "The response was filtered due to the prompt triggering Azure "
         "OpenAI's content management policy.", "type": None, "param": "prompt",
         "code": "content_filter", "status": 400,
         "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
        "never", "content policy (400): The response was filtered", outcome="filtered",
    ),
]  # fmt: skip


def from_openrouter(message: str, code: int, **metadata: Any) -> dict[str, Any]:
    error = {"message": message, "code": code, "metadata": metadata}
    return {"error": error, "user_id": "user_x"}


# Source: issues openclaw/openclaw#99079, Gitlawb/openclaude#936, astrio-labs/forall#76,
# dottxt-ai/outlines#1666, moeru-ai/xsai#202; OpenRouter's guides "Errors" and "Limits".
OPENROUTER = [
    Answer(
        "OpenRouter", 404,
        {"error": {"message": "No endpoints found that support image input", "code": 404}},
        "fatal", "'some-model' at URL takes no pictures (404): No endpoints found that support",
    ),
    Answer(
        "OpenRouter", 400,
        {"error": {"message": "some-model is not a valid model ID", "code": 400}},
        "fatal", "no model 'some-model' at URL (400): some-model is not a valid model ID",
    ),
    Answer(
        "OpenRouter", 402,
        from_openrouter(
            "This request requires more credits, or fewer max_tokens. You requested up to 64000 "
            "tokens, but can only afford 2666.", 402, provider_name=None,
        ),
        "fatal", "the account has no credit left (402): This request requires more credits",
    ),
    Answer(
        "OpenRouter", 400,
        from_openrouter("Provider returned error", 400, provider_name="OpenAI",
                        raw=orjson.dumps(invalid(SCHEMA, "response_format")).decode()),
        "fatal", "URL refuses the parameter 'response_format' (400): Invalid schema for",
    ),
    Answer(
        "OpenRouter", 429,
        from_openrouter("Provider returned error", 429, provider_name="Chutes",
                        raw="qwen/qwen2.5-vl is temporarily rate-limited upstream; please retry "
                        "shortly."),
        "slow_down", "rate limit (429)",
    ),
    Answer(
        "OpenRouter", 429,
        from_openrouter(
            "Rate limit exceeded: free-models-per-min", 429, provider_name=None,
            headers={"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0",
                     "X-RateLimit-Reset": "1746403230000"},
        ),
        "slow_down", "rate limit (429)", after_s=30.0,
        headers={"date": "Mon, 05 May 2025 00:00:00 GMT"},
    ),
    Answer(
        "OpenRouter", 403,
        from_openrouter("some-model requires moderation on OpenAI. Your input was flagged for "
                        '"violence". No credits were charged.', 403, reasons=["violence"]),
        "never", "content policy (403): some-model requires moderation", outcome="filtered",
    ),
    Answer(
        "OpenRouter", 200, {"error": {"message": "Provider returned error", "code": 502}},
        "again", "server error (502)",
    ),
    Answer(
        "OpenRouter", 401, {"error": {"message": "No auth credentials found", "code": 401}},
        "fatal", "URL does not know the key in OPENAI_API_KEY (401): No auth credentials found",
    ),
]  # fmt: skip

# Source: issues n4ze3m/page-assist#406, BerriAI/litellm#3923, kaiko-ai/eva#895,
# langchain-ai/langchain-azure#82; Mistral's and Hugging Face's answers as users quote them.
OTHERS = [
    Answer(
        "Gemini", 429,
        [{"error": {"code": 429, "message": "Resource has been exhausted (e.g. check quota).",
          "status": "RESOURCE_EXHAUSTED", "details": [
              {"@type": "type.googleapis.com/google.rpc.Help"},
              {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "12.5s"}]}}],
        "slow_down", "rate limit (429)", after_s=12.5,
    ),
    Answer(
        "LiteLLM", 400,
        openai_error(
            "litellm.UnsupportedParamsError: anthropic does not support parameters: ['seed'], for "
            "model=claude-3-7-sonnet-20250219. To drop these, set `litellm.drop_params=True`",
            "None", "None", "400",
        ),
        "fatal", "URL refuses the parameter 'seed' (400): litellm.UnsupportedParamsError",
    ),
    Answer(
        "LiteLLM", 500,
        openai_error("ollama does not support parameters: {'seed': 1}, for model=llama3:latest. "
                     "To drop these, set `litellm.drop_params=True`", "", None, 500),
        "fatal", "set seed to null in the stage",
    ),
    Answer(
        "Mistral", 422,
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"],
                     "msg": "Extra inputs are not permitted", "input": 123}]},
        "fatal", "set seed to null in the stage",
    ),
    Answer(
        "Mistral", 429, {"object": "error", "message": "Rate limit exceeded", "type": "rate"},
        "fatal", "URL allows this account no call of 'some-model' (429): Rate limit exceeded",
        headers={"x_ratelimit_limit_req_minute": "0"},
    ),
    Answer(
        "DeepSeek", 422,
        invalid("Failed to deserialize the JSON body into the target type: messages[1]: unknown "
                "variant `image_url`, expected `text` at line 1 column 746109"),
        "fatal", "'some-model' at URL takes no pictures (422): Failed to deserialize",
    ),
    Answer(
        "DeepSeek", 402, openai_error("Insufficient Balance", "unknown_error", None, "invalid"),
        "fatal", "the account has no credit left (402): Insufficient Balance",
    ),
    Answer(
        "Groq", 400, invalid("'messages.1.content' must be a string"),
        "fatal", "'some-model' at URL takes no pictures (400): 'messages.1.content' must be",
    ),
    Answer(
        "Hugging Face", 503,
        {"error": "Model Qwen/Qwen2-VL-7B is currently loading", "estimated_time": 20.0},
        "again", "the model at URL is still being loaded (503): Model Qwen/Qwen2-VL-7B",
        after_s=20.0,
    ),
    Answer(
        "TGI", 422,
        {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. "
         "Given: 5000 `inputs` tokens and 100 `max_new_tokens`", "error_type": "validation"},
        "never", "the call is too long for 'some-model' (422): Input validation error",
    ),
    Answer(
        "nginx", 413, "<html><head><title>413 Request Entity Too Large</title></head></html>",
        "never", "the call is too long for 'some-model' (413): 413 Request Entity Too Large",
    ),
    Answer(
        "Cloudflare", 524, "error code: 524", "again", "server error (524)", paid="perhaps",
    ),
    Answer(
        "FastAPI", 404, {"detail": "Not Found"},
        "fatal", "no model 'some-model' at URL (404): Not Found; check model and base_url",
    ),
    Answer(
        "anyone", 400, {"error": {"message": "It is Tuesday", "code": 40303}},
        "never", "rejected (400, 40303): It is Tuesday",
    ),
    Answer(
        "anyone", 200, {"error": "overloaded"}, "again",
        "no answer in the reply, but an error: overloaded", paid="perhaps",
    ),
]  # fmt: skip

HOSTED = [*OPENAI, *AZURE, *OPENROUTER, *OTHERS]


@pytest.mark.parametrize("answer", HOSTED, ids=str)
async def test_errors_of_hosted_models(answer: Answer) -> None:
    await check(answer)


async def test_an_address_without_its_path_is_pointed_out() -> None:
    retry, url = await verdict_on(Answer("FastAPI", 404, {"detail": "Not Found"}, "", ""), "")
    assert retry.reason == (
        f"no model 'some-model' at {url} (404): Not Found; check model and base_url; "
        "on most servers it ends in /v1"
    )


def test_nothing_that_waiting_cannot_mend_is_tried_again() -> None:
    """The table holds every kind, and repeats are for what passes: load, loading and limits."""
    assert {answer.action for answer in HOSTED} == {"again", "slow_down", "never", "fatal"}
    assert {a.status for a in HOSTED if a.action == "again"} == {200, 503, 524}
    assert {a.status for a in HOSTED if a.action == "slow_down"} == {429}
