"""What vLLM, SGLang, llama.cpp, Ollama and LM Studio answer when something is wrong.

The bodies are those that the servers send, as their users report them; the comment before each
group says where they were seen. All go over the wire: a server on loopback answers with them.
"""

from __future__ import annotations

import pytest

from tests.wire.known_errors import Answer, check, invalid, openai_error, vllm_error
from tests.wire.openai_calls import clean_environment


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_environment(monkeypatch)


# Source: issues vllm-project/vllm#20409, #13513, #4667, #19144, THUDM/LongBench#104;
# sgl-project/sglang#4048, QwenLM/Qwen3#1321.
VLLM_AND_SGLANG = [
    Answer(
        "vLLM", 400,
        vllm_error(
            "This model's maximum context length is 16384 tokens. However, you requested 122946 "
            "tokens (112946 in the messages, 10000 in the completion). Please reduce the length "
            "of the messages or completion."
        ),
        "never", "the call is too long for 'some-model' (400): This model's maximum context",
    ),
    Answer(
        "vLLM", 400, vllm_error("max_tokens must be at least 1, got -186."),
        "never", "URL rejects the value of 'max_tokens' (400): max_tokens must be at least 1",
    ),
    Answer(
        "vLLM", 400, vllm_error("At most 1 image(s) may be provided in one request."),
        "never", "too many pictures in one call for URL (400): At most 1 image(s) may be provided "
        "in one request; send fewer, or raise the server's limit (vLLM: --limit-mm-per-prompt)",
    ),
    Answer(
        "vLLM", 400, {"error": vllm_error("Qwen/Qwen3-8B is not a multimodal model")},
        "fatal", "'some-model' at URL takes no pictures (400): Qwen/Qwen3-8B is not a multimodal",
    ),
    Answer(
        "vLLM", 500, vllm_error("Qwen3-8B is not a multimodal model", "InternalServerError", 500),
        "fatal", "'some-model' at URL takes no pictures (500): Qwen3-8B is not a multimodal model",
    ),
    Answer(
        "vLLM", 404,
        {"error": vllm_error("The model `some-model` does not exist.", "NotFoundError", 404)},
        "fatal", "no model 'some-model' at URL (404): The model `some-model` does not exist;",
    ),
    Answer(
        "vLLM", 400,
        vllm_error("[{'type': 'extra_forbidden', 'loc': ('body', 'seed'), 'msg': 'Extra inputs "
                   "are not permitted', 'input': 7}]"),
        "fatal", "set seed to null in the stage",
    ),
    Answer(
        "vLLM", 400, vllm_error("temperature must be non-negative, got -1.0."),
        "never", "URL rejects the value of 'temperature' (400): temperature must be non-negative",
    ),
    Answer(
        "vLLM", 400, vllm_error("cannot identify image file <_io.BytesIO object at 0x7f>"),
        "never", "URL cannot read a picture of this call (400): cannot identify image file",
    ),
    Answer(
        "vLLM", 500,
        vllm_error("Failed to process image: CUDA out of memory", "InternalServerError", 500),
        "again", "server error (500)",
    ),
    Answer("vLLM", 401, {"error": "Unauthorized"}, "fatal", "(401): Unauthorized"),
    Answer(
        "SGLang", 400,
        vllm_error("The input (61709 tokens) is longer than the model's context length (40960 "
                   "tokens)."),
        "never", "the call is too long for 'some-model' (400): The input (61709 tokens) is longer",
    ),
    Answer(
        "SGLang", 400,
        vllm_error("Input length (160062 tokens) exceeds the maximum allowed length (59862 "
                   "tokens)."),
        "never", "the call is too long for 'some-model' (400): Input length (160062 tokens)",
    ),
]  # fmt: skip

# Source: issues ggml-org/llama.cpp#13566, #12947, #15377, pull request #15780;
# mostlygeek/llama-swap#146; netease-youdao/QAnything#555, ollama/ollama#17301,
# danny-avila/LibreChat#2494, ollama's server/sched.go; lmstudio-ai/lmstudio-bug-tracker#908,
# #237, #266, Gitlawb/openclaude#353.
ON_THE_DESK = [
    Answer(
        "llama.cpp", 503,
        {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
        "again", "the model at URL is still being loaded (503): Loading model", after_s=30.0,
    ),
    Answer(
        "llama.cpp", 500,
        {"error": {"code": 500, "message": "image input is not supported - hint: if this is "
         "unexpected, you may need to provide the mmproj", "type": "server_error"}},
        "fatal", "choose a model that does, or give llama.cpp's server its projector (--mmproj)",
    ),
    Answer(
        "llama.cpp", 500,
        {"error": {"code": 500, "message": "Failed to parse messages: Unsupported content part "
         "type: \"image_url\"; messages = [ { \"role\": \"user\"", "type": "server_error"}},
        "fatal", "'some-model' at URL takes no pictures (500): Failed to parse messages",
    ),
    Answer(
        "llama.cpp", 400,
        {"error": {"code": 400, "message": "the request exceeds the available context size, try "
         "increasing it", "type": "exceed_context_size_error", "n_prompt_tokens": 14429,
         "n_ctx": 8192}},
        "never", "the call is too long for 'some-model' (400): the request exceeds the available",
    ),
    Answer(
        "llama.cpp", 400, invalid("Failed to load image or audio file"),
        "never", "URL cannot read a picture of this call (400): Failed to load image or audio file",
    ),
    Answer(
        "Ollama", 404,
        openai_error('model "llava" not found, try pulling it first', "api_error", None, None),
        "fatal", "no model 'some-model' at URL (404): model \"llava\" not found, try pulling it",
    ),
    Answer(
        "Ollama", 400, openai_error("this model does not support image input", "api_error", None,
                                    None),
        "fatal", "'some-model' at URL takes no pictures (400): this model does not support image",
    ),
    Answer(
        "Ollama", 400,
        invalid("json: cannot unmarshal array into Go struct field Message.messages.content of "
                "type string"),
        "fatal", "'some-model' at URL takes no pictures (400): json: cannot unmarshal array",
    ),
    Answer(
        "Ollama", 503,
        openai_error("server busy, please try again.  maximum pending requests exceeded",
                     "api_error", None, None),
        "again", "server error (503)",
    ),
    Answer(
        "LM Studio", 400, {"error": "Model does not support images. Please use a model that does."},
        "fatal", "'some-model' at URL takes no pictures (400): Model does not support images",
    ),
    Answer(
        "LM Studio", 200, {"error": "Model does not support images. Please use a model that does."},
        "fatal", "'some-model' at URL takes no pictures (200): Model does not support images",
    ),
    Answer(
        "LM Studio", 200, {"error": "Unexpected endpoint or method. (POST /chat/completions)"},
        "fatal", "no model 'some-model' at URL (200): Unexpected endpoint or method",
    ),
    Answer(
        "LM Studio", 400,
        {"error": "Trying to keep the first 14538 tokens when context the overflows. However, the "
         "model is loaded with context length of only 2048 tokens, which is not enough."},
        "never", "the call is too long for 'some-model' (400): Trying to keep the first 14538",
    ),
    Answer(
        "LM Studio", 400,
        {"error": "The number of tokens to keep from the initial prompt is greater than the "
         "context length (n_keep: 13055>= n_ctx: 4096)."},
        "never", "the call is too long for 'some-model' (400): The number of tokens to keep",
    ),
    Answer(
        "LM Studio", 404,
        openai_error("No models loaded. Please load a model in the developer page or use the 'lms "
                     "load' command.", "invalid_request_error", "model", "model_not_found"),
        "fatal", "no model 'some-model' at URL (404): No models loaded",
    ),
]  # fmt: skip

LOCAL = [*VLLM_AND_SGLANG, *ON_THE_DESK]


@pytest.mark.parametrize("answer", LOCAL, ids=str)
async def test_errors_of_local_servers(answer: Answer) -> None:
    await check(answer)


def test_only_loading_and_load_are_tried_again() -> None:
    again = {answer.reason for answer in LOCAL if answer.action in ("again", "slow_down")}
    assert again == {
        "the model at URL is still being loaded (503): Loading model",
        "server error (500)",
        "server error (503)",
    }
