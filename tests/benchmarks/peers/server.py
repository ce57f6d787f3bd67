"""The loopback server for clients of all kinds: it closes where asked to, and lists its model.

datatrove's runner opens a connection for each call, asks for its end and reads up to that; before
its first call it asks for the list of models.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.wire.chat_answers import Call
from tests.wire.connection import Connection
from tests.wire.misbehaviours import Exchange
from tests.wire.openai_server import OpenaiServer, main

_MODELS = b'{"object":"list","data":[{"id":"gpt-4o","object":"model","owned_by":"loopback"}]}'


class PeersServer(OpenaiServer):
    """The server within this process."""

    def take(
        self,
        connection: Connection,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        """A request, also the one for the models."""
        if (method, path) == ("GET", "/v1/models"):
            exchange = Exchange(Call(0, path, headers, body, "", 0), connection, self)
            exchange.send_part(exchange.head(len(_MODELS)) + _MODELS)
            connection.next()
        else:
            super().take(connection, method, path, headers, body)

    def _good(self, exchange: Exchange) -> None:
        super()._good(exchange)
        if exchange.call.headers.get("connection", "").lower() == "close":
            exchange.hang_up(hard=False)


if __name__ == "__main__":
    main(PeersServer)
