"""Has a text model write questions about a caption's statements, and answer them from another.

Each caption's questions are written whatever the other one says, so that those of a reference are
the same for every prediction; only items whose entities were matched are put to the judge. Items
for which no pair of questions came are asked in a plain form; answers that are neither yes nor no
are asked for once more, and those that are missing then are failures, which are counted.

Source: arXiv 2505.16334, section 3.2 and appendix C.1. Batches and repairs are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from annoengine.errors import RecordFailed
from annoengine.language.wordnet import OFF, wordnet_version
from annoengine.pancap.asked_content import EMBEDDED, Told
from annoengine.pancap.content import Content
from annoengine.pancap.content_items import turn_of
from annoengine.pancap.embedded_judge import judge_version
from annoengine.pancap.judging import Answer, judge_prompt, parse_answers
from annoengine.pancap.line_writing import entity_lines
from annoengine.pancap.questions import (
    Item,
    Question,
    item_line,
    items_of,
    parse_questions,
    plain_question,
    question_line,
)
from annoengine.prompt import Prompt
from annoengine.provider import Message, Reply, Request, Sampling, TextPart
from annoengine.stage import Ask
from annoengine.turns import gave_up, has_answer, repair_messages, with_words

Asked = TypeVar("Asked", Item, Question)

READING = 1
"""Rises with every change of what is read of an answer."""

MOST_ITEMS = 64
"""Items of one call; of more there are several calls. Ours: about 3,000 tokens of answer."""


@dataclass(frozen=True)
class Judging:
    """How questions are written and answered. ``model`` is a role, or ``EMBEDDED``: rules.

    ``questions``: ``model`` has them written, ``plain`` asks whether each statement is true and
    whether it is false. ``vectors``: the role of a model that embeds tags; "" for none.
    """

    model: str
    questions: Literal["model", "plain"] = "model"
    questions_prompt: Prompt | None = None
    answers_prompt: Prompt | None = None
    repair_prompt: Prompt | None = None
    repair: int = 0
    sampling: Sampling = Sampling()
    most_items: int = MOST_ITEMS
    wordnet: str = OFF
    vectors: str = ""

    @property
    def asks(self) -> bool:
        """Is there a model to ask?"""
        return self.model != EMBEDDED

    def version(self) -> str:
        """For fingerprints: what turns answers, or contents, into scores."""
        if self.asks:
            return f"answers {READING}, WordNet {wordnet_version(self.wordnet)}"
        return judge_version(self.wordnet)


@dataclass(frozen=True)
class AskedQuestions:
    """The questions about a caption, an item each. ``plain``: so many have none by the model.

    ``by``: the model as it named itself; "" where it wrote none.
    """

    questions: tuple[Question, ...]
    plain: int = 0
    by: str = ""


@dataclass(frozen=True)
class GivenAnswers:
    """The answers by item id. ``failures``: so many items have not two that are yes or no."""

    answers: dict[int, Answer]
    failures: int = 0
    by: str = ""


async def write_questions(
    side: str, content: Content, ask: Ask, judging: Judging
) -> AskedQuestions:
    """Questions about each statement of a content, which is that of the caption ``side``.

    Raises RecordFailed: ``gave_up``.
    """
    items = items_of(content)
    if judging.questions == "plain" or not items:
        return AskedQuestions(tuple(map(plain_question, items)))
    prompt = judging.questions_prompt
    assert prompt is not None, "a model is asked with a prompt"
    batches = _batches(items, judging.most_items)
    requests = []
    for number, batch in enumerate(batches, 1):
        text = prompt.fill(
            content="\n".join(entity_lines(_named(content, batch))),
            items="\n".join(map(item_line, batch)),
        )
        turn = _numbered(turn_of("questions", side), number)
        requests.append((Request(judging.model, (_words(text),), judging.sampling), turn))
    replies = _reached(await ask.all(requests))
    parsed = [
        parse_questions(reply.text if has_answer(reply) else "", batch)
        for reply, batch in zip(replies, batches, strict=True)
    ]
    written = tuple(_unquoted(question) for one in parsed for question in one.questions)
    plain = sum(one.failures for one in parsed)
    return AskedQuestions(written, plain, replies[0].model)


def _unquoted(question: Question) -> Question:
    """Without the marks that end a question in its line: 'Does it read "STOP"?'."""
    return question._replace(yes=question.yes.replace('"', "'"), no=question.no.replace('"', "'"))


def _named(content: Content, items: Sequence[Item]) -> Content:
    """The entities that statements name, without boxes: who writes questions needs no more."""
    named = {id for item in items for id in item.entities}
    return Content(tuple(entity for entity in content.entities if entity.id in named))


async def answer_questions(
    about: str,
    read: Told,
    content: Content,
    questions: Sequence[Question],
    ask: Ask,
    judging: Judging,
) -> GivenAnswers:
    """A judge's answers, by the caption ``read``, to questions about the other one, ``about``.

    ``content`` is what was extracted of ``read``; the questions have its ids. Without questions
    nothing is asked, nor of a blank caption, in which nothing is found. Raises RecordFailed:
    ``gave_up``.
    """
    if not read.text.strip():
        return GivenAnswers({})
    prompt = judging.answers_prompt
    assert prompt is not None, "a model is asked with a prompt"
    batches = _batches(questions, judging.most_items)
    messages = [_words(judge_prompt(prompt, read.text, content, batch)) for batch in batches]
    turns = [_numbered(turn_of("answers", about), n) for n in range(1, len(batches) + 1)]
    asked = [
        (Request(judging.model, (message,), judging.sampling), turn)
        for message, turn in zip(messages, turns, strict=True)
    ]
    replies = _reached(await ask.all(asked))
    given = [_read(reply, batch) for reply, batch in zip(replies, batches, strict=True)]
    for repairs in range(1, judging.repair + 1):
        again = []
        for n, batch in enumerate(batches):
            still = [q for q in batch if _open(given[n].get(q.item.id))]
            if still and has_answer(replies[n]):
                again.append((n, still))
        if not again:
            break
        assert judging.repair_prompt is not None, "a repair is asked for with a prompt"
        requests = []
        for n, still in again:
            lines = "\n".join(map(question_line, still))
            text = judging.repair_prompt.fill(questions=lines)
            talk = repair_messages(messages[n], replies[n].text, text)
            turn = f"{turns[n]}/repair {repairs}"
            requests.append((Request(judging.model, talk, judging.sampling), turn))
        mended = _reached(await ask.all(requests))
        for (n, still), reply in zip(again, mended, strict=True):
            replies[n] = reply
            given[n].update(_read(reply, still))
    answers = {id: answer for one in given for id, answer in one.items()}
    failures = sum(_open(answers.get(question.item.id)) for question in questions)
    return GivenAnswers(answers, failures, replies[0].model if replies else "")


def _read(reply: Reply, asked: Sequence[Question]) -> dict[int, Answer]:
    text = reply.text if has_answer(reply) else ""
    return dict(parse_answers(text, asked).answers)


def _open(answer: Answer | None) -> bool:
    return answer is None or None in answer


def _batches(listed: Sequence[Asked], most: int) -> list[Sequence[Asked]]:
    return [listed[at : at + most] for at in range(0, len(listed), most)]


def _numbered(turn: str, number: int) -> str:
    return turn if number == 1 else f"{turn} {number}"


def _words(text: str) -> Message:
    return Message(role="user", parts=(TextPart(text=text),))


def _reached(replies: Sequence[Reply]) -> list[Reply]:
    """The replies. Raises RecordFailed where a call could not be made: passing trouble."""
    lost = [reply for reply in replies if gave_up(reply)]
    if lost:
        raise RecordFailed("gave_up", lost[0].detail, tuple(reply.turn for reply in lost))
    return [with_words(reply) for reply in replies]
