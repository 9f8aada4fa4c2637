"""The library's errors, without what the caller typed."""

import re

from hub.graphql.types.scalars import SENTENCES
from hub.redaction import scrub

_UNSAYABLE = "This is not what the schema takes here."

_TYPED = (
    # A field that no input has is named where it is a name, and not any text of a variable's JSON.
    (r"unknown field '(?![A-Za-z_]{1,64}').*", "unknown fields"),
    (r"(unknown field '\w+'(?:\. Did you mean [\w', ]+\?)?).*", r"\1"),
    (r"Value '.*' does not exist in", "The value does not exist in"),
    (r"(Syntax Error: .*?(?:Unexpected|found) [A-Z][A-Za-z]+) .*", r"\1"),
    (r"(cannot represent [a-z -]+): .*", r"\1"),
    (r"(?:, but encountered error .*|,? found: .*)", ""),
)
"""Where the library repeats a value, which may be somebody's number in any writing."""
_CUT = tuple((re.compile(pattern, re.DOTALL), shown) for pattern, shown in _TYPED)
_SAYABLE = re.compile(
    r"(?:[A-Za-z ,;:.?()\-\[\]]|\[\d{1,3}\]|<EOF>"
    r"|'[^'\w]{1,5}'|'(?!(?:[^']*\d){7})[$@\[]*[A-Za-z_][\w.!\[\]<> {}]*')*"
)
"""Words, positions in lists, and in quotes names of a schema or a document."""


def worded(message: str) -> str:
    """
    *message* without values.  What is not known to be without them is not shown at all, so that a
    new version of the library cannot bring a number to light.

    >>> worded("Int cannot represent non-integer value: 'tel:138.7531.9021'.")
    'Int cannot represent non-integer value'
    """
    ours = next((each for each in SENTENCES if message.endswith(each)), "")
    theirs = message.removesuffix(ours)
    for pattern, shown in _CUT:
        theirs = pattern.sub(shown, theirs)
    theirs = scrub(theirs)
    return theirs + ours if _SAYABLE.fullmatch(theirs) else _UNSAYABLE
