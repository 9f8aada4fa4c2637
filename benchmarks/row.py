"""One line of the table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured, the hub's figure, and what it stands beside."""

    what: str
    hub: str
    beside: str = ""
    ratio: float | None = None
    p50: float | None = None
    p99: float | None = None

    def cells(self) -> list[str]:
        """The line as text."""
        return [
            self.what,
            self.hub,
            self.beside,
            "" if self.ratio is None else f"{self.ratio:.2f}",
            "" if self.p50 is None else f"{self.p50:.1f}",
            "" if self.p99 is None else f"{self.p99:.1f}",
        ]


def percentile(seconds: list[float], share: float) -> float:
    """Milliseconds within which *share* of *seconds* lie, by nearest rank."""
    ordered = sorted(seconds)
    return ordered[round(share * (len(ordered) - 1))] * 1000 if ordered else float("nan")
