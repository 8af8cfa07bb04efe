/**
 * For other pages: <script type="module" src="https://HOST/embed.js"></script> and <gemtab-chat></gemtab-chat>.
 * Everything else is found relative to this file; HOST must send `Access-Control-Allow-Origin`.
 */

import "./chat/define.js";

export { Engine, EngineError } from "./engine/client.js";
export { forget, stored } from "./engine/models.js";
export { survey } from "./engine/survey.js";
