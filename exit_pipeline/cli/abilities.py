"""What the module of a broker says that the vendor can do, without an account at it."""

import importlib
import pkgutil

from exit_pipeline.adapters import brokers
from exit_pipeline.core.model.abilities import BrokerAbilities
from exit_pipeline.core.model.errors import InputError


def abilities_of(broker: str) -> BrokerAbilities | None:
    """The ``ABILITIES`` of a broker's module; None where it does not say.

    Raises:
        InputError: There is no such broker.
    """
    known = sorted(module.name for module in pkgutil.iter_modules(brokers.__path__))
    if broker not in known:
        message = f"broker is {broker!r}; expected one of {', '.join(known)}"
        raise InputError(message)
    module = importlib.import_module(f"{brokers.__name__}.{broker}")
    return getattr(module, "ABILITIES", None)
