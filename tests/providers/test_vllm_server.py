"""The ``vllm`` provider and a server that dies, hangs, comes late or will not end.

Each run goes through the whole engine; its account sums, every record has its answer, and no
process is left behind.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from annoengine.errors import ProviderUnusable, SettingError
from annoengine.events import Note
from annoengine.provider import Request
from annoengine.providers.vllm import Vllm
from annoengine.recipe import Recipe, load_recipe
from annoengine.retry import open_failed
from annoengine.runner import finished_records
from annoengine.workspace import Workspace
from tests.engine.carrying import account_of, carry, recipe_file
from tests.toy import message
from tests.wire.stubs import Stub, gone, this_process_started

ASKS: list[Any] = [{"tests.toy:Asks": {}, "as": "asks"}]
QUESTIONS = [f"What is {n}?" for n in range(10)]


@pytest.fixture(autouse=True)
def _soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annoengine.kept_server._FIRST_WAIT_S", 0.01)


def recipe_with(folder: Path, stub: Stub, **options: Any) -> Recipe:
    model = {"model": "vllm/tiny", "options": stub.options(**options)}
    return load_recipe(recipe_file(folder, ASKS, model=model))


def texts(recipe: Recipe, workspace: Workspace) -> list[str]:
    return [record.captions[0].text for _, record in finished_records(recipe, workspace)]


def test_a_server_that_dies_costs_no_record_and_no_try(tmp_path: Path) -> None:
    stub = Stub.scripted(tmp_path / "stub", {"die_at": 4}, {"late_s": 0.3})
    recipe, workspace = recipe_with(tmp_path, stub), Workspace(tmp_path / "run")
    told: list[str] = []
    carry(
        recipe,
        workspace,
        on_event=lambda event: told.append(event.text) if isinstance(event, Note) else None,
    )
    assert texts(recipe, workspace) == [f"stub: {question}" for question in QUESTIONS]
    calls = account_of(recipe, workspace).stages[1].calls
    assert (calls.asked, calls.failures, calls.perhaps_paid) == (10, {}, 0)
    assert sorted(set(stub.answered)) == QUESTIONS
    assert len(stub.answered) == 10
    assert stub.starts == 2
    assert not stub.alive()
    where = f"the server of vllm/tiny: started; its log is {tmp_path}/stub/server.log"
    died = "the server of vllm/tiny died; it is started again (1 of 3)"
    assert [told[0], told[2], told[3]] == [where, died, where]
    assert told[5].startswith("the server of vllm/tiny died once and was started again")
    assert told[1].startswith("the server of vllm/tiny: up after ")


def test_a_call_that_the_server_dies_of_is_given_up_and_all_others_go_on(tmp_path: Path) -> None:
    stub = Stub.scripted(tmp_path / "stub", {"die_of": "What is 7?"})
    recipe, workspace = recipe_with(tmp_path, stub), Workspace(tmp_path / "run")
    carry(recipe, workspace)
    asks = account_of(recipe, workspace).stages[1]
    assert (asks.given, asks.failed) == (9, {"gave_up": 1})
    assert asks.calls.failures == {"the server of vllm/tiny dies of this call, and of no other": 1}
    (told,) = (
        line["detail"]
        for path in workspace.all_journals()
        for line in map(orjson.loads, path.read_bytes().splitlines())
        if line["event"] == "failed"
    )
    assert "DeadlyCall: the server of vllm/tiny died 3 times of this call" in told
    assert told.rstrip().rpartition("\n")[2].startswith("  stub 3: loading tiny --host 127.0.0.1")
    assert stub.starts == 4
    assert not stub.alive()
    # Nothing left but what kills it: with no other call to tell by, a small question does.
    assert open_failed(recipe, workspace).total == 1
    carry(recipe, workspace)
    assert account_of(recipe, workspace).stages[1].failed == {"gave_up": 1}
    assert stub.answered[-1] == "Answer with one word: is the sky blue?"


def test_a_server_that_always_dies_ends_the_run_with_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {"says": "CUDA error: hunter2hunter2 fell off the bus", "exit": 3}
    stub = Stub.scripted(tmp_path / "stub", {"die_at": 1}, broken)
    monkeypatch.setenv("MY_TOKEN", "hunter2hunter2")
    recipe, workspace = recipe_with(tmp_path, stub, restarts=2), Workspace(tmp_path / "run")
    with pytest.raises(ProviderUnusable) as caught:
        carry(recipe, workspace)
    assert str(caught.value).startswith(
        "vllm/tiny: the server of vllm/tiny died 3 times without an answer in between, and "
        "is not started again (restarts: 2): the server of vllm/tiny ended with status 3; its log "
    )
    assert str(caught.value).endswith(
        "ends:\n  CUDA error: [key] fell off the bus\nThat is all it says. Nothing is lost: mend "
        "it and run the same command again"
    )
    assert stub.starts == 3
    assert not stub.alive()
    # Nothing was lost: with a server that runs, the same run goes on to its end.
    (tmp_path / "stub/script.json").write_text("[{}]")
    carry(recipe, workspace)
    assert texts(recipe, workspace) == [f"stub: {question}" for question in QUESTIONS]
    assert account_of(recipe, workspace).stages[1].calls.perhaps_paid == 0


@pytest.mark.parametrize("trouble", ["freeze_at", "unwell_at"])
def test_a_server_that_runs_and_answers_nothing_counts_as_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr("annoengine.child_server._HEALTH_S", 1)
    stub = Stub.scripted(tmp_path / "stub", {trouble: 3}, {})
    recipe, workspace = recipe_with(tmp_path, stub, timeout_s=2), Workspace(tmp_path / "run")
    carry(recipe, workspace)
    assert texts(recipe, workspace) == [f"stub: {question}" for question in QUESTIONS]
    assert account_of(recipe, workspace).stages[1].calls.failures == {}
    assert stub.starts == 2
    assert not stub.alive()


def test_a_server_that_may_not_be_started_again_ends_the_run_at_its_first_death(
    tmp_path: Path,
) -> None:
    stub = Stub.scripted(tmp_path / "stub", {"die_at": 3})
    recipe, workspace = recipe_with(tmp_path, stub, restarts=0), Workspace(tmp_path / "run")
    with pytest.raises(ProviderUnusable, match="died once without an answer in between"):
        carry(recipe, workspace)
    assert (stub.starts, stub.alive()) == (1, [])


def test_what_a_healthy_server_refuses_is_no_death(tmp_path: Path) -> None:
    stub = Stub.scripted(tmp_path / "stub", {"refuse_of": "What is 2?"})
    recipe, workspace = recipe_with(tmp_path, stub), Workspace(tmp_path / "run")
    carry(recipe, workspace)
    assert account_of(recipe, workspace).stages[1].failed == {"gave_up": 1}
    assert stub.starts == 1


@pytest.mark.parametrize(
    ("script", "within_s", "sentence"),
    [
        (
            {"says": "ValueError: max seq len 32768 is larger than the KV cache", "exit": 1},
            30,
            "ended with status 1; its log {log} ends:\n  ValueError: max seq len 32768 is larger "
            "than the KV cache\nMend what it says, by the options of vllm/tiny (max_model_len, "
            "gpu_memory, args …) or the server's command",
        ),
        (
            {"never": True},
            4,
            "was not up after 4 s; its log {log} ends:\n  stub 1: loading tiny --host 127.0.0.1",
        ),
    ],
)
def test_a_server_that_does_not_come_up_is_told_with_its_own_words(
    tmp_path: Path, script: dict[str, Any], within_s: int, sentence: str
) -> None:
    stub = Stub.scripted(tmp_path / "stub", script)
    recipe = recipe_with(tmp_path, stub, start_timeout_s=within_s)
    with pytest.raises(SettingError) as caught:
        carry(recipe, Workspace(tmp_path / "run"))
    log = tmp_path / "stub/server.log"
    assert sentence.format(log=log) in str(caught.value)
    assert stub.starts == 1
    assert not stub.alive()


def test_a_server_that_ignores_sigterm_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    stub = Stub.scripted(tmp_path / "stub", {"stubborn": True})

    async def use() -> str:
        provider = Vllm("tiny", stub.options(stop_timeout_s=0.2))
        await provider.open()
        reply = await provider.reply(Request("model", (message("Hello"),)))
        assert len(stub.alive()) == 2
        await provider.close()
        await provider.close()
        return reply.text

    assert asyncio.run(use()) == "stub: Hello"
    assert not stub.alive()


def test_two_roles_of_one_model_share_its_server(tmp_path: Path) -> None:
    stub = Stub.scripted(tmp_path / "stub", {})

    async def use() -> None:
        first = Vllm("tiny", stub.options())
        second = Vllm("tiny", stub.options(extra_body={"top_k": 1}))
        third = Vllm("tiny", stub.options(max_model_len=64))
        await first.open()
        await second.open()
        with pytest.raises(SettingError, match="stands in two roles with different settings"):
            await third.open()
        await third.close()
        await first.close()
        reply = await second.reply(Request("model", (message("Still there?"),)))
        assert reply.text == "stub: Still there?"
        await second.close()

    asyncio.run(use())
    assert stub.starts == 1
    assert not stub.alive()


def test_a_keeper_that_is_killed_takes_its_server_along(tmp_path: Path) -> None:
    stub = Stub.scripted(tmp_path / "stub", {})

    async def use() -> None:
        provider = Vllm("tiny", stub.options())
        # Tests before this one may have left children of their own: a forking process, a tracker.
        before = this_process_started()
        await provider.open()
        try:
            (keeper,) = this_process_started() - before
            os.kill(keeper, signal.SIGKILL)
            assert await asyncio.to_thread(gone, stub.pids)
            reply = await provider.reply(Request("model", (message("And now?"),)))
            assert reply.text == "stub: And now?"
        finally:
            await provider.close()

    asyncio.run(use())
    assert stub.starts == 2
    assert not stub.alive()


def test_whoever_does_not_wait_for_the_server_leaves_none_behind(tmp_path: Path) -> None:
    stub = Stub.scripted(tmp_path / "stub", {"never": True})

    async def use() -> None:
        opening = asyncio.create_task(Vllm("tiny", stub.options()).open())
        await asyncio.to_thread(stub.wait_for_start)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening

    asyncio.run(use())
    assert not stub.alive()


_OPENS = """
import asyncio, sys, json
from annoengine.providers.vllm import Vllm
async def main():
    await Vllm("tiny", json.loads(sys.argv[1])).open()
    print("up", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def test_a_parent_that_is_killed_leaves_no_server_behind(tmp_path: Path) -> None:
    stub = Stub.scripted(tmp_path / "stub", {"stubborn": True})
    options = json.dumps(stub.options(stop_timeout_s=0.2))
    with subprocess.Popen(
        [sys.executable, "-c", _OPENS, options], stdout=subprocess.PIPE, cwd=Path.cwd()
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        assert len(stub.alive()) == 2
        os.kill(parent.pid, signal.SIGKILL)
    assert gone(stub.pids)
