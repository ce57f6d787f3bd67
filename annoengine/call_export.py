"""Shows a call to other programs: as JSON, and as a folder with its pictures as files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from annoengine.call_lines import Call, Requests
from annoengine.call_pictures import CallPictures, Picture, picture_hashes
from annoengine.errors import WorkspaceError
from annoengine.redaction import without_keys
from annoengine.storage import explain_write_error

_LONGEST_NAME = 120
"""Characters of a folder's name; file systems take 255 bytes."""


def call_json(call: Call, root: Path, request: dict[str, Any] | None) -> dict[str, Any]:
    """All of a call, JSON-like; what has no value is null. Errors of servers without keys."""
    return {
        "number": call.number,
        "record": call.record,
        "stage": call.stage,
        "turn": call.turn,
        "generation": call.generation,
        "key": call.key,
        "provider": call.provider,
        "model": call.model,
        "outcome": call.outcome,
        "detail": without_keys(call.detail),
        "text": call.text,
        "usage": asdict(call.usage),
        "usd": call.usd,
        "most_usd": call.most_usd,
        "seconds": call.seconds,
        "at": call.at,
        "request_id": call.request_id,
        "tries": [
            {
                **asdict(one),
                "reason": without_keys(one.reason),
                "detail": without_keys(one.detail),
            }
            for one in call.tries
        ],
        "journal": call.journal.relative_to(root).as_posix(),
        "byte": call.line[0],
        "request": request,
    }


@dataclass
class Written:
    """What an export wrote, and the pictures that it did not find."""

    calls: int = 0
    pictures: int = 0
    missing: list[str] = field(default_factory=list)


def export_calls(calls: Iterable[Call], root: Path, folder: Path) -> Written:
    """Writes each call into a folder of its own below ``folder``, which must be empty or new.

    In each: ``request.json`` as it was asked, the pictures, ``answer.txt``, and ``call.json``
    with the rest. A picture that cannot be found is named, and the export goes on. Raises
    WorkspaceError for a folder that holds something or cannot be written.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise WorkspaceError(f"{folder} is not empty; export the calls into a new folder")
        written, requests, pictures = Written(), Requests(), CallPictures(root)
        for call in calls:
            _write(call, requests.read(call), root, folder / folder_name(call), pictures, written)
    except OSError as error:
        raise explain_write_error(error.filename or folder, error) from None
    return written


def folder_name(call: Call) -> str:
    """The name of a call's folder.

    >>> folder_name(Call(7, "annotate", Path("j"), "coco/val/139", "group 1/repair 2", 0, "k"))
    '000007-coco_val_139-group_1_repair_2'
    """
    words = re.sub(r"[^\w.-]+", "_", f"{call.record}-{call.turn}", flags=re.ASCII)
    return f"{call.number:06d}-{words}"[:_LONGEST_NAME].rstrip(".")


def _write(
    call: Call,
    request: dict[str, Any] | None,
    root: Path,
    folder: Path,
    pictures: CallPictures,
    written: Written,
) -> None:
    folder.mkdir(parents=True)
    listed = []
    for number, sha256 in enumerate(picture_hashes(request), start=1):
        picture = pictures.read(call, sha256)
        entry: dict[str, Any] = {"sha256": sha256, "name": picture.file, "file": None}
        if picture.data is None:
            entry["missing"] = picture.why
            written.missing.append(f"{call.record}, call {call.number}: {picture.why}")
        else:
            entry["file"] = _file_name(number, picture)
            (folder / entry["file"]).write_bytes(picture.data)
            written.pictures += 1
        listed.append(entry)
    told = call_json(call, root, None)
    del told["request"], told["text"]
    (folder / "call.json").write_bytes(_pretty({**told, "pictures": listed}))
    (folder / "request.json").write_bytes(_pretty(request))
    (folder / "answer.txt").write_text(call.text, encoding="utf-8", newline="")
    written.calls += 1


def _file_name(number: int, picture: Picture) -> str:
    suffix = PurePosixPath(picture.file).suffix.lower()
    return f"picture-{number}{suffix if re.fullmatch(r'[.][a-z0-9]{1,5}', suffix) else ''}"


def _pretty(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n"
