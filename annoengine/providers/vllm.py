"""A model of one's own, served by ``vllm serve`` on this machine for as long as the run lasts.

The server is a child (:mod:`annoengine.child_server`) on a free loopback port, asked over the
chat-completions wire that ``openai/…`` uses. It is started anew when it dies
(:mod:`annoengine.kept_server`) and ended with the run, whatever way that ends. Any command that
takes a model, ``--host`` and ``--port`` and answers ``/health`` serves as well (``command``:
a container, ``transformers serve``). A server that already runs is no matter of this provider: it
is ``openai/MODEL`` with ``base_url``.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from annoengine.chat_connection import one_call
from annoengine.chat_errors import (
    BrokenCall,
    MalformedReply,
    Rejected,
    classify_broken,
    classify_status,
)
from annoengine.chat_wire import ChatDialect, chat_body, read_chat_reply
from annoengine.child_server import HOST, ServerFailed, ServerPlan
from annoengine.errors import RecipeError, SettingError
from annoengine.fingerprint import canonical_json
from annoengine.kept_server import DeadlyCall, KeptServer, ServerGivenUp, times
from annoengine.model_folder import folder_fingerprint
from annoengine.provider import Reply, Request, Retry, content_key
from annoengine.provider_options import read_options
from annoengine.requirement import Requirement
from annoengine.stage import Parameters
from annoengine.wire_session import WireSession

_INSTALL = "pip install 'annoengine[vllm]'"
_USE_RUNNING = "a server that already runs is openai/{} with the option base_url"

_SET_HERE = ("--host", "--port", "--uds", "--root-path", "--api-key", "--served-model-name")
"""Arguments of the server without which it would not be found under its address and name."""

_SET_BY_STAGES = frozenset(
    {"model", "messages", "stream", "n", "temperature", "top_p", "max_tokens", "seed"}
    | {"max_completion_tokens", "response_format"}
)
_PROBE = "Answer with one word: is the sky blue?"
_KEY_CHARS = 16


class VllmOptions(Parameters):
    """What a recipe may set for a ``vllm/…`` model."""

    command: tuple[str, ...] = Field(default=("vllm", "serve"), min_length=1)
    """The words that start the server; model, address and settings are put behind them. For a
    container: ``[podman, run, --rm, --network, host, …]``."""

    dtype: Literal["auto", "bfloat16", "float16", "float32"] | None = None
    """The numbers that the model computes with; None leaves it to the server."""

    quantization: str | None = None
    """How the weights are quantised (awq, gptq, bitsandbytes, fp8); None reads it from them."""

    revision: str | None = None
    """Branch, tag or commit of a model from the hub; give a commit to have the same one always."""

    tensor_parallel: int = Field(default=1, ge=1)
    """Over how many GPUs each layer is spread."""

    max_model_len: int | None = Field(default=None, ge=1)
    """Tokens of prompt and answer together; less leaves room for more calls at once."""

    gpu_memory: float | None = Field(default=None, gt=0, le=1)
    """The share of each GPU's memory that the server may take; None is its default."""

    max_images: int | None = Field(default=None, ge=0)
    """The most pictures of one call; less leaves room for more calls at once."""

    min_pixels: int | None = Field(default=None, ge=1)
    """The least pixels at which a Qwen-VL model is shown a picture."""

    max_pixels: int | None = Field(default=None, ge=1)
    """The most pixels at which a Qwen-VL model is shown a picture."""

    args: tuple[str, ...] = ()
    """Further arguments of the server, put last: ``[--max-num-seqs, '512']``."""

    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Further fields of a call's body: ``{chat_template_kwargs: {enable_thinking: false}}``."""

    max_concurrency: int = Field(default=256, ge=1)
    """How many calls are in flight at once. The server batches anew at each token what it has, so
    that it wants many; beyond its own ``--max-num-seqs`` they wait there."""

    timeout_s: float = Field(default=900.0, gt=0)
    """Seconds that a call may take, its waiting within the server included."""

    start_timeout_s: float = Field(default=1800.0, gt=0)
    """Seconds that the server may take to come up, downloads included."""

    stop_timeout_s: float = Field(default=15.0, gt=0)
    """Seconds that it may take to end when it is told to, before it is killed."""

    restarts: int = Field(default=3, ge=0)
    """How often in a row, without an answer in between, it is started again after it died."""

    log: str | None = None
    """File for what the server says; None is a temporary file, which goes if nothing went wrong."""


@dataclass
class _Shared:
    """A server that one or more providers use."""

    kept: KeptServer
    command: tuple[str, ...]
    users: int = 0


_shared: dict[str, _Shared] = {}
"""The servers of this process by model: nobody has room for two of one."""


class Vllm:
    """The wire to one model, and the care of its server."""

    VERSION: ClassVar[int] = 1
    BATCH: ClassVar[bool] = False
    FREE: ClassVar[bool] = True
    ON_CARDS: ClassVar[bool] = True

    def __init__(self, model: str, options: Mapping[str, Any]) -> None:
        self.name = f"vllm/{model}"
        if not model.strip():
            raise RecipeError(
                "vllm needs a model, for example vllm/Qwen/Qwen2-VL-7B-Instruct, or its folder"
            )
        self.options = _read_options(self.name, options)
        self.model = model
        extra = tuple(sorted(self.options.extra_body.items()))
        self.dialect = ChatDialect(model, extra=extra)
        self.tell: Callable[[str], None] = lambda text: None
        """Takes sentences for the person who waits while the server comes up."""
        self._shared: _Shared | None = None
        self._session: WireSession | None = None
        self._own_log: Path | None = None
        self._key_extra: dict[str, str] | None = None

    @property
    def window(self) -> int:
        """``max_concurrency``."""
        return self.options.max_concurrency

    def requirements(self) -> Sequence[Requirement]:
        """The command that serves."""
        word = self.options.command[0]
        remedy = f"{_INSTALL}; {_USE_RUNNING.format(self.model)}"
        return (Requirement(f"the command {word!r}", _program(word) is not None, remedy),)

    def key_extra(self, request: Request) -> Mapping[str, str]:
        """The model's files where it is a folder; what changes how it computes or is asked."""
        if self._key_extra is None:
            o = self.options
            told: dict[str, Any] = {
                "dtype": o.dtype,
                "quantization": o.quantization,
                "revision": o.revision,
                "min_pixels": o.min_pixels,
                "max_pixels": o.max_pixels,
                "args": list(o.args) or None,
                "extra_body": o.extra_body or None,
            }
            extra = {k: canonical_json(v).decode() for k, v in told.items() if v is not None}
            if Path(self.model).is_dir():
                extra["model"] = folder_fingerprint(Path(self.model))[:_KEY_CHARS]
            self._key_extra = extra
        return self._key_extra

    def find_key(self, request: Request, content: Mapping[str, Any]) -> str:
        """The key of a call: of a model in a folder by its files, wherever the folder lies."""
        extra = self.key_extra(request)
        return content_key("vllm" if "model" in extra else self.name, extra, content)

    async def open(self) -> None:
        """Starts the server, or takes the one that runs for another role.

        Raises SettingError where the command is missing or the server does not come up.
        """
        if self._shared is not None:
            return
        o = self.options
        program = _program(o.command[0])
        if program is None:
            raise SettingError(
                f"{self.name} needs the command {o.command[0]!r}, which is not on the PATH; "
                f"install it: {_INSTALL}; {_USE_RUNNING.format(self.model)}"
            )
        command = (program, *o.command[1:], self.model, *self._arguments())
        shared = _shared.get(self.model)
        if shared is None:
            shared = _shared[self.model] = _Shared(self._kept(command), command)
            try:
                await shared.kept.start()
            except ServerFailed as error:
                del _shared[self.model]
                raise SettingError(
                    f"{error}\nMend what it says, by the options of {self.name} (max_model_len, "
                    "gpu_memory, args …) or the server's command"
                ) from None
            except BaseException:
                del _shared[self.model]
                raise
        elif shared.command != command:
            raise SettingError(
                f"{self.name} stands in two roles with different settings of its server, and is "
                "not loaded twice; give both roles the same options"
            )
        shared.users += 1
        self._shared = shared
        self._session = WireSession(
            o.timeout_s,
            o.max_concurrency,
            headers={"content-type": "application/json", "accept-encoding": "identity"},
        )

    async def close(self) -> None:
        """Ends the server with its last user; may be called twice, and ``open`` may follow."""
        shared, self._shared = self._shared, None
        session, self._session = self._session, None
        if session is not None:
            await session.close()
        if shared is None:
            return
        shared.users -= 1
        if not shared.users:
            _shared.pop(self.model, None)
            await shared.kept.stop()
            if self._own_log is not None and not shared.kept.deaths:
                self._own_log.unlink(missing_ok=True)

    async def reply(self, request: Request) -> Reply:
        """One call, sent again to the next server where one dies of another call.

        Raises Rejected, MalformedReply and BrokenCall of a server that is well; DeadlyCall;
        ServerGivenUp.
        """
        if self._shared is None or self._session is None:
            raise RuntimeError(f"{self.name} was not opened")
        session = self._session

        async def call(base_url: str) -> Reply:
            wire = _Wire(session, base_url)
            return await one_call(wire, request, self.name, self._write, self._read)

        return await self._shared.kept.send(call)

    async def _write(self, request: Request) -> bytes:
        return await chat_body(request, self.dialect)

    def _read(self, content: bytes, headers: Mapping[str, str]) -> Reply:
        return read_chat_reply(content, headers, self.model)

    def classify(self, error: Exception) -> Retry:
        """What an error of :meth:`reply` means; no call is ever paid for."""
        return replace(self._verdict(error), paid="no")

    def _verdict(self, error: Exception) -> Retry:
        if isinstance(error, ServerGivenUp):
            return Retry("fatal", str(error))
        if isinstance(error, DeadlyCall):
            # Its last words are in the journal; reasons are counted, and have none.
            return Retry("never", f"the server of {self.name} dies of this call, and of no other")
        if isinstance(error, Rejected):
            return self._status(error.status, error.body, error.headers)
        if isinstance(error, MalformedReply):
            if error.body is not None:
                return self._status(error.status or 200, error.body, {})
            return Retry("again", f"no answer in the reply: {error}")
        if isinstance(error, BrokenCall):
            return classify_broken(error, self._where)
        raise error

    def _status(self, status: int, body: Any, headers: Mapping[str, str]) -> Retry:
        return classify_status(status, body, headers, self.model, self._where, "no key")

    @property
    def _where(self) -> str:
        """The server's address, for sentences; a free port says nothing to anyone else."""
        return f"{HOST} ({self.name})"

    def notes(self) -> Sequence[str]:
        """That the server died, and where its log is."""
        kept = None if self._shared is None else self._shared.kept
        if kept is None or not kept.deaths:
            return ()
        return (
            f"the server of {self.name} died {times(kept.deaths)} and was started again; its log "
            f"is {kept.plan.log}",
        )

    def _kept(self, command: tuple[str, ...]) -> KeptServer:
        o = self.options
        if o.log is not None:
            log = Path(o.log).expanduser()
        else:
            handle, path = tempfile.mkstemp(prefix="annoengine-vllm-", suffix=".log")
            os.close(handle)
            log = self._own_log = Path(path)
        plan = ServerPlan(
            name=f"the server of {self.name}",
            command=lambda port: (*command, "--host", HOST, "--port", str(port)),
            start_s=o.start_timeout_s,
            grace_s=o.stop_timeout_s,
            log=log,
            tell=lambda text: self.tell(text),
        )
        return KeptServer(plan, self._probe, o.restarts)

    def _arguments(self) -> list[str]:
        """The server's own arguments. Source: vLLM's documentation, "Engine Arguments"."""
        o = self.options
        given: list[str] = []
        for flag, value in (
            ("--dtype", o.dtype),
            ("--quantization", o.quantization),
            ("--revision", o.revision),
            ("--tensor-parallel-size", o.tensor_parallel if o.tensor_parallel > 1 else None),
            ("--max-model-len", o.max_model_len),
            ("--gpu-memory-utilization", o.gpu_memory),
        ):
            if value is not None:
                given += [flag, str(value)]
        if o.max_images is not None:
            given += ["--limit-mm-per-prompt", json.dumps({"image": o.max_images})]
        pixels = {"min_pixels": o.min_pixels, "max_pixels": o.max_pixels}
        pixels = {name: value for name, value in pixels.items() if value is not None}
        if pixels:
            given += ["--mm-processor-kwargs", json.dumps(pixels)]
        return [*given, *o.args]

    async def _probe(self, base_url: str) -> None:
        """A question that any server answers that answers at all."""
        assert self._session is not None
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": _PROBE}],
            "max_tokens": 1,
        }
        wire = _Wire(self._session, base_url)
        status, headers, content = await wire.post(canonical_json(body))
        if status != 200:
            raise Rejected(status, content, headers)


class _Wire:
    """The way to one start of the server."""

    def __init__(self, session: WireSession, base_url: str) -> None:
        self._session = session
        self._url = f"{base_url}/v1/chat/completions"

    async def post(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and content of a whole reply; raises BrokenCall where there is none."""
        return await self._session.post(self._url, body)


def _program(word: str) -> str | None:
    """The program that a command's first word names: on the PATH, or beside this Python."""
    if os.sep not in word and (beside := Path(sys.executable).parent / word).is_file():
        return str(beside)
    return shutil.which(word)


def _read_options(name: str, options: Mapping[str, Any]) -> VllmOptions:
    """The options, checked."""
    if "base_url" in options:
        raise RecipeError(
            f"{name} starts a server of its own and takes no base_url; "
            f"{_USE_RUNNING.format(name.partition('/')[2])}"
        )
    read = read_options(name, options, VllmOptions)
    for word in read.args:
        if word.partition("=")[0] in _SET_HERE:
            raise RecipeError(
                f"{name}: args may not hold {word.partition('=')[0]!r}; the server hears on a "
                "free port of this machine alone, under its model's name"
            )
    for field in sorted(_SET_BY_STAGES & read.extra_body.keys()):
        raise RecipeError(f"{name}: extra_body may not hold {field!r}, which is set elsewhere")
    return read
