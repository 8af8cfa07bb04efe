"""The web server, asked as a browser asks."""

import gzip
import http.client
import threading

import pytest

from gemtab.contracts.errors import UsageError
from gemtab_build.site.compress import accepts_gzip
from gemtab_build.site.serve import SiteServer, parse_range

PAGE = """<!doctype html>
<meta http-equiv="Content-Security-Policy" content="default-src 'self';
  script-src 'self' 'wasm-unsafe-eval'">
"""
LONG = b"export const lines = 'again and again';\n" * 300


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    (folder / "model").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "engine.mjs").write_text("export {};")
    (folder / "long.js").write_bytes(LONG)
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


def test_text_goes_over_the_wire_compressed(ask):
    plain, whole = ask("/long.js")
    answer, body = ask("/long.js", Accept_Encoding="gzip, deflate, br")

    assert (gzip.decompress(body), whole) == (LONG, LONG)
    assert len(body) < len(LONG) / 10
    for name, value in {
        "Content-Encoding": "gzip",
        "Content-Length": str(len(body)),
        "Content-Type": "text/javascript; charset=utf-8",
        "Vary": "Accept-Encoding",
    }.items():
        assert answer.headers[name] == value
    assert (plain.headers["Content-Encoding"], plain.headers["Vary"]) == (None, "Accept-Encoding")
    assert plain.headers["ETag"] != answer.headers["ETag"]


def test_head_tells_the_length_of_the_compressed_file(ask):
    length = ask("/long.js", Accept_Encoding="gzip")[0].headers["Content-Length"]
    answer, body = ask("/long.js", method="HEAD", Accept_Encoding="gzip")

    assert (answer.headers["Content-Length"], body) == (length, b"")


def test_each_form_has_its_own_tag(ask):
    tags = {
        form: ask("/long.js", Accept_Encoding=form)[0].headers["ETag"]
        for form in ("gzip", "identity")
    }

    for form in tags:
        status = {
            tagged: ask("/long.js", Accept_Encoding=form, If_None_Match=tags[tagged])[0].status
            for tagged in tags
        }
        assert status == {tagged: 304 if tagged == form else 200 for tagged in tags}


@pytest.mark.parametrize("path", ["/long.js", "/model/0123456789ab.bin"])
def test_a_range_is_never_compressed(ask, path):
    answer, body = ask(path, Accept_Encoding="gzip", Range="bytes=7-19")

    assert (answer.status, answer.headers["Content-Encoding"]) == (206, None)
    assert body == ask(path)[1][7:20]


def test_a_shard_is_never_compressed(site, ask):
    (site.folder / "model" / "0123456789ab.bin").write_bytes(bytes(10_000))

    answer, body = ask("/model/0123456789ab.bin", Accept_Encoding="gzip")

    assert (answer.headers["Content-Encoding"], answer.headers["Vary"]) == (None, None)
    assert body == bytes(10_000)


@pytest.mark.parametrize(
    ("header", "yes"),
    [
        (None, False), ("", False), ("br", False), ("identity", False), ("gzip;q=0", False),
        ("gzip;q=0, *", False), ("gzip;q=x", False), ("gzip", True), ("br, GZIP;q=0.5", True),
        ("*", True), ("*;q=0", False), ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
    ],
)  # fmt: skip
def test_what_a_browser_accepts(header, yes):
    assert accepts_gzip(header) is yes


def test_what_was_precompressed_is_sent(site, ask):
    (site.folder / "long.js.gz").write_bytes(gzip.compress(LONG, 9, mtime=0))
    best = (site.folder / "long.js.gz").read_bytes()

    assert ask("/long.js", Accept_Encoding="gzip")[1] == best
    assert ask("/long.js.gz")[0].headers["Content-Type"] == "application/gzip"


def test_a_compressed_form_of_another_file_is_not_sent(site, ask):
    (site.folder / "long.js.gz").write_bytes(gzip.compress(LONG.swapcase(), 9))

    assert gzip.decompress(ask("/long.js", Accept_Encoding="gzip")[1]) == LONG


def test_a_file_that_changes_is_compressed_anew(site, ask):
    ask("/long.js", Accept_Encoding="gzip")
    (site.folder / "long.js").write_bytes(LONG * 2)

    assert gzip.decompress(ask("/long.js", Accept_Encoding="gzip")[1]) == LONG * 2


def test_a_port_in_use_is_one_clear_line(site):
    with pytest.raises(UsageError, match=r"^Port \d+ cannot be had: .*--port"):
        SiteServer(site.folder, site.server_port)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere is not a folder.*gemtab build"):
        SiteServer(tmp_path / "nowhere")
