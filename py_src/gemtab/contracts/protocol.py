"""Messages between the page and the worker, as plain JSON. `web/engine/protocol.js` holds the same types.

page → worker
    {type: "load", model, context, kv, chunk, ple, memory}
                                                     model: URL of the folder that holds manifest.json;
                                                     ple: auto | gpu | disk; memory: bytes of GPU to use;
                                                     all but the model may be null
    {type: "reply", id, messages, tools, thinking, sampling, maxTokens}
    {type: "logits", id, ids}                        for parity tests
    {type: "continue", id, ids, maxTokens, fresh}    raw ids, greedily, for measuring; fresh: as if
                                                     the cache held none of them
    {type: "stop", id}                               end that reply after the tokens in flight
    {type: "cancel"}                                 end loading; the worker's JavaScript does it

worker → page
    {type: "progress", stage, done, total, fetched, note, detail}
                                                     stage: runtime | weights | shaders; fetched: of
                                                     done, bytes from the network; note: what
                                                     it waits for, or null; detail: for how long
    {type: "notice", message}                        what a person should know; loading goes on
    {type: "ready", model, context, adapter}
    {type: "piece", id, kind, text}                  kind: thinking | text
    {type: "call", id, call}                         a tool call, whole
    {type: "done", id, message, ids, stopReason, usage, timing}
                                                     usage: token counts and the seed of the draws; and
                                                     `reply`, the fields of `gemtab run --json`
    {type: "logits", id, logits}                     f32 [tokens, vocab], base64
    {type: "continued", id, ids, timing}             seconds: prefill, first, total
    {type: "error", id, message, kind}               id is null for errors of loading; kind: class name
"""

PROGRESS_STAGES = ("runtime", "weights", "shaders")
STOP_REASONS = ("stop", "length", "context", "stopped")
