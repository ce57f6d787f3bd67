"""Tests what a caption says of colours against the pixels of the segments it says it of.

A statement is contradicted only where next to nothing of the segment can pass for the colour, with
shadow, sheen and cast allowed for; it is supported where enough of the segment surely has it. A
part has no mask of its own, so a colour said of a part is contradicted only if the segment has no
patch of it of a size that the part could have, itself or close around it.

All thresholds are ours, and were set on photographs whose colours were looked at by eye.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from annoengine.baseline.region_facts import Scene
from annoengine.box import intersection
from annoengine.categories import named, words_of
from annoengine.claims import mention_words as nouns
from annoengine.claims.caption_claim import Mention, Statement, Truth
from annoengine.claims.colour_evidence import MARGIN_MAX_PX, PhotoColours
from annoengine.claims.colour_parts import (
    BIG,
    COVERING,
    GARMENT,
    HAIRY,
    LOWER,
    MASSIVE,
    OUTER,
    TINY,
    UPPER,
    VIVID_PX,
    Size,
    size_of,
)
from annoengine.claims.colour_phrases import colour_phrases
from annoengine.claims.colour_strength import has_hue, likely, with_ginger
from annoengine.claims.colour_subjects import ColourPhrase
from annoengine.claims.colour_terms import Term
from annoengine.claims.colour_wording import most, percent
from annoengine.claims.mention_words import singular
from annoengine.language.parsed import Parsed

ABSENT = 0.1
"""A segment of which less than this may pass for the one colour it is said to have has another."""

ABSENT_AMONG = 0.012
"""The same for each of several colours, and for a colour that is said to be there somewhere."""

OTHERWISE = 0.3
"""The same where one other colour takes :data:`RULES` of the segment."""

RULES = 0.65

SCARCE = (0.06, 0.13, 0.38)
"""Also, where less than these shares surely have it, likely have it and may pass for it."""

SCARCE_PX = 500
"""The least area of a segment for that: on a small one every pixel is mixed with what is beside."""

PRESENT = 0.35
"""A segment surely has a colour of which this much is in the term's core."""

PRESENT_MOSTLY = (0.2, 0.7)
"""Also, if this much is in the core and most of the rest may pass for it."""

PRESENT_AMONG = 0.04
"""The same for each of several colours."""

UPON = 0.7
"""A segment that touches another lies upon it where this much of its box is in the other's."""

TINY_PX = 100
"""Segments of fewer pixels show no colour to rely on, unless none at all may pass for it."""

CROWD_ABSENT = 0.002
"""In a crowd, where the one spoken of may be any, a colour must be as rare as this."""


_BASIC = "red orange brown yellow green blue purple pink black white grey beige".split()

_SHADOWS = frozenset("black dark grey gray navy charcoal brown".split())
"""Colours that any shadow or fold has, so that a patch of them tells nothing of a part."""

_NATURAL = frozenset(
    "sky water sea river lake mountain hill snow sand tree cloud fog light lamp floodlight".split()
)
"""What is pale, hazy or lit in all colours, and called blue or green or yellow nevertheless."""

_LIGHTNESS = frozenset({"dark", "pale"})

_NOT_OF_PEOPLE = frozenset({"black", "white", "brown", "dark", "pale", "yellow", "red", "light"})


def colour_statements(
    parsed: Parsed,
    mentions: Sequence[Mention],
    scene: Scene,
    photo: PhotoColours,
    own: int | None = None,
) -> list[Statement]:
    """Each statement of a caption about a colour, tested.

    ``mentions`` are those of the caption (``annoengine.claims.mentions``), ``photo`` the colours of
    the same record as ``scene``, ``own`` the segment that the caption describes.
    """
    told = {mention.root: mention for mention in mentions}
    judge = _Judge(parsed, told, scene, photo, own)
    return [judge.statement(phrase) for phrase in colour_phrases(parsed)]


@dataclass(frozen=True)
class _Verdict:
    truth: Truth
    evidence: str


class _Judge:
    def __init__(
        self,
        parsed: Parsed,
        told: dict[int, Mention],
        scene: Scene,
        photo: PhotoColours,
        own: int | None,
    ) -> None:
        self.parsed = parsed
        self.told = told
        self.regions = {region.id: region for region in scene.regions}
        self.photo = photo
        self.own = None if own is None else scene.region(own)
        self.height = scene.size_wh[1]

    def statement(self, phrase: ColourPhrase) -> Statement:
        mention = self.told.get(phrase.root)
        if mention is None or mention.who == "nobody":
            mention = self._of_own(phrase) or mention
        phrase = self._of_hair(phrase, mention)
        verdict = self._verdict(phrase, mention)
        if verdict.truth == "contradicted" and self._is_vague(self._head(phrase), mention):
            doubt = "the noun may mean something that is not annotated"
            verdict = _Verdict("cannot tell", f"{doubt}; {verdict.evidence}")
        tokens = self.parsed.tokens
        return Statement(
            kind="colour",
            says=self._says(phrase, mention),
            start=tokens[phrase.first].start,
            end=tokens[phrase.past - 1].end,
            truth=verdict.truth,
            evidence=verdict.evidence,
        )

    def _says(self, phrase: ColourPhrase, mention: Mention | None) -> str:
        noun = self.parsed.tokens[phrase.root].lower
        what = " and ".join(term.says for term in phrase.colours)
        who = "unknown" if mention is None else mention.who
        part = f", {phrase.part}" if phrase.part else ""
        return f"{who} {noun}{part}: colour {what}"

    # ---- who is meant -----------------------------------------------------------------------

    def _verdict(self, phrase: ColourPhrase, mention: Mention | None) -> _Verdict:
        if phrase.kind_name:
            return _Verdict("cannot tell", "the words name a kind, whatever its colour")
        head = self._head(phrase)
        if mention is None or mention.who == "nobody" or not mention.segments:
            return _Verdict("cannot tell", "no segment is known to be meant")
        if mention.who == "part":
            if self._is_whole(head, mention) or self._is_made_of(phrase.root, head):
                return self._each(mention, phrase, whole=True)
            return self._part(mention.segments, phrase, head)
        people = [id for id in mention.segments if nouns.is_person(self.regions[id].category)]
        if phrase.scope == "part" and (people or phrase.part != "clothes"):
            return self._part(mention.segments, phrase, phrase.part)
        if people:
            if any(term.says.split()[-1] in _NOT_OF_PEOPLE for term in phrase.colours):
                return _Verdict("cannot tell", "of a person, the words may tell of the skin")
            return self._part(mention.segments, phrase, "clothes")
        return self._each(mention, phrase, whole=phrase.scope != "some")

    def _head(self, phrase: ColourPhrase) -> str:
        """The noun that is coloured: *mane*, where a verb behind it is taken for the noun."""
        tokens = self.parsed.tokens
        first = tokens[phrase.past] if phrase.past <= phrase.root else tokens[phrase.root]
        verb = tokens[phrase.root].tag.startswith("VB") and first.pos == "NOUN"
        return singular((first if verb else tokens[phrase.root]).lower)

    def _of_own(self, phrase: ColourPhrase) -> Mention | None:
        """A part that the grammar gives no owner, where nothing but the own segment is named."""
        head = self._head(phrase)
        if self.own is None or phrase.kind_name:
            return None
        person = nouns.is_person(self.own.category)
        if head not in (UPPER | LOWER | OUTER if person else HAIRY):
            return None
        before = [one for one in self.told.values() if one.root < phrase.first]
        if not before or any(not self._is_own(one) for one in before):
            return None
        return Mention(phrase.root, phrase.root + 1, phrase.root, "part", (self.own.id,))

    def _is_own(self, mention: Mention) -> bool:
        assert self.own is not None
        if mention.who in ("self", "part"):
            return mention.segments == (self.own.id,)
        head = singular(self.parsed.tokens[mention.root].lower)
        return mention.who == "nobody" and (head in nouns.WORN or head in nouns.BODY)

    def _is_vague(self, head: str, mention: Mention | None) -> bool:
        """ "A green island", where hills are annotated: a word of many meanings, or for a part."""
        if mention is None or mention.who != "segment":
            return False
        category = self.regions[mention.segments[0]].category
        if singular(words_of(category).show.lower().split()[-1]) == head:
            return False
        return len(named(head)) > 1 or (head in nouns.PARTS and bool(named(head)))

    def _is_whole(self, head: str, mention: Mention) -> bool:
        """Is a part most of what it is of: a coat, the petals of a flower?"""
        kinds = [self.regions[id].category for id in mention.segments]
        return head in nouns.WHOLE or (
            head == "petal" and all("flower" in words_of(kind).show.split() for kind in kinds)
        )

    def _is_made_of(self, i: int, head: str) -> bool:
        """ "A patch of yellow cloth", "made of dark wood"."""
        token = self.parsed.tokens[i]
        of = self.parsed.tokens[token.head].lower in ("of", "from")
        return head in nouns.MATERIAL and token.dep == "pobj" and of

    def _of_hair(self, phrase: ColourPhrase, mention: Mention | None) -> ColourPhrase:
        kinds = [self.regions[id].category for id in mention.segments] if mention else []
        hairy = not HAIRY.isdisjoint({self._head(phrase), phrase.part})
        animal = mention is not None and mention.who in ("self", "segment", "several")
        if not hairy and not (animal and any(nouns.is_animal(kind) for kind in kinds)):
            return phrase
        terms = (with_ginger(t) if t.says.endswith("red") else t for t in phrase.colours)
        return replace(phrase, colours=tuple(terms))

    def _each(self, mention: Mention, phrase: ColourPhrase, *, whole: bool) -> _Verdict:
        """One segment; or several, where all must agree."""
        found = [self._segment(id, phrase.colours, whole=whole) for id in mention.segments]
        if len(found) == 1:
            return found[0]
        truths = {verdict.truth for verdict in found}
        if truths == {"contradicted"}:
            worst = max(
                zip(found, mention.segments, strict=True), key=lambda pair: len(pair[0].evidence)
            )
            return _Verdict(
                "contradicted", f"of all {len(found)} that may be meant: {worst[0].evidence}"
            )
        if truths == {"supported"}:
            return _Verdict(
                "supported", f"of all {len(found)} that may be meant: {found[0].evidence}"
            )
        return _Verdict(
            "cannot tell", f"true of some of the {len(found)} that may be meant, or unclear"
        )

    # ---- a segment --------------------------------------------------------------------------

    def _segment(self, id: int, colours: Sequence[Term], *, whole: bool) -> _Verdict:
        region = self.regions[id]
        area = self.photo.area_px(id)
        shares = [self.photo.share(id, term) for term in colours]
        least = min(shares, key=lambda share: share.wide)
        rarest = colours[shares.index(least)]
        evidence = self._evidence(id, colours, area)
        only_box = id in self.photo.boxes
        alone = len(colours) == 1 and whole
        bound = ABSENT if alone else ABSENT_AMONG
        if region.iscrowd:
            bound = CROWD_ABSENT
        if area < TINY_PX:
            absent = least.wide == 0 and area >= 20
            return _Verdict("contradicted" if absent else "cannot tell", evidence)
        absent = least.wide < bound
        if alone and not region.iscrowd and least.wide < OTHERWISE and not only_box:
            absent = absent or self._ruled_by_other(id, rarest)
        if alone and not region.iscrowd and not only_box:
            absent = absent or self._is_scarce(id, rarest)
        if absent:
            return _Verdict("contradicted", evidence)
        if only_box:
            return _Verdict("cannot tell", f"only a box is known; {evidence}")
        enough = PRESENT if alone else PRESENT_AMONG
        if all(share.core >= enough for share in shares):
            return _Verdict("supported", evidence)
        if alone and shares[0].core >= PRESENT_MOSTLY[0] and shares[0].wide >= PRESENT_MOSTLY[1]:
            return _Verdict("supported", evidence)
        return _Verdict("cannot tell", evidence)

    def _is_scarce(self, id: int, term: Term) -> bool:
        """Does little of a segment have a colour, and most of it surely another?"""
        share = self.photo.share(id, term)
        kind = words_of(self.regions[id].category).show.split()
        if self.photo.area_px(id) < SCARCE_PX or not _NATURAL.isdisjoint(kind):
            return False
        if term.says in _LIGHTNESS or share.core >= SCARCE[0] or share.wide >= SCARCE[2]:
            return False
        return self.photo.share(id, likely(term)).wide < SCARCE[1]

    def _ruled_by_other(self, id: int, term: Term) -> bool:
        """Has the segment one colour nearly all over that is not the one said?"""
        ruling = [n for n in _BASIC if self.photo.share_beside(id, n, term) >= RULES]
        # A visor, a window or a shadow is black on what has another colour.
        visor = ruling == ["black"] and term.says.endswith("white")
        return bool(ruling) and not (visor and self.photo.share(id, term).core >= SCARCE[0])

    def _evidence(self, ids: int | Sequence[int], colours: Sequence[Term], area: int) -> str:
        listed = [ids] if isinstance(ids, int) else list(ids)
        shares = []
        for term in colours:
            found = [self.photo.share(id, term) for id in listed]
            core = max(share.core for share in found)
            wide = max(share.wide for share in found)
            shares.append(f"{percent(core)} is {term.says}, {percent(wide)} could pass for it")
        looks = most(self.photo.named(listed[0]))
        return f"{'; '.join(shares)}; of {area} pixels{looks}"

    # ---- a part -----------------------------------------------------------------------------

    def _part(self, owners: Sequence[int], phrase: ColourPhrase, head: str) -> _Verdict:
        size = self._size_of(head, owners)
        areas = [self.photo.area_px(id) for id in owners]
        evidence = self._evidence(owners, phrase.colours, sum(areas))
        if any(self.regions[id].iscrowd for id in owners):
            shares = [self.photo.share(id, t).wide for id in owners for t in phrase.colours]
            absent = max(shares) < CROWD_ABSENT and len(phrase.colours) == 1
            return _Verdict("contradicted" if absent else "cannot tell", evidence)
        # A part of which one colour is missing altogether is not so coloured.
        looked = owners if size in (BIG, MASSIVE, GARMENT) else (*owners, *self._upon(owners))
        overhangs = head in nouns.WORN or head == "clothes"
        missing = [t for t in phrase.colours if self._lacks(looked, t, size, overhangs)]
        if not missing and len(phrase.colours) == 1:
            missing = [t for t in phrase.colours if self._has_specks(owners, t, size, overhangs)]
        if missing and max(areas) >= size.owner_px:
            none = f"no patch of {missing[0].says} that could be it"
            return _Verdict("contradicted", f"{none} to be seen; {evidence}")
        if missing or any(id in self.photo.boxes for id in owners):
            return _Verdict("cannot tell", evidence)
        if any(term.says.split()[-1] in _SHADOWS for term in phrase.colours):
            return _Verdict("cannot tell", f"shadows look so too; {evidence}")
        if size is TINY:
            return _Verdict("cannot tell", f"so small a patch may be another part; {evidence}")
        needed = max(size.least_px, size.surely * min(areas))
        patches = [
            max(self.photo.patch_px(id, term, wide=False, at_least=needed) for id in owners)
            for term in phrase.colours
        ]
        if min(patches) >= needed and max(areas) >= size.owner_px:
            return _Verdict(
                "supported", f"a patch of {min(patches)} connected pixels has it; {evidence}"
            )
        return _Verdict("cannot tell", evidence)

    def _has_specks(self, owners: Sequence[int], term: Term, size: Size, overhangs: bool) -> bool:
        """Is what has a colour, or likely has it, too scattered for the part on any owner?"""
        margin = MARGIN_MAX_PX // 4 if overhangs and size is not GARMENT else 0
        looks = ((term, False), (likely(term), True), (term, True))
        vivid = any(size.vivid) and has_hue(term)
        large = all(self.photo.area_px(id) >= VIVID_PX for id in owners)
        scarce = size.vivid if vivid and large else size.scarce
        return any(scarce) and all(
            self.photo.patch_px(id, looked, wide=wide, margin=margin)
            < share * self.photo.area_px(id)
            for id in owners
            for (looked, wide), share in zip(looks, scarce, strict=True)
        )

    def _size_of(self, head: str, owners: Sequence[int]) -> Size:
        if head in UPPER | LOWER | OUTER:
            people = all(nouns.is_person(self.regions[id].category) for id in owners)
            return GARMENT if people and not self._is_hidden(head, owners) else BIG
        return size_of(head)

    def _is_hidden(self, head: str, owners: Sequence[int]) -> bool:
        """May little be seen of a garment: below another, or beyond the frame?"""
        if head in LOWER:
            return any(self.regions[id].box_xyxy[3] >= self.height - 1 for id in owners)
        words = {
            singular(token.lower)
            for token in self.parsed.tokens
            if (told := self.told.get(token.i)) is None or told.who in ("part", "nobody")
        }
        return head not in OUTER and not (words - {head}).isdisjoint(COVERING)

    def _upon(self, owners: Sequence[int]) -> list[int]:
        """Smaller segments that lie on the owners, cut out of their masks: a badge on a suit.

        Those of COCO's categories are things of their own, which nobody calls a part.
        """
        found = []
        for id in owners:
            owner = self.regions[id]
            for other in owner.contacts:
                region = self.regions[other]
                inside = intersection(owner.box_xyxy, region.box_xyxy)
                x1, y1, x2, y2 = region.box_xyxy
                small = region.area_px <= owner.area_px / 2 and not named(region.category)
                if other in owners or inside is None or not small:
                    continue
                shared = (inside[2] - inside[0]) * (inside[3] - inside[1])
                if shared >= UPON * (x2 - x1) * (y2 - y1):
                    found.append(other)
        return found

    def _lacks(self, owners: Sequence[int], term: Term, size: Size, overhangs: bool) -> bool:
        """Has none of the owners a patch that the part could be?

        What is worn may reach beyond the mask, and is looked for close around it as well.
        """
        for id in owners:
            area = self.photo.area_px(id)
            least = max(size.least_px, size.share * area)
            if self.photo.patch_px(id, term, wide=True, at_least=least) >= least:
                return False
            if not overhangs:
                continue
            margin = min(MARGIN_MAX_PX, max(2, round(0.02 * area**0.5)))
            # What is behind may look so as well, all around.
            least *= 2
            if self.photo.patch_px(id, term, wide=True, margin=margin, at_least=least) >= least:
                return False
        return True
