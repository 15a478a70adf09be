"""Put a page where people find it."""

from pathlib import Path
from uuid import uuid4

from exit_pipeline.core.model.errors import InputError


def write_page(path: Path, page: str, *, make_folder: bool = False) -> None:
    """Write a page in full, or leave the one that is there.

    It is written beside its place and then moved there, which is one step: whoever opens the file
    meanwhile, or a kill in between, finds the old page or the new one and never half of one.

    Args:
        path: The file.
        page: Its content.
        make_folder: Make its folder where there is none; a folder that a person mistyped is not.

    Raises:
        InputError: It can't be written there.
    """
    beside = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            beside.write_text(page, encoding="utf-8")
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except FileExistsError as error:
        message = f"{path} can't be written: {path.parent} is no folder"
        raise InputError(message) from error
    except OSError as error:
        message = f"{path} can't be written: {error.strerror}"
        raise InputError(message) from error
