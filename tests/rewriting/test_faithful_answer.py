"""What of an answer is the caption: greetings, labels, quotation marks and notes are not."""

from __future__ import annotations

import pytest

from annoengine.rewriting.faithful_answer import caption_of_answer

CAPTION = "A red bus with two doors waits at the stop."


@pytest.mark.parametrize(
    "answer",
    [
        CAPTION,
        f"  {CAPTION}\n",
        f'"{CAPTION}"',
        f"“{CAPTION}”",
        f"**{CAPTION}**",
        f"```\n{CAPTION}\n```",
        f"Rewritten: {CAPTION}",
        f"Caption: {CAPTION}",
        f"The rewritten caption is: {CAPTION}",
        f"Here is the rewritten caption:\n\n{CAPTION}",
        f"Here's the caption without any numbers: {CAPTION}",
        f'Sure! Here is the rewritten caption:\n\n"{CAPTION}"',
        f"Certainly. {CAPTION}",
        f"{CAPTION}\n\nNote: I removed the number.",
        f"{CAPTION}\n(I have replaced object 3.)",
        f"{CAPTION}\n\nRewritten: {CAPTION}\n\nRewritten: A red",
        f"{CAPTION}\n\nObject: dog\nNames: none",
        CAPTION.replace(" with", "  with"),
        f"\r\n{CAPTION}\r\n",
    ],
)
def test_the_caption_is_found(answer: str) -> None:
    assert caption_of_answer(answer) == CAPTION


@pytest.mark.parametrize(
    "caption",
    [
        "A man says: stop.",
        'A sign that reads "STOP".',
        '"STOP" stands on a red sign, and "GO" on a green one. "STOP"',
        "Here a man stands, and there a woman.",
        "The notes lie on the piano.",
        "Surely a dog.",
    ],
)
def test_a_caption_that_looks_like_an_opening_stays(caption: str) -> None:
    assert caption_of_answer(caption) == caption


def test_what_stays_of_a_talkative_answer_has_its_lines() -> None:
    assert caption_of_answer("A bus.\nA bus of that kind is red.") == (
        "A bus.\nA bus of that kind is red."
    )
    assert caption_of_answer("") == ""
    assert caption_of_answer('""') == ""
