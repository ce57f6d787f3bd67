"""Finds the caption in what a text model answered: without greetings, quotation marks or notes.

Models put words around what they were asked for, and differ in which. What is taken away here is
form alone; whether the caption is right is ``faithful``'s question.
"""

from __future__ import annotations

import re

_FENCE = re.compile(r"^```[a-z]*\n(.*?)\n?```\s*$", re.DOTALL)
_OPENING = re.compile(
    r"^\s*(?:(?:sure|certainly|of course|okay|absolutely|understood|thank you)\b[^\n:.!]{0,40}"
    r"[!.,:]\s*)?"
    r"(?:(?:here(?:'s|’s| is| you go| are)|this is)\b[^\n:]{0,80}:\s*|"
    r"(?:(?:the\s+)?(?:rewritten|rephrased|revised|corrected|new|edited|final|updated)\s+"
    r"(?:caption|version|text|sentence)(?:\s+is)?|rewritten|rephrased|caption|reply|answer|output)"
    r"\s*:\s*)?",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"\n\s*(?:\(?\s*(?:note|explanation|changes?|i (?:have |'ve )?(?:removed|replaced|kept|changed)"
    r"|this (?:caption|version|rewrite)|the (?:rewritten|new) caption|let me know|object|names"
    r"|caption|rewritten|reply)\b).*\Z",
    re.IGNORECASE | re.DOTALL,
)
_PAIRS = {'"': '"', "“": "”", "'": "'", "‘": "’", "`": "`", "«": "»"}
_MARKED = re.compile(r"(\*{1,3}|_{1,3})([^*_]+)\1\Z")


def caption_of_answer(text: str) -> str:
    """The caption that an answer gives.

    >>> caption_of_answer('Sure! Here is the rewritten caption:\\n\\n"A red bus."\\n\\nNote: done.')
    'A red bus.'
    >>> caption_of_answer("Rewritten: A man says: stop.")
    'A man says: stop.'
    """
    text = text.replace("\r\n", "\n").strip()
    fenced = _FENCE.match(text)
    text = fenced.group(1) if fenced else text
    text = _NOTE.sub("", _OPENING.sub("", text, count=1))
    lines = [" ".join(line.split()) for line in text.split("\n")]
    text = "\n".join(line for line in lines if line).strip()
    while marked := _MARKED.match(text):
        text = marked.group(2).strip()
    while len(text) > 1 and _PAIRS.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        text = text[1:-1].strip()
    return text
