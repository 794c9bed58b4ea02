/** The text of an entry that points to a state: one line of JSON, small, and never more than data. */

/** Where the bytes of a state lie. `id` is unique to one write, so that a writer recognises its own. */
export interface HandlePointer {
  readonly id: string;
  /** Relative to the storage of the job. */
  readonly path: string;
  readonly sizeBytes: number;
  /** 64 lowercase hex digits; checked when the state is read. */
  readonly sha256: string;
}

/** What stands under a name. A marked entry is being removed: its state is garbage, or gone already. */
export type StoredHandle =
  | { readonly kind: 'absent' }
  | { readonly kind: 'live'; readonly pointer: HandlePointer }
  | { readonly kind: 'marked'; readonly pointer: HandlePointer }
  | { readonly kind: 'corrupt'; readonly text: string };

export function encodeLive({ id, path, sizeBytes, sha256 }: HandlePointer): string {
  return JSON.stringify({ id, path, size: sizeBytes, sha256 });
}

export function encodeMarked({ id, path, sizeBytes, sha256 }: HandlePointer): string {
  return JSON.stringify({ id, path, size: sizeBytes, sha256, del: true });
}

/** What a text says. Everything that is not exactly such a line is corrupt. */
export function decodeHandle(text: string | undefined): StoredHandle {
  if (text === undefined) return { kind: 'absent' };
  const value = parsed(text);
  if (value === undefined) return { kind: 'corrupt', text };
  const { id, path, size, sha256, del } = value;
  const sound =
    typeof id === 'string' &&
    typeof path === 'string' &&
    typeof size === 'number' &&
    Number.isSafeInteger(size) &&
    size >= 0 &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    (del === undefined || del === true);
  if (!sound) return { kind: 'corrupt', text };
  const pointer = { id, path, sizeBytes: size, sha256 };
  return del === true ? { kind: 'marked', pointer } : { kind: 'live', pointer };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
