"""What the check of rewrites makes of a small real LLaMA, beside a judgement by hand.

::

    python -m tests.benchmarks.rephrase_llama

``rephrase_captions.tsv`` holds 100 captions and what SmolLM2-135M-Instruct (a LLaMA of 135 million
parameters, 4 bits) answered to the prompts of ``rephrase``: 60 captions with planted marks, 26
printed in Pix2Cap-COCO (arXiv 2501.13893, Tables 7 and 8) and 14 others; greedy and sampled (at
0.7) in turn. The last 40 were asked a second time, with another prompt and the other way. Each of
these 80 answers is ``judged`` by hand: does it, freed of greetings, stand alone and say the same?
``set`` is "first" for the 40 on which the check was mended, "second" for the 40 of the second time,
read and judged when the check was done and before it saw them. ``--generate FOLDER`` asks the model
again: FOLDER holds its GGUF file; a judgement of another answer is cleared.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from annoengine.language.parser import parser_of
from annoengine.language.wordnet import wordnet_of
from annoengine.prompt import load_prompt
from annoengine.rewriting.annotation_talk import find_talk
from annoengine.rewriting.faithful import RewriteFault, faults_of_rewrite
from annoengine.rewriting.faithful_answer import caption_of_answer
from annoengine.rewriting.faithful_bare import bare_caption
from annoengine.rewriting.mark_references import Reference, find_references

TABLE = Path(__file__).with_name("rephrase_captions.tsv")
NUMBERS = range(1, 10)
"""The marks of each picture; one without a name is the caption's own."""


@dataclass
class Row:
    """A line of the table; ``answer`` has its line ends as ``\\n``."""

    number: str
    mode: str
    prompt: str
    category: str
    names: str
    source: str
    before: str
    answer: str
    judged: str
    set: str
    why: str

    def name(self, reference: Reference) -> tuple[str, bool]:
        """What a reference stands for, and whether that is the caption's own segment."""
        called = dict(part.split(": ", 1) for part in self.names.split(", ") if ": " in part)
        found = [called[str(n)] for n in reference.numbers if str(n) in called]
        return (" and ".join(found), False) if found else (f"the {self.category}", True)


def read_table(path: Path = TABLE) -> list[Row]:
    """The lines of the table."""
    with path.open(encoding="utf-8", newline="") as file:
        return [Row(**line) for line in csv.DictReader(file, delimiter="\t")]


def judge(row: Row, wordnet: str = "off") -> tuple[str, tuple[RewriteFault, ...]]:
    """The caption that an answer gives, and its faults."""
    references = find_references(row.before, NUMBERS)
    bare = bare_caption(row.before, references, find_talk(row.before, row.category), row.name)
    text = caption_of_answer(row.answer.replace("\\n", "\n"))
    before, after = parser_of().parse_all([bare.text, text])
    faults = faults_of_rewrite(
        before,
        after,
        given=bare.given,
        own=[row.category],
        category=row.category,
        numbers=NUMBERS,
        wordnet=wordnet_of(wordnet),
    )
    return text, faults


def report(rows: list[Row], wordnet: str) -> Iterator[str]:
    """Lines for people: what passed, why the others did not, and both sets against the hand."""
    judged = [(row, *judge(row, wordnet)) for row in rows]
    passed = [row for row, _, faults in judged if not faults]
    yield f"{len(rows)} answers: {len(passed)} passed, {len(rows) - len(passed)} refused"
    kinds = Counter(faults[0].kind for _, _, faults in judged if faults)
    yield "refused for: " + ", ".join(f"{kind} {n}" for kind, n in kinds.most_common())
    for name in ("first", "second"):
        some = [(row, faults) for row, _, faults in judged if row.set == name]
        right = [faults for row, faults in some if row.judged == "right"]
        wrong = [faults for row, faults in some if row.judged == "wrong"]
        yield (
            f"{name} {len(some)} judged by hand: {len(right)} right, of them "
            f"{sum(map(bool, right))} refused; {len(wrong)} wrong, of them "
            f"{sum(not faults for faults in wrong)} passed"
        )
    for row, text, faults in judged:
        if row.judged and (row.judged == "right") == bool(faults):
            said = "; ".join(fault.detail for fault in faults) or "passed"
            yield f"  {row.number} {row.judged}: {text!r}: {said}"


def generate(folder: Path, rows: list[Row]) -> None:
    """Fills in the answers, by the real model."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    (file,) = folder.glob("*.gguf")
    tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), gguf_file=file.name)
    model: Any = AutoModelForCausalLM.from_pretrained(
        str(folder), gguf_file=file.name, dtype=torch.float32
    )
    for row in rows:
        prompt = load_prompt(f"rephrase/{row.prompt}")
        text = prompt.fill(category=row.category, names=row.names, caption=row.before)
        asked = tokenizer.apply_chat_template(
            [{"role": "user", "content": text}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )
        second = row.number.endswith("b")
        torch.manual_seed(int(row.number.removesuffix("b")) - 1 + 1000 * second)
        sampled = {"do_sample": True, "temperature": 0.7, "top_p": 0.95}
        how = sampled if row.mode == "sampled" else {"do_sample": False}
        with torch.no_grad():
            given = model.generate(**asked, max_new_tokens=80, **how)
        answer = tokenizer.decode(given[0][asked["input_ids"].shape[1] :], skip_special_tokens=True)
        answer = answer.replace("\t", " ").replace("\n", "\\n")
        if answer != row.answer:
            row.answer, row.judged, row.set, row.why = answer, "", "", ""


def main() -> None:
    """Prints the report, or asks the model again."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--generate", type=Path, help="the folder of the model's GGUF file")
    parser.add_argument("--wordnet", default="off", help="off, auto or a folder")
    options = parser.parse_args()
    rows = read_table()
    if options.generate:
        generate(options.generate, rows)
        with TABLE.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(
                file, list(asdict(rows[0])), delimiter="\t", lineterminator="\n"
            )
            writer.writeheader()
            writer.writerows(asdict(row) for row in rows)
    for line in report(rows, options.wordnet):
        print(line)


if __name__ == "__main__":
    main()
