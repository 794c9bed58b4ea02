/**
 * Answers queries where the state lives. A request names the id of a registration, so an answer can never come from
 * another state that took the name later. Follows Flink's KvStateServerHandler; messages are plain records that cross a
 * thread boundary as they are.
 */
import { messageOf } from '../../lib/errors.ts';
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import { unknownKvStateId } from './errors.ts';
import type { KvStateRegistry } from './kv-state-registry.ts';

/** One read of one key. */
export interface KvStateRequest {
  readonly kvStateId: string;
  readonly key: unknown;
  /** @default undefined, the one namespace of a state outside windows */
  readonly namespace?: unknown;
}

/** What the owner says. */
export type KvStateResponse =
  | { readonly kind: 'found'; readonly value: unknown }
  | { readonly kind: 'notFound'; readonly default?: unknown }
  | { readonly kind: 'unknownKvStateId'; readonly message: string }
  /** The state has no such key or namespace. */
  | { readonly kind: 'badRequest'; readonly message: string }
  | { readonly kind: 'failed'; readonly cause: string };

/** Reads a key for one query worker. Never throws: a failing state is the answer `failed`. */
export function answerKvStateRequest(
  registry: KvStateRegistry,
  request: KvStateRequest,
  worker: unknown,
): KvStateResponse {
  const entry = registry.getKvState(request.kvStateId);
  if (entry === null) {
    return { kind: 'unknownKvStateId', message: unknownKvStateId(request.kvStateId) };
  }
  if (request.key === undefined || request.key === null) return { kind: 'failed', cause: 'the query names no key' };
  try {
    const read = entry.readerFor(worker).read(request.key, request.namespace);
    if (read.found) return { kind: 'found', value: read.value };
    return read.default === undefined ? { kind: 'notFound' } : { kind: 'notFound', default: read.default };
  } catch (error) {
    if (error instanceof IllegalArgumentException) return { kind: 'badRequest', message: error.message };
    return { kind: 'failed', cause: messageOf(error) };
  }
}
