// What can go wrong, and whether to come back.

/** An error that the hub reported; `code` is one of its reasons. */
export class HubError extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly extensions: Record<string, unknown>,
  ) {
    super(message);
    this.name = "HubError";
  }
}

interface Reported {
  readonly message: string;
  readonly extensions?: Record<string, unknown> | undefined;
}

const PASSING = new Set(["DRAINING", "SLOW_READER", "STORE_UNAVAILABLE", "OVERLOADED"]);

// Closing codes after which the same attempt would fail again.
const FINAL_CODES = new Set([4400, 4401, 4403, 4406, 4409, 4429]);

/** The first of `errors` as an exception. */
export function hubError(errors: readonly Reported[]): HubError {
  const [first] = errors;
  const extensions = first?.extensions ?? {};
  return new HubError(first?.message ?? "unknown", String(extensions["code"]), extensions);
}

/** Whether trying again from the last cursor may succeed. */
export function isPassing(error: unknown): boolean {
  if (error instanceof HubError) return PASSING.has(error.code);
  const code = closingCode(error);
  return code === undefined || !FINAL_CODES.has(code);
}

function closingCode(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "number" ? error.code : undefined;
}
