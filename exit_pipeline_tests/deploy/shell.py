"""A real shell, whose ``exit-pipeline`` is worked by this process.

A process of its own for each command would load everything anew, which is most of what it costs.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, TextIO

import pytest
from click.testing import CliRunner

from exit_pipeline.cli import group

_FUNCTION = """
exit-pipeline() {{
    printf '%s\\0' "$#" "$DATABASE_URL" "$@" >&{asks}
    read -r status <&{hears}
    return "$status"
}}
"""


def in_shell(script: str) -> tuple[int, str]:
    """Run a script in this process's folder and environment.

    Args:
        script: Of bash. A changed ``DATABASE_URL`` holds for the program's later commands.

    Returns:
        Its exit status, and all that it and the commands printed.
    """
    hears, answers = os.pipe()
    listens, asks = os.pipe()
    with tempfile.TemporaryFile("w+") as told:
        whole = _FUNCTION.format(asks=asks, hears=hears) + script
        shell = subprocess.Popen(
            ["/bin/bash", "-c", whole], pass_fds=(hears, asks), stdout=told, stderr=told
        )
        os.close(hears)
        os.close(asks)
        with os.fdopen(listens, "rb") as questions, os.fdopen(answers, "w") as back:
            for words in _questions(questions):
                _answer(words, told, back)
        status = shell.wait()
        told.seek(0)
        return status, told.read()


def _questions(asked: BinaryIO) -> Iterator[list[str]]:
    """The words of each command: the database's URL, and the arguments."""
    while count := _word(asked):
        yield [_word(asked) for _ in range(int(count) + 1)]


def _word(asked: BinaryIO) -> str:
    found = bytearray()
    while (byte := asked.read(1)) not in (b"", b"\0"):
        found += byte
    return found.decode()


def _answer(words: list[str], told: TextIO, back: TextIO) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", words[0])
        result = CliRunner().invoke(group, words[1:])
    # At the end of the file, to which the shell writes as well.
    told.seek(0, os.SEEK_END)
    told.write(f"$ exit-pipeline {' '.join(words[1:])}\n{result.output}")
    if not isinstance(result.exception, SystemExit | None):
        told.write(f"Traceback: {result.exception!r}\n")
    told.flush()
    back.write(f"{result.exit_code}\n")
    back.flush()
