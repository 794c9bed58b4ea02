/** Ends a `switch` over a closed union: a case added later is a compile error wherever it was forgotten. */
export function assertNever(value: never): never {
  throw new Error(`unexpected case: ${JSON.stringify(value)}`);
}
