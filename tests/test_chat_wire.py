"""The chat-completions wire without a server: what is sent, and what is read of a reply."""

from __future__ import annotations

import contextlib
import hashlib
from base64 import b64decode
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.chat_errors import MalformedReply, classify_status
from annoengine.chat_wire import ChatDialect, chat_body, read_chat_reply
from annoengine.errors import RecordFailed
from annoengine.provider import ImagePart, Message, Outcome, Request, Sampling, TextPart, Usage
from annoengine.providers.openai import Openai
from annoengine.record import DrawnImage, Photo

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256))
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"


def drawn(data: bytes) -> DrawnImage:
    return DrawnImage(
        file=f"{hashlib.sha256(data).hexdigest()}.jpg",
        sha256=hashlib.sha256(data).hexdigest(),
        width=4,
        height=4,
        size_bytes=len(data),
        encoder="test",
    )


def asked(
    *messages: Message, sampling: Sampling = Sampling(), schema: dict[str, Any] | None = None
) -> Request:
    async def load(image: DrawnImage | Photo) -> bytes:
        return {drawn(data).sha256: data for data in (JPEG, PNG, b"BM bitmap")}[image.sha256]

    return Request(
        model="annotator", messages=messages, sampling=sampling, schema=schema, load=load
    )


def user(*parts: TextPart | ImagePart) -> Message:
    return Message(role="user", parts=parts)


HELLO = user(TextPart(text='Say "héllo"\n'))


# --- the body ------------------------------------------------------------------------------


async def test_body_is_the_json_of_a_chat_completion() -> None:
    request = asked(
        Message(role="system", parts=(TextPart(text="Be brief."),)),
        user(TextPart(text="Which?"), ImagePart(image=drawn(JPEG)), ImagePart(image=drawn(PNG))),
        Message(role="assistant", parts=(TextPart(text="The first."),)),
        HELLO,
        sampling=Sampling(temperature=0.0, top_p=0.5, max_tokens=7, seed=3, detail="high"),
    )
    body = orjson.loads(await chat_body(request, ChatDialect("gpt-4o")))
    pictures = [part["image_url"] for part in body["messages"][1]["content"][1:]]
    assert [picture["url"].partition(",")[0] for picture in pictures] == [
        "data:image/jpeg;base64",
        "data:image/png;base64",
    ]
    assert [b64decode(picture["url"].partition(",")[2]) for picture in pictures] == [JPEG, PNG]
    assert [picture["detail"] for picture in pictures] == ["high", "high"]
    body["messages"][1]["content"][1:] = []
    assert body == {
        "model": "gpt-4o",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Which?"}]},
            {"role": "assistant", "content": "The first."},
            {"role": "user", "content": 'Say "héllo"\n'},
        ],
        "temperature": 0.0,
        "top_p": 0.5,
        "max_tokens": 7,
        "seed": 3,
    }


async def test_body_of_a_reasoning_model() -> None:
    request = asked(HELLO, sampling=Sampling(temperature=0.2, top_p=0.5, max_tokens=7, seed=3))
    dialect = ChatDialect("o3", reasoning=True, extra=(("reasoning_effort", "low"),))
    body = orjson.loads(await chat_body(request, dialect))
    del body["messages"]
    assert body == {
        "model": "o3",
        "max_completion_tokens": 7,
        "seed": 3,
        "reasoning_effort": "low",
    }


@pytest.mark.parametrize("strict", [True, False])
async def test_body_with_a_schema(strict: bool) -> None:
    schema: dict[str, Any] = {"title": "Marks & words", "type": "object", "properties": {}}
    schema |= {"additionalProperties": False} if strict else {}
    body = orjson.loads(await chat_body(asked(HELLO, schema=schema), ChatDialect("gpt-4o")))
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "Marks___words", "strict": strict, "schema": schema},
    }


async def test_a_model_that_does_not_think_takes_a_temperature() -> None:
    """gpt-5.1 and later with reasoning_effort none; the limit keeps its name."""
    request = asked(HELLO, sampling=Sampling(temperature=0.2, top_p=0.5, max_tokens=7))
    dialect = Openai("gpt-5.1", {"reasoning_effort": "none", "verbosity": "low"}).dialect
    body = orjson.loads(await chat_body(request, dialect))
    del body["messages"]
    assert body == {
        "model": "gpt-5.1",
        "temperature": 0.2,
        "top_p": 0.5,
        "max_completion_tokens": 7,
        "reasoning_effort": "none",
        "verbosity": "low",
    }


async def test_system_text_stays_with_the_system() -> None:
    request = asked(Message(role="system", parts=(TextPart(text="Be brief."),)), HELLO)
    body = orjson.loads(await chat_body(request, ChatDialect("o3", reasoning=True)))
    assert [message["role"] for message in body["messages"]] == ["system", "user"]


async def test_further_fields_of_the_body() -> None:
    extra = {"chat_template_kwargs": {"enable_thinking": False}, "top_k": 20}
    provider = Openai("qwen3-vl", {"extra_body": extra})
    body = orjson.loads(await chat_body(asked(HELLO), provider.dialect))
    del body["messages"]
    assert body == {"model": "qwen3-vl", **extra}
    assert provider.key_extra(asked(HELLO)) == {
        "chat_template_kwargs": '{"enable_thinking":false}',
        "top_k": "20",
    }


@given(st.lists(st.text(), min_size=1, max_size=4), st.text(min_size=1))
async def test_any_text_survives_the_body(texts: list[str], model: str) -> None:
    try:
        "".join([*texts, model]).encode()
    except UnicodeEncodeError:  # a lone surrogate is no text that a file or a model holds
        return
    request = asked(user(*(TextPart(text=text) for text in texts)))
    body = orjson.loads(await chat_body(request, ChatDialect(model)))
    content = body["messages"][0]["content"]
    found = [content] if isinstance(content, str) else [part["text"] for part in content]
    assert (found, body["model"]) == (texts, model)


async def test_unknown_picture_fails_the_record() -> None:
    request = asked(user(ImagePart(image=drawn(b"BM bitmap"))))
    with pytest.raises(RecordFailed, match=r"image: .*b'BM bitma'.* none of JPEG, PNG"):
        await chat_body(request, ChatDialect("gpt-4o"))


async def test_only_users_show_pictures() -> None:
    message = Message(role="assistant", parts=(ImagePart(image=drawn(JPEG)),))
    with pytest.raises(ValueError, match="a message of the assistant"):
        await chat_body(asked(message), ChatDialect("gpt-4o"))


# --- the reply -----------------------------------------------------------------------------


def completion(finish: str | None = "stop", **message: Any) -> bytes:
    choice = {"message": {"role": "assistant", **message}, "finish_reason": finish}
    usage = {
        "prompt_tokens": 11,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 8},
    }
    return orjson.dumps({"id": "c-1", "model": "gpt-4o-x", "choices": [choice], "usage": usage})


@pytest.mark.parametrize(
    ("body", "outcome", "text"),
    [
        (completion(content=" 1. A dog."), "answer", " 1. A dog."),
        (completion(None, content="a"), "answer", "a"),
        (completion(content=[{"type": "text", "text": "a"}, {"text": "b"}]), "answer", "ab"),
        (completion(content=None, refusal="I cannot."), "refusal", "I cannot."),
        (completion("content_filter", content="1. A"), "filtered", "1. A"),
        (completion("length", content="1. A"), "truncated", "1. A"),
        (completion("length", content=""), "truncated", ""),  # thought its limit away
        (completion(content=" \n"), "empty", " \n"),
        (completion(content=None), "empty", ""),
        (completion("tool_calls"), "empty", ""),
    ],
)
def test_outcomes(body: bytes, outcome: Outcome, text: str) -> None:
    reply = read_chat_reply(body, {"x-request-id": "req_1"}, "gpt-4o")
    assert (reply.outcome, reply.text, reply.model) == (outcome, text, "gpt-4o-x")
    assert reply.usage == Usage(input_tokens=11, output_tokens=5, cached_input_tokens=8)
    assert reply.request_id == "req_1"


def test_what_a_sparse_server_leaves_out() -> None:
    body = b'{"id":"c-9","choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":"?"}}'
    reply = read_chat_reply(body, {}, "qwen")
    assert (reply.model, reply.detail, reply.request_id) == ("qwen", "", "c-9")
    assert reply.usage == Usage()


@pytest.mark.parametrize(
    ("body", "problem", "status"),
    [
        (b"", "not JSON .text/html.: it is blank", None),
        (b"<html>\n <b>Hi", "not JSON .text/html.: it begins '<html> <b>Hi'", None),
        (completion(content="a")[:-3], "not JSON", None),
        (b"[]", r"not a JSON object: it begins '\[\]'", None),
        (b"{}", "no choices with a message", None),
        (b'{"choices":[]}', "no choices with a message", None),
        (b'{"choices":[{"text":"a"}]}', "no choices with a message", None),
        (b'{"error":{"message":"Upstream","code":502}}', "an error .*: Upstream", 502),
        (b'{"error":"overloaded"}', "an error .*: overloaded", None),
        (b'{"choices":[{"error":{"message":"Slow","code":429}}]}', "an error .*: Slow", 429),
        (completion("abort", content="1. A"), "the server gave the answer up .*'abort'", None),
        (completion("error", content=""), "the server gave the answer up .*'error'", None),
    ],
)
def test_malformed_replies(body: bytes, problem: str, status: int | None) -> None:
    with pytest.raises(MalformedReply, match=problem) as caught:
        read_chat_reply(body, {"content-type": "text/html"}, "gpt-4o")
    assert caught.value.status == status


@pytest.mark.parametrize("count", [-5, True, 1.5, "7", None, [3]])
def test_counts_of_tokens_that_are_none(count: Any) -> None:
    usage = {"prompt_tokens": count, "completion_tokens": 4, "prompt_tokens_details": None}
    message = {"message": {"content": "a"}}
    body = orjson.dumps({"choices": [message], "usage": usage})
    assert read_chat_reply(body, {}, "m").usage == Usage(output_tokens=4)


def test_an_answer_counts_whatever_its_content_type() -> None:
    reply = read_chat_reply(completion(content="a"), {"content-type": "text/plain"}, "gpt-4o")
    assert reply.outcome == "answer"


@given(st.binary(max_size=60) | st.recursive(st.none() | st.text(), st.lists).map(orjson.dumps))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    with pytest.raises(MalformedReply):
        read_chat_reply(body, {}, "gpt-4o")


FIELDS = "choices message content refusal error code usage detail innererror type model id"
json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 600) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS.split(" ")), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_like)
def test_no_json_breaks_reader_or_classifier(data: Any) -> None:
    with contextlib.suppress(MalformedReply):
        read_chat_reply(orjson.dumps(data), {}, "gpt-4o")
    for status in (400, 401, 429, 500):
        assert classify_status(status, data, {}, "m", "http://s", "KEY").reason
