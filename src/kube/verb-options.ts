/** What the verbs of the Kubernetes API may be told, and what lists answer. */
import type { CallOptions } from './caller.ts';

/** What a write may say beyond what every call says. */
export interface WriteOptions extends CallOptions {
  /** @default the client's */
  readonly fieldManager?: string;
  /** A part with its own path. @default the object itself */
  readonly subresource?: 'status' | 'scale';
  /** The server checks everything and stores nothing. @default false */
  readonly dryRun?: boolean;
  /**
   * Of `jsonPatch`: what is written follows the head of the request only after this: a server judges by the head who may write, so that of two
   * such writes both are let in before either takes a right away that the other needs. Milliseconds. @default at once
   */
  readonly bodyAfterMs?: number;
}

/** Server-side apply. */
export interface ApplyOptions extends WriteOptions {
  /** Take over fields that another manager owns, instead of a conflict. @default false */
  readonly force?: boolean;
}

/** Deleting. */
export interface DeleteOptions extends CallOptions {
  /** Delete only the object that was looked at. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  /** @default the kind's own, `Background` for most */
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  readonly gracePeriodSeconds?: number;
}

/** Which objects. */
export interface Selection {
  /** @default all namespaces */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** Reading many. */
export interface ListOptions extends CallOptions, Selection {
  /** Objects per request; 0 for all at once. @default 500 */
  readonly limit?: number;
  /** Of each object its type and metadata alone. @default false */
  readonly metadataOnly?: boolean;
}

/** Objects as they were at one resource version. */
export interface ListResult<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

/** One page of a list. */
export interface ListPage<T> extends ListResult<T> {
  /** Token of the next page; undefined on the last. */
  readonly next: string | undefined;
}

/** One operation of a JSON Patch, RFC 6902. */
export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'move' | 'copy'; readonly from: string; readonly path: string };

/** A key as a part of a JSON Pointer. */
export function pointerPart(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Reading a part of an object. */
export interface PartOptions extends CallOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
}
