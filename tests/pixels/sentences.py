"""Reads the English of the provider ``pixels`` back into statements, by rules of its own.

Written from the forms of the text, and sharing nothing with the code that writes it but the
categories' names and the plain list of colour words. A sentence that no rule reads is an error: a
wording without a rule would be a wording that nobody checks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from annoengine.categories import words_of

Value = tuple[str | int, ...]

COLOURS = (
    *("black", "white", "grey", "red", "orange", "yellow", "green", "blue", "purple", "pink"),
    *("brown", "beige", "tan", "olive", "maroon", "navy", "teal", "turquoise", "magenta"),
)
COUNTS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve"),
)


@dataclass(frozen=True)
class Named:
    """Another segment as a sentence names it: its article or rank, and its noun."""

    how: str
    noun: str


@dataclass(frozen=True)
class Said:
    """One statement read from a text."""

    kind: str
    value: Value = ()
    others: tuple[Named, ...] = ()


class UnreadableError(AssertionError):
    """No rule reads this."""


def _number(word: str) -> int:
    return COUNTS.index(word) if word in COUNTS else int(word)


Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], list[Said]]]


class Reader:
    """Reads texts about segments of the given categories."""

    def __init__(self, categories: Iterable[str]) -> None:
        self.plural_of = {words_of(c).show: words_of(c).plural for c in categories}
        nouns = {*self.plural_of, *self.plural_of.values()}
        self.noun = "|".join(re.escape(n) for n in sorted(nouns, key=len, reverse=True))
        shade = rf"(?:(?:light|dark|greyish|yellowish) )?(?:{'|'.join(COLOURS)})"
        self.shade = shade
        self.shades = rf"{shade}(?:, {shade})*(?: and {shade})?"
        self.named = (
            rf"(?:the other(?= |\.|$)(?! (?:{self.noun}))"
            rf"|(?:the (?:leftmost |rightmost |topmost |lowest )?|an? |another |some |other )"
            rf"(?:{self.noun})(?![a-z]))"
        )
        self.rules = self._rules()

    def description(self, text: str, noun: str) -> list[Said]:
        """All statements of a description of a segment called ``noun``."""
        sentences = re.split(r"(?<=\.) (?=[A-Z])", text)
        return [said for sentence in sentences for said in self.sentence(sentence, noun)]

    def sentence(self, sentence: str, noun: str) -> list[Said]:
        """The statements of one sentence."""
        if not sentence.endswith("."):
            raise UnreadableError(f"no full stop: {sentence!r}")
        rest = sentence[:-1]
        around = re.fullmatch(
            r"(?:To (?:its|their) (left|right)|(Above|Below) (?:it|them)) (?:is|are) "
            rf"({self.named})",
            rest,
        )
        if around:
            # What lies to its left has it to the right.
            side = around[1] or around[2].lower()
            mine = {"left": "right", "right": "left", "above": "below", "below": "above"}[side]
            return [Said("direction", (mine,), (self._name(around[3]),))]
        plural = self.plural_of[noun]
        this = rf"(?:{re.escape(noun)}|{re.escape(plural)})"
        said: list[Said] = []
        there = re.fullmatch(
            r"There (?:is|are) (.*?)((?: in the| on the| at mid| midway| halfway).*)", rest
        )
        if there:
            return self._described(there[1], this) + self._predicates(there[2].strip())
        seen = re.match(r"Seen (.*?), (?=this|these|the)", rest)
        if seen:
            said += self._predicates(seen[1])
            rest = rest[seen.end() :]
        subject = re.match(
            rf"(?:It|They|(?:[Tt]he|[Tt]his|[Tt]hese|One) {this}(?:, (.*?),)?"
            rf"|[Tt]he ((?:leftmost|rightmost|topmost|lowest) {this}"
            rf"|(?:second|third|fourth) {this} from the (?:left|right|top|bottom))) ",
            rest,
        )
        if subject:
            for head in (subject[1], subject[2] and f"the {subject[2]}"):
                if head:
                    said += self._predicates(head)
            return said + self._predicates(rest[subject.end() :])
        # "A mostly white cup with some blue appears …": the noun phrase ends at the verb.
        for verb in re.finditer(r" (?=(?:is|are|appears?|can|reach|reaches|touch|touches) )", rest):
            try:
                return self._described(rest[: verb.start()], this) + self._predicates(
                    rest[verb.end() :]
                )
            except UnreadableError:
                continue
        raise UnreadableError(f"no subject: {sentence!r}")

    def _described(self, phrase: str, this: str) -> list[Said]:
        """``a mostly white cup with some blue``, ``a person mostly in blue``."""
        phrase = re.sub(r"^(?:[Aa]n? )?", "", phrase)
        worn = re.fullmatch(rf"{this} (.+)", phrase)
        if worn:
            return self._predicates(worn[1])
        plain = re.fullmatch(rf"(.+?) {this}( with .+)?", phrase)
        if plain is None:
            raise UnreadableError(f"no noun phrase: {phrase!r}")
        look = plain[1] + (plain[2] or "")
        return self._predicates(look[:1].lower() + look[1:])

    def _predicates(self, text: str) -> list[Said]:
        said: list[Said] = []
        rest = text
        while rest:
            for pattern, meaning in self.rules:
                match = pattern.match(rest)
                if match and (rest[match.end() :] == "" or rest[match.end()] in " ,"):
                    said += meaning(match)
                    rest = rest[match.end() :]
                    break
            else:
                raise UnreadableError(f"{rest!r} in {text!r}")
            joint = re.match(r"(?:, and |, | and | (?=with ))(?=.)|\s", rest)
            rest = rest[joint.end() :] if joint else rest
        return said

    def _name(self, phrase: str) -> Named:
        if phrase == "the other":
            return Named("the", "")
        first, _, rest = phrase.partition(" ")
        rank = re.match(r"(leftmost|rightmost|topmost|lowest) ", rest)
        if rank:
            return Named(rank[1], rest[rank.end() :])
        return Named({"an": "a", "some": "a", "other": "another"}.get(first, first), rest)

    def _names(self, phrase: str) -> list[Named]:
        return [self._name(match[0]) for match in re.finditer(self.named, phrase)]

    def _rules(self) -> list[Rule]:
        rules: list[Rule] = []

        def rule(pattern: str, meaning: Callable[[re.Match[str]], list[Said]]) -> None:
            rules.append((re.compile(pattern), meaning))

        def shades(text: str) -> tuple[str, ...]:
            return tuple(re.findall(self.shade, text))

        be, image = r"(?:is |are )?", r"(?:image|picture)"
        named, each = self.named, self.noun
        # Who it is.
        rule(
            rf"{be}the (left|right)most(?: (?:{each}))?",
            lambda m: [Said("ordinal", (1, m[1]))],
        )
        rule(
            rf"{be}the (topmost|lowest)(?: (?:{each}))?",
            lambda m: [Said("ordinal", (1, "top" if m[1] == "topmost" else "bottom"))],
        )
        rule(
            rf"{be}the (second|third|fourth) (?:{each}) from the (left|right|top|bottom)",
            lambda m: [Said("ordinal", (["second", "third", "fourth"].index(m[1]) + 2, m[2]))],
        )
        rule(
            rf"{be}the (large|small|dark|light)(?:er|est) of the (\w+)(?: (?:{each}))?",
            lambda m: [Said("extreme", (m[1] + "est", _number(m[2])))],
        )
        rule(
            rf"{be}the (larg|small|dark|light)(?:er|est) of the (\w+)(?: (?:{each}))?",
            lambda m: [Said("extreme", (m[1] + "est", _number(m[2])))],
        )
        rule(
            rf"{be}one of (at least )?(\w+)(?: (?:{each}))?",
            lambda m: [Said("count", ("at least" if m[1] else "exactly", _number(m[2])))],
        )
        # Colours.
        worn = r"(?:in )?"
        rule(
            rf"{be}almost entirely {worn}({self.shade})",
            lambda m: [Said("colour", ("entirely", m[1]))],
        )
        rule(
            rf"{be}(?:mostly|mainly|predominantly|largely) {worn}({self.shade})",
            lambda m: [Said("colour", ("mostly", m[1]))],
        )
        rule(
            rf"{be}partly {worn}({self.shade}) and ({self.shade})(?= |,|$)",
            lambda m: [Said("tinge", (m[1], m[2]))],
        )
        rule(rf"{be}partly {worn}({self.shade})", lambda m: [Said("colour", ("partly", m[1]))])
        rule(
            rf"{be}{worn}({self.shade}) and ({self.shade})",
            lambda m: [Said("colour", ("two", m[1], m[2]))],
        )
        rule(rf"{be}(?:multicoloured|in several colours)", lambda m: [Said("colour", ("many",))])
        rule(
            rf"with (?:some|parts in) ({self.shades})",
            lambda m: [Said("tinge", shades(m[1]))],
        )
        # Surface.
        rule(rf"{be}(?:of an even tone|even in tone)", lambda m: [Said("tone", ("even",))])
        rule(
            r"(?:shows?|have|has) (?:strong contrasts of light and dark"
            r"|both very light and very dark parts)",
            lambda m: [Said("tone", ("contrast",))],
        )
        rule(rf"{be}smooth(?: in texture)?", lambda m: [Said("grain", ("smooth",))])
        rule(
            rf"(?:{be}strongly textured|(?:has|have) a busy texture)",
            lambda m: [Said("grain", ("textured",))],
        )
        # Shape.
        rule(
            rf"{be}(?:roughly )?(round|oval|rectangular)",
            lambda m: [Said("shape", (m[1],))],
        )
        rule(rf"{be}(?:long and )?narrow", lambda m: [Said("shape", ("narrow",))])
        rule(
            rf"(?:{be}irregular in outline|(?:has|have) an irregular outline)",
            lambda m: [Said("shape", ("irregular",))],
        )
        rule(rf"{be}upright", lambda m: [Said("lie", ("upright",))])
        rule(r"(?:stretch(?:es)?|extends?) horizontally", lambda m: [Said("lie", ("level",))])
        rule(
            r"(?:runs? diagonally|slants?) from the (lower|upper) left to the (lower|upper) right",
            lambda m: [
                Said("lie", ("rising" if (m[1], m[2]) == ("lower", "upper") else "falling",))
            ],
        )
        rule(
            rf"(?:{be}visible|appears?) in (\w+) separate parts",
            lambda m: [Said("parts", (_number(m[1]),))],
        )
        rule(
            rf"{be}(taller|wider) than (?:wide|tall)",
            lambda m: [Said("proportion", ("tall" if m[1] == "taller" else "wide", 1))],
        )
        rule(
            rf"{be}about (?:(twice)|(\w+) times) as (tall|wide) as (?:wide|tall)",
            lambda m: [Said("proportion", (m[3], 2 if m[1] else _number(m[2])))],
        )
        # Size.
        fraction = r"\d+%|a tenth|a fifth|a quarter|half|three quarters"
        part = rf"(less than 1%|almost all|about (?:{fraction}))"

        def percent(text: str) -> int:
            known = {"less than 1%": 0, "almost all": 100, "about a tenth": 10}
            known |= {"about a fifth": 20, "about a quarter": 25, "about half": 50}
            known |= {"about three quarters": 75}
            return known[text] if text in known else int(re.sub(r"\D", "", text))

        rule(
            rf"(?:covers?|takes? up|occup(?:y|ies)|makes? up) {part} of the {image}",
            lambda m: [Said("share", (percent(m[1]),))],
        )
        rule(
            rf"fits? in a box that takes up {part} of the {image}",
            lambda m: [Said("box_share", (percent(m[1]),))],
        )
        # Place.
        seen = r"(?:is |are |appears? |can be seen )?"
        level = {"upper": "top", "lower": "bottom", "middle": "middle"}
        rule(
            rf"{seen}in the (upper|lower) (left|right|middle) of the {image}",
            lambda m: [
                Said("place", ("centre" if m[2] == "middle" else m[2], level[m[1]])),
            ],
        )
        rule(
            rf"{seen}in the (?:centre|middle) of the {image}",
            lambda m: [Said("place", ("centre", "middle"))],
        )
        rule(
            rf"{seen}halfway up the (left|right) side of the {image}",
            lambda m: [Said("place", (m[1], "middle"))],
        )
        rule(
            rf"{seen}on the (left|right) side of the {image}",
            lambda m: [Said("place", (m[1], ""))],
        )
        rule(
            rf"{seen}midway between the left and right sides of the {image}",
            lambda m: [Said("place", ("centre", ""))],
        )
        rule(
            rf"{seen}in the (upper|lower) part of the {image}",
            lambda m: [Said("place", ("", level[m[1]]))],
        )
        rule(rf"{seen}at mid-height in the {image}", lambda m: [Said("place", ("", "middle"))])
        rule(
            rf"{be}centred about (\d+)% of the way across and (\d+)% of the way down the {image}",
            lambda m: [Said("centre", (int(m[1]), int(m[2])))],
        )
        # Edges.
        rule(
            rf"(?:spans?|cross(?:es)?) the full (width|height) of the {image}",
            lambda m: [
                Said("edges", ("left", "right") if m[1] == "width" else ("top", "bottom")),
            ],
        )
        rule(
            rf"reach(?:es)? all four edges of the {image}",
            lambda m: [Said("edges", ("left", "top", "right", "bottom"))],
        )
        side = r"(?:left|top|right|bottom)"
        rule(
            rf"(?:reach(?:es)?|extends? to|touch(?:es)?) the ({side}(?:, {side})*(?: and {side})?) "
            rf"edges? of the {image}",
            lambda m: [Said("edges", tuple(re.findall(side, m[1])))],
        )
        # Neighbours.
        rule(
            rf"{be}(above|below) and to the (left|right) of ({named})",
            lambda m: [Said("direction", (f"{m[1]} {m[2]}",), (self._name(m[3]),))],
        )
        rule(
            rf"{be}(immediately )?to the (left|right) of ({named})",
            lambda m: [
                Said("close direction" if m[1] else "direction", (m[2],), (self._name(m[3]),))
            ],
        )
        rule(
            rf"{be}(directly )?(above|below) ({named})",
            lambda m: [
                Said("close direction" if m[1] else "direction", (m[2],), (self._name(m[3]),))
            ],
        )
        several = rf"{named}(?:, {named})*(?: and {named})?"
        rule(
            rf"(?:borders?|adjoins?|{be}right next to) ({several})",
            lambda m: [Said("touch", (), (name,)) for name in self._names(m[1])],
        )
        rule(
            rf"{be}surrounded (?:on all sides )?by ({named})",
            lambda m: [Said("surrounded", (), (self._name(m[1]),))],
        )
        rule(
            rf"{be}bordered (?:mostly|for the most part) by ({named})",
            lambda m: [Said("bordered", (), (self._name(m[1]),))],
        )
        rule(rf"{be}within ({named})", lambda m: [Said("inside", (), (self._name(m[1]),))])
        rule(rf"overlaps? ({named})", lambda m: [Said("overlap", (), (self._name(m[1]),))])
        rule(
            rf"{be}between ({named}) on the left and ({named}) on the right",
            lambda m: [Said("between", ("across",), (self._name(m[1]), self._name(m[2])))],
        )
        rule(
            rf"{be}between ({named}) above and ({named}) below",
            lambda m: [Said("between", ("down",), (self._name(m[1]), self._name(m[2])))],
        )
        rule(
            rf"(?:has|have) ({named}) on either side",
            lambda m: [Said("between", ("across",), (self._name(m[1]), self._name(m[1])))],
        )
        rule(
            rf"(?:has|have) ({named}) above and below",
            lambda m: [Said("between", ("down",), (self._name(m[1]), self._name(m[1])))],
        )
        return rules
