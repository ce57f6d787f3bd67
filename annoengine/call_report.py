"""Shows calls to a person: many as a table, one in full."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from annoengine.call_choice import Sums, counted
from annoengine.call_lines import Call, Try
from annoengine.call_pictures import CallPictures
from annoengine.fingerprint import canonical_json
from annoengine.progress import usd_text
from annoengine.redaction import without_keys

_START_CHARS = 60
"""Characters of an answer in the table, at most."""

_LEAST_CHARS = 12
"""And at least: where there is no room for them, names are folded."""

_PIPE_COLUMNS = 1000
"""Without a terminal no line is folded or cut."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def print_calls(shown: Sequence[Call], sums: Sums) -> None:
    """The table of some calls, and what all that are wanted come to."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PIPE_COLUMNS, soft_wrap=True)
    console.print(_table(shown, console))
    parts = [counted(sums.outcomes)]
    if sums.input_tokens or sums.output_tokens:
        parts.append(f"{sums.input_tokens:,} tokens in, {sums.output_tokens:,} out")
    if sums.priced:
        unknown = sums.calls - sums.priced
        price = usd_text(sums.spent_nano / 1e9)
        parts.append(price + (f" without {unknown:,} calls of no known price" if unknown else ""))
    console.print("; ".join(parts), markup=False)
    if len(shown) < sums.calls:
        console.print(
            f"the newest {len(shown):,} of {sums.calls:,} calls; --limit {sums.calls} shows all"
        )


def _table(shown: Sequence[Call], console: Console) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("#", justify="right", no_wrap=True)
    for heading in ("record", "stage", "turn"):
        table.add_column(heading, overflow="fold")
    table.add_column("outcome", no_wrap=True)
    for heading in ("tries", "tokens", "USD", "s"):
        table.add_column(heading, justify="right", no_wrap=True)
    rows = [_cells(call) for call in shown]
    # The start of the answer gets the room that is left.
    taken = 2 * len(table.columns) + sum(
        max(len(str(column.header)), *(len(row[place]) for row in rows))
        for place, column in enumerate(table.columns)
    )
    room = min(_START_CHARS, max(_LEAST_CHARS, console.width - taken - 2))
    table.add_column("what came back", no_wrap=True, overflow="crop")
    for call, row in zip(shown, rows, strict=True):
        cells = [Text(cell) for cell in row]
        cells[4].stylize("" if call.outcome == "answer" else "red")
        table.add_row(*cells, Text(_start(call, room)))
    return table


def _cells(call: Call) -> list[str]:
    usage = call.usage
    known = usage.input_tokens is not None or usage.output_tokens is not None
    return [
        str(call.number),
        *(_plain(word) for word in (call.record, call.stage, call.turn)),
        call.outcome,
        str(len(call.tries)),
        f"{usage.input_tokens or 0:,}/{usage.output_tokens or 0:,}" if known else "",
        "" if call.usd is None else usd_text(call.usd).lstrip("$"),
        "" if call.seconds is None else f"{call.seconds:.1f}",
    ]


def _start(call: Call, room: int) -> str:
    said = _plain(" ".join(_said(call).split()))
    return said if len(said) <= room else said[: room - 1] + "…"


def _said(call: Call) -> str:
    """What came back, or else why nothing did."""
    if call.text:
        return call.text[: 4 * _START_CHARS]
    reasons = (one.reason for one in reversed(call.tries) if one.reason)
    return without_keys(call.detail or next(reasons, ""))


def _plain(text: str) -> str:
    r"""A text whose control characters cannot steer a terminal.

    >>> _plain("a\x1b[2Jb\n")
    'a\\x1b[2Jb\n'
    """
    return _CONTROLS.sub(lambda found: f"\\x{ord(found.group()):02x}", text)


def call_text(call: Call, root: Path, request: Mapping[str, Any] | None) -> str:
    """A call in full: who was asked, what came of it, every try, what was sent, what came back."""
    lines = [*_head(call, root), "tries", *(f"  {_try_text(one)}" for one in call.tries)]
    if not call.tries:
        lines.append("  none is in the journal")
    lines += ["what was sent", *(f"  {line}" for line in _sent(call, root, request))]
    lines += ["what came back", *(f"  {line}" for line in call.text.splitlines() or ["nothing"])]
    return _plain("\n".join(lines))


def _head(call: Call, root: Path) -> list[str]:
    anew = f", generation {call.generation} (asked anew)" if call.generation else ""
    by = f", answered by {call.model}" if call.model and call.model != call.provider else ""
    lines = [
        f"call {call.number}: {call.record}, stage {call.stage}, turn {call.turn}{anew}",
        f"  asked of {call.provider or '(its line is not there)'}{by}",
        f"  outcome {call.outcome}" + (f": {without_keys(call.detail)}" if call.detail else ""),
    ]
    usage = call.usage
    if usage.input_tokens is not None or usage.output_tokens is not None:
        cached = f" ({usage.cached_input_tokens:,} cached)" if usage.cached_input_tokens else ""
        lines.append(
            f"  tokens {usage.input_tokens or 0:,} in{cached}, {usage.output_tokens or 0:,} out"
        )
    price = "not known" if call.usd is None else usd_text(call.usd)
    most = "" if call.most_usd is None else f" ({usd_text(call.most_usd)} at most)"
    lines.append(f"  price {price}{most}")
    if call.request_id:
        lines.append(f"  request id {call.request_id}")
    lines.append(f"  key {call.key}")
    lines.append(f"  line {call.journal.relative_to(root)}, byte {call.line[0]}")
    return lines


def _try_text(one: Try) -> str:
    text = f"{one.number}  {_time(one.at)}  "
    text += "without an end" if one.ended == "open" else one.ended
    if one.seconds is not None:
        text += f" after {one.seconds:.2f} s"
    if one.paid == "perhaps":
        text += ", perhaps paid"
    reason, detail = without_keys(one.reason), without_keys(one.detail)
    text += f": {reason}" if reason else ""
    return text + (f" ({detail})" if detail and detail != reason else "")


def _time(at: float | None) -> str:
    if at is None:
        return "at an unknown time"
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _sent(call: Call, root: Path, request: Mapping[str, Any] | None) -> list[str]:
    if request is None:
        return ["its request is not in the journal"]
    pictures, lines = CallPictures(root), []
    sampling = ", ".join(f"{name} {value}" for name, value in request["sampling"].items())
    if sampling:
        lines.append(f"sampling: {sampling}")
    if request.get("schema") is not None:
        lines.append(f"schema: {canonical_json(request['schema']).decode()}")
    for message in request["messages"]:
        lines.append(f"{message['role']}:")
        for part in message["parts"]:
            if "text" in part:
                lines += [f"  {line}".rstrip() for line in part["text"].splitlines()]
                continue
            picture = pictures.named(call, part["image_sha256"])
            size = picture.size_wh
            what = f"{picture.file}, {size[0]} × {size[1]}" if size else picture.why
            lines.append(f"  [picture {picture.sha256}: {what}]")
    return lines
