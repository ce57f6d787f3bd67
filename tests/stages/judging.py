"""A check by lists of words (``tests.stages.judging:Judges``), so that a test knows every score."""

from __future__ import annotations

import re
from typing import ClassVar

from annoengine.record import Caption, Record, Score, Verdict
from annoengine.show.words import Truth
from annoengine.stage import Ask, Parameters, Stage


class JudgesParameters(Parameters):
    """Settings of :class:`Judges`."""

    right: tuple[str, ...] = ()
    """Words that are supported."""
    wrong: tuple[str, ...] = ()
    """Words that are contradicted."""
    unclear: tuple[str, ...] = ()
    """Words of which it cannot tell."""
    unscored: tuple[str, ...] = ()
    """Captions with one of these words get no score."""


class Judges(Stage):
    """Gives each caption a verdict for each of some words, and counts them."""

    NEEDS: ClassVar[frozenset[str]] = frozenset({"captions"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"verdicts", "scores"})
    SCORES: ClassVar[frozenset[str]] = frozenset(
        {"facts.contradicted", "facts.supported", "words", "words.mean"}
    )
    Parameters: ClassVar[type[Parameters]] = JudgesParameters
    parameters: JudgesParameters

    async def annotate(self, record: Record, ask: Ask) -> Record:
        scores, verdicts = list(record.scores), list(record.verdicts)
        lengths = []
        for caption in record.captions:
            found = self.judge(caption)
            verdicts += found
            length = len(caption.text.split())
            lengths.append(length)
            if any(word in caption.text for word in self.parameters.unscored):
                continue
            truths = [verdict.truth for verdict in found]
            for name, value in (
                ("facts.contradicted", truths.count("contradicted")),
                ("facts.supported", truths.count("supported")),
                ("words", length),
            ):
                scores.append(
                    Score(name=name, value=value, by=self.setup.name, segment=caption.segment)
                )
        if lengths:
            mean = round(sum(lengths) / len(lengths), 4)
            scores.append(Score(name="words.mean", value=mean, by=self.setup.name))
        return record.but(scores=tuple(scores), verdicts=tuple(verdicts))

    def judge(self, caption: Caption) -> list[Verdict]:
        p = self.parameters
        found = []
        lists: dict[Truth, tuple[str, ...]] = {
            "supported": p.right,
            "contradicted": p.wrong,
            "cannot tell": p.unclear,
        }
        for truth, words in lists.items():
            for word in words:
                for place in re.finditer(rf"\b{re.escape(word)}\b", caption.text):
                    found.append(
                        Verdict(
                            segment=caption.segment,
                            kind="word",
                            says=f"word: {word}",
                            start=place.start(),
                            end=place.end(),
                            truth=truth,
                            evidence=f"{word!r} is on the list {truth!r}",
                            by=self.setup.name,
                        )
                    )
        return found
