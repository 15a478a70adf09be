"""Which files of this machine a run may be told to read."""

from pathlib import Path

from exit_pipeline.core.model.errors import ConfigurationError, InputError


def tape_root(tape_dir: str | None) -> Path:
    """The folder that ``EXIT_TAPE_DIR`` names, with every link followed.

    Raises:
        ConfigurationError: It is not set, or there is no such folder.
    """
    if not tape_dir:
        message = (
            "EXIT_TAPE_DIR is not set; expected the folder that holds the tapes and books which "
            "runs may read"
        )
        raise ConfigurationError(message)
    root = Path(tape_dir).expanduser()
    if not root.is_dir():
        message = f"EXIT_TAPE_DIR is {tape_dir!r}; expected a folder"
        raise ConfigurationError(message)
    return root.resolve()


def within(root: Path, name: str, value: str, *, is_folder: bool) -> Path:
    """A file or folder within `root`, links followed.

    Whoever reaches Dagster's UI can launch runs, and is not meant to read this machine by them: a
    path that leads out is refused, also where nothing is there, by the same sentence.

    Args:
        root: From ``tape_root``.
        name: The field of the launch form.
        value: What it says, relative to `root`.
        is_folder: A folder is wanted, or else a file.

    Raises:
        InputError: It leads out of `root`, or there is no such thing.
    """
    kind = "folder" if is_folder else "file"
    if "\0" not in value:
        path = (root / value).resolve()
        if path.is_relative_to(root) and (path.is_dir() if is_folder else path.is_file()):
            return path
    message = f"{name} is {value!r}; expected a {kind} within EXIT_TAPE_DIR, relative to it"
    raise InputError(message)
