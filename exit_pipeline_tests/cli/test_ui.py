"""The command that opens the UI, as far as it goes without opening it."""

from collections.abc import Callable


def test_a_folder_without_an_instance_is_answered_in_one_sentence(
    refusal: Callable[..., str],
) -> None:
    assert refusal("ui") == "there is no dagster.yaml here and DAGSTER_HOME is not set"
