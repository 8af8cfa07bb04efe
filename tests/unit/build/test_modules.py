"""What a page's script imports, found in the text of scripts as they are written here."""

import pytest

from gemtab_build.site.modules import imported, with_preloads
from gemtab_build.site.write import page_files, web_folder

FILES = {
    "page.js": b'/** @import { No } from "./types.js" */\nimport "./chat/a.js";\n',
    "chat/a.js": b'import { b } from "./b.js";\nimport {\n  c,\n  d,\n} from "../engine/c.js";\n',
    "chat/b.js": b'export { c } from "../engine/c.js";\nconst later = () => import("./later.js");\n',
    "engine/c.js": b'import * as all from "../chat/b.js";\nexport const PARTIAL = ".partial";\n',
    "chat/later.js": b"",
}
PAGE = b'<head>\n  <script type="module" src="page.js"></script>\n</head>\n'


def test_static_imports_alone_are_found_each_once():
    assert imported("page.js", FILES) == ["chat/a.js", "chat/b.js", "engine/c.js"]


def test_the_page_tells_of_them_before_its_script():
    page = with_preloads(PAGE, FILES).decode().splitlines()

    assert page[1] == '  <link rel="modulepreload" href="chat/a.js" />'
    assert page[3] == '  <link rel="modulepreload" href="engine/c.js" />'
    assert page[4:] == PAGE.decode().splitlines()[1:]


def test_a_page_without_a_script_is_refused():
    with pytest.raises(ValueError, match="no module script"):
        with_preloads(b"<head></head>", FILES)


def test_the_page_of_the_site_knows_its_element_and_not_the_worker():
    names = imported("page.js", page_files(web_folder()))

    assert {"chat/gemtab-chat.js", "engine/client.js"} <= set(names)
    assert "engine/worker.js" not in names
