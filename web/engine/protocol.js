/**
 * The messages between the page and the worker, as types only: the twin of `gemtab/contracts/protocol.py`.
 *
 * @typedef {{ role: string, content?: unknown, [extra: string]: unknown }} ChatMessage
 * @typedef {{ temperature?: number, topK?: number, topP?: number, seed?: number, greedy?: boolean }} Sampling
 * @typedef {"runtime" | "weights" | "shaders"} Stage
 *
 * @typedef {{ type: "load", model: string } & import("./load-choices.js").Choices} LoadRequest
 * @typedef {{
 *   type: "reply", id: number, messages: ChatMessage[], tools: unknown[] | null,
 *   thinking: boolean, sampling: Sampling, maxTokens: number | null,
 * }} ReplyRequest
 * @typedef {{ type: "continue", id: number, ids: number[], maxTokens: number, fresh?: boolean }} ContinueRequest
 * @typedef {{ type: "stop", id: number }} StopRequest
 * @typedef {{ type: "cancel" }} CancelRequest
 * @typedef {LoadRequest | ReplyRequest | ContinueRequest | StopRequest | CancelRequest} Request
 *
 * @typedef {{ type: "progress", stage: Stage, done: number, total: number, fetched?: number, note?: string | null, detail?: string }} Progress  fetched: of done, bytes from the network; note: what it waits for; detail: for how long
 * @typedef {{ type: "notice", message: string }} Notice
 * @typedef {{ features: string[], chunk: number, tuning: Record<string, number>, speed: { macs: number, bytes: number } }} Fit  what was picked for the device
 * @typedef {{ type: "ready", model: string, context: number, adapter: unknown, fit?: Fit }} Ready
 * @typedef {{ type: "piece", id: number, kind: "thinking" | "text", text: string }} Piece
 * @typedef {{ type: "call", id: number, call: unknown }} Call
 * @typedef {{
 *   type: "done", id: number, message: ChatMessage, ids: number[],
 *   stopReason: "stop" | "length" | "context" | "stopped",
 *   usage: { prompt_tokens: number, cached_tokens: number, completion_tokens: number, seed: number }, timing: Record<string, number>,
 * }} Done
 * @typedef {{ prefill: number, first: number, total: number, encoding: number, waiting: number }} ContinueTiming  seconds from the start; of the reply alone, on the host for the GPU and for the GPU's answers
 * @typedef {{ type: "continued", id: number, ids: number[], timing: ContinueTiming }} Continued
 * @typedef {{ type: "error", id: number | null, message: string, kind: string }} Failure
 * @typedef {Progress | Notice | Ready | Piece | Call | Done | Continued | Failure} Answer
 *
 * @typedef {{ kind: "thinking" | "text", text: string }} PieceEvent
 * @typedef {{ kind: "call", call: unknown }} CallEvent
 * @typedef {Omit<Done, "type" | "id"> & { kind: "done" }} DoneEvent
 * @typedef {PieceEvent | CallEvent | DoneEvent} ReplyEvent
 */

export {};
