"""A process that has imported annoengine and forks a child for every command it is told.

Starting Python and its imports takes longer than a small run: a chain of kills would hit nothing
else, and a test of a command would measure little more. A child has its own folder, environment,
arguments, output and exit code, and is killed or interrupted like any process. What it does not
show is what a command imports; that has a test with a process of its own.

Run by its path, this reads one order a line (JSON) on standard input, forks, and prints the
child's process id, then its exit code. What a child that came to its end had imported is imported
here too, for those after it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import io
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import yaml


@dataclass
class Zygote:
    """The forking process; ``output`` is the file that its children print to."""

    output: Path
    process: subprocess.Popen[str] = field(init=False)

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            # -P: a command does not find the modules beside this file.
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line() == "ready"
        return self

    def __exit__(self, *error: object) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def _tell(self, **order: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def load_language(self) -> None:
        """Loads the language model once for all children."""
        self._tell(load="language")
        assert self._line() == "done"

    def rehearse(self, arguments: list[str]) -> None:
        """Runs ``annoengine`` once in this very process, for runs by the hundred.

        What it imports is there then, and no child makes patterns anew. What functions remember
        of files is forgotten, so that each child reads them.
        """
        self._tell(rehearse=arguments)
        assert self._line() == "done"

    def run(self, arguments: list[str], kill_after_s: float | None = None, die_at: int = 0) -> int:
        """The exit code of ``annoengine`` with these arguments; -9 where it was killed.

        It kills itself at its ``die_at``-th write or rename. For runs by the hundred: what they
        all do before and around their commits is done once, here (the command line is built, YAML
        is read by the C parser, texts of ``load_language`` are parsed).
        """
        self._tell(
            arguments=arguments,
            stdout=str(self.output),
            stderr=str(self.output),
            cwd=str(Path.cwd()),
            environment=dict(os.environ),
            die_at=die_at,
            prepared=True,
        )
        pid = int(self._line())
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return int(self._line())

    def complete(
        self,
        arguments: Sequence[str],
        cwd: Path,
        environment: Mapping[str, str],
        interrupt_at: str = "",
    ) -> subprocess.CompletedProcess[str]:
        """``annoengine`` with these arguments: its exit code, and its output as text.

        It gets SIGINT as soon as it opens a file whose path ends with ``interrupt_at``.
        """
        with tempfile.TemporaryDirectory() as name:
            out, err = Path(name, "stdout"), Path(name, "stderr")
            self._tell(
                arguments=arguments,
                stdout=str(out),
                stderr=str(err),
                cwd=str(cwd),
                environment=dict(environment),
                interrupt_at=interrupt_at,
            )
            self._line()
            code = int(self._line())
            return subprocess.CompletedProcess(
                arguments, code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")
            )


@functools.cache
def shared_zygote() -> Zygote:
    """One for all tests of this process; ends with it."""
    ending = contextlib.ExitStack()
    atexit.register(ending.close)
    folder = ending.enter_context(tempfile.TemporaryDirectory(prefix="zygote-"))
    return ending.enter_context(Zygote(Path(folder, "output.txt")))


def die_at(count: int) -> None:
    """Kills this process at the ``count``-th journal write (half of it done) or rename."""
    done = 0
    write, replace = os.write, Path.replace

    def counted_write(descriptor: int, data: Any) -> int:
        nonlocal done
        if descriptor > 2 and bytes(data[:8]) == b'{"event"':
            done += 1
            if done == count:
                write(descriptor, bytes(data)[: len(data) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
        return write(descriptor, data)

    def counted_replace(self: Path, target: Any) -> Path:
        nonlocal done
        done += 1
        if done == count:
            os.kill(os.getpid(), signal.SIGKILL)
        result = replace(self, target)
        done += 1
        if done == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    os.write = counted_write
    Path.replace = counted_replace  # type: ignore[method-assign,assignment]


def _interrupt_at(ending: str) -> None:
    """Sends this process SIGINT, once, when it opens a file whose path ends so."""
    waiting = True

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal waiting
        if event == "open" and waiting and str(arguments[0]).endswith(ending):
            waiting = False
            os.kill(os.getpid(), signal.SIGINT)

    sys.addaudithook(listen)


def _child(order: dict[str, Any], imported: int, command: Callable[..., Any]) -> None:
    """Becomes ``python -m annoengine`` in a folder, or calls it as it was built; never returns.

    Tells on the pipe ``imported`` what it had imported, unless it was killed.
    """
    for path, descriptor in ((order["stdout"], 1), (order["stderr"], 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666), descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.path.insert(0, order["cwd"])
    sys.argv = ["annoengine", *order["arguments"]]
    if order.get("die_at"):
        die_at(order["die_at"])
    if order.get("interrupt_at"):
        _interrupt_at(order["interrupt_at"])
    code = 1
    try:
        if order.get("prepared"):
            vars(yaml)["SafeLoader"] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            command(order["arguments"], prog_name="annoengine")
        else:
            runpy.run_module("annoengine", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    # What Python does at its end, but for taking everything down.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    with os.fdopen(imported, "w") as names:
        names.write(json.dumps(sorted(sys.modules)))
    os._exit(code)


def _import_what_it_did(names: list[str]) -> None:
    """Modules only: nothing that a run opens or remembers is shared with the next."""
    missing = [name for name in names if name not in sys.modules and "__main__" not in name]
    if not missing:
        return
    gc.unfreeze()
    for name in missing:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.freeze()


def _forget() -> None:
    """Empties what annoengine's functions remember of what they read: a child must read it anew."""
    for found in gc.get_objects():
        if type(found) is _REMEMBERS and str(found.__module__).startswith("annoengine."):
            found.cache_clear()


_REMEMBERS = type(functools.lru_cache(lambda: None))


def _prepare(order: dict[str, Any], command: Callable[..., Any]) -> None:
    """Loads the language model, or runs a command here, for the children to come."""
    if "load" in order:
        from annoengine.language.parser import parser_of

        parser_of().parse("A dog.")
    else:
        with contextlib.redirect_stdout(io.StringIO()):
            command(order["rehearse"], prog_name="annoengine", standalone_mode=False)
        assert threading.active_count() == 1, "a thread would be missing in each child"
        _forget()
    gc.collect()
    gc.freeze()


def main() -> None:
    """Serves until standard input ends."""
    import cv2
    import openai
    import typer
    import uvloop

    from annoengine.categories import words_of
    from annoengine.cli import app
    from annoengine.pricing import price_of
    from annoengine.recipe import load_recipe

    del cv2, openai, uvloop
    command = typer.main.get_command(app)
    # What every run reads once is read here once for all of them.
    words_of("person")
    load_recipe("pix2cap").to_yaml()
    price_of("openai/gpt-4o-2024-11-20")
    # Left alone by every child's collections, which would touch, and so copy, all of it.
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if "arguments" not in order:
            _prepare(order, command)
            print("done", flush=True)
            continue
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _child(order, writing, command)
        os.close(writing)
        print(pid, flush=True)
        with os.fdopen(reading) as imported:
            names = imported.read()
        _, status = os.waitpid(pid, 0)
        if names:
            _import_what_it_did(json.loads(names))
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
