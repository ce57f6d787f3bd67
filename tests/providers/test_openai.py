"""The ``openai`` provider and the chat-completions wire, without a server."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
from base64 import b64decode
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.chat_wire import (
    ChatDialect,
    MalformedReply,
    chat_body,
    classify_status,
    read_chat_reply,
    wait_s,
    without_keys,
)
from annoengine.errors import RecipeError, RecordFailed, SettingError
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


# --- the body -------------------------------------------------------------------------------


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


async def test_body_with_a_schema() -> None:
    schema = {"title": "Marks & words", "type": "object", "properties": {}}
    body = orjson.loads(await chat_body(asked(HELLO, schema=schema), ChatDialect("gpt-4o")))
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "Marks___words", "strict": True, "schema": schema},
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


# --- the reply ------------------------------------------------------------------------------


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
    ],
)
def test_malformed_replies(body: bytes, problem: str, status: int | None) -> None:
    with pytest.raises(MalformedReply, match=problem) as caught:
        read_chat_reply(body, {"content-type": "text/html"}, "gpt-4o")
    assert caught.value.status == status


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


# --- statuses -------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),  # long past
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "120ms"}, 0.12),
        ({"x-ratelimit-remaining-requests": "4", "x-ratelimit-reset-requests": "120ms"}, None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}, 360.0),
    ],
)
def test_waits(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_s(headers) == seconds


# --- keys -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abc_DEF-123.",
        "Incorrect API key provided: sk-proj-****************c123.",
        "Incorrect API key provided: hunter22hunter22.",
        "headers={'Authorization': 'Bearer hunter22hunter22'}",
        "GET /?api_key=hunter22hunter22&x=1",
        "the token hunter22hunter22 has expired",
    ],
)
def test_keys_are_cut_out(text: str) -> None:
    clean = without_keys(text, ["hunter22hunter22"])
    assert "[key]" in clean
    for piece in ("hunter", "c123", "abc_DEF", "sk-"):
        assert piece not in clean


def test_texts_without_keys_stay() -> None:
    text = "The model `gpt-4o-mini` does not exist; ask-me-anything, risk-averse, task-1234567"
    assert without_keys(text, ["", "abc"]) == text


# --- options --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"base_ulr": "x"}, "openai/m has no option 'base_ulr'. Did you mean 'base_url'?"),
        ({"api_key": "sk-abcdef"}, "no option 'api_key'. Did you mean 'api_key_env'?"),
        ({"api_key_env": "sk-abcdef"}, "'api_key_env' takes the name of an environment variable"),
        ({"timeout_s": 0}, "the option 'timeout_s' is wrong: Input should be greater than 0"),
        ({"max_concurrency": "many"}, "the option 'max_concurrency' is wrong"),
        ({"base_url": "localhost:8000"}, "one looks like http://localhost:8000/v1"),
        ({"base_url": "http://me:sk-abcdef@h/v1"}, "base_url holds a user or password"),
    ],
)
def test_wrong_options(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Openai("m", options)
    assert sentence in str(caught.value)
    assert "sk-abcdef" not in str(caught.value)


def test_a_model_must_be_named() -> None:
    with pytest.raises(RecipeError, match="openai needs a model"):
        Openai("", {})


def test_names_and_windows() -> None:
    provider = Openai("gpt-4o", {"max_concurrency": 9})
    assert (provider.name, provider.window) == ("openai/gpt-4o", 9)
    assert Openai("gpt-4o", {}).window == 64
    assert Openai("org/model", {}).name == "openai/org/model"


def test_key_extra_is_what_changes_answers() -> None:
    request = asked(HELLO)
    assert Openai("gpt-4o", {}).key_extra(request) == {}
    moved = {"base_url": "http://localhost:8001/v1", "timeout_s": 3, "max_concurrency": 1}
    assert Openai("gpt-4o", moved).key_extra(request) == {}
    assert Openai("o3", {"reasoning": True}).key_extra(request) == {}
    told = {"served_as": "awq", "reasoning": True, "reasoning_effort": "low"}
    assert Openai("qwen", told).key_extra(request) == {
        "served_as": "awq",
        "reasoning": "true",
        "reasoning_effort": "low",
    }


@pytest.mark.parametrize("value", [None, "", " \n"])
async def test_a_missing_key_is_said_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    if value is None:
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    else:
        monkeypatch.setenv("OPENAI_API_KEY", value)
    with pytest.raises(SettingError) as caught:
        await Openai("gpt-4o", {}).open()
    assert str(caught.value) == (
        "OPENAI_API_KEY is not set; export it, or use "
        "--model annotator=pixels to try the recipe without a key"
    )


async def test_an_unopened_provider_says_so() -> None:
    with pytest.raises(RuntimeError, match="openai/gpt-4o was not opened"):
        await Openai("gpt-4o", {}).reply(asked(HELLO))


def test_foreign_errors_are_raised() -> None:
    error = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        Openai("gpt-4o", {}).classify(error)


def test_importing_the_provider_imports_no_sdk() -> None:
    code = (
        "import sys, annoengine.providers.openai; "
        "print(sorted({'openai', 'aiohttp', 'httpx2', 'httpx', 'cv2'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
