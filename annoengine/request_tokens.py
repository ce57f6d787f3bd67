"""How many tokens a request has: what is likely, and a bound that it cannot pass.

No tokenizer is loaded: a likely count of text comes from its characters by script, and the bound
from its bytes, since byte-level BPE makes no more tokens than bytes. Pictures are counted by
:mod:`annoengine.image_tokens`. It runs for every call, so texts are counted once and remembered.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from annoengine.image_tokens import image_tokens
from annoengine.provider import Request, TextPart


@dataclass(frozen=True, slots=True)
class TokenBounds:
    """Tokens of a request. ``most_output`` is its own limit; None where it names none.

    ``model_output``: what the model can write at most, where the request has no limit.
    ``likely_prefix``: likely tokens before the first picture, which is what requests that differ
    in their pictures can have in common.
    """

    likely_input: int
    most_input: int
    most_output: int | None = None
    model_output: int = 131_072
    likely_prefix: int = 0


_DIGITS = b"0123456789"
_MARKS = bytes(c for c in range(128) if not chr(c).isalnum() and c != 0x20)


def _bytes(first: int, last: int) -> bytes:
    return bytes(range(first, last + 1))


_LETTER, _DIGIT, _MARK = 20, 100, 60
_SCRIPTS: tuple[tuple[bytes, int], ...] = (
    (_bytes(0xC2, 0xCC), 170),  # accented Latin: with its neighbours, which split as well
    (_bytes(0xCD, 0xE0), 40),  # Greek, Cyrillic, Hebrew, Arabic; then the scripts of India, Thai
    (_bytes(0xE1, 0xE9), 80),  # further Latin, signs, kana, Chinese characters
    (_bytes(0xEA, 0xEF), 85),  # Hangul, wide forms
    (_bytes(0xF0, 0xF4), 160),  # emoji
)
"""Hundredths of a token for each character, told apart by the first byte of its UTF-8 form.

Set to what the vocabularies o200k (gpt-4o and later), Qwen2.5, Gemini and Gemma 3 make of this
project's prompts, captions of SA-Pancap, JSON answers and lists of marks: English has 4.2 to 4.8
characters a token, lines like ``12: stop sign``, where digits and line breaks stand alone, 2.5 to
2.9; all are met within 11 %. Twelve other languages (the tutorials of the editor vim) are met
within 30 % by o200k and Gemini; Qwen splits Greek and the scripts of India into 2 to 3 times as
many.
"""

_LIKELY_MESSAGE, _LIKELY_REQUEST = 4, 3
"""Role and frame of a message, and the start of the reply. Source: OpenAI's cookbook, "How to
count tokens with tiktoken", 3 and the role's word, and 3."""

_MOST_MESSAGE, _MOST_REQUEST = 12, 128
"""Room for other chat templates, and for a system text of their own: Qwen2-VL's has about 20
tokens, Llama 3's about 30."""


@lru_cache(maxsize=2048)
def text_tokens(text: str) -> tuple[int, int]:
    """The likely tokens of a text, and the most.

    >>> text_tokens("A brown dog lies on the sofa.")
    (7, 29)
    """
    data = text.encode("utf-8", "surrogatepass")
    size = len(data)
    digits = size - len(data.translate(None, _DIGITS))
    marks = size - len(data.translate(None, _MARKS))
    hundredths = digits * _DIGIT + marks * _MARK
    if text.isascii():
        hundredths += (size - digits - marks) * _LETTER
        return -(-hundredths // 100), size
    others = 0
    for first_bytes, weight in _SCRIPTS:
        count = size - len(data.translate(None, first_bytes))
        others += count
        hundredths += count * weight
    hundredths += (len(text) - others - digits - marks) * _LETTER
    # Qwen's tokenizer composes characters first, which makes a few of them longer.
    composed = len(unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass"))
    return -(-hundredths // 100), max(size, composed)


_schemas: dict[int, tuple[Mapping[str, Any], tuple[int, int]]] = {}
"""Counts of answer schemas by identity: a stage sends the same one with each request."""


def _schema_tokens(schema: Mapping[str, Any]) -> tuple[int, int]:
    """Tokens of an answer schema, which goes to the model as text.

    That OpenAI counts it as input is in its guide to prompt caching (a schema is a prefix of the
    system message); its wording there is not published, so the most is twice the JSON's bytes.
    """
    known = _schemas.get(id(schema))
    if known is not None and known[0] is schema:
        return known[1]
    likely, most = text_tokens(json.dumps(schema, ensure_ascii=False))
    if len(_schemas) >= 64:
        _schemas.clear()
    _schemas[id(schema)] = schema, (likely, 2 * most)
    return likely, 2 * most


def request_tokens(model: str, request: Request) -> TokenBounds:
    """The tokens of ``request``, asked of ``model`` (``provider/model``)."""
    sampling = request.sampling
    likely, most = _LIKELY_REQUEST, _MOST_REQUEST
    prefix: int | None = None
    if request.schema is not None:
        schema_likely, schema_most = _schema_tokens(request.schema)
        likely += schema_likely
        most += schema_most
    for message in request.messages:
        likely += _LIKELY_MESSAGE
        most += _MOST_MESSAGE
        for part in message.parts:
            if isinstance(part, TextPart):
                part_likely, part_most = text_tokens(part.text)
                likely += part_likely
                most += part_most
            else:
                if prefix is None:
                    prefix = likely
                image = part.image
                tokens = image_tokens(model, (image.width, image.height), sampling.detail)
                likely += tokens.likely
                most += tokens.most
    return TokenBounds(
        likely,
        most,
        sampling.max_tokens,
        most_output_of(model),
        likely if prefix is None else prefix,
    )


_MOST_OUTPUT: tuple[tuple[str, int], ...] = (
    (r"^(pixels|replay)(/|$)", 0),
    (r"gemini-(1|2\.0)", 8192),
    (r"gemini", 65_536),
    (r"\bgpt-4o-2024-05-13|\bgpt-4-turbo|\bgpt-4-.*vision", 4096),
    (r"\bgpt-4o|\bgpt-4\.5|\bchatgpt-4o", 16_384),
    (r"\bgpt-4\.1", 32_768),
    (r"(^|[/:])o[134](?![a-z\d])", 100_000),
    (r"\bgpt-([5-9]|\d\d)", 128_000),
)
"""The most tokens that a model writes in one reply, its reasoning included.

Source: "max output tokens" of OpenAI's and "output token limit" of Google's model pages, as other
sites quote them, seen in November 2026. A model that is not here: no published limit is larger
than 131,072.
"""


@lru_cache(maxsize=256)
def most_output_of(model: str) -> int:
    """The most tokens that ``model`` writes in one reply, where the request sets no limit."""
    name = model.lower()
    return next((most for pattern, most in _MOST_OUTPUT if re.search(pattern, name)), 131_072)


_CACHED_FROM: tuple[tuple[str, int, int], ...] = (
    (r"gemini-(2\.5|flash-latest)", 2048, 1),
    (r"gemini-([3-9]|\d\d)", 4096, 1),
    (r"\bgpt-4o-2024-05-13", 0, 0),
    (r"\bgpt-(4o|4\.[15]|[5-9]|\d\d)|\bchatgpt-4o|(^|[/:])o[134](?![a-z\d])", 1024, 128),
)
"""From how many equal tokens at its beginning a request may be read from a provider's cache, and
in steps of how many.

Source: OpenAI's guide "Prompt caching" (1,024, gpt-4o and newer) and its cookbook "Prompt Caching
201" (steps of 128, before gpt-5.6; inferred for later ones); Gemini API documents, "Context
caching", as of 2026-06-26 (2,048 for 2.5, 4,096 for 3.1 and 3.5; earlier editions had 1,024 for
Flash). Both are automatic and promised to nobody.
"""


def cached_tokens(model: str, prefix: int) -> int:
    """How many of ``prefix`` equal tokens the provider may charge at its cached price.

    >>> cached_tokens("openai/gpt-4o", 1500), cached_tokens("openai/gpt-4o", 1000)
    (1408, 0)
    """
    name = model.lower()
    for pattern, least, step in _CACHED_FROM:
        if re.search(pattern, name):
            return prefix // step * step if step and prefix >= least else 0
    return 0


def _common_start(one: str, other: str) -> str:
    pairs = enumerate(zip(one, other, strict=False))
    return one[: next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))]


def shared_prefix(model: str, first: Request, second: Request) -> int:
    """Likely tokens with which both requests begin alike; 0 where their schemas differ."""
    if first.schema != second.schema or first.sampling.detail != second.sampling.detail:
        return 0
    likely = 0 if first.schema is None else _schema_tokens(first.schema)[0]
    for ours, theirs in zip(first.messages, second.messages, strict=False):
        if ours.role != theirs.role:
            return likely
        likely += _LIKELY_MESSAGE
        for part, other in zip(ours.parts, theirs.parts, strict=False):
            if isinstance(part, TextPart) and isinstance(other, TextPart):
                likely += text_tokens(_common_start(part.text, other.text))[0]
                if part.text != other.text:
                    return likely
            elif (
                not isinstance(part, TextPart)
                and not isinstance(other, TextPart)
                and part.image.sha256 == other.image.sha256
            ):
                size_wh = part.image.width, part.image.height
                likely += image_tokens(model, size_wh, first.sampling.detail).likely
            else:
                return likely
        if len(ours.parts) != len(theirs.parts):
            return likely
    return likely
