"""The callbacks' part of the API page, in the dialect of the adapter `lushang`."""

import json
from typing import Any

from hub.intake.adapters import lushang
from hub.intake.adapters.adapter import MAX_CODE, MAX_ID, Answer
from hub.intake.reading import MAX_UNREAD

_DESCRIPTION = """
What a provider calls, in its own dialect; the bodies here are those of the adapter `lushang`.

Secret, method, caller and size are checked in this order, then the body. A wrong or missing
Content-Type does not matter, nor does a byte order mark, another encoding of the text, or a form
one of whose fields carries the JSON. A receipt that comes again is stored once and answered alike,
so whatever was not answered with 200 may be sent again.
"""

_PARAMETERS = {
    "provider": "Name of the provider account, as `hub provider add` was given it.",
    "secret": "The account's secret, as its callback URL shows it.",
}

_MEANINGS = {
    Answer.STORED: "Every item is on disk: as a receipt, as one already known, or in quarantine.",
    Answer.UNREADABLE: "The body is no JSON with a list `smsResult`; it is kept in quarantine.",
    Answer.EMPTY: "The list `smsResult` is empty; nothing is kept.",
    Answer.WRONG_PEER: "The caller is outside the account's allow-list; nothing is kept.",
    Answer.UNAUTHENTIC: "Of adapters whose provider signs: the signature is missing, wrong or out"
    " of its time; nothing is kept.",
    Answer.NOT_FOUND: "No such account, a wrong secret, or a disabled account: not told apart.",
    Answer.WRONG_METHOD: "Another method than the provider uses; `Allow` names that one.",
    Answer.TOO_SLOW: "The body did not arrive within `HUB_BODY_SECONDS`; nothing is kept.",
    Answer.TOO_LARGE: "The body is over `HUB_MAX_BODY_BYTES`, announced or not; nothing is kept.",
    Answer.FAULT: "A fault; the message names its line in the hub's log. Where the adapter failed,"
    " the body is in quarantine.",
    Answer.OVERLOADED: "The write queue is full; nothing was taken.",
    Answer.STORE_UNAVAILABLE: "The store is away; nothing was taken, or of a body of more receipts"
    " than one commit holds, a part, which is known when it comes again.",
    Answer.DRAINING: "The hub is shutting down; nothing was taken.",
}

_RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds after which the same may be sent again.",
        "schema": {"type": "integer", "minimum": 1},
    }
}


def operation() -> dict[str, Any]:
    """The operation `POST` of the callback URL, as an object of OpenAPI."""
    return {
        "tags": ["callbacks"],
        "summary": "Take delivery receipts",
        "description": _DESCRIPTION.strip(),
        "operationId": "callback",
        "parameters": [_parameter(name, text) for name, text in _PARAMETERS.items()],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _envelope(), "example": _EXAMPLE}},
        },
        "responses": _responses(),
    }


def _parameter(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string"}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
    }


def _envelope() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["smsResult"],
        "properties": {
            "smsResult": {
                "type": "array",
                "minItems": 1,
                "description": "One item for each recipient of each message. An item that cannot be"
                " read goes to quarantine with its reason, and the others are taken; of one body,"
                f" the first {MAX_UNREAD} are kept one by one, and of more the whole body.",
                "items": {"type": "object", "required": ["smsId"], "properties": _FIELDS},
            }
        },
    }


_FIELDS: dict[str, Any] = {
    "smsId": {
        "type": ["string", "integer"],
        "maxLength": MAX_ID,
        "description": "The provider's id of the message, any text; recipients may share one.",
    },
    "phone": {
        "type": ["string", "integer", "null"],
        "maxLength": MAX_ID,
        "description": "The recipient: with a country code, or a national number of the account's"
        " region (CN unless set). Stored as E.164 where it can be read as a number, else as"
        " it came.",
    },
    "status": {
        "type": ["string", "number", "null"],
        "maxLength": MAX_CODE,
        "description": "`0` is delivered, `1` is not, which `respMessage` may refine; anything else"
        " is stored as UNKNOWN with this value.",
    },
    "respMessage": {
        "type": ["string", "number", "null"],
        "maxLength": MAX_CODE,
        "description": "The carrier's code of why, such as `MK:0001`; empty, null or absent without"
        " one.",
    },
    "receiveTime": {
        "type": ["string", "null"],
        "description": "When the status came about, `YYYY-MM-DD HH:MM:SS`: local time of the"
        " account's time zone (Asia/Shanghai unless set), or with an offset of its own. Stored in"
        " UTC. Empty, null or absent where it is not known.",
    },
    "chargingNum": {
        "type": ["string", "integer", "null"],
        "description": "Segments that were charged, from 0 to 2147483647, as a number or its"
        " digits; empty, null or absent where it is not known.",
    },
}

_EXAMPLE = {
    "smsResult": [
        {
            "smsId": "624e76e6486648cd8be0dee3b5ccyyyy",
            "phone": "138xxxxxxxx",
            "status": "0",
            "respMessage": "",
            "receiveTime": "2015-06-29 19:23:26",
            "chargingNum": "2",
        }
    ]
}

_ANSWER = {
    "type": "object",
    "required": ["respCode"],
    "properties": {
        "respCode": {"type": "string", "description": "`00000` is success; no other code is."},
        "message": {"type": "string", "description": "The code in words; absent with success."},
    },
}


def _responses() -> dict[str, Any]:
    """Every answer, by its HTTP status."""
    responses: dict[str, Any] = {}
    for answer, meaning in _MEANINGS.items():
        reply = lushang.reply(answer)
        response = responses.setdefault(str(reply.status), {"description": ""})
        text = reply.body.decode()
        response["description"] = f"{response['description']}\n\n{meaning}".strip()
        if reply.status == 503:  # noqa: PLR2004  Service Unavailable
            response["headers"] = _RETRY_AFTER
        if text:
            content = response.setdefault("content", {}).setdefault("application/json", {})
            content["schema"] = _ANSWER
            content.setdefault("examples", {})[answer.name.lower()] = {"value": json.loads(text)}
    return responses
