"""Where a phrase may begin and end, in scripts with and without spaces between words."""

from __future__ import annotations

import pytest

from annoengine.grounded.tags import parse_tags, write_tags
from annoengine.grounded.word_edges import within_word
from annoengine.record import Span

# Each: a caption with its tags, which is written and read back exactly.
CAPTIONS = [
    "<1: 一只棕色的狗>在<2: 绿色的草地>上奔跑。",
    "<1: 茶色の犬>が<2: 草むら>を走っている。",
    "<1: テレビ>の前に<2,3: 二人の子供>がいる。",
    "<1: สุนัขสีน้ำตาล>วิ่งบน<2: สนามหญ้า>",
    "<1: ໝາ>ແລ່ນຢູ່<2: ຫຍ້າ>",
    "<1: ឆ្កែ>រត់លើ<2: ស្មៅ>",
    "<1: ခွေး>သည်<2: မြက်>ပေါ်မှာပြေးသည်",
    # Scripts with spaces between words.
    "<1: 갈색 개>, <2: 잔디> 위를 달린다.",
    "<1: Коричневая собака> бежит по <2: траве>.",
    "<1: Une chèvre> broute.",
]


@pytest.mark.parametrize("caption", CAPTIONS)
def test_a_phrase_may_end_where_no_word_is_parted(caption: str) -> None:
    tagged = parse_tags(caption)
    assert tagged.faults == ()
    assert write_tags(tagged.text, tagged.spans) == caption


def test_no_space_is_put_where_none_belongs() -> None:
    assert parse_tags("这里有<1>一只狗>在跑").text == "这里有一只狗在跑"
    assert parse_tags("A<1: dog>runs").text == "A dog runs"


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("The dogs", 7),
        ("Собака", 3),
        ("갈색개", 2),
        # A vowel sign, a tone and an accent belong to their letter.
        ("สุนัข", 1),
        ("ខ្មែរ", 1),
        ("e\u0301t\u00e9", 1),
    ],
)
def test_a_phrase_that_parts_a_word_or_a_letter(text: str, end: int) -> None:
    assert within_word(text[end - 1], text[end])
    with pytest.raises(ValueError, match="begins or ends within a word"):
        write_tags(text, [Span(start=0, end=end, segments=(1,))])
