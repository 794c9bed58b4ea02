/**
 * Short strings from bytes. Making a string of a few units in JavaScript takes a third of the time of a call into the
 * buffer's native code, and most keys and field values are that short.
 */

/** The longest text that `shortText` makes. */
export const SHORT_TEXT_MAX = 16;

// A byte inside the buffer is a number; the caller has checked that all of them are inside.
const text = String.fromCharCode as (...units: (number | undefined)[]) => string;

/** The `size` bytes from `p` on, one unit each. `size` is at most SHORT_TEXT_MAX, and `b` reaches that far. */
export function shortText(b: Uint8Array, p: number, size: number): string {
  return size <= 8 ? upToEight(b, p, size) : upToSixteen(b, p, size);
}

function upToEight(b: Uint8Array, p: number, size: number): string {
  switch (size) {
    case 0:
      return '';
    case 1:
      return text(b[p]);
    case 2:
      return text(b[p], b[p + 1]);
    case 3:
      return text(b[p], b[p + 1], b[p + 2]);
    case 4:
      return text(b[p], b[p + 1], b[p + 2], b[p + 3]);
    case 5:
      return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4]);
    case 6:
      return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5]);
    case 7:
      return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6]);
    default:
      return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7]);
  }
}

function upToSixteen(b: Uint8Array, p: number, size: number): string {
  const c = b[p];
  const d = b[p + 1];
  const e = b[p + 2];
  const f = b[p + 3];
  const g = b[p + 4];
  const h = b[p + 5];
  const i = b[p + 6];
  const j = b[p + 7];
  const k = b[p + 8];
  switch (size) {
    case 9:
      return text(c, d, e, f, g, h, i, j, k);
    case 10:
      return text(c, d, e, f, g, h, i, j, k, b[p + 9]);
    case 11:
      return text(c, d, e, f, g, h, i, j, k, b[p + 9], b[p + 10]);
    case 12:
      return text(c, d, e, f, g, h, i, j, k, b[p + 9], b[p + 10], b[p + 11]);
    case 13:
      return text(c, d, e, f, g, h, i, j, k, b[p + 9], b[p + 10], b[p + 11], b[p + 12]);
    case 14:
      return text(c, d, e, f, g, h, i, j, k, b[p + 9], b[p + 10], b[p + 11], b[p + 12], b[p + 13]);
    case 15:
      return text(c, d, e, f, g, h, i, j, k, b[p + 9], b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14]);
    default:
      return text(
        c,
        d,
        e,
        f,
        g,
        h,
        i,
        j,
        k,
        b[p + 9],
        b[p + 10],
        b[p + 11],
        b[p + 12],
        b[p + 13],
        b[p + 14],
        b[p + 15],
      );
  }
}
