"""``annoengine bench``: a tiny model of random weights in all ways, and what people read."""

from __future__ import annotations

import asyncio
import importlib
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from annoengine.bench.measuring import Settings
from annoengine.bench.server import measure_server
from annoengine.cli import app
from tests.wire.faults import key_set
from tests.wire.openai_server import OpenaiServer

QUICK = (
    "--slots 3 --answers 6 --lengths 3,6,16 --prompt-tokens 40 --rounds 1 --workers 0 "
    "--max-pixels 12544"
).split()


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    """The suite's processes share the cores."""
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(1)


def test_all_ways_of_a_tiny_model() -> None:
    done = CliRunner().invoke(app, ["bench", "--shape", "tiny", *QUICK, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert "round 1: engine, 6 answers" in done.stderr
    assert (found["shape"], found["parameters"]) == ("tiny", 174_336)
    assert found["machine"]["device"] == "cpu"
    assert found["peak"]["source"].startswith("measured here: a copy of")
    modes = found["modes"]
    assert list(modes) == ["one at a time", "static batches", "engine"]
    answers = {name: mode["answers"] for name, mode in modes.items()}
    assert answers == {"one at a time": 2, "static batches": 3, "engine": 6}
    for name, mode in modes.items():
        assert mode["images_per_s"] == mode["answers_per_s"] > 0, name
        rate = mode["output_tokens_per_s"] / mode["answers_per_s"]
        assert rate == pytest.approx(mode["output_tokens"] / mode["answers"])
        assert 0 < mode["first_token_s"]["median"] <= mode["seconds"]
        assert 0 < mode["shares"]["bandwidth"] < mode["shares"]["decoding"] < 1, name
        assert 0 < mode["shares"]["arithmetic"] < 1
        sides = mode["prepare_s"] + mode["prefill_s"] + mode["decode_s"]
        assert sides == pytest.approx(mode["seconds"], rel=0.1), name
        assert mode["peak_bytes"] > 1e8
    # A row for each token after the first, and no more; a static batch computes its longest.
    engine, static = modes["engine"], modes["static batches"]
    assert engine["rows_computed"] == engine["output_tokens"] - engine["answers"]
    assert static["rows_computed"] == static["decode_steps"] * 3
    assert static["rows_computed"] > static["output_tokens"] - 3
    assert found["engine_times"].keys() == {"one at a time", "static batches"}


def test_what_people_read() -> None:
    done = CliRunner().invoke(
        app, ["bench", "--shape", "tiny", *QUICK, "--mode", "engine", "--tflops", "1e3"]
    )
    assert done.exit_code == 0, done.output
    assert "random weights in the shape of tiny, float32, on cpu (CPU); seed 0" in done.stdout
    for words in (
        "images a second",
        "of the bandwidth bound",
        "the engine spends most of its time on ",
        "1e+03 × 10¹² operations a second (as given, the rest: measured here",
        "smallest distance between the two likeliest tokens",
    ):
        assert words in " ".join(done.stdout.split()), words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "bench measures a MODEL, or random weights in a --shape: name one of the two"),
        (["llama/x", "--shape", "tiny"], "name one of the two"),
        (["--shape", "qwen2-vl-9b"], "no shape is known for 'qwen2-vl-9b'; known are qwen2-vl-2b"),
        (["openai/gpt-4o"], "--base-url goes with openai/MODEL"),
        (["gemini/x"], "bench measures qwen2_vl/MODEL, llama/MODEL and openai/MODEL, not"),
        (["--shape", "tiny", "--mode", "statik"], "no mode 'statik'. Did you mean 'static'?"),
        (["--shape", "tiny", "--lengths", "9,8"], "--lengths '9,8': three numbers, as 64,256,768"),
        (["--shape", "tiny", "--lengths", "9,30,40"], "the mean lies between it and the middle"),
        (["--shape", "tiny", "--dtype", "int4"], "bench: the option 'dtype' is wrong"),
        (["llama/nowhere/at/all"], "llama/nowhere/at/all: there is no folder"),
    ],
)
def test_mistakes_are_sentences(arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(app, ["bench", *arguments])
    assert done.exit_code == 2
    assert words in done.output


def test_without_a_gpu_a_large_shape_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    done = CliRunner().invoke(app, ["bench", "--shape", "qwen2-vl-7b"])
    assert done.exit_code == 2
    assert "no GPU was found, and a model in the shape of qwen2-vl-7b takes hours" in done.output
    done = CliRunner().invoke(app, ["bench", "--shape", "tiny", "--device", "cuda"])
    assert "device cuda: torch finds no GPU on this machine" in done.output


def test_a_server_is_measured_from_outside() -> None:
    async def run() -> None:
        async with OpenaiServer() as server:
            settings = Settings(model="openai/gpt-4o", slots=3, answers=6, lengths=(3, 6, 16))
            with key_set():
                one, many = await measure_server(
                    settings.model, server.base_url, settings, True, lambda _: None
                )
            assert (one.at_once, one.answers, many.at_once, many.answers) == (1, 2, 3, 6)
            assert server.counts()["received"] == 8
            assert one.failed == many.failed == []
            assert many.output_tokens > 0

    asyncio.run(run())
