/** How deep JSON of others is nested, to be asked before it is parsed: an open bracket costs a parser much memory. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether objects and lists stand more than so many levels deep in this text, which may be anything. */
export function nestsDeeperThan(json: string, most: number): boolean {
  let levels = 0;
  for (let at = 0; at < json.length; at++) {
    const unit = json.charCodeAt(at);
    if (unit === QUOTE) at = endOfText(json, at);
    // Braces differ from brackets in one bit.
    else if ((unit | 0x20) === 0x7b) {
      levels += 1;
      if (levels > most) return true;
    } else if ((unit | 0x20) === 0x7d) levels -= 1;
  }
  return false;
}

/** Where the text that begins here ends. */
function endOfText(json: string, from: number): number {
  let at = from + 1;
  while (at < json.length && json.charCodeAt(at) !== QUOTE) at += json.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}
