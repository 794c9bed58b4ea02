/** The longest array worth making at its full length at once: a longer one grows, so that no length is taken on trust. */
export const SHORT_ARRAY_MAX = 8;

/**
 * An array of `length` nulls to be filled, which takes no more memory than it needs. One that grows by `push` begins with
 * room for 17, and most tuples and lists in records are shorter.
 */
export function arrayOfNulls(length: number): unknown[] {
  switch (length) {
    case 0:
      return [];
    case 1:
      return [null];
    case 2:
      return [null, null];
    case 3:
      return [null, null, null];
    case 4:
      return [null, null, null, null];
    default:
      return new Array<unknown>(length).fill(null);
  }
}
