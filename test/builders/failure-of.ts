/** Errors as values, for tests that look at more than their class. Both throw when nothing is thrown. */

/** What a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

/** What a call throws, at once or later. */
export function thrownBy(call: () => unknown): Promise<Error> {
  return failureOf((async () => call())());
}
