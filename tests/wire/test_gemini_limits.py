"""Limits, quotas, keys and accounts, in Gemini's words: slow down, or an end with what to do.

The bodies are those that users of the API have reported (named beside them), shortened where they
repeat themselves.
"""

from __future__ import annotations

import orjson
import pytest

from tests.wire.gemini_answers import RPC, error, error_info, quota_failure, retry_info
from tests.wire.gemini_calls import MODEL, clean_environment
from tests.wire.gemini_known_errors import PER_DAY, PER_MINUTE, Answer, check


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_environment(monkeypatch)


QUOTA = (
    "You exceeded your current quota, please check your plan and billing details. For more "
    "information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. "
)
METRIC = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
HELP = {
    "@type": f"{RPC}Help",
    "links": [
        {"description": "Learn more about Gemini API quotas", "url": "https://ai.google.dev"}
    ],
}
TOKENS_PER_MINUTE = "GenerateContentPaidTierInputTokensPerModelPerMinute-PaidTier2"
SERVICE = "generativelanguage.googleapis.com"

LIMITS = [
    # discuss.ai.google.dev, 97746: a limit of tokens a minute
    Answer(
        429,
        error(
            429, QUOTA, quota_failure(TOKENS_PER_MINUTE, value="3000000"), HELP, retry_info("19s")
        ),
        "slow_down",
        f"rate limit (429): {TOKENS_PER_MINUTE}",
        19.0,
    ),
    # googleapis/python-genai, 2044; google-gemini/gemini-cli, 22486: no call of the model at all
    Answer(
        429,
        error(
            429,
            f"{QUOTA}\n* Quota exceeded for metric: {METRIC}, limit: 0, model: gemini-3.1-pro\n"
            "Please retry in 25.465784708s.",
            quota_failure(PER_DAY, PER_MINUTE),
            retry_info("25s"),
        ),
        "fatal",
        f"URL allows this account no call of {MODEL!r} (429): {QUOTA.strip()} * Quota exceeded",
    ),
    Answer(
        429,
        error(429, "Quota exceeded.", quota_failure(PER_MINUTE, value="0"), retry_info("9s")),
        "fatal",
        f"URL allows this account no call of {MODEL!r} (429): Quota exceeded",
    ),
    # voideditor/void, 557: the day's quota, with a wait of seconds
    Answer(
        429,
        error(429, QUOTA, quota_failure(PER_DAY, value="25"), HELP, retry_info("5s")),
        "fatal",
        f"the quota of the day is spent (429): {PER_DAY}, which allows 25; resume after midnight "
        "Pacific time, when it is full again",
    ),
    Answer(
        429,
        error(429, QUOTA, quota_failure(PER_MINUTE, PER_DAY)),
        "fatal",
        f"the quota of the day is spent (429): {PER_DAY}; resume after midnight Pacific time",
    ),
    # google-gemini/gemini-cli, 10513: in words alone
    Answer(
        429,
        error(
            429,
            "Quota exceeded for quota metric 'Gemini 2.5 Pro Requests' and limit 'Gemini 2.5 Pro "
            "Requests per day per user per tier' of service 'cloudcode-pa.googleapis.com'.",
            error_info("RATE_LIMIT_EXCEEDED"),
        ),
        "fatal",
        "the quota of the day is spent (429): Quota exceeded for quota metric 'Gemini 2.5 Pro",
    ),
    # Vertex: google-gemini/gemini-cli, 14811
    Answer(
        429,
        error(
            429,
            "Resource exhausted. Please try again later. Please refer to "
            "https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429 for details.",
        ),
        "slow_down",
        "rate limit (429)",
    ),
    Answer(
        429,
        error(429, "Resource has been exhausted (e.g. check quota)."),
        "slow_down",
        "rate limit (429)",
    ),
    # google-gemini/gemini-cli, 26633
    Answer(
        429,
        error(429, "No capacity available for model", error_info("MODEL_CAPACITY_EXHAUSTED")),
        "slow_down",
        "rate limit (429)",
    ),
    Answer(429, error(429, QUOTA, retry_info("34.074824224s")), "slow_down", "", 34.074824224),
    Answer(429, error(429, QUOTA, retry_info("0.5s")), "slow_down", "rate limit (429)", 0.5),
    Answer(429, error(429, QUOTA, retry_info("soon")), "slow_down", "rate limit (429)"),
    Answer(
        429,
        error(429, f"{QUOTA}Please retry in 12.5s."),
        "slow_down",
        "rate limit (429)",
        12.5,
    ),
    Answer(
        429,
        "<html><body>slow down</body></html>",
        "slow_down",
        "rate limit (429)",
        7.0,
        headers={"retry_after": "7"},
    ),
]

ACCOUNTS = [
    # discuss.ai.google.dev, 170539
    Answer(
        429,
        error(
            429,
            "Your prepayment credits are depleted. Please go to AI Studio at "
            "https://ai.studio/projects to manage your project and billing.",
        ),
        "fatal",
        "the account has no credit left (429): Your prepayment credits are depleted. Please go to",
    ),
    # help.apiyi.com, "ai-studio-monthly-spending-cap-429-solution"
    Answer(
        429,
        error(429, "Your billing account has exceeded its monthly spending cap."),
        "fatal",
        "the account has no credit left (429): Your billing account has exceeded its monthly",
    ),
    Answer(
        402, error(402, "Payment required"), "fatal", "the account has no credit left (402): Pay"
    ),
    # cequence-io/openai-scala-client, 109
    Answer(
        400,
        error(
            400,
            "API key not valid. Please pass a valid API key.",
            error_info("API_KEY_INVALID", service=SERVICE),
        ),
        "fatal",
        "URL does not know the key in GEMINI_API_KEY (400): API key not valid. Please pass a valid",
    ),
    # google-gemini/gemini-cli, 25198
    Answer(
        400,
        error(400, "API Key not found. Please pass a valid API key."),
        "fatal",
        "URL does not know the key in GEMINI_API_KEY (400): API Key not found",
    ),
    Answer(
        400,
        error(400, "API key expired. Please renew the API key.", error_info("API_KEY_INVALID")),
        "fatal",
        "URL does not know the key in GEMINI_API_KEY (400): API key expired. Please renew the API",
    ),
    Answer(
        401,
        error(401, "Request had invalid authentication credentials."),
        "fatal",
        "URL does not know the key in GEMINI_API_KEY (401): Request had invalid authentication",
    ),
    # continuedev/continue, 10513
    Answer(
        403,
        error(403, "Your API key was reported as leaked. Please use another API key."),
        "fatal",
        "URL denies access with the key in GEMINI_API_KEY (403): Your API key was reported as",
    ),
    # continuedev/continue, 12781
    Answer(
        403,
        error(
            403,
            f"Requests to this API {SERVICE} method x are blocked.",
            error_info("API_KEY_SERVICE_BLOCKED", service=SERVICE),
        ),
        "fatal",
        f"URL denies access with the key in GEMINI_API_KEY (403): Requests to this API {SERVICE}",
    ),
    # google-gemini/deprecated-generative-ai-python, 10
    Answer(
        403,
        error(
            403,
            "Generative Language API has not been used in project 411 before or it is disabled. "
            "Enable it by visiting https://console.developers.google.com then retry.",
            error_info("SERVICE_DISABLED"),
        ),
        "fatal",
        "URL denies access with the key in GEMINI_API_KEY (403): Generative Language API has not",
    ),
    Answer(
        403,
        error(
            403, "This API method requires billing to be enabled.", error_info("BILLING_DISABLED")
        ),
        "fatal",
        "the account has no credit left (403): This API method requires billing",
    ),
    # poenl/gemini-api, 4
    Answer(
        400,
        error(
            400,
            "User location is not supported for the API use.",
            word="FAILED_PRECONDITION",
        ),
        "fatal",
        "URL serves no free calls from here (400): User location is not supported for the API use; "
        "enable billing for the project",
    ),
    # Google, troubleshooting guide
    Answer(
        400,
        error(
            400,
            "Gemini API free tier is not available in your country. Please enable billing on your "
            "project in Google AI Studio.",
            word="FAILED_PRECONDITION",
        ),
        "fatal",
        "URL serves no free calls from here (400): Gemini API free tier is not available in your",
    ),
    Answer(
        200,
        orjson.dumps({"candidates": [{"finishReason": "PUP_LIMITED_DISABLED"}]}),
        "fatal",
        "URL has shut the account of the key in GEMINI_API_KEY (403): the account breaks the",
    ),
]


@pytest.mark.parametrize("answer", LIMITS + ACCOUNTS, ids=str)
async def test_errors(answer: Answer) -> None:
    await check(answer)
