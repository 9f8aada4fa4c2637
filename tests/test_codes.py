import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hub.cli.terminal.checks import check_protocol
from hub.errors import StartError
from hub.intake.adapters import all_adapters
from hub.intake.codes import UNEXPLAINED, Codes, Meaning, built_in, protocols
from hub.receipt import ErrorCategory, Status


@pytest.fixture(scope="module")
def codes() -> Codes:
    return Codes.load()


def category(codes: Codes, code: str, protocol: str = "", adapter: str = "lushang") -> str:
    return meaning(codes, code, protocol, adapter).category.name


def meaning(codes: Codes, code: str, protocol: str = "", adapter: str = "lushang") -> Meaning:
    return codes.look_up(code, account="main", adapter=adapter, protocol=protocol)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("EXPIRED", "EXPIRED"),
        ("UNDELIV", "ABSENT"),
        ("REJECTD", "UNKNOWN"),
        ("NOROUTE", "NETWORK"),
        ("MK:0001", "INVALID_NUMBER"),
        ("MK:0005", "SUBSCRIBER"),
        ("MK:0017", "HANDSET"),
        ("MK:0024", "ABSENT"),
        ("MB:1026", "NETWORK"),
        ("MB:1042", "RATE_LIMIT"),
        ("DB:0141", "BLOCKED"),
        ("DB:0108", "SENDER"),
        ("ID:0076", "CONTENT"),
        ("ID:0012", "BILLING"),
        ("TUIDING", "BLOCKED"),
        ("SIGFAIL", "SENDER"),
        ("KEYWORD", "CONTENT"),
        ("00023", "BILLING"),
        ("00141", "RATE_LIMIT"),
    ],
)
def test_a_gateway_code_has_its_category(codes: Codes, code: str, expected: str) -> None:
    assert category(codes, code) == expected


@pytest.mark.parametrize(
    ("deformed", "plain"),
    [
        ("MK00001", "MK:0001"),
        ("DB00141", "DB:0141"),
        ("MK0024", "MK:0024"),
        ("mk:0001", "MK:0001"),
        (" MK:0001 ", "MK:0001"),
        ("MK\uff1a0001", "MK:0001"),
        ("HD:0019", "HD:19"),
        ("MC:0055_006", "MC:0055"),
        ("UNDELIV:601", "UNDELIV_601"),
        ("UNDELIV_998", "UNDELIV"),
        ("SGIP:2:12", "SGIP:12"),
        ("RP:12", "SGIP:12"),
    ],
)
def test_a_deformed_code_means_what_its_plain_form_means(
    codes: Codes, deformed: str, plain: str
) -> None:
    assert meaning(codes, deformed) == meaning(codes, plain) != UNEXPLAINED


def test_an_exact_row_comes_before_the_plain_form_of_a_deformed_code(codes: Codes) -> None:
    assert category(codes, "MI00022") == "HANDSET"
    assert category(codes, "MI:0022") == "NETWORK"


@pytest.mark.parametrize(
    ("code", "protocol", "expected"),
    [
        ("12", "", "UNKNOWN"),
        ("12", "SGIP", "INVALID_NUMBER"),
        ("012", "sgip", "INVALID_NUMBER"),
        ("-37", "", "UNKNOWN"),
        ("-37", "SGIP", "ABSENT"),
        ("SGIP:-37", "", "ABSENT"),
        ("601", "", "UNKNOWN"),
        ("601", "SMGP", "SUBSCRIBER"),
        ("6", "SMGP", "BLOCKED"),
        ("00141", "SGIP", "RATE_LIMIT"),
    ],
)
def test_a_bare_number_is_unknown_unless_the_account_names_its_protocol(
    codes: Codes, code: str, protocol: str, expected: str
) -> None:
    assert category(codes, code, protocol) == expected


@pytest.mark.parametrize(
    "code", ["", "XX:9999", "what is this", "\u4e2d\u6587", "1" * 512, "_", "%s"]
)
def test_a_code_that_nobody_explained_is_unexplained(codes: Codes, code: str) -> None:
    assert meaning(codes, code) == UNEXPLAINED


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("EXPIRED", Status.EXPIRED),
        ("EXPIRED_702", Status.EXPIRED),
        ("EXPIRED_555", Status.EXPIRED),
        ("REJECTD", Status.REJECTED),
        ("REJECTD_006", Status.REJECTED),
        ("DELETED", Status.CANCELLED),
        ("00100", Status.REJECTED),
        ("00187", Status.CANCELLED),
        ("MK:0001", None),
        ("UNDELIV", None),
    ],
)
def test_some_codes_tell_which_failure_it_is(
    codes: Codes, code: str, status: Status | None
) -> None:
    assert meaning(codes, code).status is status


def test_permanence_is_claimed_only_where_the_tables_agree(codes: Codes) -> None:
    assert meaning(codes, "MK:0001").permanent is True
    assert meaning(codes, "MK:0024").permanent is False
    assert meaning(codes, "UNDELIV").permanent is None


def test_platform_codes_belong_to_the_platform(codes: Codes) -> None:
    assert category(codes, "00141", adapter="other") == "UNKNOWN"


def test_an_operators_own_rows_come_first(tmp_path: Path) -> None:
    own = tmp_path / "codes.csv"
    own.write_text(
        "layer,pattern,category,permanent,status,meaning\n"
        "account:main,MA:0001,BLOCKED,true,,their blacklist\n"
        "default,MK:0000,NETWORK,,,normal here\n",
        encoding="utf-8-sig",
    )
    codes = Codes.load(own)
    assert meaning(codes, "MA:0001") == (ErrorCategory.BLOCKED, True, None, "their blacklist")
    assert category(codes, "MA00001") == "BLOCKED"
    assert category(codes, "MK:0000") == "NETWORK"
    other = codes.look_up("MA:0001", account="other", adapter="lushang", protocol="")
    assert other.category is ErrorCategory.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "layer,pattern\ndefault,X\n",
        "layer,pattern,category,permanent,status,meaning\ndefault,X,NONSENSE,,,\n",
        "layer,pattern,category,permanent,status,meaning\ndefault,X,ABSENT,maybe,,\n",
        "layer,pattern,category,permanent,status,meaning\ndefault,X\n",
    ],
)
def test_a_bad_table_of_codes_is_one_clear_line(tmp_path: Path, text: str) -> None:
    own = tmp_path / "codes.csv"
    own.write_text(text, encoding="utf-8")
    with pytest.raises(StartError, match=r"^HUB_CODES_FILE holds .*layer,pattern,category"):
        Codes.load(own)


def test_a_missing_table_of_codes_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"^HUB_CODES_FILE: No such file"):
        Codes.load(tmp_path / "none.csv")


def test_the_built_in_table_names_each_code_once_per_layer_and_explains_it() -> None:
    rows = list(built_in())
    assert len({(row["layer"], row["pattern"]) for row in rows}) == len(rows) > 250
    assert all(row["meaning"] for row in rows)
    codes = Codes(rows)
    for row in rows:
        layer, _, name = row["layer"].partition(":")
        adapter = name if layer == "provider" else ""
        protocol = name if layer == "protocol" else ""
        assert meaning(codes, row["pattern"], protocol, adapter).text == row["meaning"]


def test_every_built_in_row_is_in_a_layer_that_some_account_can_reach() -> None:
    reachable = {
        "default",
        *(f"provider:{adapter}" for adapter in all_adapters()),
        *(f"protocol:{check_protocol(name.lower())}" for name in protocols()),
    }
    assert {row["layer"] for row in built_in()} == reachable


def test_every_file_of_codes_is_read() -> None:
    folder = Path(__file__).parents[1] / "src" / "hub" / "intake" / "codes"
    lines = sum(len(file.read_text().splitlines()) - 1 for file in folder.rglob("*.csv"))
    assert len(list(built_in())) == lines


def test_the_wheel_carries_the_files_of_codes(tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=root,
        capture_output=True,
        check=True,
    )
    [wheel] = tmp_path.glob("*.whl")
    source = root / "src"
    files = {str(file.relative_to(source)) for file in source.rglob("*.csv")}
    assert files <= set(zipfile.ZipFile(wheel).namelist())
    assert files
