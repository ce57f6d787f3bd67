"""An error of a real server, and the way to see what the ``openai`` provider makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from annoengine.provider import Message, Request, Retry, TextPart
from annoengine.providers.openai import Openai
from tests.wire.openai_server import OpenaiServer

MODEL = "some-model"


@dataclass
class Answer:
    """A server's error and what is made of it; ``URL`` stands for the server's address."""

    server: str
    status: int
    body: Any
    action: str
    reason: str
    after_s: float | None = None
    outcome: str | None = None
    paid: str = "no"
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.server}-{self.status}-{self.reason}"[:70]


def openai_error(message: str, type_: str, param: str | None, code: Any) -> dict[str, Any]:
    """An error in OpenAI's form, which most servers share."""
    return {"error": {"message": message, "type": type_, "param": param, "code": code}}


def invalid(message: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    return openai_error(message, "invalid_request_error", param, code)


def vllm_error(message: str, type_: str = "BadRequestError", code: int = 400) -> dict[str, Any]:
    """vLLM's form until version 0.9, and SGLang's."""
    return {"object": "error", "message": message, "type": type_, "param": None, "code": code}


async def verdict_on(answer: Answer, path: str = "/v1") -> tuple[Retry, str]:
    """What the provider makes of a reply, and the server's address."""
    rule = {"do": "raw", "status": answer.status, "body": answer.body, **answer.headers}
    message = Message(role="user", parts=(TextPart(text="hello"),))
    async with OpenaiServer([rule]) as server:
        url = f"http://127.0.0.1:{server.port}{path}"
        provider = Openai(MODEL, {"base_url": url, "timeout_s": 5})
        await provider.open()
        try:
            reply = await provider.reply(Request(model="annotator", messages=(message,)))
        except Exception as error:
            assert server.counts()["received"] == 1
            return provider.classify(error), url
        finally:
            await provider.close()
    raise AssertionError(f"there was a reply: {reply}")


async def check(answer: Answer) -> None:
    """The provider makes of a reply what the answer says, after one call."""
    retry, url = await verdict_on(answer)
    assert answer.reason in retry.reason.replace(url, "URL")
    assert (retry.action, retry.paid, retry.outcome) == (answer.action, answer.paid, answer.outcome)
    assert retry.after_s == (None if answer.after_s is None else pytest.approx(answer.after_s))
    assert len(retry.reason) < 600
