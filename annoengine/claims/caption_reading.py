"""Tells of whom a phrase of a caption is said, and weighs what several readings come to.

A parser attaches "on the left" to the nearest noun or to the verb, and is often wrong. So a phrase
has several possible subjects here, the grammar's own first; a statement is called contradicted
only where it is false of each of them. That loses some false statements and keeps true ones from
being called false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Literal

from annoengine.baseline.region_facts import RegionFacts, Scene
from annoengine.categories import fits, words_of
from annoengine.claims.caption_claim import Mention, Statement, Truth
from annoengine.claims.mention_words import is_person
from annoengine.language.parsed import Parsed, Token

Verdict = tuple[Truth, str]
"""What became of a test, and the sentence that says what was measured."""

Kind = Literal["same", "narrower", "broader"]
"""What a noun counts, beside a category: its members, some of them ("women"), or others as well
("objects")."""

Test = Callable[[RegionFacts], Verdict]
"""A statement about one segment, tested."""

IMAGE_WORDS = frozenset(
    "image picture photo photograph frame scene shot view composition photography".split()
)
"""What a caption calls the whole image."""

OF_ONE_BODY = frozenset(
    "hand arm leg foot eye ear side shoulder wing paw cheek knee elbow wrist ankle thigh hip palm "
    "finger thumb toe hoof horn tusk nostril lens lane turn sleeve breast temple hind headlight "
    "mirror wheel tire door flank forearm forepaw foreleg lapel chest pocket brow eyebrow".split()
)
"""Nouns whose left one is that of a body, a garment or a vehicle, and never the image's."""

_OCCASIONS = frozenset("site parade game match event race show ceremony view surroundings".split())
"""Places and times as wide as the image: "the only horse in the parade"."""

_ANYTHING = frozenset({"object", "item", "thing", "element", "subject", "figure", "feature"})
_RANKING = frozenset(
    "left right top bottom upper lower middle center centre central leftmost rightmost topmost far "
    "uppermost bottommost lowermost furthest farthest first second third fourth fifth sixth "
    "seventh eighth ninth tenth only sole single lone visible other main last".split()
)

_BARE = IMAGE_WORDS | frozenset(
    "background foreground distance side left right top bottom center centre middle corner edge "
    "part area half section view position place row line group".split()
)
"""Nouns that may stand between a phrase and what it is said of: "in the background on the left"."""

_CLAUSES = frozenset("acl relcl advcl conj xcomp ccomp pcomp parataxis".split())
_SUBJECTS = ("nsubj", "nsubjpass")
_NONE = frozenset({"no", "without", "lacks", "lacking"})
STANDING = frozenset("stand sit lie hang rest rise appear be".split())
_RELATIVE = frozenset({"which", "that", "who", "whom", "whose"})
_GROUPS = frozenset(
    "group pair set row line number trio couple cluster series crowd bunch one model two three "
    "four five some many several most half".split()
)


class CaptionReading:
    """A parsed caption with its mentions and the scene, as the checks of statements read it."""

    def __init__(
        self, parsed: Parsed, mentions: Sequence[Mention], scene: Scene, own: int | None
    ) -> None:
        self.parsed = parsed
        self.tokens = parsed.tokens
        self.scene = scene
        self.own = own
        self._by_root = {one.root: one for one in mentions if not self._missing(one)}
        self._facts = {facts.id: facts for facts in scene.regions}

    def _missing(self, mention: Mention) -> bool:
        """ "No flag", "without a flag": nothing is said of what is there."""
        words = self.tokens[max(0, mention.first - 1) : mention.first + 1]
        return words[-1].lower in _NONE or words[0].lower in _NONE

    @cached_property
    def self_mention(self) -> Mention | None:
        """The caption's own segment, for phrases without a subject; None for a whole image."""
        if self.own is None or self.own not in self._facts:
            return None
        return Mention(0, 0, -1, "self", (self.own,))

    def mention(self, i: int) -> Mention | None:
        """The mention about a word; of "a group of people", that about the people."""
        found = self._by_root.get(i)
        if found is not None and (found.who != "nobody" or not self._is_group(i)):
            return found
        if self._is_group(i):
            for of in self.parsed.children(i, "prep"):
                for inner in self.parsed.children(of.i, "pobj") if of.lower == "of" else ():
                    return self.mention(inner.i)
        return found

    def _is_group(self, i: int) -> bool:
        return self.tokens[i].lemma.lower() in _GROUPS

    def regions(self, mention: Mention) -> list[RegionFacts]:
        """The segments that a mention may speak of."""
        return [self._facts[id] for id in mention.segments if id in self._facts]

    def peers(self, category: str) -> tuple[list[RegionFacts], bool]:
        """The segments of a category that are no crowd, and whether there is a crowd of it."""
        same = [facts for facts in self.scene.regions if facts.category == category]
        return [f for f in same if not f.iscrowd], any(f.iscrowd for f in same)

    def subjects_of(self, i: int) -> list[Mention]:
        """Whom the word ``i`` and what depends on it is said of, the likeliest first.

        Nouns on the way up to the verb, then what the verb is said of. Without any, a caption
        speaks of its own segment ("Located on the left, …").
        """
        found: list[Mention] = []
        noun_seen = False
        for token in self._way_up(i):
            if token.pos in ("VERB", "AUX"):
                found += self._of_verb(token, i)
                if not found and self._subject_words(token):
                    return []
                if found:
                    break
            elif token.pos in ("NOUN", "PROPN", "PRON", "NUM") or token.dep == "appos":
                mention = self.mention(token.i)
                unknown = mention is None or mention.who == "nobody"
                if unknown and not noun_seen and token.lemma.lower() not in _BARE:
                    # Of something that is not segmented: what comes above it says nothing here.
                    return []
                noun_seen = True
                if mention is not None:
                    found.append(self._one_of(token, mention) or mention)
        if not found and not noun_seen and self.self_mention is not None:
            return [self.self_mention]
        beside = self._just_before(i)
        if beside == "unknown":
            return []
        if isinstance(beside, Mention):
            found.append(beside)
        said = [mention for mention in found if mention.who != "nobody"]
        return list(dict.fromkeys(said))

    def _one_of(self, token: Token, mention: Mention) -> Mention | None:
        """The caption's own segment, where it opens with "one of four towers" and is such a one."""
        of = self.tokens[token.head]
        one, own = self.tokens[of.head], self.self_mention
        opens = of.lower == "of" and one.lower == "one" and not one.sentence
        if own is None or not opens or one.dep not in ("ROOT", "nsubj", "nsubjpass"):
            return None
        return own if self.own in mention.segments else None

    def _just_before(self, i: int) -> Mention | Literal["unknown", ""]:
        """What is spoken of right before a phrase, whatever the parser hung that on."""
        if i == 0:
            return ""
        for mention in self._by_root.values():
            if mention.past == i:
                return mention
        return "unknown" if self.tokens[i - 1].lower in ("one", "ones", "others", "those") else ""

    def _way_up(self, i: int) -> Iterable[Token]:
        token = self.tokens[i]
        while token.head != token.i:
            token = self.tokens[token.head]
            yield token

    def _of_verb(self, verb: Token, below: int) -> list[Mention]:
        """The verb's subject; after it its object, which "on the left" may speak of as well."""
        found = self._subjects(verb)
        for other in self.parsed.children(verb.i, "dobj", "attr"):
            mention = self.mention(other.i)
            if mention is not None and other.i < below:
                found.append(mention)
        return found

    def _subjects(self, verb: Token) -> list[Mention]:
        found = []
        for i in self._subject_words(verb):
            mention = self.mention(i)
            if mention is not None:
                found.append(self._one_of(self.tokens[i], mention) or mention)
            elif self.tokens[i].tag in ("JJ", "JJR", "JJS"):
                # "The tallest of the four stands on the left."
                found += self.said_of(i)
        return found

    def _subject_words(self, verb: Token) -> list[int]:
        """The word that a verb is said of: its own subject, or that of the clause above it."""
        for _ in self.tokens:
            subjects = self.parsed.children(verb.i, *_SUBJECTS)
            if subjects and subjects[0].lower not in _RELATIVE:
                return [subjects[0].i]
            if subjects and verb.dep == "relcl":
                return [verb.head]
            if subjects:
                return [subjects[0].i]
            shown = self.parsed.children(verb.i, "attr")
            if not shown and verb.lemma.lower() in STANDING:
                # "On the right stands a tower."
                shown = self.parsed.children(verb.i, "dobj")
            if shown:
                return [shown[0].i]
            head = self.tokens[verb.head]
            if verb.head == verb.i or verb.dep not in _CLAUSES:
                return []
            if head.pos in ("NOUN", "PROPN", "PRON", "NUM"):
                return [head.i]
            verb = head
        return []

    def said_of(self, i: int) -> list[Mention]:
        """Whom an adjective that stands for a noun is said of: "the tallest of the four towers".

        In the first words of a caption it is its own segment, where that may be meant.
        """
        token, own = self.tokens[i], self.self_mention
        if token.dep == "appos":
            # "A flower, the leftmost of the two."
            about = self.mention(token.head)
            if about is not None and about.who in ("self", "segment"):
                return [about]
        found = self.mention(i) or self._of_what(i)
        if token.dep in ("nsubj", "nsubjpass", "ROOT") and own is not None and not token.sentence:
            opens = found is None or (found.who == "several" and not found.plural)
            if opens and (found is None or self.own in found.segments):
                return [own]
        return self.subjects_of(i) if found is None or token.dep == "attr" else [found]

    def _of_what(self, i: int) -> Mention | None:
        """Of which things it is one: those after "of"."""
        for of in self.parsed.children(i, "prep"):
            for word in self.parsed.children(of.i, "pobj") if of.lower == "of" else ():
                found = self.mention(word.i)
                if found is not None and len(found.segments) > 1:
                    return Mention(i, i + 1, i, "several", found.segments, False, found.crowd)
        return None

    def of_verb(self, verb: Token) -> list[Mention]:
        """What a verb is said of: "fills the left half", "is left of centre"."""
        found = self._subjects(verb)
        if not found and not self._subject_words(verb) and self.self_mention is not None:
            return [self.self_mention]
        if verb.dep in ("acl", "advcl"):
            # "A man beside a woman holding a cup."
            beside = self._just_before(verb.i)
            if beside == "unknown":
                return []
            found += [beside] if isinstance(beside, Mention) else []
        return list(dict.fromkeys(mention for mention in found if mention.who != "nobody"))

    def subject_of_noun(self, i: int) -> Mention | None:
        """Whom a noun is said of: "this is the largest tower" is said of what "this" means."""
        token = self.tokens[i]
        head = self.tokens[token.head]
        if token.dep in ("attr", "oprd") and head.i != token.i:
            subjects = self.parsed.children(head.i, *_SUBJECTS)
            if subjects:
                found = self.mention(subjects[0].i)
                if found is not None or subjects[0].lower not in _RELATIVE:
                    return found
                return self.mention(head.head) if head.dep == "relcl" else None
        if token.dep == "appos":
            return self.mention(head.i)
        found = self.mention(i)
        if found is None and token.i == token.head and token.sentence == 0:
            return self.self_mention
        return found

    def kind_of(self, noun: int, category: str, past: int | None = None) -> Kind:
        """What a noun with its adjectives counts, beside a category.

        What follows the noun narrows it as well, up to the word ``past`` ("the second man in red
        from the left"), all of it where None.
        """
        word = self.tokens[noun].lemma.lower()
        show = words_of(category).show.lower()
        names = {*show.split(), "people", "individual"} if show == "person" else {*show.split()}
        if word not in ("one", "other", *names):
            scene = {facts.category for facts in self.scene.regions}
            others = any(fits(word, other) for other in scene - {category})
            if is_person(word) and is_person(category) and not others:
                return "narrower"
            if word in _ANYTHING or others or not fits(word, category):
                return "broader"
            return "narrower"
        allowed = _RANKING | names
        for child in self.parsed.children(noun, "amod", "compound", "nummod", "acl", "relcl"):
            before = child.i < noun
            if before and child.lower not in allowed and child.tag not in ("JJS", "JJR", "CD"):
                return "narrower"
            added = self.tokens[child.i - 1].lower == ","
            if not before and not added and (past is None or child.i < past):
                return "narrower"
        for child in self.parsed.children(noun, "prep"):
            inside = past is None or child.i < past
            if inside and child.lower not in ("of", "from") and not self.of_image(child):
                return "narrower"
        return "same"

    def of_image(self, prep: Token) -> bool:
        """ "In the image", "at the launch site": it narrows nothing."""
        objects = self.parsed.children(prep.i, "pobj")
        if prep.lower in ("in", "within") and any(
            word.lemma.lower() in IMAGE_WORDS or word.lower == "sight" for word in objects
        ):
            return True
        return prep.lower in ("in", "at", "on") and any(
            word.lemma.lower() in _OCCASIONS and self._is_nobody(word.i) for word in objects
        )

    def _is_nobody(self, i: int) -> bool:
        found = self.mention(i)
        return found is None or found.who == "nobody"

    def negated(self, i: int) -> bool:
        """Is the phrase at a word denied ("is not on the left", "neither … nor")?"""
        for token in (self.tokens[i], *self._way_up(i)):
            below = self.parsed.children(token.i)
            head = self.parsed.children(token.head)
            if token.dep == "conj" and any(c.lower == "but" and c.i < token.i for c in head):
                # "Not on the table but on the saucer."
                return False
            if any(c.dep == "neg" or c.lower in ("neither", "nor", "never") for c in below):
                return True
            if token.pos in ("VERB", "AUX"):
                return False
        return False

    def name(self, mention: Mention) -> str:
        """What a mention is called in a statement for people."""
        regions = self.regions(mention)
        if mention.who == "part" or not regions:
            return self.parsed.span(mention.first, mention.past) if mention.past else "it"
        return words_of(regions[0].category).show

    def weigh(self, mentions: Sequence[Mention], test: Test, negated: bool = False) -> Verdict:
        """The verdict of a test over what a phrase may be said of.

        Contradicted where it is false of every segment that every mention may mean; supported
        where it is true of every segment that the first may mean.
        """
        verdicts = [self._over_choices(mention, test, negated) for mention in mentions]
        if not verdicts:
            return "cannot tell", "nothing that is segmented is spoken of"
        if verdicts[0][0] == "contradicted":
            for truth, evidence in verdicts[1:]:
                if truth != "contradicted":
                    return "cannot tell", f"it may be said of something else: {evidence}"
        return verdicts[0]

    def _over_choices(self, mention: Mention, test: Test, negated: bool) -> Verdict:
        regions = self.regions(mention)
        if not regions:
            return "cannot tell", "no segment is meant"
        verdicts = [test(facts) for facts in regions]
        if negated:
            verdicts = [turned(verdict) for verdict in verdicts]
        return together(verdicts, crowd=mention.crowd or any(f.iscrowd for f in regions))

    def statement(self, kind: str, says: str, first: int, past: int, verdict: Verdict) -> Statement:
        """The statement in the words ``first`` up to, not including, ``past``."""
        start, end = self.tokens[first].start, self.tokens[past - 1].end
        return Statement(kind, says, start, end, *verdict)


def together(verdicts: Sequence[Verdict], crowd: bool = False) -> Verdict:
    """One verdict of the choices of a phrase: that which all of them share, else "cannot tell".

    >>> together([("supported", "a"), ("supported", "b")])
    ('supported', 'a')
    >>> together([("contradicted", "a")], crowd=True)
    ('cannot tell', 'a crowd may be meant: a')
    """
    truth, evidence = verdicts[0]
    if any(other != truth for other, _ in verdicts):
        return "cannot tell", f"several segments may be meant; of one of them {evidence}"
    if crowd and truth != "cannot tell":
        return "cannot tell", f"a crowd may be meant: {evidence}"
    return truth, evidence


def turned(verdict: Verdict) -> Verdict:
    """The verdict of the denial of a statement.

    >>> turned(("supported", "its centre lies at 20 % of the width"))
    ('contradicted', 'its centre lies at 20 % of the width')
    """
    truth, evidence = verdict
    other: dict[Truth, Truth] = {"supported": "contradicted", "contradicted": "supported"}
    return other.get(truth, truth), evidence


def percent(share: float) -> str:
    """A share of 0 to 1 for people.

    >>> percent(0.714)
    '71 %'
    """
    return f"{100 * share:.0f} %"
