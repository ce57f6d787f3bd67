"""Keys are cut out of every text, in whole and in part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.redaction import without_keys

SECRET = "hunter22hunter22"


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abc_DEF-123.",
        "Incorrect API key provided: sk-proj-****************c123.",
        "Incorrect API key provided: hunter22hunter22.",
        "headers={'Authorization': 'Bearer hunter22hunter22'}",
        "headers={'authorization': 'bearer other-token-c123'}",
        "GET /?api_key=hunter22hunter22&x=1",
        "'api-key': hunter22hunter22",
        "the token hunter22hunter22 has expired",
        "the token hunter**********er22 has expired",
        "the token ...er22 has expired",
        "Received API Key = sk-...c123",
        "key sk-or-v1-abc_DEF-123",
        "key sk-ant-api03-abc_DEF-123",
        "key gsk_abc_DEF-123456",
        "key hf_abc_DEF123456",
        "key AIzaSyabc_DEF-123",
        "key xai-abc_DEF-1234",
        "https://generativelanguage.googleapis.com/v1/models?key=abc_DEF-123&alt=json",
        "'/v1/models/m:generateContent?alt=json&key=abc_DEF-123'",
        "token ya29.a0AfB_abc_DEF-123.c123",
        "token ya29.****c123 has expired",
        "login eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhYmNfREVG.c123",
        "proxy http://me:hunter22hunter22@proxy.example:3128 is gone",
    ],
)
def test_keys_are_cut_out(text: str) -> None:
    clean = without_keys(text, [SECRET])
    assert "[key]" in clean
    for piece in ("hunter", "er22", "c123", "abc_DEF", "other-token", "eyJ"):
        assert piece not in clean


@pytest.mark.parametrize(
    "text",
    [
        "The model `gpt-4o-mini` does not exist; ask-me-anything, risk-averse, task-1234567",
        "http://localhost:8000/v1 is gone; http://[::1]:8000/v1 too; mail me@example.org",
        "the bearer of this letter; shift_right; hf_; AIza; ya29. is how a token begins",
        "key=value; monkey=abc_DEF-123; GET /?monkey=abc_DEF-123&keys=2",
    ],
)
def test_texts_without_keys_stay(text: str) -> None:
    assert without_keys(text, ["", "abc"]) == text


@given(
    st.text(alphabet="abcdefghijkmnpqrstuvwxyz0123456789_-", min_size=16, max_size=60),
    st.text(max_size=30),
    st.text(max_size=30),
)
def test_a_known_key_is_in_no_text(secret: str, before: str, after: str) -> None:
    assert secret not in without_keys(f"{before}{secret}{after}", [secret])
    assert secret[:12] not in without_keys(f"{before} {secret[:12]}… {after}", [secret])
