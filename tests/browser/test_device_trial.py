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


# of a small site: load, answer, and wait until the trial behind it is noted, or has failed
RUN_SMALL = """async (ids) => {
  let trials = 0;
  const heard = new BroadcastChannel("trials");
  heard.onmessage = () => trials++;
  const { Engine } = await import("/engine/client.js");
  const engine = new Engine();
  const found = { answered: false, error: "", noted: false, trials: 0 };
  const noted = async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle("gemtab").then((all) => all.getDirectoryHandle("devices"));
    for await (const file of folder.values()) {
      const text = await (await file.getFile()).text();
      if (text.includes('"features": []')) return true;
    }
    return false;
  };
  try {
    await engine.load("/model/", { context: 256 });
    await engine.continueIds(ids, 4);
    found.answered = true;
    while (!engine.failed && !(await noted().catch(() => false))) await new Promise((r) => setTimeout(r, 50));
    await engine.continueIds(ids, 4);
    found.noted = await noted();
  } catch (error) {
    found.error = error.message;
  }
  engine.dispose();
  heard.close();
  return { ...found, trials };
}"""
SUM = "let y = output(sum_of(i), row);"
NO_NUMBERS = f'''code: wgsl.replace("{SUM}", "{SUM[:-1]} + select(0.0, bitcast<f32>(0x7fc00000u | "
  + "(shape.sink & 0u)), shape.sink == SOFTCAP);")'''
WORST = 'code: wgsl.replace("own[i] = order_of(", "own[i] = ~order_of(")'


def built(folder, *options):
    assert main(["build", "demo", *options, "--out", str(folder)]) == 0
    return Site(folder)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = built(tmp_path_factory.mktemp("trial") / "site", "--kernels", "all")
    yield site
    site.stop()


@pytest.fixture(scope="module")
def small_site(tmp_path_factory):
    site = built(tmp_path_factory.mktemp("trial") / "small")
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


def visit(context, site, run=RUN):
    """What a visit's engine says: ids, notices, trials that it ran; of a small site what RUN_SMALL finds."""
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.route("**/blank.html", lambda route: route.fulfill(content_type="text/html", body=""))
    page.goto(site.url + "blank.html")
    try:
        return page.evaluate(run, IDS)
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


def test_a_small_site_is_tried_behind_its_first_answer_and_once(browser, small_site):
    context = browser.new_context()
    change(context, small_site, "programs.js", "prepare(program) {", f"prepare(program) {{ {SAY}")

    first, second = (visit(context, small_site, RUN_SMALL) for _ in range(2))

    context.close()
    assert first["trials"] > 0
    assert second["trials"] == 0
    for one in (first, second):
        assert one == {"answered": True, "error": "", "noted": True, "trials": one["trials"]}


def test_a_small_site_on_a_gpu_that_fails_says_so_and_does_not_go_on(browser, small_site):
    context = browser.new_context()
    change(context, small_site, "pipelines.js", "code: wgsl", WORST)

    first, second = (visit(context, small_site, RUN_SMALL) for _ in range(2))

    context.close()
    assert first["answered"]  # nobody waited for the trial
    assert not second["answered"]  # then it comes first
    for one in (first, second):
        assert "pick_slab computes a wrong candidates" in one["error"]
        assert "Update the graphics driver" in one["error"]


def test_logits_that_are_no_numbers_end_the_reply_and_name_the_adapter(browser, small_site):
    context = browser.new_context()
    change(context, small_site, "pipelines.js", "code: wgsl", NO_NUMBERS)

    found = visit(context, small_site, RUN_SMALL)

    context.close()
    assert not found["answered"]
    assert "computed logits of gemtab-demo that are not finite" in found["error"]
    assert "swiftshader" in found["error"].lower()
    assert "--kv f32" in found["error"]
