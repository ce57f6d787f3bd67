"""A process that has imported annoengine and forks a child for each command it is told.

Starting Python and its imports takes longer than a small run; a chain of kills would hit nothing
else. Reads one JSON list of arguments a line on standard input, forks, and prints the child's
process id; prints the child's exit code when it has ended. The child may be told to kill itself:
``{"arguments": [...], "die_at": n}`` sends it SIGKILL at the n-th write or rename. What a child
that came to its end had imported is imported here too, for those after it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any


def _die_at(count: int) -> None:
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


def _child(order: dict[str, Any]) -> None:
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["annoengine", *order["arguments"]]
    if order.get("die_at"):
        _die_at(order["die_at"])
    from annoengine.cli import main

    code = 0
    try:
        main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdout.flush()
    if code == 0:
        _imported(order).write_text(json.dumps(sorted(sys.modules)))
    os._exit(code)


def _imported(order: dict[str, Any]) -> Path:
    return Path(order["output"]).with_suffix(".modules.json")


def _import_what_it_did(order: dict[str, Any]) -> None:
    """Modules only: nothing that a run opens or remembers is shared with the next."""
    gc.unfreeze()
    for name in json.loads(_imported(order).read_text()):
        if name != "__main__" and name not in sys.modules:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    _imported(order).unlink()
    gc.freeze()


def main() -> None:
    """Serves until standard input ends."""
    import cv2
    import openai
    import uvloop

    from annoengine.categories import words_of
    from annoengine.language.parser import parser_of
    from annoengine.pricing import price_of
    from annoengine.recipe import load_recipe

    del cv2, openai, uvloop
    # What every run reads once is read here once for all of them.
    words_of("person")
    parser_of().parse("A dog.")
    load_recipe("pix2cap").to_yaml()
    price_of("openai/gpt-4o-2024-11-20")
    # Left alone by every child's collections, which would touch, and so copy, all of it.
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _child(order)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if code == 0:
            _import_what_it_did(order)
        print(code, flush=True)


if __name__ == "__main__":
    main()
