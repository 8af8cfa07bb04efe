/**
 * For other pages: <script type="module" src="https://HOST/embed.js"></script> and <gemtab-chat></gemtab-chat>.
 * Everything else is found relative to this file; HOST must send `Access-Control-Allow-Origin`.
 */

import "./chat/define.js";

export { checkDevice } from "./engine/check/check.js";
export { survey } from "./engine/check/survey.js";
export { Engine, EngineError } from "./engine/client.js";
export { forget, stored } from "./engine/store/models.js";
