"""Where a body keeps its JSON."""

import pytest

from hub.intake.adapters import nesting
from hub.intake.adapters.envelope import json_texts, utf8


def texts(body: bytes) -> list[tuple[str, bytes]]:
    return list(json_texts(body))


def part(name: str, content: str, *, newline: str = "\r\n") -> str:
    head = f'Content-Disposition: form-data; name="{name}"; filename="a.json"'
    return newline.join((head, "Content-Type: text/plain", "", content, ""))


def multipart(*parts: str, boundary: str = "--XyZ", newline: str = "\r\n") -> bytes:
    opened = "".join(f"{boundary}{newline}{each}" for each in parts)
    return f"{opened}{boundary}--{newline}".encode()


@pytest.mark.parametrize("body", [b"{}", b" [1]", b'\n{"a=b&c=d": 1}'])
def test_a_body_that_is_json_is_no_form(body: bytes) -> None:
    assert texts(body) == [("", body)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030"])
def test_every_usual_encoding_of_a_text_is_read(encoding: str) -> None:
    text = '{"a":"\u9a8c\u8bc1\u7801"}'
    assert utf8(text.encode(encoding)) == text.encode()


def test_what_is_no_text_holds_nothing() -> None:
    assert utf8(b"\xff\xff\xff") is None
    assert texts(b"\xff\xff\xff") == []
    assert utf8(b"a\0b\0") == b"ab"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"a=1&b=2", [("a", b"1"), ("b", b"2")]),
        (b"&a=1&&b=2&\n", [("a", b"1"), ("b", b"2")]),
        (b"a=x%3Dy%26z&b=x=y", [("a", b"x=y&z"), ("b", b"x=y")]),
        (b"a=1+2%2B3&b+c=%7B%7D", [("a", b"1 2+3"), ("b c", b"{}")]),
        (b"%7B%7D", [("", b"{}")]),
        (b"%7B%7D=", [("", b"{}")]),
        (b"a=%257B%257D", [("a", b"{}")]),
        (b"a=+%257B%257D+", [("a", b"{}")]),
        (b"a=%25257B%25257D", [("a", b"{}")]),
        (b"a=%2525252525257B", [("a", b"%25257B")]),
        (b"a=%25zz", [("a", b"%zz")]),
        (b"a=%zz&b=%4", [("a", b"%zz"), ("b", b"%4")]),
        ("a=\u9a8c%E8%AF%81".encode(), [("a", "\u9a8c\u8bc1".encode())]),
        (b"a=%D1%E9", [("a", "\u9a8c".encode())]),
        (b"a=%25FF%25FF", [("a", "\ufffd\ufffd".encode())]),
        (b"a=%EF%BB%BF{}+", [("a", b"{}")]),
    ],
)
def test_a_form_has_fields_whatever_its_escapes(
    body: bytes, fields: list[tuple[str, bytes]]
) -> None:
    first, *found = texts(body)
    assert first[0] == ""
    assert found == fields


def test_a_form_has_at_most_a_hundred_fields() -> None:
    assert len(texts(b"&".join([b"a=1"] * 100))) == 101
    assert len(texts(b"&".join([b"a=1"] * 101))) == 1


@pytest.mark.parametrize("newline", ["\r\n", "\n"])
@pytest.mark.parametrize("blank", ["", "\r\n "])
def test_a_form_in_parts_has_each_part_by_its_name(newline: str, blank: str) -> None:
    content = f'{{"a":{newline}{newline}1}}'
    parts = (part("x", content, newline=newline), part("y z", "%7B%7D", newline=newline))
    body = blank.encode() + multipart(*parts, newline=newline)
    first, *found, end = texts(body)
    assert first == ("", body)
    assert found == [("x", b'{"a":\n\n1}'), ("y z", b"{}")]
    assert end[1] == b""


def test_a_boundary_is_the_whole_first_line() -> None:
    body = multipart(part("a b", "1"), part("c", "2"), boundary="-- two words")
    assert [name for name, _ in texts(body)[1:3]] == ["a b", "c"]


def test_a_part_may_hold_another_name_in_what_it_carries() -> None:
    [_, (name, content), *_] = texts(multipart(part("a", 'name="b"')))
    assert (name, content) == ("a", b'name="b"')


def test_a_form_in_parts_has_at_most_a_hundred_of_them() -> None:
    for count in (99, 100, 150):
        found = texts(multipart(*[part(f"n{number}", "1") for number in range(count)]))[1:]
        names = [name for name, content in found if content]
        assert names[:100] == [f"n{number}" for number in range(min(count, 100))]
        assert len(found) == min(count + 1, 100)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        (b'{"a":[1,2]}', [b"1", b"2"]),
        (b' { "a" : [ 1 , [2] ] } ', [b"1", b"[2]"]),
        (b'{"a":[]}', []),
        (b'{"a":[ ]}', []),
        (b'{"b":[1],"a":[2],"c":[3]}', [b"2"]),
        (b'{"a":[1],"a":[2,3]}', [b"2", b"3"]),
        (b'{"b":{"a":[1]},"a":[{"a":[5]}]}', [b'{"a":[5]}']),
        (b'{"a":[{"x":",]"},"]"]}', [b'{"x":",]"}', b'"]"']),
        (b'{"a":["\\"]",1]}', [b'"\\"]"', b"1"]),
        (b'{"\\u0061":[1]}', [b"1"]),
        (b'{"a":[[[1,2],[3]]]}', [b"[[1,2],[3]]"]),
        (b'{"x":"a","a":[1]}', [b"1"]),
    ],
)
def test_the_items_of_a_list_are_found_by_depth(text: bytes, items: list[bytes]) -> None:
    assert nesting.items(text, "a") == items


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"[]", b"1", b'"a"', b"{}", b'{"b":[1]}', b'{"a":1}', b'{"a":{"a":[1]}}'),
        *(b'{"a":[1]', b'{"a":[1]}}', b'{"a":[1]} x', b'x {"a":[1]}', b'{"a":[1]}{"a":[1]}'),
        *(b'{"a":[,1]}', b'{"a":[1,]}', b'{"a":[1,,2]}', b'[{"a":[1]}]', b'{"a":["x]}'),
        *(b'{"x":["a",[1]]}', b'{{"a":[1]}}', b"]", b'{"a":[1]}]'),
    ],
)
def test_what_is_no_object_with_that_list_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  which one, its caller decides
        nesting.items(text, "a")
