"""The ``vllm`` provider without a server: its options, its keys, how it would start one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from annoengine.ask import key_of
from annoengine.chat_errors import BrokenCall, MalformedReply, Rejected
from annoengine.errors import RecipeError, SettingError
from annoengine.provider import Request
from annoengine.providers.vllm import Vllm
from tests.toy import message

HELLO = Request("annotator", (message("hello"),))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"dtpye": "x"}, "vllm/m has no option 'dtpye'. Did you mean 'dtype'?"),
        ({"base_url": "http://h/v1"}, "a server that already runs is openai/m with the option"),
        ({"dtype": "fp16"}, "vllm/m: the option 'dtype' is wrong: Input should be 'auto', "),
        ({"gpu_memory": 1.5}, "the option 'gpu_memory' is wrong"),
        ({"command": []}, "the option 'command' is wrong"),
        ({"args": ["--port=80"]}, "args may not hold '--port'; the server hears on a free port"),
        ({"args": ["--api-key", "hunter22"]}, "args may not hold '--api-key'"),
        ({"extra_body": {"seed": 1}}, "extra_body may not hold 'seed', which is set elsewhere"),
    ],
)
def test_wrong_options(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Vllm("m", options)
    assert sentence in str(caught.value)
    assert "hunter22" not in str(caught.value)


def test_a_model_must_be_named() -> None:
    with pytest.raises(RecipeError, match="vllm needs a model, for example vllm/Qwen/Qwen2-VL"):
        Vllm(" ", {})


async def test_a_missing_command_is_told_with_both_remedies() -> None:
    provider = Vllm("org/m", {"command": ["no-such-vllm", "serve"]})
    (needed,) = provider.requirements()
    assert not needed.met
    with pytest.raises(SettingError) as caught:
        await provider.open()
    assert str(caught.value) == (
        "vllm/org/m needs the command 'no-such-vllm', which is not on the PATH; install it: pip "
        "install 'annoengine[vllm]'; a server that already runs is openai/org/m with the option "
        "base_url"
    )
    with pytest.raises(RuntimeError, match="was not opened"):
        await provider.reply(HELLO)


async def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log = tmp_path / "file" / "server.log"
    with pytest.raises(SettingError) as caught:
        await Vllm("m", {"command": ["python"], "log": str(log)}).open()
    said = f"the log {log} of the server of vllm/m cannot be written: "
    assert str(caught.value).startswith(said)


def test_the_servers_arguments() -> None:
    options = {
        "dtype": "bfloat16",
        "quantization": "awq",
        "revision": "main",
        "tensor_parallel": 2,
        "max_model_len": 8192,
        "gpu_memory": 0.85,
        "max_images": 2,
        "max_pixels": 401408,
        "args": ["--max-num-seqs", "512"],
    }
    assert Vllm("m", options)._arguments() == [
        "--dtype", "bfloat16", "--quantization", "awq", "--revision", "main",
        "--tensor-parallel-size", "2", "--max-model-len", "8192",
        "--gpu-memory-utilization", "0.85", "--limit-mm-per-prompt", '{"image": 2}',
        "--mm-processor-kwargs", '{"max_pixels": 401408}', "--max-num-seqs", "512",
    ]  # fmt: skip
    assert Vllm("m", {})._arguments() == []


def test_a_key_names_what_changes_answers_and_not_how_fast_they_come(tmp_path: Path) -> None:
    assert Vllm("m", {}).key_extra(HELLO) == {}
    told = {"dtype": "float16", "revision": "v1", "max_pixels": 9, "extra_body": {"top_k": 1}}
    assert Vllm("m", told).key_extra(HELLO) == {
        "dtype": '"float16"',
        "revision": '"v1"',
        "max_pixels": "9",
        "extra_body": '{"top_k":1}',
    }
    silent = {"tensor_parallel": 4, "gpu_memory": 0.5, "max_concurrency": 8, "restarts": 0}
    assert Vllm("m", {**silent, "command": ["podman", "run"]}).key_extra(HELLO) == {}
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"weights")
    # A folder is known by what is in it, and not by where it lies.
    keys = [key_of(Vllm(str(folder), {}), HELLO, HELLO.content()) for folder in (first, second)]
    assert keys[0] == keys[1]
    (second / "model.safetensors").write_bytes(b"others!")
    assert key_of(Vllm(str(second), {}), HELLO, HELLO.content()) != keys[0]
    named = [key_of(Vllm(name, {}), HELLO, HELLO.content()) for name in ("a/m", "b/m")]
    assert named[0] != named[1]


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (BrokenCall("reset", sent=True), "again"),
        (BrokenCall("refused", sent=False), "again"),
        (MalformedReply("blank"), "again"),
        (Rejected(503, b"", {}), "again"),
        (Rejected(400, b'{"message": "prompt is too long"}', {}), "never"),
        (Rejected(404, b'{"message": "model x does not exist"}', {}), "fatal"),
    ],
)
def test_no_error_of_ones_own_server_costs_anything(error: Exception, action: str) -> None:
    verdict = Vllm("m", {}).classify(error)
    assert (verdict.action, verdict.paid) == (action, "no")
