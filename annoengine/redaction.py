"""Takes keys out of texts that go to a terminal, a log or a journal.

Servers echo the key that they reject, in whole or masked, and libraries quote addresses with
passwords in them. What looks like a key goes, and so does what is known to be one; a word too
many that is cut out of an error text costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

KEY_STAND_IN = "[key]"

_MASKED = r"[\w*.…\-]"
_KEY_LIKE = re.compile(
    # OpenAI's own and those made like them (OpenRouter's sk-or-, Anthropic's sk-ant-), also masked
    rf"\b(?:sk|rk|pk|sess)-{_MASKED}{{4,}}"
    # Groq, Hugging Face, xAI, NVIDIA, Perplexity, Google
    rf"|\b(?:gsk_|hf_|xai-|nvapi-|pplx-|AIza){_MASKED}{{8,}}"
    rf"|\bya29\.{_MASKED}{{4,}}"  # an access token of Google's
    r"|\beyJ[\w\-]{8,}\.[\w\-]{8,}\.[\w\-]*"  # a JSON web token: Azure's and Google's logins
    r"|(?i:(?<=bearer ))[\w*.…~+/=\-]{4,}"
    r"|(?i:(?<=key provided: )|(?<=api key: )|(?<=api_key=)|(?<=api-key: )|(?<=api-key=)"
    r"|(?<=apikey=))[^\s,;\"'}&]{4,}"
    r"|(?<=[?&]key=)[^\s&\"'<>]+"  # Gemini's, in an address
    r"|(?<=://)[^/\s@:]*:[^/\s@]+(?=@)"  # user:password@host
)
_KNOWN_CHARS = 4
"""Shorter secrets are words of every text."""
_RECOGNISABLE_CHARS = 16
"""From this length on, the two ends of a secret that a server shows are cut out as well."""


def without_keys(text: str, secrets: Sequence[str] = ()) -> str:
    """A text without anything that looks like a key, and without the ``secrets`` themselves.

    Of a long secret also a masked form goes: its first six characters with what follows them,
    and its last four after asterisks or dots.

    >>> without_keys("Incorrect API key provided: sk-ab***wxyz. Find yours at …")
    'Incorrect API key provided: [key] Find yours at …'
    >>> without_keys("token hunter22 is unknown", ["hunter22"])
    'token [key] is unknown'
    >>> without_keys("got 'a1b2c3****7890'", ["a1b2c3d4e5f6a7b8c9d01234567890"])
    "got '[key]'"
    >>> without_keys("proxy http://me:hunter22@proxy:3128 refuses")
    'proxy http://[key]@proxy:3128 refuses'
    >>> without_keys("POST /v1beta/models/m:generateContent?key=hunter22&alt=json")
    'POST /v1beta/models/m:generateContent?key=[key]&alt=json'
    """
    for secret in sorted((s for s in secrets if len(s) >= _KNOWN_CHARS), key=len, reverse=True):
        text = text.replace(secret, KEY_STAND_IN)
        if len(secret) >= _RECOGNISABLE_CHARS:
            text = re.sub(rf"{re.escape(secret[:6])}{_MASKED}*", KEY_STAND_IN, text)
            text = re.sub(rf"[*.…]{{2,}}{re.escape(secret[-4:])}\b", KEY_STAND_IN, text)
    return _KEY_LIKE.sub(KEY_STAND_IN, text)
