"""What the loopback server answers: a function of the request's bytes alone.

A run against it can so be repeated to the byte. It reads the ``id: category`` list of the user's
message and describes each id in the format of Pix2Cap's prompts, in words drawn from the body's
SHA-256.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

COLOURS = ("red", "green", "blue", "white", "black", "brown", "grey", "yellow", "pink", "teal")
TEXTURES = ("smooth", "rough", "worn", "glossy", "striped", "soft", "dusty", "plain", "woven")
PLACES = ("left side", "right side", "lower edge", "upper edge", "centre", "background")
DOINGS = ("stands out", "is partly hidden", "faces the camera", "rests there", "catches the light")

# Names after "id:" in a list of categories; "1 and 2: …" is an example of an interaction.
_ENTRY = re.compile(r"(?<![\w-])(?<!and )(\d+)\s*:\s*([A-Za-z][A-Za-z /()'&_-]*?)\s*(?=[,;.\n]|\Z)")


@dataclass(frozen=True)
class Call:
    """One call as it came in: its number, the headers, the body and the body's SHA-256."""

    number: int
    path: str
    headers: Mapping[str, str]
    body: bytes
    sha256: str
    received_before: int

    def json(self) -> dict[str, Any]:
        """The body, decoded."""
        data = orjson.loads(self.body)
        assert isinstance(data, dict)
        return data

    def key(self) -> str:
        """The key that it was sent with."""
        bearer = self.headers.get("authorization", "").removeprefix("Bearer ")
        return self.headers.get("api-key") or bearer

    def model(self) -> str:
        """The model that is asked."""
        return str(self.json()["model"])

    def prompt_tokens(self) -> int:
        """A rough count, the same for the same body."""
        images = self.body.count(b'"type":"image_url"')
        return sum(len(text) for _, text in self.texts()) // 4 + 765 * images

    def asked_tokens(self) -> int:
        """The tokens that it takes from a limit: those of its prompt, and the most it may answer.

        Source: OpenAI, guide "Rate limits": a limit counts ``max_tokens`` where it is set.
        """
        request = self.json()
        most = request.get("max_completion_tokens") or request.get("max_tokens") or 0
        return self.prompt_tokens() + int(most)

    def texts(self) -> list[tuple[str, str]]:
        """Role and text of each message, pictures left out."""
        found = []
        for message in self.json()["messages"]:
            content = message["content"]
            if not isinstance(content, str):
                content = "\n".join(part["text"] for part in content if part["type"] == "text")
            found.append((message["role"], content))
        return found


def categories(text: str) -> dict[int, str]:
    """The longest unbroken list of ``id: category`` in a text, the first of equals.

    >>> categories("Their categories: 1: person, 2: wall-other-merged. E.g. 1 and 2: they meet.")
    {1: 'person', 2: 'wall-other-merged'}
    """
    best: dict[int, str] = {}
    run: dict[int, str] = {}
    end = -1
    for entry in _ENTRY.finditer(text):
        if re.fullmatch(r"[\s,;.*-]*", text[end : entry.start()] if end >= 0 else "x") is None:
            run = {}
        run[int(entry[1])] = entry[2]
        end = entry.end()
        if len(run) > len(best):
            best = dict(run)
    return best


def answer_text(call: Call) -> str:
    """The text that the server answers: the same for the same body.

    A user message without a list of its own asks again for the known ids that it names.
    """
    known: dict[int, str] = {}
    asked: dict[int, str] = {}
    for role, text in call.texts():
        if role != "user":
            continue
        listed = categories(text)
        named = {int(n) for n in re.findall(r"\d+", text)} & known.keys()
        asked = listed or {n: known[n] for n in sorted(named)} or known
        known |= listed
    draw = random.Random(call.sha256)
    if not asked:
        return f"A {draw.choice(TEXTURES)} scene in {draw.choice(COLOURS)} and grey."
    lines = ["The objects include:"]
    for number, category in asked.items():
        colour, texture = draw.choice(COLOURS), draw.choice(TEXTURES)
        place, doing = draw.choice(PLACES), draw.choice(DOINGS)
        lines.append(
            f"{number}. {category[:1].upper()}{category[1:]}: the {category} is {colour} and "
            f"{texture}, near the {place} of the image. It {doing}."
        )
    if len(asked) > 1:
        (one, first), (two, second) = list(asked.items())[:2]
        lines += ["", "The interactions include:"]
        lines.append(f"{one} and {two}: the {first} is close to the {second}.")
    return "\n".join(lines)


def completion(
    call: Call,
    text: str | None,
    finish_reason: str | None = "stop",
    refusal: str | None = None,
    cached_tokens: int = 0,
    usage: Mapping[str, Any] | None = None,
    model: str = "",
) -> bytes:
    """The JSON of a chat completion; token counts are rough and the same for the same body.

    ``usage`` takes the place of these counts, none at all where it is empty; ``model`` that of
    the dated name under which the server answers.
    """
    request = call.json()
    limit = request.get("max_completion_tokens") or request.get("max_tokens")
    if text and limit is not None and len(text) > 4 * limit:
        text, finish_reason = text[: 4 * limit], "length"
    prompt_tokens = call.prompt_tokens()
    completion_tokens = len(text or "") // 4
    counted = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": cached_tokens},
    }
    told = counted if usage is None else dict(usage)
    return orjson.dumps(
        {
            "id": f"chatcmpl-{call.sha256[:24]}",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": model or f"{request['model']}-2024-08-06",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": refusal},
                    "finish_reason": finish_reason,
                }
            ],
            **({"usage": told} if told else {}),
        }
    )
