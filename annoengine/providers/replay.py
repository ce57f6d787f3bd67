"""Answers out of another run's journals, found by what is asked: a published run made again.

``replay/RUN`` (``--model annotator=replay/runs/pix2cap``) sends nothing, needs no key and costs
nothing. Every outcome comes back as it was, refusals and calls that were given up included, with
the original call's key and the model's own name, so that records, shards and exports come out the
same to the byte. What is not in that run's journals is never made up.

A call is looked for by its record, turn and content (messages with pictures by hash, sampling,
schema), then by content alone. The newest outcome counts, as it does in the run itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, NoReturn

import orjson
import yaml
from pydantic import ValidationError

from annoengine.call_index import CallIndex, Row, difference
from annoengine.call_lines import Requests, read_calls
from annoengine.errors import RecipeError, RecordFailed, SettingError, UserError, WorkspaceError
from annoengine.fingerprint import fingerprint
from annoengine.provider import Reply, Request, Retry, Usage
from annoengine.registry import did_you_mean
from annoengine.requirement import Requirement
from annoengine.run_folder import find_run, is_run
from annoengine.stage import Parameters

NOT_THERE = "not in the replayed run"
"""The reason of a record that was set aside because its call is missing."""


class ReplayOptions(Parameters):
    """What a recipe may set for a ``replay/…`` model."""

    model: str | None = None
    """Whose answers are replayed (``openai/gpt-4o``), where several models were asked the same:
    a run with a second model for what the first failed at is replayed by naming RUN twice, each
    time with the option of one of them. Also the model that the pictures are drawn for."""

    missing: Literal["stop", "fail_record"] = "stop"
    """What a call leads to that the run does not have: the end of this run, or one failed record
    (reason: not in the replayed run)."""


class Replay:
    """The journals of one run in place of the models that it asked."""

    VERSION: ClassVar[int] = 1
    BATCH: ClassVar[bool] = False
    FREE: ClassVar[bool] = True

    def __init__(self, model: str, options: Mapping[str, Any]) -> None:
        if not model.strip():
            raise RecipeError(
                "replay needs the run whose answers it gives, for example replay/runs/pix2cap"
            )
        self.run = model
        self.options = _read_options(f"replay/{model}", options)
        chosen = self.options.model
        self.name = f"replay/{model}" + (f" ({chosen})" if chosen else "")
        self._index: CallIndex | None = None

    def __repr__(self) -> str:
        return f"Replay({self.name!r})"

    @property
    def window(self) -> int:
        """Reading a line takes no time worth waiting for; so many records are open at once."""
        return 64

    def requirements(self) -> Sequence[Requirement]:
        """The run."""
        try:
            met = is_run(find_run(self.run))
        except WorkspaceError:
            met = False
        return (Requirement(f"the run {self.run}", met, "give its folder: replay/FOLDER"),)

    def stands_for(self, role: str) -> str:
        """The model whose answers these are, for rules that go by a model's name.

        The option ``model``, else what the run's recipe names for the role, else who answered
        its first call; its own name where the run is not there.
        """
        if self.options.model:
            return self.options.model
        try:
            root = find_run(self.run)
            named = _first_model(root / "recipe.yaml", role)
            if named is None or named.partition("/")[0] == "replay":
                named = next((call.model for call in read_calls(root) if call.model), None)
        except WorkspaceError:
            named = None
        return named or self.name

    async def open(self) -> None:
        """Goes through the run's journals. Raises WorkspaceError or RecipeError."""
        self._opened()

    def _opened(self) -> CallIndex:
        # A plan asks for keys and opens no provider.
        if self._index is None:
            self._index = self._built()
        return self._index

    def _built(self) -> CallIndex:
        root = find_run(self.run)
        wanted = self.options.model
        index = CallIndex(root, wanted)
        if not index.providers:
            raise WorkspaceError(
                f"{self.name}: {root} has no call in its journals; nothing can be replayed from it"
            )
        if not len(index):
            raise RecipeError(
                f"{self.name}: no call of {root} was answered by {wanted!r}."
                f"{did_you_mean(wanted or '', index.providers)}"
            )
        return index

    async def close(self) -> None:
        """Lets go of the index; may be called twice."""
        self._index = None

    def find_key(self, request: Request, content: Mapping[str, Any]) -> str:
        """The key of the call that is replayed for a request whose content is already made.

        Raises WorkspaceError (or RecordFailed, where the recipe says so) for one that the run
        does not have, RecipeError where two models were asked it, and RecordFailed where the
        record had failed in that call.
        """
        row = self._row(request, content)
        key: str = self._opened().read(row)["key"]
        return key

    async def reply(self, request: Request) -> Reply:
        """The outcome as it was. Raises what :meth:`find_key` does."""
        entry = self._opened().read(self._row(request, request.content()))
        usage = entry.get("usage") or {}
        return Reply(
            text=entry["text"],
            outcome=entry["outcome"],
            model=entry["model"],
            detail=entry.get("detail", ""),
            usage=Usage(
                input_tokens=usage.get("input_tokens"),
                output_tokens=usage.get("output_tokens"),
                cached_input_tokens=usage.get("cached_input_tokens"),
            ),
            request_id=entry.get("request_id", ""),
        )

    def classify(self, error: Exception) -> Retry:
        """A run that cannot be read ends this one; what is not of the run is raised."""
        if isinstance(error, UserError | OSError):
            return Retry("fatal", str(error))
        raise error

    def key_extra(self, request: Request) -> Mapping[str, str]:
        """Nothing: the key is the original call's, see :meth:`find_key`."""
        return {}

    async def embed(self, items: Sequence[str | bytes]) -> NoReturn:
        """Raises SettingError: vectors are in no journal."""
        raise SettingError(
            f"{self.name} has no vectors, only answers; give the role that makes vectors a model "
            "of its own"
        )

    def _row(self, request: Request, content: Mapping[str, Any]) -> Row:
        index = self._opened()
        rows = index.find(fingerprint(content), request.place)
        asked = list(dict.fromkeys(row.provider for row in rows))
        if len(asked) > 1:
            raise RecipeError(
                f"{self.name}: {_named(request)} was asked of {' and '.join(asked)} in "
                f"{index.root}. Say whose answer counts: options: {{model: {asked[-1]}}}; a run "
                "that used both is replayed by a list of both, each with its own option"
            )
        row = max(rows, key=lambda row: row.newness, default=None)
        if row is not None and row.answered:
            return row
        if row is not None:
            _fail_as_then(index.read(row))
        raise self._missing(index, request, content, row)

    def _missing(
        self, index: CallIndex, request: Request, content: Mapping[str, Any], row: Row | None
    ) -> Exception:
        text = f"{_named(request)} is not in {index.root}: {_why(index, request, content, row)}"
        if self.options.missing == "fail_record":
            return RecordFailed(NOT_THERE, text)
        return WorkspaceError(
            f"{self.name}: {text}. A run is replayed with its own recipe, prompts, inputs and "
            f"version of annoengine (see {index.root}/recipe.yaml and manifest.json); options: "
            "{missing: fail_record} sets aside the records that it lacks, and goes on"
        )


def _named(request: Request) -> str:
    if request.place is None:
        return "the call"
    record, turn = request.place
    return f"{record} (turn {turn})"


def _why(index: CallIndex, request: Request, content: Mapping[str, Any], row: Row | None) -> str:
    """Why a call is missing, as the end of a sentence."""
    if row is not None:
        return "it was asked, and no outcome came; was the run stopped?"
    there = index.at_place(*request.place) if request.place else []
    if not there:
        return "it asked nothing by that name"
    newest = max(there, key=lambda row: row.newness)
    calls = (call for call in read_calls(index.root) if call.journal == newest.journal)
    call = next((c for c in calls if c.line[0] == newest.offset), None)
    asked = Requests().read(call) if call is not None else None
    # What differs must be told from a content that went through JSON, as the stored one did.
    wanted = orjson.loads(orjson.dumps(dict(content)))
    words = difference(asked, wanted) if asked is not None else ""
    return f"it asked something else there; {words}" if words else "it asked something else there"


def _fail_as_then(entry: Mapping[str, Any]) -> None:
    """Raises RecordFailed for a try that the record itself failed (a picture was unreadable).

    Such a line says ``reason: detail``; those of the wire begin with the kind of their error.
    """
    reason, detail = entry.get("reason", ""), entry.get("detail", "")
    if not reason or entry.get("paid") != "no":
        return
    if detail == reason:
        raise RecordFailed(reason)
    if detail.startswith(f"{reason}: "):
        raise RecordFailed(reason, detail.removeprefix(f"{reason}: "))


def _first_model(recipe: Path, role: str) -> str | None:
    """The first model that a resolved recipe names for a role, in whichever form."""
    try:
        entry = yaml.safe_load(recipe.read_text(encoding="utf-8"))["models"][role]
        while not isinstance(entry, str):
            if isinstance(entry, list):
                entry = entry[0]
            else:
                entry = entry["models"] if "models" in entry else entry["model"]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, IndexError, TypeError):
        return None
    return entry


def _read_options(name: str, options: Mapping[str, Any]) -> ReplayOptions:
    known = ReplayOptions.model_fields
    for key in options:
        if key not in known:
            raise RecipeError(f"{name} has no option {key!r}.{did_you_mean(key, known)}")
    try:
        return ReplayOptions.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RecipeError(
            f"{name}: the option {where!r} is wrong: {first['msg']} (got {first['input']!r})"
        ) from None
