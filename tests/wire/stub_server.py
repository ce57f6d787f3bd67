"""A server that starts, serves and dies on a script, to see how its parent takes care of it.

    python -I -S tests/wire/stub_server.py FOLDER MODEL … --host HOST --port PORT

``FOLDER/script.json`` is a list, an object for each start (the last one for all later ones)::

    {"late_s": 0.2}          hears only after so long     {"never": true}    hears never
    {"says": "…", "exit": 3} says something and ends      {"die_at": 4}      dies at the 4th call
    {"die_of": "What is 7?"} dies of calls with this text {"freeze_at": 4}   answers nothing more
    {"stubborn": true}       ignores SIGTERM, and starts a child in a session of its own
    {"unwell_at": 4}         from the 4th call on: 500 for calls, 503 for /health
    {"refuse_of": "…"}       400 for calls with this text

It writes what happened to ``FOLDER/log.txt``: ``start PID``, ``child PID``, ``answered TEXT``.
Answers are ``stub: TEXT``. Only the lightest modules are imported: it is started again and again.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

COUNTING = threading.Lock()
ANSWERING = threading.Lock()
EVER = threading.Event()


def write(line: str) -> None:
    with Path(sys.argv[1], "log.txt").open("a") as file:
        file.write(line + "\n")


def text_of(body: bytes) -> str:
    text = json.loads(body)["messages"][-1]["content"]
    return text if isinstance(text, str) else "".join(part.get("text", "") for part in text)


class Stub:
    def __init__(self, script: dict[str, object]) -> None:
        self.script = script
        self.calls = 0

    def at(self, name: str) -> bool:
        """Has the call come at which this begins?"""
        wanted = self.script.get(name)
        return isinstance(wanted, int) and self.calls >= wanted

    def answer(self, method: str, body: bytes) -> tuple[int, bytes]:
        if self.at("freeze_at"):
            EVER.wait()
        if method == "GET":
            return (503 if self.at("unwell_at") else 200), b"{}"
        text = text_of(body)
        with COUNTING:
            self.calls += 1
        if self.at("freeze_at"):
            EVER.wait()
        if self.at("die_at") or text == self.script.get("die_of"):
            time.sleep(0.05)  # others get in meanwhile
            with ANSWERING:  # no answer is written down and not sent
                os._exit(9)
        if self.at("unwell_at"):
            return 500, b'{"error": {"message": "EngineCore encountered an issue"}}'
        if text == self.script.get("refuse_of"):
            return 400, b'{"error": {"message": "prompt is too long"}}'
        choice = {"message": {"content": f"stub: {text}"}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 3, "completion_tokens": 2}
        return 200, json.dumps({"model": "stub", "choices": [choice], "usage": usage}).encode()

    def serve(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        while line := stream.readline():
            size = 0
            while (header := stream.readline().lower().strip()) != b"":
                if header.startswith(b"content-length:"):
                    size = int(header.partition(b":")[2])
            sent = stream.read(size)
            status, body = self.answer(line.split()[0].decode(), sent)
            head = f"HTTP/1.1 {status} So\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            with ANSWERING:
                if sent and status == 200:
                    write(f"answered {text_of(sent)}")
                connection.sendall(head + body)


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[sys.argv.index("--port") + 1])
    starts = sum(line.startswith("start") for line in (folder / "log.txt").read_text().split("\n"))
    write(f"start {os.getpid()}")
    scripts = json.loads((folder / "script.json").read_text())
    script = scripts[min(starts, len(scripts) - 1)]
    if script.get("stubborn"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = os.fork()
        if not child:
            os.setsid()
            time.sleep(60)
            os._exit(0)
        write(f"child {child}")
    if "says" in script:
        print(script["says"], file=sys.stderr, flush=True)
        sys.exit(script["exit"])
    print(f"stub {starts + 1}: loading {' '.join(sys.argv[2:])}", flush=True)
    if script.get("never"):
        EVER.wait()
    time.sleep(script.get("late_s", 0))
    listener = socket.create_server(("127.0.0.1", port), backlog=64)
    stub = Stub(script)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=stub.serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
