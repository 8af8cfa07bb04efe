"""An artifact, run by the page's own worker in a headless browser: the other end of `--on browser`."""

import base64
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from gemtab.contracts import errors
from gemtab.contracts.errors import UsageError
from gemtab.generate.sampling import Sampling
from gemtab_build.run.browsers import open_browser
from gemtab_build.run.runner import Continued, Say
from gemtab_build.site.serve import SiteServer

BLANK = "blank.html"  # a page of the site's own origin that loads nothing
SECONDS = 600

# Posts a request and resolves with the answer that ends it; pieces are told to Python as they come.
ASK = """(request) => new Promise((resolve) => {
  const heard = ({ data }) => {
    if (data.type === "piece") window.gemtabSay(data.kind, data.text);
    if (data.type === "progress" && data.stage === "weights") window.gemtabWeights = data;
    const ours = data.id === request.id || data.id === null;
    if (data.type === "error" && ours || data.type === request.ends) {
      window.gemtabWorker.removeEventListener("message", heard);
      resolve(data);
    }
  };
  window.gemtabWorker ??= new Worker("engine/worker.js", { type: "module" });
  window.gemtabWorker.addEventListener("message", heard);
  window.gemtabWorker.addEventListener("error", ({ message }) => {
    const why = message || "a file of engine/ is missing or damaged";
    resolve({ type: "error", kind: "ArtifactError", message: `The engine does not start: ${why}. Build the site again.` });
  });
  window.gemtabWorker.postMessage(request);
})"""


class BrowserRunner:
    """The engine in a browser. A context manager: the browser and the server end with it."""

    def __init__(
        self,
        folder: Path,
        kv: str,
        chunk: int | None,
        context: int | None,
        ple: str = "auto",
        profile: Path | None = None,
        port: int = 0,
        browser: str = "chromium",
    ) -> None:
        """What the page stores is kept in the folder `profile`, for the origin of that `port`."""
        if not (folder / "engine" / "worker.js").is_file():
            raise UsageError(
                f"{folder} is no site: it has no engine/worker.js. Give the folder that `gemtab build` wrote."
            )
        self._folder, self._profile, self._port = folder, profile, port
        self._browser = browser
        self._load = {"kv": kv, "chunk": chunk, "context": context, "ple": ple}
        self._stack = ExitStack()
        self._say: Say = lambda *_: None

    def __enter__(self) -> "BrowserRunner":
        """Serve the site, open a page of it, load the model."""
        with ExitStack() as opened:  # closed again if anything fails
            server = SiteServer(self._folder, self._port)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            opened.callback(server.server_close)
            opened.callback(server.shutdown)
            self.page = opened.enter_context(open_browser(self._browser, self._profile)).new_page()
            self.page.set_default_timeout(SECONDS * 1000)
            self.page.route(
                f"**/{BLANK}", lambda route: route.fulfill(content_type="text/html", body="")
            )
            self.page.expose_function("gemtabSay", lambda kind, piece: self._say(kind, piece))
            self.page.goto(server.url + BLANK)
            ready = self._ask(
                {"type": "load", "model": server.url + "model/", "ends": "ready", **self._load}
            )
            self._stack = opened.pop_all()
        self.adapter, self.fit = ready["adapter"], ready["fit"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the browser and the server."""
        self._stack.close()

    def weights_progress(self) -> dict[str, int]:
        """Of the weights, in bytes: done, total, and fetched from the network."""
        return dict(self.page.evaluate("() => window.gemtabWeights ?? {}"))

    def logits(self, ids: Sequence[int]) -> bytes:
        """f32 [tokens, vocab]."""
        request = {"type": "logits", "id": 1, "ids": list(ids), "ends": "logits"}
        return base64.b64decode(self._ask(request)["logits"])

    def reply(
        self, request: Mapping[str, Any], sampling: Sampling | None, say: Say
    ) -> dict[str, Any]:
        """One reply; the fields of `gemtab run --json`."""
        self._say = say
        wanted: dict[str, Any] = {}
        if sampling:
            wanted = {
                "temperature": sampling.temperature,
                "topK": sampling.top_k,
                "topP": sampling.top_p,
                "seed": sampling.seed,
            }
        done = self._ask(
            {
                "type": "reply", "id": 2, "messages": request["messages"], "tools": request["tools"],
                "thinking": request["thinking"], "sampling": wanted,
                "maxTokens": request["max_tokens"], "ends": "done",
            }
        )  # fmt: skip
        return dict(done["reply"])

    def continue_ids(self, ids: Sequence[int], max_tokens: int) -> Continued:
        """A greedy continuation of raw ids."""
        request = {"type": "continue", "id": 3, "ids": list(ids), "maxTokens": max_tokens}
        done = self._ask({**request, "ends": "continued"})
        return Continued(done["ids"], done["timing"])

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.page.evaluate(ASK, request)
        if answer["type"] == "error":
            raise _error(answer)
        return answer


def _error(answer: Mapping[str, Any]) -> Exception:
    """An engine's error as ours, of the same class."""
    if answer["kind"] == "EngineFailure":
        return RuntimeError(answer["message"])
    kind: type[errors.GemtabError] = getattr(errors, answer["kind"], errors.DeviceError)
    return kind(answer["message"])
