"""What error codes mean: the look-up, and one file of rows for each provider and protocol."""

from hub.intake.codes.table import UNEXPLAINED, Codes, Meaning, built_in, protocols

__all__ = ["UNEXPLAINED", "Codes", "Meaning", "built_in", "protocols"]
