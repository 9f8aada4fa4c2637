"""Where a live operation stands in the log."""

from dataclasses import dataclass

from hub.feed import Frame


@dataclass(slots=True)
class Progress:
    """Written by the subscription's resolver with each frame, read by whoever runs it."""

    start: int | None = None
    """Follow from this position, whatever the arguments say; None to do as they say."""
    position: int | None = None
    """Position of the last frame; None before the first."""
    first: int | None = None
    """Position of the last frame's first entry; None where it had none."""
    caught_up: bool = False
    """Whether the last frame reached the head."""

    def arrive(self, frame: Frame) -> None:
        """Note *frame*."""
        self.position = frame.position
        self.first = frame.entries[0].position if frame.entries else None
        self.caught_up = frame.caught_up
