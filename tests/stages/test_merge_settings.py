"""The stage ``merge``: its settings, its prompts, and what a plan is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from annoengine.answers.grounded import Grounded
from annoengine.answers.regions import Regions
from annoengine.errors import RecipeError
from annoengine.grounded.known_segments import NONE_DEMANDED
from annoengine.grounded.paragraph import ExpectedSegment
from annoengine.grounded.tags import parse_tags
from annoengine.prompt import Prompt, draw, load_prompt, parse_prompt
from tests.stages.test_merge import FIRST, REPAIRS, given, stage


def test_what_a_plan_is_told() -> None:
    built = stage()
    assert (built.calls(given()), built.calls(given({}, named=[]))) == (1, 0)
    # Region captions that are still to come count as well.
    assert built.calls(given({})) == 1
    assert built.likely_output(given()) == round(200 * 4 / 3 + 6 * 3)
    assert built.roles() == ("annotator",)
    assert [prompt.name for prompt in built.prompts()] == [*FIRST, *REPAIRS]
    assert [prompt.name for prompt in stage(repair=0).prompts()] == [*FIRST]
    assert set(built.versions()) == {"grammar", "category_words"}


def test_prompts_are_drawn_by_seed() -> None:
    def drawn(seed: int) -> list[str]:
        prompts = stage(seed).first_prompts
        return [draw(prompts, seed, f"coco/val/{n}", "merge").name for n in range(30)]

    assert drawn(7) == drawn(7) != drawn(8)
    assert set(drawn(7)) == set(FIRST)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"answer": "numbered"}, "an answer in the grammar 'numbered' is no paragraph"),
        ({"repair_prompts": ()}, "repair is 2 and there is no prompt in repair_prompts"),
        ({"least_words": 9, "most_words": 8}, r"least_words \(9\) is above most_words \(8\)"),
        ({"prompts": ("pix2cap/prompt1.v1",)}, "wants categories, num_instances"),
        ({"prompts": ("coconut_pancap/merge_repair1.v1",)}, "wants faults, ids"),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        stage(**settings)


def test_a_prompt_for_another_grammar_is_refused() -> None:
    def load(name: str) -> Prompt:
        return parse_prompt(name, "---\nabout: a\nsource: b\nanswer: regions\n---\nSay.\n")

    with pytest.raises(RecipeError, match="asks for an answer in the grammar 'regions'"):
        stage(load=load)


@pytest.mark.parametrize("name", FIRST)
def test_the_example_of_a_prompt_is_one_that_the_judge_accepts(name: str) -> None:
    """What a model is shown must be right, tag by tag, by the descriptions shown with it."""
    blocks = load_prompt(name).body.split("\n\n")
    listed = [n for n, block in enumerate(blocks) if block.startswith("1: ")]
    (at,) = listed
    regions = Regions().parse(blocks[at]).answer.regions
    assert len(regions) == len(blocks[at].splitlines())
    example = next(block for block in blocks[at + 1 :] if parse_tags(block).spans)
    grammar = Grounded(NONE_DEMANDED)
    expected = tuple(ExpectedSegment(r.mark, r.summary.lower()) for r in regions)
    parsed = grammar.parse(example)
    judged = grammar.judge_paragraph(parsed, expected, NONE_DEMANDED)
    assert (parsed.faults, parsed.tolerated, judged.faults, judged.doubts) == ((), (), (), ())
    assert judged.accepted.keys() == {region.mark for region in regions}


@pytest.mark.parametrize(
    ("name", "question"),
    [
        (
            "coconut_pancap/regions1.v1",
            "Could you please describe the details of the image for each region?",
        ),
        (
            "coconut_pancap/merge1.v1",
            "With the given region-level description, can you merge them into one paragraph in "
            "the format of grounded caption?",
        ),
    ],
)
def test_the_questions_of_the_paper_are_asked_as_it_prints_them(name: str, question: str) -> None:
    prompt = load_prompt(name)
    assert prompt.body.startswith(question + "\n")
    assert "arXiv 2502.02589" in prompt.head.source
