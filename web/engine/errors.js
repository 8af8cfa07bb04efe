/** Errors that the engine's JavaScript raises on purpose, fit to show a person; `name` becomes the message's `kind`. */

export class NoWebGPU extends Error {
  name = "NoWebGPU";
}

export class DeviceError extends Error {
  name = "DeviceError";
}

export class DownloadError extends Error {
  name = "DownloadError";
}

/** A server that sends whole files only. */
export class NoRanges extends DownloadError {}

export class Cancelled extends Error {
  name = "Cancelled";
}

export class PolicyError extends Error {
  name = "PolicyError";
}
