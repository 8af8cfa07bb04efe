/** The page's own script: the element, and a service worker so that the page opens with no network. */

import "./chat/define.js";
import { trusted } from "./engine/trusted.js";

// Registered late: keeping the app for the next visit must not slow this one down.
addEventListener("load", () => navigator.serviceWorker?.register(trusted("sw.js"), { updateViaCache: "none" }).catch(() => {}));
