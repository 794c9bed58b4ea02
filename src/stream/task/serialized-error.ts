import { fileURLToPath } from 'node:url';
import { causeChain, FlinkJobError, messageOf } from '../../lib/errors.ts';
import type { SerializedError } from './worker-protocol.ts';

/** An error as plain data that can cross threads and be written to a termination record. */
export function serializeError(error: unknown): SerializedError {
  const chain = causeChain(error);
  const place = chain.map(placeInJob).findLast((each) => each !== undefined);
  return {
    name: error instanceof Error ? error.name : 'Error',
    message: place === undefined ? messageOf(error) : `${messageOf(error)} (at ${place})`,
    stack: error instanceof Error ? (error.stack ?? error.message) : messageOf(error),
    code: error instanceof FlinkJobError ? error.code : undefined,
    unrecoverable: chain.some((each) => (each as { code?: unknown } | null)?.code === 'SUPPRESS_RESTARTS'),
    chain: chain.map((each) => (each instanceof Error ? `${each.name}: ${each.message}` : messageOf(each))),
  };
}

/** Where the running code of this package lies: frames in it say nothing about the job. */
const OWN_CODE = new URL(import.meta.url.endsWith('.ts') ? '../../' : './', import.meta.url).href;

/** File, line and column of the first stack frame in the job's own code. */
function placeInJob(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.stack === undefined) return undefined;
  for (const [, url = '', position = ''] of error.stack.matchAll(FRAME)) {
    if (url.startsWith('data:')) return `the inline source${position}`;
    if (!url.startsWith(OWN_CODE) && !url.includes('/node_modules/')) return fileURLToPath(url) + position;
  }
  return undefined;
}

const FRAME = /^\s+at (?:.*?\()?((?:file|data):[^\s)]*?)(:\d+:\d+)\)?$/gm;
