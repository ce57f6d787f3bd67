"""A record in the terminal: captions with the words that were tested in colour, evidence below."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from annoengine.show.find import Found
from annoengine.show.sections import Said, Section, head_lines, relation_lines, sections_of
from annoengine.show.words import SIGNS, Truth, in_order, pieces

_STYLES: dict[Truth | None, str] = {
    "supported": "green",
    "contradicted": "bold red underline",
    "cannot tell": "bright_black",
    None: "",
}

_PIPE_COLUMNS = 1000
"""Without a terminal no line is folded or cut."""

_INDENT = (0, 0, 0, 4)


def print_record(found: Found) -> None:
    """All that there is to say of a record."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PIPE_COLUMNS)
    first, *rest = head_lines(found)
    console.print(Text(_plain(first), style="bold"))
    for line in rest:
        console.print(Text(_plain(line), style="" if found.outcome == "given" else "red"))
    for section in sections_of(found):
        console.print()
        _print_section(console, section)
    lines = [] if found.record is None else relation_lines(found.record)
    if lines:
        console.print(Text("\nbetween them", style="bold"))
    for line in lines:
        console.print(Padding(Text(_plain(line)), _INDENT, expand=False))


def _print_section(console: Console, section: Section) -> None:
    head = Text()
    if section.mark is not None:
        head.append("■ ", style=section.mark.colour)
        head.append(f"{section.mark.number} ", style="bold")
    head.append(_plain(section.title), style="bold")
    if section.mark is not None and not section.mark.legible:
        head.append("   its mark cannot be read", style="yellow")
    console.print(head)
    for said in section.said:
        _print_said(console, said)
    if section.missing:
        console.print(Padding(Text(_plain(section.missing), style="yellow"), _INDENT, expand=False))
    if section.scores:
        line = Text(f"scores: {_plain(section.scores)}", style="bright_black")
        console.print(Padding(line, _INDENT, expand=False))


def _print_said(console: Console, said: Said) -> None:
    caption = Text()
    if said.lost:
        console.print(Padding(Text(_plain(said.lost), style="yellow"), _INDENT, expand=False))
    for words, truth in pieces(said.text, said.verdicts):
        caption.append(
            _plain(words), style=f"{_STYLES[truth]}{' dim' if said.lost else ''}".strip()
        )
    console.print(Padding(caption, _INDENT, expand=False))
    if said.verdicts:
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        table.add_column(overflow="fold", style="bright_black")
        for one in in_order(said.verdicts):
            style = _STYLES[one.truth].replace(" underline", "")
            sign = Text(f"{SIGNS[one.truth]} {one.truth}", style=style)
            table.add_row(sign, Text(_plain(one.says)), Text(_plain(one.evidence)))
        console.print(Padding(table, (0, 0, 0, 6), expand=False))
    console.print(
        Padding(Text(f"by {_plain(said.origin)}", style="bright_black"), _INDENT, expand=False)
    )


def _plain(text: str) -> str:
    r"""A text whose control characters cannot steer a terminal.

    >>> _plain("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return "".join(
        one if one.isprintable() else " " if one in "\n\t" else f"\\x{ord(one):02x}" for one in text
    )
