"""The web server, asked as a browser asks."""

import http.client
import threading

import pytest

from gemtab.contracts.errors import UsageError
from gemtab_build.site.serve import SiteServer, parse_range

PAGE = """<!doctype html>
<meta http-equiv="Content-Security-Policy" content="default-src 'self';
  script-src 'self' 'wasm-unsafe-eval'">
"""


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    (folder / "model").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "engine.mjs").write_text("export {};")
    (folder / "model" / "manifest.json").write_text("{}")
    (folder / "model" / "0123456789ab.bin").write_bytes(bytes(range(100)))
    (folder / "core.wasm").write_bytes(b"\0asm")
    (tmp_path / "secret.txt").write_text("not yours")
    (folder / "way-out").symlink_to(tmp_path / "secret.txt")
    server = SiteServer(folder)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def ask(site):
    connection = http.client.HTTPConnection("127.0.0.1", site.server_port, timeout=10)

    def ask(path, method="GET", **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        answer = connection.getresponse()
        return answer, answer.read()

    yield ask
    connection.close()


@pytest.mark.parametrize(
    ("path", "media_type"),
    {
        "page": ("/", "text/html; charset=utf-8"),
        "module": ("/engine.mjs", "text/javascript; charset=utf-8"),
        "wasm": ("/core.wasm", "application/wasm"),
        "manifest": ("/model/manifest.json", "application/json"),
        "shard": ("/model/0123456789ab.bin", "application/octet-stream"),
    }.values(),
)
def test_media_types(ask, path, media_type):
    answer, _ = ask(path)

    assert (answer.status, answer.headers["Content-Type"]) == (200, media_type)


def test_a_range_is_the_bytes_asked_for(ask):
    answer, body = ask("/model/0123456789ab.bin", Range="bytes=10-19")

    assert (answer.status, body) == (206, bytes(range(10, 20)))
    assert answer.headers["Content-Range"] == "bytes 10-19/100"


def test_a_range_past_the_end_is_refused(ask):
    answer, body = ask("/model/0123456789ab.bin", Range="bytes=100-")

    assert (answer.status, body) == (416, b"")
    assert answer.headers["Content-Range"] == "bytes */100"


@pytest.mark.parametrize(
    ("header", "want"),
    {
        "absent": (None, None),
        "first bytes": ("bytes=0-4", (0, 5)),
        "to the end": ("bytes=95-", (95, 100)),
        "the last bytes": ("bytes=-5", (95, 100)),
        "more than there are": ("bytes=90-1000", (90, 100)),
        "backwards": ("bytes=5-4", None),
        "several": ("bytes=0-1,3-4", None),
        "another unit": ("lines=1-2", None),
    }.values(),
)
def test_range_headers(header, want):
    assert parse_range(header, 100) == want


def test_a_range_of_a_changed_file_is_the_whole_file(ask):
    answer, body = ask("/model/0123456789ab.bin", Range="bytes=0-1", If_Range='"old"')

    assert (answer.status, len(body)) == (200, 100)


def test_head_has_the_length_and_no_body(ask):
    answer, body = ask("/model/0123456789ab.bin", method="HEAD")

    assert (answer.status, answer.headers["Content-Length"], body) == (200, "100", b"")


def test_an_unchanged_file_is_not_sent_again(ask):
    tag = ask("/engine.mjs")[0].headers["ETag"]
    answer, body = ask("/engine.mjs", If_None_Match=tag)

    assert (answer.status, body) == (304, b"")


def test_hashed_names_are_cached_for_ever_and_others_asked_for_again(ask):
    assert ask("/model/manifest.json")[0].headers["Cache-Control"] == "no-cache"
    assert ask("/engine.mjs")[0].headers["Cache-Control"] == "no-cache"


def test_the_policy_is_the_page_s_own(ask):
    policy = ask("/")[0].headers["Content-Security-Policy"]

    assert policy == "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'"


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/..%5csecret.txt", "/way-out", "/a%00b", "/none"],
)
def test_nothing_outside_the_folder_is_sent(ask, path):
    answer, body = ask(path)

    assert (answer.status, b"not yours" in body) == (404, False)


def test_other_origins_may_read(ask):
    assert ask("/none")[0].headers["Access-Control-Allow-Origin"] == "*"


def test_a_port_in_use_is_one_clear_line(site):
    with pytest.raises(UsageError, match=r"^Port \d+ cannot be had: .*--port"):
        SiteServer(site.folder, site.server_port)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere is not a folder.*gemtab build"):
        SiteServer(tmp_path / "nowhere")
