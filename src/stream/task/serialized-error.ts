import { causeChain, FlinkJobError, messageOf } from '../../lib/errors.ts';
import type { SerializedError } from './worker-protocol.ts';

/** An error as plain data that can cross threads and be written to a termination record. */
export function serializeError(error: unknown): SerializedError {
  const chain = causeChain(error);
  return {
    name: error instanceof Error ? error.name : 'Error',
    message: messageOf(error),
    stack: error instanceof Error ? (error.stack ?? error.message) : messageOf(error),
    code: error instanceof FlinkJobError ? error.code : undefined,
    unrecoverable: chain.some((each) => (each as { code?: unknown } | null)?.code === 'SUPPRESS_RESTARTS'),
    chain: chain.map((each) => (each instanceof Error ? `${each.name}: ${each.message}` : messageOf(each))),
  };
}
