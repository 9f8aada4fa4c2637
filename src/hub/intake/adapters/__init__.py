"""The dialects of the providers, one module each."""

from hub.intake.adapters import lushang
from hub.intake.adapters.adapter import Provider

__all__ = ["Provider", "adapters"]


def adapters() -> dict[str, Provider]:
    """Every adapter by its name."""
    return {"lushang": lushang}
