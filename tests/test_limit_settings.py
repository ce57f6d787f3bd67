"""The limits that a person sets, in a recipe's words and in a real file that changes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from annoengine.errors import InputError, WorkspaceError
from annoengine.limit_settings import LIMITS_FILE, LimitSettings, LimitsFile, read_limits, watch
from tests.limits_clock import run_virtually

MODELS = ("openai/gpt-4o", "openai/gpt-4o-mini", "gemini/gemini-2.5-pro")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a run's file of limits lies."""
    return tmp_path / LIMITS_FILE


class TestSettings:
    def test_without_a_word_there_are_no_limits(self) -> None:
        assert LimitSettings() == LimitSettings(
            requests_per_minute=None, tokens_per_minute=None, concurrency=None
        )

    @pytest.mark.parametrize(
        "wrong",
        [
            {"requests_per_minute": 0},
            {"requests_per_minute": -5},
            {"requests_per_minute": "300"},
            {"requests_per_minute": True},
            {"requests_per_minute": float("inf")},
            {"tokens_per_minute": float("nan")},
            {"concurrency": 0},
            {"concurrency": 2.5},
            {"rpm": 300},
        ],
        ids=str,
    )
    def test_limits_that_are_none_are_refused(self, wrong: dict[str, object]) -> None:
        with pytest.raises(ValidationError):
            LimitSettings.model_validate(wrong)

    def test_a_file_changes_what_it_says_and_nothing_else(self) -> None:
        recipe = LimitSettings(requests_per_minute=500, tokens_per_minute=90_000, concurrency=8)
        assert recipe.changed_by(None) == recipe
        assert recipe.changed_by(LimitSettings()) == recipe
        assert recipe.changed_by(LimitSettings(concurrency=2)) == LimitSettings(
            requests_per_minute=500, tokens_per_minute=90_000, concurrency=2
        )
        lifted = recipe.changed_by(LimitSettings(requests_per_minute=None))
        assert lifted == LimitSettings(tokens_per_minute=90_000, concurrency=8)


class TestReading:
    def test_models_by_name(self, file: Path) -> None:
        file.write_text(
            "openai/gpt-4o: {requests_per_minute: 300, concurrency: 16}\n"
            "gemini/gemini-2.5-pro:\n"
            "  tokens_per_minute: 1.5e+6\n"
            "openai/gpt-4o-mini:\n"
        )
        assert read_limits(file, MODELS) == {
            "openai/gpt-4o": LimitSettings(requests_per_minute=300, concurrency=16),
            "gemini/gemini-2.5-pro": LimitSettings(tokens_per_minute=1_500_000),
            "openai/gpt-4o-mini": LimitSettings(),
        }

    @pytest.mark.parametrize("text", ["", "\n", "# openai/gpt-4o: {}\n", "---\n"])
    def test_a_file_that_says_nothing(self, file: Path, text: str) -> None:
        file.write_text(text)
        assert read_limits(file, MODELS) == {}

    def test_no_file(self, file: Path) -> None:
        assert read_limits(file, MODELS) == {}

    def test_any_name_goes_where_the_models_are_not_known(self, file: Path) -> None:
        file.write_text("mylab/model: {concurrency: 1}\n")
        assert read_limits(file) == {"mylab/model": LimitSettings(concurrency=1)}

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (
                "openai/gpt-4o: {requests_per_minute: 300",
                "limits.yaml:1: this is no YAML: expected ',' or '}', but got '<stream end>'",
            ),
            (
                "openai/gpt-4o:\n  concurrency: 4\n\tx: 1\n",
                "limits.yaml:3: this is no YAML: found character '\\t' that cannot start any token",
            ),
            (
                "\nopenai/gpt-4: {concurrency: 4}\n",
                "limits.yaml:2: this run asks no model called 'openai/gpt-4'. "
                "Did you mean 'openai/gpt-4o'?",
            ),
            (
                "openai/gpt-4o:\n  concurrency: 4\n  request_per_minute: 300\n",
                "limits.yaml:3: openai/gpt-4o.request_per_minute: unknown key "
                "'request_per_minute'. Did you mean 'requests_per_minute'?",
            ),
            (
                "openai/gpt-4o:\n  requests_per_minute: 0\n",
                "limits.yaml:2: openai/gpt-4o.requests_per_minute: "
                "Input should be greater than 0 (got 0)",
            ),
            (
                "openai/gpt-4o:\n  requests_per_minute: 300/min\n",
                "limits.yaml:2: openai/gpt-4o.requests_per_minute: "
                "Input should be a valid number (got '300/min')",
            ),
            (
                "# three hundred\nopenai/gpt-4o: 300\n",
                "limits.yaml:2: openai/gpt-4o: limits such as {requests_per_minute: 300} are "
                "needed here (got 300)",
            ),
            (
                "- openai/gpt-4o\n",
                "limits.yaml:1: models and their limits are needed here, such as "
                "'openai/gpt-4o: {requests_per_minute: 300}' (got ['openai/gpt-4o'])",
            ),
            ("3: {concurrency: 1}\n", "limits.yaml:1: this run asks no model called 3."),
            ("? [a, b]\n: {}\n", "limits.yaml:1: this is no YAML: found unhashable key"),
        ],
    )
    def test_a_mistake_is_named_with_its_place(self, file: Path, text: str, said: str) -> None:
        file.write_text(text)
        with pytest.raises(InputError) as error:
            read_limits(file, MODELS)
        assert str(error.value).replace(str(file), "limits.yaml").startswith(said)

    def test_what_cannot_be_read_is_said(self, file: Path, tmp_path: Path) -> None:
        file.write_bytes(b"\xff\xfe{}")
        with pytest.raises(InputError, match=r"limits\.yaml cannot be read: 'utf-8' codec"):
            read_limits(file)
        with pytest.raises(InputError, match=r"cannot be read: .*Is a directory"):
            read_limits(tmp_path)


class TestLooking:
    def test_only_what_changed_is_read(self, file: Path) -> None:
        looked = LimitsFile(file, MODELS)
        assert looked.look() == {}  # at first, also where there is none
        assert looked.look() is None
        file.write_text("openai/gpt-4o: {concurrency: 4}\n")
        assert looked.look() == {"openai/gpt-4o": LimitSettings(concurrency=4)}
        assert looked.look() is None
        file.unlink()
        assert looked.look() == {}
        assert looked.look() is None

    def test_a_mistake_is_told_once(self, file: Path) -> None:
        looked = LimitsFile(file, MODELS)
        file.write_text("openai/gpt-4o: {concurrency: none}\n")
        with pytest.raises(InputError):
            looked.look()
        assert looked.look() is None
        file.write_text("openai/gpt-4o: {concurrency: 12}\n")
        assert looked.look() == {"openai/gpt-4o": LimitSettings(concurrency=12)}

    def test_a_file_that_another_was_renamed_over_is_another(self, file: Path) -> None:
        """As editors save: the new one may be as long and as old as the last."""
        file.write_text("openai/gpt-4o: {concurrency: 4}\n")
        looked = LimitsFile(file, MODELS)
        looked.look()
        saved = file.with_suffix(".new")
        saved.write_text("openai/gpt-4o: {concurrency: 8}\n")
        before = file.stat()
        os.utime(saved, ns=(before.st_atime_ns, before.st_mtime_ns))
        saved.rename(file)
        assert looked.look() == {"openai/gpt-4o": LimitSettings(concurrency=8)}


class Watched:
    """What a watch applied and noted, one after another."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[Mapping[str, LimitSettings] | str] = asyncio.Queue()

    def apply(self, settings: Mapping[str, LimitSettings]) -> None:
        if any(limits.concurrency == 13 for limits in settings.values()):
            raise WorkspaceError("thirteen at once are more than this run bears")
        self.said.put_nowait(settings)

    def note(self, text: str) -> None:
        self.said.put_nowait(text)

    async def next(self) -> Mapping[str, LimitSettings] | str:
        return await asyncio.wait_for(self.said.get(), 10)


async def test_a_watch_applies_what_is_said_and_keeps_it_through_mistakes(file: Path) -> None:
    watched = Watched()
    task = asyncio.ensure_future(watch(file, watched.apply, watched.note, MODELS, every_s=0.01))
    assert await watched.next() == {}
    file.write_text("openai/gpt-4o: {requests_per_minute: 300}\n")
    assert await watched.next() == {"openai/gpt-4o": LimitSettings(requests_per_minute=300)}
    file.write_text("openai/gpt-4o: {requests_per_minute: many}\n")
    assert await watched.next() == (
        f"{file}:1: openai/gpt-4o.requests_per_minute: Input should be a valid number "
        "(got 'many'). The limits stay as they were."
    )
    file.write_text("openai/gpt-4: {concurrency: 1}\n")
    assert await watched.next() == (
        f"{file}:1: this run asks no model called 'openai/gpt-4'. Did you mean 'openai/gpt-4o'? "
        "The limits stay as they were."
    )
    file.write_text("openai/gpt-4o: {concurrency: 13}\n")
    said = await watched.next()
    assert said == "thirteen at once are more than this run bears. The limits stay as they were."
    file.write_text("openai/gpt-4o: {concurrency: 2, requests_per_minute: null}\n")
    settings = await watched.next()
    assert isinstance(settings, Mapping)
    assert settings["openai/gpt-4o"].model_fields_set == {"concurrency", "requests_per_minute"}
    file.unlink()
    assert await watched.next() == {}
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert watched.said.empty()


def test_a_watch_looks_once_a_second(file: Path) -> None:
    async def main() -> list[tuple[float, int | None]]:
        loop = asyncio.get_running_loop()
        applied: list[tuple[float, int | None]] = []

        def apply(settings: Mapping[str, LimitSettings]) -> None:
            most = settings["openai/gpt-4o"].concurrency if settings else None
            applied.append((loop.time(), most))

        task = asyncio.ensure_future(watch(file, apply, print))
        for concurrency in (1, 10, 100):  # at 0.3, 0.6 and 0.9 s
            await asyncio.sleep(0.3)
            file.write_text(f"openai/gpt-4o: {{concurrency: {concurrency}}}")
        await asyncio.sleep(5)
        task.cancel()
        return applied

    assert run_virtually(main()) == [(0.0, None), (1.0, 100)]
