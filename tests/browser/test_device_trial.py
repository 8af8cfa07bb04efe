"""The engine in Chromium on a GPU that does not keep its word: told, done without, and not tried again."""

import pytest

from browser.built_site import Site
from gemtab_build.cli import main

pytestmark = [
    pytest.mark.browser,
    pytest.mark.gpu,
    pytest.mark.chromium_only("Firefox has no subgroups to lie about"),
]
RUN = """async (ids) => {
  let trials = 0;
  const heard = new BroadcastChannel("trials");
  heard.onmessage = () => trials++;
  const { Engine } = await import("/engine/client.js");
  const engine = new Engine();
  const notices = [];
  await engine.load("/model/", { context: 256, onNotice: (line) => notices.push(line) });
  const found = await engine.continueIds(ids, 12);
  engine.dispose();
  heard.close();
  return { ids: found.ids, notices, trials };
}"""
IDS = [2, *range(300, 330)]
SAY = 'if (program.name.startsWith("trial of ")) new BroadcastChannel("trials").postMessage(0);'


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trial") / "site"
    assert main(["build", "demo", "--kernels", "all", "--out", str(folder)]) == 0
    site = Site(folder)
    yield site
    site.stop()


def change(context, site, script, before, after):
    """Serve an engine's script with some text replaced."""
    text = (site.folder / "engine" / "gpu" / script).read_text(encoding="utf-8")
    assert before in text
    body = text.replace(before, after)
    context.route(
        f"**/engine/gpu/{script}",
        lambda route: route.fulfill(content_type="text/javascript", body=body),
    )


def visit(context, site):
    """What a visit's engine says: ids, notices, trials that it ran."""
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.route("**/blank.html", lambda route: route.fulfill(content_type="text/html", body=""))
    page.goto(site.url + "blank.html")
    try:
        return page.evaluate(RUN, IDS)
    finally:
        page.close()


def test_a_faulty_shader_is_done_without_and_not_tried_again(browser, context, site):
    sound = visit(context, site)
    assert sound["notices"] == []
    faulty = browser.new_context()
    change(faulty, site, "programs.js", "prepare(program) {", f"prepare(program) {{ {SAY}")
    wrong = 'code: wgsl.replace("subgroupAdd(value)", "1.001 * subgroupAdd(value)")'
    change(faulty, site, "pipelines.js", "code: wgsl", wrong)

    first, second = visit(faulty, site), visit(faulty, site)

    faulty.close()
    assert first["ids"] == second["ids"] == sound["ids"]
    assert first["trials"] > 0
    assert second["trials"] == 0
    for one in (first, second):
        assert len(one["notices"]) == 1
        assert "does not do subgroups as it should" in one["notices"][0]
