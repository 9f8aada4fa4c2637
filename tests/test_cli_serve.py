"""The program as a user meets it: processes, sockets, signals."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from hub.cli.terminal.quickstart import SAMPLE
from tests.commanding import Folder, Started, free_port


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def quickstarted(hub: Started) -> tuple[str, str]:
    """The callback URL and the token that quickstart prints."""
    url = hub.out.until("Callback URL").split()[-1]
    token = hub.out.until("Token").split()[-1]
    hub.out.until("Ctrl-C")
    return url, token


def test_quickstart_prints_lines_that_work_when_pasted(folder: Folder, tmp_path: Path) -> None:
    with folder.start("serve", "--quickstart") as hub:
        quickstarted(hub)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        [curl] = [line for line in hub.out.seen if line.strip().startswith("curl")]
        [tail] = [line for line in hub.out.seen if " tail " in line]
        if not shutil.which("curl"):
            pytest.skip("curl is not here")
        answer = subprocess.run(
            curl, shell=True, cwd=elsewhere, capture_output=True, text=True, check=True
        )
        assert answer.stdout == '{"respCode":"00000"}'
        watched = subprocess.run(
            f"{tail.strip()} --stop-at-head", shell=True, cwd=elsewhere,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert watched.stdout.count("DELIVERED") == 2
        assert hub.tell(signal.SIGINT) == 0
    assert "Traceback" not in hub.err.rest()


ROOT = Path(__file__).parent.parent


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not here")
def test_the_lines_of_the_readme_work_when_pasted(folder: Folder) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    pasted = [block for block in blocks if not block.startswith("make") and "grpcurl" not in block]
    assert len(pasted) >= 4
    shown = ""
    with folder.start("serve", "--quickstart") as hub:
        quickstarted(hub)
        for block in pasted:
            shown += folder.paste(_here(block, folder))
        assert hub.tell() == 0
    assert '{"respCode":"00000"}' in shown
    assert "2015-06-29T11:23:26" in shown
    assert '"errors"' not in shown
    assert "acknowledged" in shown


def _here(block: str, folder: Folder) -> str:
    """The lines for this test's ports, and without end nowhere."""
    changes = {
        "http://127.0.0.1:8000": folder.http_url,
        ".venv/bin/hub": f"{sys.executable} -m hub",
        "--from earliest": "--from earliest --stop-at-head",
        "--seconds 10": "--seconds 1",
    }
    for there, here in changes.items():
        block = block.replace(there, here)
    return block


def test_quickstart_prints_the_same_again_as_long_as_its_file_is_there(
    folder: Folder, tmp_path: Path
) -> None:
    shown = []
    for _ in range(2):
        with folder.start("serve", "--quickstart") as hub:
            shown.append(quickstarted(hub))
            assert httpx.post(shown[0][0], content=SAMPLE).json() == {"respCode": "00000"}
            assert hub.tell() == 0
    assert shown[0] == shown[1]
    (tmp_path / "var" / "quickstart.env").unlink()
    with folder.start("serve", "--quickstart") as hub:
        hub.out.until("provider rotate")
        hub.out.until("consumer add")
        assert hub.tell() == 0


def test_a_plain_start_tells_machines_where_the_hub_is_and_makes_no_secret(
    folder: Folder, tmp_path: Path
) -> None:
    strange = Folder(folder.path, {**folder.variables, "HUB_HTTP_PROT": "1"})
    with strange.start("serve", "--json") as hub:
        assert "HUB_HTTP_PORT is" in hub.err.until("HUB_HTTP_PROT")
        told = json.loads(hub.out.until("http"))
        assert told["http"] == folder.http_url
        assert told["grpc"].endswith(folder.variables["HUB_GRPC_PORT"])
        assert hub.tell() == 0
    assert len(hub.out.rest().splitlines()) == 1
    assert not (tmp_path / "var" / "quickstart.env").exists()
    assert json.loads(folder.run("provider", "list", "--json").stdout) == []
    assert json.loads(folder.run("consumer", "list", "--json").stdout) == []


def test_the_log_holds_no_secret_and_no_number(folder: Folder) -> None:
    with folder.start("serve", "--quickstart") as hub:
        url, token = quickstarted(hub)
        httpx.post(url, content=SAMPLE.replace("138xxxxxxxx", "13800138000"))
        httpx.post(url, content='{"smsResult": [{"phone": "13800138000"}]}')
        httpx.post(f"{url}x", content="{}")
        httpx.get(f"{folder.http_url}/graphql", headers={"Authorization": f"Bearer {token}"})
        assert hub.tell() == 0
    logged = hub.err.rest()
    for secret in (url.rpartition("/")[2], token, "13800138000"):
        assert secret not in logged


def refused(folder: Folder, *arguments: str) -> str:
    ended = folder.run(*arguments)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    return ended.stderr


def test_a_start_with_callbacks_apart_prints_where_they_are(folder: Folder, tmp_path: Path) -> None:
    port = str(free_port())
    apart = Folder(tmp_path, {**folder.variables, "HUB_CALLBACK_PORT": port})
    with apart.start("serve", "--quickstart") as hub:
        url, _ = quickstarted(hub)
        assert url.startswith(f"http://127.0.0.1:{port}/callbacks/")
        assert url in (tmp_path / "var" / "quickstart.env").read_text()
        assert httpx.post(url, content=SAMPLE).json() == {"respCode": "00000"}
        added = apart.run("provider", "add", "other", "--adapter", "lushang", "--json")
        assert json.loads(added.stdout)["callback_url"].startswith(f"http://127.0.0.1:{port}/")
        assert hub.tell() == 0
    public = Folder(tmp_path, {**apart.variables, "HUB_PUBLIC_URL": "https://hub.example.com/"})
    with public.start("serve", "--quickstart", "--json") as hub:
        told = json.loads(hub.out.until("http"))
        assert told["callback_url"].startswith("https://hub.example.com/callbacks/lushang/")
        assert hub.tell() == 0


def test_a_quickstart_tells_machines_all_that_they_need(folder: Folder) -> None:
    with folder.start("serve", "--quickstart", "--json") as hub:
        told = json.loads(hub.out.until("http"))
        assert httpx.post(told["callback_url"], content=SAMPLE).status_code == 200
        header = {"Authorization": f"Bearer {told['token']}"}
        query = {"query": "{ viewer { name } }"}
        answer = httpx.post(told["graphql"], json=query, headers=header).json()
        assert answer["data"]["viewer"]["name"] == "quickstart"
        assert hub.tell() == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_dir_that_cannot_be_written_is_one_line(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir(mode=0o500)
    refused(folder, "serve")


def test_a_database_newer_than_the_program_is_one_line(folder: Folder, tmp_path: Path) -> None:
    assert folder.run("migrate").returncode == 0
    with sqlite3.connect(tmp_path / "var" / "hub.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    assert "newer" in refused(folder, "serve")


def test_tail_goes_on_where_it_was_when_the_hub_comes_back(folder: Folder) -> None:
    with folder.start("serve", "--quickstart") as hub:
        url, _ = quickstarted(hub)
        with folder.start("tail", "--from", "earliest", "--json") as tail:
            httpx.post(url, content=SAMPLE)
            positions = [json.loads(tail.out.until("position"))["position"] for _ in range(2)]
            assert hub.tell() == 0
            tail.err.until("waiting")
            with folder.start("serve", "--quickstart") as again:
                quickstarted(again)
                httpx.post(url, content=SAMPLE.replace('"0"', '"1"'))
                positions += [json.loads(tail.out.until("position"))["position"] for _ in range(2)]
                assert tail.tell(signal.SIGINT) == 130
                assert again.tell() == 0
    assert positions == [1, 2, 3, 4]
    assert "Traceback" not in tail.err.rest()
    tail.out.rest()
    assert [json.loads(line)["position"] for line in tail.out.seen] == positions


def test_tail_gives_up_on_a_hub_that_never_answers(folder: Folder) -> None:
    ended = folder.run("tail", "--token", "any", "--address", "127.0.0.1:1", "--json")
    assert (ended.returncode, ended.stdout) == (2, "")
    *waits, last = ended.stderr.splitlines()
    assert set(waits) == {"hub: waiting for 127.0.0.1:1 (UNAVAILABLE)"}
    assert "no hub answers at 127.0.0.1:1" in last


def test_tail_names_a_file_that_it_cannot_read(folder: Folder) -> None:
    sentence = refused(folder, "tail", "--token", "any", "--ca", "nowhere.pem")
    assert "cannot read nowhere.pem" in sentence


def test_tail_starts_filters_and_stops_as_it_is_told(folder: Folder) -> None:
    with folder.start("serve", "--quickstart") as hub:
        url, _ = quickstarted(hub)
        httpx.post(url, content=SAMPLE)
        httpx.post(url, content=SAMPLE.replace('"0"', '"1"').replace("624e", "724e"))

        def tailed(*arguments: str) -> list[int]:
            ended = folder.run("tail", "--stop-at-head", "--json", *arguments)
            assert ended.returncode == 0, ended.stderr
            return [json.loads(line)["position"] for line in ended.stdout.splitlines()]

        assert tailed() == []
        assert tailed("--from", "earliest") == [1, 2, 3, 4]
        assert tailed("--since", "1h") == [1, 2, 3, 4]
        assert tailed("--from", "earliest", "--status", "undelivered") == [3, 4]
        assert tailed("--from", "earliest", "--recipient", "138xxxxxxxx") == [1, 3]
        first = folder.run("tail", "--stop-at-head", "--json", "--from", "earliest").stdout
        cursor = json.loads(first.splitlines()[1])["cursor"]
        assert tailed("--after", cursor) == [3, 4]
        foreign = "zzz:1"
        assert "another log" in refused(folder, "tail", "--after", foreign)
        assert "token" in refused(folder, "tail", "--token", "wrong")
        assert hub.tell() == 0


def test_simulate_counts_what_was_acknowledged(folder: Folder) -> None:
    with folder.start("serve", "--quickstart") as hub:
        url, _ = quickstarted(hub)
        ended = folder.run(
            "simulate", url, "--count", "200", "--rate", "0", "--seed", "7", "--json"
        )
        assert ended.returncode == 0, ended.stderr
        summary = json.loads(ended.stdout)
        assert summary["receipts"] == summary["acknowledged"] == 200
        assert summary["answers"] == {"200 00000": summary["posts"]}
        assert summary["latency_ms"]["p50"] <= summary["latency_ms"]["p99"]
        assert folder.run("simulate", url, "--count", "20", "--rate", "0").returncode == 0
        wrong = folder.run("simulate", f"{url}x", "--count", "5", "--rate", "0", "--json")
        assert wrong.returncode == 1
        assert re.match("404", next(iter(json.loads(wrong.stdout)["answers"])))
        report = json.loads(folder.run("verify", "--json").stdout)
        assert report["clean"]
        assert report["receipts"] > 200
        assert hub.tell() == 0


def test_simulate_without_a_hub_says_that_nothing_answers(folder: Folder) -> None:
    ended = folder.run("simulate", f"{folder.http_url}/x", "--count", "2", "--rate", "0", "--json")
    assert ended.returncode == 1
    assert set(json.loads(ended.stdout)["answers"]) == {"no answer"}
