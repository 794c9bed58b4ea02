/** A text from data, safe for a terminal: control characters are shown instead of obeyed. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (unsafe) => `\\u{${unsafe.codePointAt(0)?.toString(16)}}`);
}
