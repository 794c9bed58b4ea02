/**
 * Paths as Flink writes them into its handles: `java.net.URI` after the clean-up of Flink's Path. Runs of "/" become one,
 * a "/" at the end goes, characters that no path has are percent-encoded, "%" among them, and letters outside of ASCII stay.
 */

/** What Java leaves as it is in a path: some of ASCII, and all else but spaces and control characters. */
const LEGAL = /^(?:[A-Za-z0-9\-_.!~*'():@&=+$,;/]|[^\p{ASCII}\p{Z}\p{Cc}])$/u;

/** The URI of a file below a directory, which is a URI or a path written by a person and not encoded. */
export function flinkPathUri(directory: string, ...names: readonly string[]): string {
  const [, scheme = '', rest = ''] = /^([A-Za-z][A-Za-z0-9+.-]*:)?(.*)$/s.exec(directory.trim()) ?? [];
  const [, authority = '', path = ''] = /^(\/\/[^/]*)?(.*)$/s.exec(rest) ?? [];
  const joined = [path, ...names].join('/').replaceAll('\\', '/').replace(/\/+/g, '/');
  const cleaned = joined.length > 1 ? joined.replace(/\/$/, '') : joined;
  // An empty authority, as in file:///, is not written.
  return scheme + (authority === '//' ? '' : authority) + encoded(cleaned);
}

/** The path of a URI in a handle, decoded: what a file system is asked for. */
export function pathOfFlinkUri(uri: string): string {
  const path = uri.replace(/^[A-Za-z][A-Za-z0-9+.-]*:/, '').replace(/^\/\/[^/]*/, '');
  return decoded(path);
}

function encoded(path: string): string {
  let text = '';
  for (const character of path) {
    text += LEGAL.test(character)
      ? character
      : [...Buffer.from(character, 'utf8')]
          .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
          .join('');
  }
  return text;
}

/** Java decodes whatever is there and puts U+FFFD for what is no UTF-8. */
function decoded(path: string): string {
  return path.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) =>
    Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}
