"""A server on loopback that speaks Gemini's generateContent, and misbehaves on a script.

Everything but the protocol is :mod:`tests.wire.openai_server`'s: its scripts work here as well,
its counts and its log are the same::

    python tests/wire/gemini_server.py --port 0 --script rules.yaml --log calls.jsonl
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.wire.chat_answers import Call
from tests.wire.gemini_answers import GeminiCall, answer, spoken
from tests.wire.openai_server import OpenaiServer, main

_AI_STUDIO = r"/v1(beta|alpha)?/models/[\w.-]+:generateContent"
_VERTEX = (
    r"/v1(beta1)?/projects/[\w-]+/locations/[\w-]+/publishers/\w+/models/[\w.-]+:generateContent"
)
_CALL = re.compile(rf"(http://[\w.:-]+)?({_AI_STUDIO}|{_VERTEX})")


class GeminiServer(OpenaiServer):
    """The server within this process::

    async with GeminiServer([{"do": "cut", "every": 2}]) as server:
        server.base_url  # http://127.0.0.1:49152
    """

    CALL: ClassVar[type[Call]] = GeminiCall
    PATH: ClassVar[str] = ""

    def is_call(self, method: str, path: str) -> bool:
        """A generateContent, of AI Studio or Vertex, also as a proxy gets it."""
        return method == "POST" and _CALL.fullmatch(path) is not None

    def answer(self, call: Call, text: str | None, finish_reason: str | None, **more: Any) -> bytes:
        """A GenerateContentResponse."""
        return answer(call, text, finish_reason, **more)

    def error(
        self, call: Call, status: int, message: str, type_: str, code: str | None, **more: Any
    ) -> tuple[int, bytes]:
        """Status and body of an error of Google's."""
        return spoken(call, status, message, code, more)

    def _refusal(self, call: Call, now: float) -> Mapping[str, Any] | None:
        """As Google tells a wait: in the body."""
        refusal = super()._refusal(call, now)
        if refusal is None or "retry_after" not in refusal:
            return refusal
        return {"retry_delay": f"{refusal['retry_after']:g}s"}

    def no_answer(self) -> bytes:
        """A GenerateContentResponse without anything that Google promises."""
        return b'{"modelVersion":"m"}'


if __name__ == "__main__":
    main(GeminiServer)
