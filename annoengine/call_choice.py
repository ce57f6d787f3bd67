"""Which calls of a run are wanted, and what they come to in sum."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from annoengine.budget import in_nano
from annoengine.call_lines import OUTCOMES, Call, OnDamage, read_calls, run_journals
from annoengine.errors import InputError
from annoengine.registry import did_you_mean

_LONGEST_NUMBER = 11
"""Digits of a call's number; more of them are the beginning of a key."""


@dataclass(frozen=True)
class Wanted:
    """Which calls are wanted; what is left empty fits every one.

    ``record`` is a record's id, its end (``139`` of ``coco/val/139``) or a pattern (``coco/*``);
    ``model`` a model as the recipe or as it names itself, or a pattern; ``text`` words that all
    occur in what came back; ``show`` a call's number or the beginning of its key.
    """

    record: str = ""
    stage: str = ""
    outcome: str = ""
    model: str = ""
    text: str = ""
    show: str = ""

    def check(self, root: Path) -> None:
        """Raises InputError for what can fit no call of the run."""
        known = (*OUTCOMES, "any")
        if self.outcome and self.outcome not in known:
            raise InputError(
                f"there is no outcome {self.outcome!r}.{did_you_mean(self.outcome, known)}"
            )
        if self.show and not (self._number or re.fullmatch(r"[0-9a-f]{6,64}", self.show)):
            raise InputError(
                f"--show {self.show!r} is neither a number of the table (17) nor a key or at least "
                "its first 6 digits (4f0c21)"
            )
        stages = {name for name, _ in run_journals(root)}
        if not stages:
            raise InputError(f"{root} has no journals: no call was made in this run yet")
        if self.stage and self.stage not in stages:
            raise InputError(
                f"no stage {self.stage!r} made a call in {root}.{did_you_mean(self.stage, stages)}"
            )

    @property
    def _number(self) -> int | None:
        short = self.show.isdecimal() and len(self.show) <= _LONGEST_NUMBER
        return int(self.show) if short else None

    def takes(self, call: Call) -> bool:
        """Is this one of them?"""
        return (
            (not self.show or self._is_shown(call))
            and (not self.stage or call.stage == self.stage)
            and (self.outcome in ("", "any", call.outcome))
            and (not self.record or self._is_record(call.record))
            and (not self.model or self._is_model(call))
            and (not self.text or self._has_words(call))
        )

    def _is_shown(self, call: Call) -> bool:
        number = self._number
        return call.key.startswith(self.show) if number is None else call.number == number

    def _is_record(self, id: str) -> bool:
        wanted = self.record
        return id == wanted or id.endswith(f"/{wanted}") or fnmatch.fnmatchcase(id, wanted)

    def _is_model(self, call: Call) -> bool:
        names = (call.provider, call.provider.partition("/")[2], call.model)
        return any(name and fnmatch.fnmatchcase(name, self.model) for name in names)

    def _has_words(self, call: Call) -> bool:
        reasons = " ".join(one.reason for one in call.tries)
        said = f"{call.text} {call.detail} {reasons}".lower()
        return all(word in said for word in self.text.lower().split())

    def __str__(self) -> str:
        """As it is typed.

        >>> str(Wanted(record="coco/val/139", outcome="refusal"))
        "--record 'coco/val/139' --outcome 'refusal'"
        """
        said = {name: value for name, value in vars(self).items() if value}
        return " ".join(f"--{name} {value!r}" for name, value in said.items())


@dataclass
class Sums:
    """What calls come to: how many of each outcome, tokens, and dollars where they are known."""

    outcomes: Counter[str] = field(default_factory=Counter)
    input_tokens: int = 0
    output_tokens: int = 0
    spent_nano: int = 0
    priced: int = 0

    @property
    def calls(self) -> int:
        """All of them."""
        return self.outcomes.total()

    def add(self, call: Call) -> None:
        """Counts one in."""
        self.outcomes[call.outcome] += 1
        self.input_tokens += call.usage.input_tokens or 0
        self.output_tokens += call.usage.output_tokens or 0
        self.spent_nano += in_nano(call.usd or 0.0)
        self.priced += call.usd is not None


class Choice:
    """The calls of a run that are wanted, one after another; then ``sums`` is theirs."""

    def __init__(self, root: Path, wanted: Wanted) -> None:
        wanted.check(root)
        self.sums = Sums()
        self._root = root
        self._wanted = wanted
        self._all: Counter[str] = Counter()
        self._example = ""

    def calls(self, on_damage: OnDamage) -> Iterator[Call]:
        """Goes through the journals. Raises InputError at the end where nothing fits."""
        for call in read_calls(self._root, on_damage):
            self._all[call.outcome] += 1
            self._example = self._example or call.record
            if self._wanted.takes(call):
                self.sums.add(call)
                yield call
        if not self.sums.calls:
            raise InputError(self._nothing())

    def _nothing(self) -> str:
        if not self._all:
            return f"the journals of {self._root} hold no call yet"
        text = (
            f"none of the {self._all.total():,} calls of {self._root} fits {self._wanted}; their "
            f"outcomes: {counted(self._all)}"
        )
        if self._wanted.record:
            text += f". A record there is called, for example, {self._example!r}"
        return text


def counted(outcomes: Counter[str]) -> str:
    """Outcomes with their counts, the most frequent first.

    >>> counted(Counter(refusal=2, answer=1200))
    'answer 1,200, refusal 2'
    """
    return ", ".join(f"{name} {count:,}" for name, count in outcomes.most_common())
