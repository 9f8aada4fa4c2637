"""The dialects of the providers, one module each."""

from hub.intake.adapters import lushang
from hub.intake.adapters.adapter import Adapter

__all__ = ["Adapter", "all_adapters"]


def all_adapters() -> dict[str, Adapter]:
    """Every adapter by its name."""
    return {"lushang": lushang}
