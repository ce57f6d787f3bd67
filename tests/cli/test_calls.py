"""``annoengine calls``: single calls found, shown and exported."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from typer.testing import CliRunner, Result

from annoengine.cli import app
from annoengine.journal import Journal
from annoengine.provider import Outcome, Reply, Usage
from tests.scenes import make_dataset
from tests.short_recipe import short_recipe
from tests.wire.openai_server import server_process

KEY = "sk-proj-callsTESTkey0123456789abcd"


def calls(*arguments: str, code: int = 0) -> str:
    """The command's output, and what it says on the side where it fails."""
    result: Result = CliRunner().invoke(app, ["calls", *arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def as_json(*arguments: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in calls(*arguments, "--json").splitlines()]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over a real wire: five images, one of them refused, one tried twice."""
    folder = tmp_path_factory.mktemp("calls")
    data = make_dataset(folder / "data", 5, seed=3)
    (folder / "server").mkdir()
    script: list[dict[str, Any]] = [
        {"do": "status", "status": 503, "every": 2, "times": 1, "until": 2},
        {"do": "refusal", "every": 3, "until": 3},
    ]
    before = os.environ.get("OPENAI_API_KEY")
    os.environ["OPENAI_API_KEY"] = KEY
    try:
        with server_process(folder / "server", script) as server:
            options = f"{{base_url: '{server.base_url}', max_concurrency: 1}}"
            price = "{input: 2.5, output: 10}"
            model = f"{{model: openai/gpt-4o, options: {options}, price: {price}}}"
            command = ["run", str(short_recipe()), "-q", "-w", str(folder / "runs/demo")]
            command += ["--input", f"images={data / 'images'}"]
            command += ["--input", f"annotations={data / 'panoptic_val2017.json'}"]
            command += ["--set", f"models.annotator={{models: [{model}]}}"]
            command += ["--set", "run.workers=0", "--set", "run.shard_size=2"]
            command += ["--set", "run.retries={first_wait_s: 0.01, longest_wait_s: 0.02}"]
            result = CliRunner().invoke(app, command, catch_exceptions=False)
            assert result.exit_code == 0, result.output
    finally:
        del os.environ["OPENAI_API_KEY"]
        if before is not None:
            os.environ["OPENAI_API_KEY"] = before
    return folder


@pytest.fixture
def demo(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run in an empty working folder, below runs/."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(made / "runs", tmp_path / "runs")
    return Path("runs/demo")


def test_the_table_shows_each_call_in_a_line(demo: Path) -> None:
    head, *rows = calls("demo").splitlines()
    assert head.split() == [
        *("#", "record", "stage", "turn", "outcome", "tries", "tokens", "USD", "s"),
        *("what", "came", "back"),
    ]
    table, sums = rows[:-1], rows[-1]
    told = as_json("demo")
    assert len(table) == len(told) == 5
    by_number = {call["number"]: call for call in told}
    for line in table:
        words = line.split()
        call = by_number[int(words[0])]
        assert words[1:6] == [
            *(call["record"], "annotate", "objects", call["outcome"]),
            str(len(call["tries"])),
        ]
        usage = call["usage"]
        assert f"{usage['input_tokens']:,}/{usage['output_tokens']:,}" in words
        if call["outcome"] == "answer":
            assert "The objects include: 1. " in line
    assert [len(call["tries"]) for call in told].count(2) == 1
    assert sums.startswith("answer 4, refusal 1; ")
    tokens = [sum(call["usage"][k] for call in told) for k in ("input_tokens", "output_tokens")]
    assert f"{tokens[0]:,} tokens in, {tokens[1]:,} out" in sums
    # 2.5 and 10 dollars a million tokens.
    usd = (2.5 * tokens[0] + 10 * tokens[1]) / 1e6
    assert sums.endswith(f"; ${usd:.2g}")
    assert sum(call["usd"] for call in told) == pytest.approx(usd, abs=5e-9)


def test_only_the_newest_are_shown_and_how_many_there_are(demo: Path) -> None:
    told = sorted(as_json("demo"), key=lambda call: (call["at"], call["number"]))
    lines = calls("demo", "--limit", "2").splitlines()
    assert [int(line.split()[0]) for line in lines[1:3]] == [c["number"] for c in told[-2:]]
    assert lines[-1] == "the newest 2 of 5 calls; --limit 5 shows all"
    assert [c["number"] for c in as_json("demo", "--limit", "2")] == [
        c["number"] for c in told[-2:]
    ]


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--record", "coco/val/3"], 1),
        (["--record", "3"], 1),
        (["--record", "coco/val/*"], 5),
        (["--stage", "annotate"], 5),
        (["--outcome", "refusal"], 1),
        (["--outcome", "answer"], 4),
        (["--outcome", "any"], 5),
        (["--model", "openai/gpt-4o"], 5),
        (["--model", "gpt-4o"], 5),
        (["--model", "gpt-4o-2024-08-06"], 5),
        (["--model", "gpt-4*"], 5),
        (["--text", "OBJECTS include"], 4),
        (["--text", "can't help"], 1),
        (["--outcome", "answer", "--text", "sky", "--record", "coco/*"], 4),
    ],
)
def test_calls_are_found(demo: Path, options: list[str], count: int) -> None:
    found = as_json("demo", *options)
    assert len(found) == count
    everything = {orjson.dumps(call) for call in as_json("demo")}
    assert {orjson.dumps(call) for call in found} <= everything


def test_one_call_in_full(demo: Path) -> None:
    (call,) = (c for c in as_json("demo") if len(c["tries"]) == 2)
    shown = calls("demo", "--show", str(call["number"]))
    assert shown == calls("demo", "--show", call["key"][:12])
    assert f"call {call['number']}: {call['record']}, stage annotate, turn objects" in shown
    assert "asked of openai/gpt-4o, answered by gpt-4o-2024-08-06" in shown
    assert f"key {call['key']}" in shown
    assert f"request id {call['request_id']}" in shown
    usage = call["usage"]
    assert f"tokens {usage['input_tokens']:,} in, {usage['output_tokens']:,} out" in shown
    assert f"  price ${call['usd']:.2g} (${call['most_usd']:.2g} at most)" in shown
    tries = shown.split("tries\n")[1].split("what was sent\n")[0].splitlines()
    assert [line.split()[0] for line in tries] == ["1", "2"]
    assert "failed after" in tries[0]
    assert "503" in tries[0]
    assert " UTC  answered after " in tries[1]
    (message,) = call["request"]["messages"]
    (picture,) = (p["image_sha256"] for p in message["parts"] if "text" not in p)
    stem = call["record"].replace("/", "_")
    assert f"    [picture {picture}: {stem}.marks.jpg, " in shown
    (text,) = (p["text"] for p in message["parts"] if "text" in p)
    sent, came = shown.split("what was sent\n")[1].split("what came back\n")
    assert "\n".join(f"    {line}".rstrip() for line in text.splitlines()) in sent.replace(
        "\n  \n", "\n\n"
    )
    assert came == "".join(f"  {line}\n" for line in call["text"].splitlines())


def test_an_export_holds_what_was_sent_and_what_came(demo: Path) -> None:
    told = calls("demo", "--export", "out", "--outcome", "answer")
    assert told == "4 calls with 4 pictures: out\n"
    wanted = as_json("demo", "--outcome", "answer")
    folders = sorted(Path("out").iterdir())
    assert len(folders) == 4
    for folder, call in zip(folders, wanted, strict=True):
        stem = call["record"].replace("/", "_")
        assert folder.name == f"{call['number']:06d}-{stem}-objects"
        assert {p.name for p in folder.iterdir()} == {
            *("call.json", "request.json", "answer.txt", "picture-1.jpg"),
        }
        request = orjson.loads((folder / "request.json").read_bytes())
        assert request == call["request"]
        picture = (folder / "picture-1.jpg").read_bytes()
        sha256 = hashlib.sha256(picture).hexdigest()
        assert sha256 == request["messages"][0]["parts"][-1]["image_sha256"]
        assert (folder / "answer.txt").read_text() == call["text"]
        rest = orjson.loads((folder / "call.json").read_bytes())
        named = {"sha256": sha256, "name": f"{stem}.marks.jpg", "file": "picture-1.jpg"}
        assert rest.pop("pictures") == [named]
        assert rest == {k: v for k, v in call.items() if k not in ("request", "text")}


def test_pictures_that_were_not_kept_are_drawn_again(demo: Path) -> None:
    for tar in demo.glob("01-mark/*.tar"):
        tar.unlink()
    assert calls("demo", "--export", "out") == "5 calls with 5 pictures: out\n"


def test_a_picture_that_cannot_be_found_is_named_and_the_rest_is_written(demo: Path) -> None:
    told = as_json("demo")
    for tar in demo.glob("01-mark/*.tar"):
        tar.unlink()
    recipe = yaml.safe_load((demo / "recipe.yaml").read_text())
    recipe["inputs"] = dict.fromkeys(recipe["inputs"], "/gone")
    (demo / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    first, *missing = calls("demo", "--export", "out").splitlines()
    assert first == "5 calls with 0 pictures: out"
    assert len(missing) == 5
    assert missing[0].startswith(f"  no picture: {told[0]['record']}, call {told[0]['number']}: ")
    assert ".jpg cannot be read: No such file or directory" in missing[0]
    (folder,) = Path("out").glob(f"{told[0]['number']:06d}-*")
    (picture,) = orjson.loads((folder / "call.json").read_bytes())["pictures"]
    assert picture["file"] is None
    assert picture["missing"] in missing[0]
    assert (folder / "answer.txt").is_file()
    # Shards that are no longer there take the names of pictures with them.
    shutil.rmtree(demo / "01-mark")
    shutil.rmtree(demo / "00-source")
    shutil.rmtree(demo / "02-annotate")
    assert "the run's shards have no record" in calls("demo", "--show", "1")


def test_a_photograph_is_read_from_the_source(demo: Path) -> None:
    """A stage may send the photograph itself; here the journal is made to say so."""
    call = as_json("demo")[0]
    photos = {}
    for shard in demo.glob("00-source/*[0-9].jsonl"):
        for line in shard.read_bytes().splitlines():
            record = orjson.loads(line)
            photos[record["id"]] = record["photo"]
    sent = call["request"]["messages"][0]["parts"][-1]["image_sha256"]
    photo = photos[call["record"]]
    path = demo / call["journal"]
    path.write_bytes(path.read_bytes().replace(sent.encode(), photo["sha256"].encode()))
    calls("demo", "--export", "out", "--show", str(call["number"]))
    (picture,) = Path("out").glob("*/picture-1.jpg")
    assert hashlib.sha256(picture.read_bytes()).hexdigest() == photo["sha256"]
    shown = calls("demo", "--show", str(call["number"]))
    assert f"{photo['sha256']}: {photo['file']}, {photo['width']} × {photo['height']}]" in shown


def test_journals_of_another_cut_find_their_pictures(made: Path, demo: Path) -> None:
    """The shards are cut anew: what a journal calls shard 1 is in shard 0 by now."""
    command = ["run", str(demo / "recipe.yaml"), "-w", str(demo), "-q", "--redo"]
    command += ["--set", "run.shard_size=100"]
    # Every answer is in the older journals: nobody is asked.
    model = "{model: openai/gpt-4o, options: {base_url: 'http://127.0.0.1:9'}}"
    command += ["--set", f"models.annotator={{models: [{model}]}}"]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert [p.name for p in demo.glob("02-annotate/*[0-9].jsonl")] == ["00000.jsonl"]
    assert {Path(call["journal"]).stem for call in as_json("demo")} == {"00000", "00001", "00002"}
    assert calls("demo", "--export", "out") == "5 calls with 5 pictures: out\n"


def small_run(text: str, outcome: Outcome = "answer", **more: Any) -> Path:
    """A run of one call, with journals and nothing else."""
    journal = Journal(Path("runs/small/journals/annotate/cut/00000.jsonl"))
    content = {"messages": [], "sampling": {"seed": 1}, "schema": {"type": "object"}}
    name = ("coco/val/1", "objects", "ab" * 32)
    number = journal.asked(*name, "openai/gpt-4o", content)
    if "failed" in more:
        journal.failed(*name, number, "no answer", more["failed"], "perhaps")
        number = journal.asked(*name, "openai/gpt-4o", content)
    reply = Reply(text, outcome, "gpt-4o", more.get("detail", ""), Usage(1, 2, 1))
    journal.answered(*name, number, reply, 0.1)
    journal.close()
    return journal.path


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_no_key_is_shown_even_where_one_was_written(empty: Path) -> None:
    said = f"Incorrect API key provided: {KEY}."
    small_run("", "refusal", detail=said, failed=said)
    told = [
        calls("small"),
        calls("small", "--json"),
        calls("small", "--show", "1"),
        calls("small", "--export", "out"),
        *(path.read_text() for path in Path("out").rglob("*") if path.is_file()),
    ]
    assert len(told) == 7
    for text in told:
        assert KEY not in text
        assert KEY[-8:] not in text
    assert "Incorrect API key provided" in told[0]


def test_an_answer_cannot_steer_the_terminal(empty: Path) -> None:
    small_run("\x1b[2Jwiped\x07\r\nline two\x9b31m")
    for text in (calls("small"), calls("small", "--show", "ababab")):
        assert not set(text) & {"\x1b", "\x07", "\r", "\x9b"}
        assert "\\x1b[2Jwiped\\x07" in text
    assert as_json("small")[0]["text"].startswith("\x1b[2J")


def test_a_run_of_journals_alone_is_enough(empty: Path) -> None:
    small_run("yes")
    assert "sampling: seed 1" in calls("small", "--show", "1")
    assert 'schema: {"type":"object"}' in calls("small", "--show", "1")
    assert "price not known" in calls("small", "--show", "1")
    assert "(1 cached)" in calls("small", "--show", "1")
    assert calls("small").splitlines()[1].split()[6:8] == ["1/2", "0.1"]


def test_a_damaged_line_is_named_and_the_others_are_shown(empty: Path) -> None:
    path = small_run("yes")
    path.write_bytes(b"nonsense\n" + path.read_bytes() + b'{"event":"ans')
    told = calls("small")
    assert "00000.jsonl: the line at byte 0 is no journal line" in told
    assert "the other lines are read" in told
    assert "answer 1" in told


def test_a_run_is_found_by_folder_name_or_recipe(empty: Path) -> None:
    small_run("yes")
    Path("mine.yaml").write_text("name: small\n")
    shown = calls("runs/small")
    assert shown == calls("small") == calls("mine.yaml") == calls(str(empty / "runs/small"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["smal"], "there is no run 'smal'. Did you mean 'small'?"),
        (["runs/smll"], "there is no run 'runs/smll'. Did you mean 'runs/small'?"),
        (["runs"], "runs is no run: a run's folder has a recipe.yaml"),
        (["other.yaml"], "other.yaml is a file, and runs/other is no run"),
        (["small", "--outcome", "refusl"], "no outcome 'refusl'. Did you mean 'refusal'?"),
        (["small", "--stage", "anotate"], "Did you mean 'annotate'?"),
        (["small", "--show", "xyz"], "neither a number of the table (17) nor a key"),
        (["small", "--show", "7"], "none of the 1 calls of runs/small fits --show '7'"),
        (["small", "--outcome", "refusal"], "fits --outcome 'refusal'; their outcomes: answer 1"),
        (["small", "--record", "9"], "A record there is called, for example, 'coco/val/1'"),
        (["small", "--json", "--text", "a b"], "fits --text 'a b'"),
        (["small", "--export", "runs"], "runs is not empty; export the calls into a new folder"),
        (["small", "--export", "other.yaml"], "other.yaml is not empty"),
        (["small", "--export", "/proc/x"], "cannot write /proc/x"),
        (["bare"], "runs/bare has no journals: no call was made in this run yet"),
    ],
)
def test_a_mistake_is_a_sentence(empty: Path, arguments: list[str], sentence: str) -> None:
    small_run("yes")
    Path("other.yaml").write_text("name: other\n")
    Path("runs/bare").mkdir()
    Path("runs/bare/recipe.yaml").write_text("name: bare\n")
    told = calls(*arguments, code=2)
    assert sentence in " ".join(told.split())
    assert told.startswith("annoengine: ")
