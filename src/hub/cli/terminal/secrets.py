"""What quickstart must print again at its next start, saved for this user only."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from hub.errors import StartError

FILE = "quickstart.env"
_TEXT = """\
# Secrets of the quickstart, which prints them again from here.
export CALLBACK_URL='{callback_url}'
export HUB_TOKEN='{token}'
"""


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secret of the provider's URL and the consumer's token; empty where they are not known."""

    provider_secret: str = ""
    token: str = ""

    @classmethod
    def load(cls, data_dir: Path) -> Self:
        """What an earlier quickstart saved in *data_dir*."""
        try:
            text = (data_dir / FILE).read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return cls()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            message = f"cannot read {data_dir / FILE}: {reason}"
            raise StartError(message) from None
        saved = dict(re.findall(r"^export (\w+)='([^']*)'$", text, re.MULTILINE))
        return cls(saved.get("CALLBACK_URL", "").rpartition("/")[2], saved.get("HUB_TOKEN", ""))

    def save(self, data_dir: Path, callback_url: str) -> None:
        """Keep them in *data_dir*, in a file that a shell can read."""
        file, fresh = data_dir / FILE, data_dir / f"{FILE}.new"
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            fresh.unlink(missing_ok=True)
            fresh.touch(mode=0o600, exist_ok=False)
            fresh.write_text(_TEXT.format(callback_url=callback_url, token=self.token), "utf-8")
            fresh.replace(file)
        except OSError as error:
            message = f"cannot write {file}: {error.strerror}"
            raise StartError(message) from None
