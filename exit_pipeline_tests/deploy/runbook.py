"""The runbook, read as chapters of commands."""

import re
from dataclasses import dataclass
from pathlib import Path

RUNBOOK = Path(__file__).parents[2] / "deploy" / "RUNBOOK.md"

_PART = re.compile(r"^#{2,3} (?P<title>.+)$|^```sh(?P<where>.*)\n(?P<text>(?s:.*?))^```$", re.M)
_EXITS = re.compile(r"^# exits (\d+)\n\Z", re.M)


@dataclass(frozen=True)
class Block:
    """A fenced block of commands.

    Attributes:
        text: Its lines.
        is_of_host: Whether it is for the machine and not for the program.
        status: With which it is to end.
    """

    text: str
    is_of_host: bool
    status: int


def chapters(text: str) -> dict[str, list[Block]]:
    """The blocks under each heading, in order; a chapter without any is not among them."""
    found: dict[str, list[Block]] = {}
    title = ""
    for part in _PART.finditer(text):
        if part["title"]:
            title = part["title"]
            continue
        exits = _EXITS.search(part["text"])
        block = Block(
            text=part["text"],
            is_of_host=part["where"].strip() == "host",
            status=int(exits[1]) if exits else 0,
        )
        found.setdefault(title, []).append(block)
    return found
