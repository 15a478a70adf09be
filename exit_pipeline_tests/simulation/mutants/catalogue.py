"""All mutants."""

from typing import Final

from exit_pipeline_tests.simulation.mutants import (
    booking,
    gates,
    looking,
    sending,
    telling,
    vendors,
)
from exit_pipeline_tests.simulation.mutants.mutant import Mutant

ALL: Final[tuple[Mutant, ...]] = (
    *sending.MUTANTS,
    *looking.MUTANTS,
    *booking.MUTANTS,
    *gates.MUTANTS,
    *vendors.MUTANTS,
    *telling.MUTANTS,
)

BY_NAME: Final = {mutant.name: mutant for mutant in ALL}
