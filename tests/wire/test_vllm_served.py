"""The ``vllm`` provider in front of a real server of its kind: ``transformers serve``."""

from __future__ import annotations

from pathlib import Path

import pytest

from annoengine.chat_errors import Rejected
from annoengine.provider import Sampling
from annoengine.providers.vllm import Vllm
from tests.tiny_served import IMAGE
from tests.wire.openai_calls import Pictures, ask_for, jpeg

TINY = Path(__file__).parents[1] / "tiny_served.py"
PHOTOGRAPH = Path(__file__).parents[2] / "examples/photographs/images/rocket.jpg"


async def test_a_real_server_is_started_shown_a_picture_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Threads that wait for one another on busy cores take longer than the work.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    log = tmp_path / "server.log"
    options = {"command": ["python", str(TINY)], "args": ["--device", "cpu"], "log": str(log)}
    provider = Vllm(str(tmp_path / "tiny"), options)
    picture = Pictures(PHOTOGRAPH.read_bytes())
    sampling = Sampling(temperature=0, max_tokens=6)
    await provider.open()
    try:
        asked = "What is this?"
        reply = await provider.reply(ask_for(asked, picture, sampling))
        again = await provider.reply(ask_for(asked, picture, sampling))
        # A picture that is none: the server says so, and stays.
        with pytest.raises(Rejected) as caught:
            await provider.reply(ask_for(asked, Pictures(jpeg()), sampling))
        assert provider.classify(caught.value).action in ("again", "never")
        assert provider.notes() == ()
    finally:
        await provider.close()
    assert reply.text
    assert reply.text == again.text
    assert (reply.outcome, reply.detail) == ("truncated", "length")
    # Every byte is a token: the words, the frame of the template, and four for the picture.
    frame = len(f"user: {asked}\nassistant: ")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (frame + 4, 6)
    assert IMAGE not in reply.text
    assert log.read_text().count("Uvicorn running") == 1
