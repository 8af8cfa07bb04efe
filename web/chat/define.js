/** Registers <gemtab-chat>. */

import { GemtabChat } from "./gemtab-chat.js";

if (!customElements.get("gemtab-chat")) customElements.define("gemtab-chat", GemtabChat);
