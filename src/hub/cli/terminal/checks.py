"""What an account may be made of; each check returns its value as it is stored."""

import re
from collections.abc import Mapping

from hub.errors import BadInput

NAME_HELP = "1 to 64 letters, digits, and . _ -, beginning with a letter or digit"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_name(name: str) -> str:
    """A name that can stand in a URL as it is."""
    if not _NAME.fullmatch(name):
        message = f"{name!r} is no name; it takes {NAME_HELP}"
        raise BadInput(message, field="name")
    return name


def check_adapter(name: str) -> str:
    """The name of an adapter that there is."""
    from hub.intake import all_adapters

    if name not in all_adapters():
        message = f"there is no adapter {name!r}; there are {', '.join(sorted(all_adapters()))}"
        raise BadInput(message, field="adapter")
    return name


def check_timezone(name: str) -> str:
    """A zone of the IANA database."""
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name).key
    except (OSError, ValueError, LookupError):
        message = f"{name!r} is no time zone; write for instance Asia/Shanghai or UTC"
        raise BadInput(message, field="timezone") from None


def check_region(name: str) -> str:
    """A region with a numbering plan, as two capital letters."""
    from phonenumbers import SUPPORTED_REGIONS

    if name.upper() not in SUPPORTED_REGIONS:
        message = f"{name!r} is no region; write two letters such as CN, HK or GB"
        raise BadInput(message, field="region")
    return name.upper()


def check_network(text: str) -> str:
    """An address or a network in CIDR notation."""
    from hub.intake import network

    try:
        return str(network(text.strip()))
    except ValueError:
        message = f"{text!r} is neither an address nor a network such as 203.0.113.0/24"
        raise BadInput(message, field="allow_ip") from None


def check_credentials(adapter: str, given: Mapping[str, str]) -> dict[str, str]:
    """Credentials that the adapter knows by name."""
    from hub.intake import all_adapters

    known = all_adapters()[adapter].CREDENTIALS
    if unknown := sorted(set(given) - set(known)):
        takes = ", ".join(known) or "no credentials"
        message = f"the adapter {adapter} does not know {', '.join(unknown)}; it takes {takes}"
        raise BadInput(message, field="credential")
    return dict(given)


def check_protocol(name: str) -> str:
    """A gateway protocol, or none."""
    from hub.intake import protocols

    if name and name.upper() not in protocols():
        message = f"{name!r} is no protocol; it takes {', '.join(protocols())}"
        raise BadInput(message, field="protocol")
    return name.upper()
