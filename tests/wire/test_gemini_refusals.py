"""What Gemini finds wrong with a request, and errors of its servers: never, again, or the end.

The bodies are those that users of the API have reported (named beside them), shortened where they
repeat themselves.
"""

from __future__ import annotations

import pytest

from tests.wire.gemini_answers import RPC, error, quota_failure, retry_info
from tests.wire.gemini_calls import MODEL, clean_environment
from tests.wire.gemini_known_errors import PER_MINUTE, Answer, check


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_environment(monkeypatch)


REQUESTS = [
    # google-gemini/gemini-cli, 4231
    Answer(
        400,
        error(
            400,
            "The input token count (3475108) exceeds the maximum number of tokens allowed "
            "(1048576).",
        ),
        "never",
        f"the call is too long for {MODEL!r} (400): The input token count (3475108) exceeds the "
        "maximum number of tokens allowed (1048576); send fewer or smaller pictures",
    ),
    # google-gemini/deprecated-generative-ai-android, 26
    Answer(
        400,
        error(400, "Request payload size exceeds the limit: 20971520 bytes."),
        "never",
        f"the call is too long for {MODEL!r} (400): Request payload size exceeds the limit",
    ),
    Answer(
        413,
        "<html><title>413</title><p>Content Too Large</html>",
        "never",
        f"the call is too long for {MODEL!r} (413): 413 Content Too Large; send fewer",
    ),
    # google-gemini/gemini-cli, 5064
    Answer(
        400,
        error(
            400,
            "Unable to process input image. Please retry or report in "
            "https://developers.generativeai.google/guide/troubleshooting",
        ),
        "never",
        "URL cannot read a picture of this call (400): Unable to process input image",
    ),
    # AmberSahdev/Open-Interface, 64
    Answer(
        400,
        error(400, "Provided image is not valid"),
        "never",
        "URL cannot read a picture of this call (400): Provided image is not valid",
    ),
    # charmbracelet/crush, 995
    Answer(
        400,
        error(400, "Unsupported MIME type: png"),
        "never",
        "URL cannot read a picture of this call (400): Unsupported MIME type: png",
    ),
    # musistudio/claude-code-router, 845
    Answer(
        400,
        error(
            400,
            "Invalid value at 'contents[0].parts[2].inline_data.data' (TYPE_BYTES), Base64 "
            'decoding failed for "data:image/png;base64"',
        ),
        "never",
        "URL cannot read a picture of this call (400): Invalid value at 'contents[0].parts[2]",
    ),
    # google/generative-ai-docs, 513
    Answer(
        400,
        error(400, "Image input modality is not enabled for models/gemma-3-1b-it"),
        "fatal",
        f"{MODEL!r} takes no pictures (400): Image input modality is not enabled for models/gemma-"
        "3-1b-it; choose a model that does",
    ),
    # simonw/llm-gemini, 118
    Answer(
        400,
        error(400, "Media resolution is not enabled for models/gemma-3-12b-it"),
        "never",
        "URL refuses detail (400): Media resolution is not enabled for models/gemma-3-12b-it; set "
        "detail to null in the stage, or choose a value that the model takes",
    ),
    Answer(
        400,
        error(400, "Developer instruction is not enabled for models/gemma-3-27b-it"),
        "never",
        "URL refuses system text (400): Developer instruction is not enabled for models/gemma-3-"
        "27b-it; use a prompt without system text",
    ),
    Answer(
        400,
        error(400, "JSON mode is not enabled for models/gemma-3-27b-it"),
        "never",
        "URL refuses schema (400): JSON mode is not enabled for models/gemma-3-27b-it; choose an",
    ),
    # googleapis/python-genai, 660
    Answer(
        400,
        error(
            400,
            "The specified schema produces a constraint that has too many states for serving.  "
            "Typical causes of this error are schemas with lots of text",
        ),
        "never",
        "URL refuses schema (400): The specified schema produces a constraint that has too many "
        "states for serving. Typical causes of this error are schemas with lots of text; choose an "
        "answer format without a schema, or with a smaller one, in the stage",
    ),
    # stackblitz-labs/bolt.diy, 955
    Answer(
        400,
        error(
            400,
            "Unable to submit request because it has a maxOutputTokens value of 655360 but the "
            "supported range is from 1 (inclusive) to 8193 (exclusive). Update the value and try "
            "again.",
        ),
        "never",
        "URL refuses max_tokens (400): Unable to submit request because it has a maxOutputTokens "
        "value of 655360 but the supported range is from 1 (inclusive) to 8193 (exclusive). Update "
        "the value and try again; lower max_tokens in the stage",
    ),
    Answer(
        400,
        error(400, "Invalid value at 'generation_config.seed' (TYPE_INT32), 99999999999"),
        "never",
        "URL refuses seed (400): Invalid value at 'generation_config.seed' (TYPE_INT32), "
        "99999999999; set seed to null in the stage, or choose a value that the model takes",
    ),
    Answer(
        400,
        error(400, "Temperature must be in the range [0.0, 2.0]."),
        "never",
        "URL refuses temperature (400): Temperature must be in the range [0.0, 2.0]; set temp",
    ),
    Answer(
        400,
        error(400, "top_p must be in the range [0.0, 1.0]."),
        "never",
        "URL refuses top_p (400): top_p must be in the range [0.0, 1.0]; set top_p to null",
    ),
    Answer(
        400,
        error(400, "Invalid value at 'safety_settings[0].threshold'"),
        "never",
        "URL refuses safety_threshold (400): Invalid value at 'safety_settings[0].threshold'; "
        "leave the model's option safety_threshold out",
    ),
    # RooCodeInc/Roo-Code, 4399
    Answer(
        400,
        error(400, "The thinking budget (52428) is invalid."),
        "fatal",
        f"{MODEL!r} refuses the model's option thinking_budget or thinking_level (400): The "
        "thinking budget (52428) is invalid; change it, or leave it out",
    ),
    # earendil-works/pi, 3460; langgenius/dify-official-plugins, 1500
    Answer(
        400,
        error(400, "Budget 0 is invalid. This model only works in thinking mode."),
        "fatal",
        f"{MODEL!r} refuses the model's option thinking_budget or thinking_level (400): Budget 0",
    ),
    Answer(
        400,
        error(400, "Thinking is not enabled for models/gemini-2.0-flash"),
        "fatal",
        f"{MODEL!r} refuses the model's option thinking_budget or thinking_level (400): Thinking",
    ),
    # fishjar/kiss-translator, 256
    Answer(
        400,
        error(
            400,
            'Invalid JSON payload received. Unknown name "system_instruction": Cannot find field.',
            {"@type": f"{RPC}BadRequest", "fieldViolations": [{"description": "Unknown name"}]},
        ),
        "fatal",
        "URL does not know the field 'system_instruction' (400): Invalid JSON payload received. "
        'Unknown name "system_instruction": Cannot find field; set the model\'s option api_version '
        "to v1beta, or leave out what needs the field",
    ),
    Answer(
        400,
        error(400, "Request contains an invalid argument."),
        "never",
        "rejected (400): Request contains an invalid argument",
    ),
    Answer(
        400,
        error(400, "Precondition check failed.", word="FAILED_PRECONDITION"),
        "never",
        "rejected (400): Precondition check failed",
    ),
    Answer(422, "odd", "never", "rejected (422): odd"),
]

SERVERS = [
    Answer(
        404,
        error(
            404,
            "models/gemini-9 is not found for API version v1, or is not supported for "
            "generateContent. Call ListModels to see the list of available models.",
        ),
        "fatal",
        f"no model {MODEL!r} at URL (404): models/gemini-9 is not found for API version v1, or is "
        "not supported for generateContent. Call ListModels to see the list of available models; "
        "check model, base_url and api_version",
    ),
    Answer(
        503,
        error(503, "The model is overloaded. Please try again later."),
        "again",
        "server error (503)",
    ),
    Answer(503, error(503, "Busy.", retry_info("3s")), "again", "server error (503)", 3.0),
    Answer(
        500,
        error(500, "An internal error has occurred. Please retry."),
        "again",
        "server error (500)",
    ),
    Answer(502, "<html>Bad Gateway</html>", "again", "server error (502)"),
    Answer(529, "", "again", "server error (529)"),
    Answer(
        504,
        error(504, "Deadline expired before operation could complete."),
        "again",
        "server error (504)",
        paid="perhaps",
    ),
    Answer(
        499,
        error(499, "The operation was cancelled."),
        "again",
        "server error (499)",
        paid="perhaps",
    ),
    Answer(524, "error code: 524", "again", "server error (524)", paid="perhaps"),
    Answer(408, error(408, "Timeout."), "again", "status 408"),
    Answer(409, error(409, "Conflict."), "again", "status 409"),
    Answer(501, error(501, "No."), "fatal", "URL takes no calls (501): No; check base_url"),
    Answer(405, "", "fatal", "URL takes no calls (405); check base_url"),
    Answer(
        308,
        "",
        "fatal",
        "URL takes no calls (308) (it points to https://elsewhere.example/); check base_url",
        headers={"location": "https://elsewhere.example/"},
    ),
    # Gateways: an error of the model behind them in a 200 of theirs; Google's in a list.
    Answer(
        200,
        error(429, "Resource has been exhausted", retry_info("2s")),
        "slow_down",
        "rate limit (429)",
        2.0,
    ),
    Answer(
        429,
        b"[" + error(429, "Full.", quota_failure(PER_MINUTE, value="10"), retry_info("2s")) + b"]",
        "slow_down",
        f"rate limit (429): {PER_MINUTE}",
        2.0,
    ),
    Answer(
        200,
        '{"error": "upstream is down"}',
        "again",
        "no answer in the reply: an error in a reply of status 200: upstream is down",
        paid="perhaps",
    ),
]


@pytest.mark.parametrize("answer", REQUESTS + SERVERS, ids=str)
async def test_errors(answer: Answer) -> None:
    await check(answer)
