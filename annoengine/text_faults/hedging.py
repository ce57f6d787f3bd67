"""How much of a caption is said with reservation: "possibly", "appears to be", "might".

Counted are statements: what stands between two marks of punctuation. A caption that knows its
segment and guesses at one thing is then far from one that guesses throughout, though both may be
a single sentence. Words in quotation marks do not count.
"""

from __future__ import annotations

import re

from annoengine.text_faults.sentences import letters_in, statements_in, without_quotes

_PLACE = (
    r"in|on|at|near|behind|above|below|between|within|inside|beside|besides|from|under|over|next"
    r"|along|across|around|among|against|through|throughout|twice|once|again|only|here|there"
    r"|beneath|beyond|off|out|by|with|the|a|an|and|or|but|while|where|several|two|three|to the"
    r"|halfway|midway|high|low|far|close|left|right|directly|immediately|just|also|together|alone"
)
_SEEN = r"(?:visible|distinguishable|discernible|identifiable|recogni[sz]able|legible|seen|defined)"

_HEDGE = re.compile(
    r"\b(?:possibly|perhaps|maybe|probably|presumably|likely|apparently|seemingly|potentially"
    r"|supposedly|conceivably|arguably|evidently|ostensibly)\b"
    r"|\bseem(?:s|ed|ing)?\b"
    rf"|\bappear(?:s|ed|ing)? (?!(?:{_PLACE})\b)\w"
    r"|\b(?:look|looks|looked|looking) (?:like|as if|as though|to be)\b"
    r"|\b(?:resembl(?:es?|ing)|as if|as though)\b"
    r"|(?<!the )\bmight\b(?! of)|\bmay (?=[a-z])"
    r"|\bcould (?:also |well |possibly |either |even )*(?:be|have been|indicate|suggest|represent"
    r"|serve|belong|contain|mean|signify)\b"
    r"|\bsuggest(?:s|ed|ing|ive of)?\b|\bimpl(?:y|ies|ied|ying)\b"
    r"|\b(?:assumed|believed|thought|presumed|suspected|estimated) to be\b"
    r"|\bi (?:think|believe|guess|suppose|assume)\b|\b(?:it is|it's) (?:possible|probable)\b"
    r"|\b(?:is|are|was|were|be)(?: not|n't) (?:\w+ )?clear(?:ly)?\b|\bunclear\b|\bindistinct\b"
    r"|\b(?:not|never|hardly|barely) (?:\w+ )?"
    rf"(?:clearly|fully|entirely|easily|well|really) {_SEEN}\b"
    r"|\b(?:not|hardly|barely) (?:distinguishable|discernible|identifiable|recogni[sz]able"
    r"|legible)\b|\bun(?:identifiable|identified|specified|determined)\b"
    r"|\b(?:hard|difficult|impossible) to (?:tell|discern|make out|see|say|determine|identify"
    r"|recogni[sz]e|distinguish|ascertain)\b"
    r"|\b(?:can ?not|can't) be (?:clearly |fully |exactly )?(?:determined|discerned|identified|told"
    r"|distinguished|made out|ascertained)\b"
    r"|\b(?:some|a certain) (?:sort|kind|type|form) of\b|\b(?:sort|kind) of an? \w+ish\b"
    r"|\bof some (?:sort|kind|type)\b|\bor something\b|\bor (?:a |an )?similar\b|\bor so\b",
    re.IGNORECASE,
)
_MAY_THE_MONTH = re.compile(r"\b(?:in|of|on|since|until|by) May\b|\bMay \d")
_CUES = frozenset(
    "possibly perhaps maybe probably presumably likely apparently seemingly potentially supposedly"
    " conceivably arguably evidently ostensibly seem seems seemed seeming appear appears appeared"
    " appearing look looks looked looking resemble resembles resembling if though might may could"
    " suggest suggests suggested suggesting suggestive imply implies implied implying assumed"
    " believed thought presumed suspected estimated think believe guess suppose assume possible"
    " probable clear clearly unclear indistinct not t never hardly barely unidentifiable"
    " unidentified unspecified undetermined hard difficult impossible cannot can some certain kind"
    " sort something similar so".split()
)
"""Each form of a hedge holds one of these."""


def hedge_share(text: str) -> float:
    """The share of a caption's statements that hedge: 0 none of them, 1 each of them.

    >>> hedge_share("A flat surface, possibly a table, in light color supports the microwave.")
    0.3333
    >>> hedge_share("It seems to be a car; it might be white."), hedge_share("A white car.")
    (1.0, 0.0)
    """
    if _CUES.isdisjoint(letters_in(text)):
        return 0.0
    statements = statements_in(_MAY_THE_MONTH.sub(" ", without_quotes(text)))
    if not statements:
        return 0.0
    return round(sum(bool(_HEDGE.search(said)) for said in statements) / len(statements), 4)
