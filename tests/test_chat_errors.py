"""What statuses and codes of a chat-completions server mean."""

from __future__ import annotations

from typing import Any

import pytest

from annoengine.chat_errors import classify_status


@pytest.mark.parametrize(
    ("status", "action", "paid"),
    [
        (308, "fatal", "no"),
        (400, "never", "no"),
        (401, "fatal", "no"),
        (402, "fatal", "no"),
        (403, "fatal", "no"),
        (404, "fatal", "no"),
        (405, "fatal", "no"),
        (408, "again", "no"),
        (409, "again", "no"),
        (413, "never", "no"),
        (422, "never", "no"),
        (429, "slow_down", "no"),
        (500, "again", "no"),
        (502, "again", "no"),
        (503, "again", "no"),
        (504, "again", "perhaps"),
        (524, "again", "perhaps"),
        (529, "again", "no"),
    ],
)
def test_statuses(status: int, action: str, paid: str) -> None:
    body = {"error": {"message": "It went wrong.", "type": "", "code": None}}
    retry = classify_status(status, body, {}, "gpt-4o", "http://s/v1", "OPENAI_API_KEY")
    assert (retry.action, retry.paid, retry.after_s, retry.outcome) == (action, paid, None, None)
    if action in ("never", "fatal"):
        assert "It went wrong" in retry.reason


@pytest.mark.parametrize(
    ("status", "error", "action", "outcome"),
    [
        (429, {"code": "insufficient_quota"}, "fatal", None),
        (429, {"type": "insufficient_quota"}, "fatal", None),
        (400, {"code": "billing_hard_limit_reached"}, "fatal", None),
        (400, {"code": "model_not_found"}, "fatal", None),
        (400, {"code": "context_length_exceeded"}, "never", None),
        (400, {"code": "content_policy_violation"}, "never", "filtered"),
        (400, {"code": "content_filter"}, "never", "filtered"),
        (400, {"innererror": {"code": "ResponsibleAIPolicyViolation"}}, "never", "filtered"),
        (400, {"message": "rejected by our safety system"}, "never", "filtered"),
        (403, {"code": "moderation_blocked"}, "never", "filtered"),
    ],
)
def test_codes(status: int, error: dict[str, Any], action: str, outcome: str | None) -> None:
    retry = classify_status(status, {"error": error}, {}, "m", "http://s/v1", "KEY")
    assert (retry.action, retry.outcome) == (action, outcome)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"detail": "Not Found"}, "rejected (422): Not Found"),  # FastAPI
        (
            {"object": "error", "message": "too long.", "code": 40303},  # without the wrapping
            "rejected (422, 40303): too long",
        ),
        (
            {"detail": [{"loc": ["body"], "msg": "bad"}]},
            'rejected (422): [{"loc":["body"],"msg":"bad"}]',
        ),
        ("<html><title>502</title>Bad\n Gateway</html>", "rejected (422): 502 Bad Gateway"),
        ("", "rejected (422)"),
    ],
)
def test_what_servers_say(body: Any, said: str) -> None:
    assert classify_status(422, body, {}, "m", "http://s", "K").reason == said


def test_a_missing_model_is_named_with_its_server() -> None:
    body = {"error": {"message": "The model does not exist"}}
    retry = classify_status(404, body, {}, "gpt-4x", "http://s/v1", "K")
    assert retry.reason == (
        "no model 'gpt-4x' at http://s/v1 (404): The model does not exist; check model and base_url"
    )
