/**
 * How a job ended, kept a second time, as a file beside its bytes. The object of the job has the result first and decides;
 * the file speaks when that object was lost. Without it a job that has finished, whose checkpoints are removed, would look
 * like one that never ran, and would write all its output again.
 *
 *     result in the object ──► file ──► checkpoints removed
 *
 * A crash in between leaves a dirty result, and the next leader writes the file before it cleans up.
 */
import type { Storage } from '../storage/index.ts';
import type { Epoch } from './handle-backend.ts';
import type { JobResult } from './job-result-store.ts';
import { haDirectory, KEPT_RESULT } from './keys.ts';

/** Keeps a result that stands in the object of the job. Does nothing when one is kept already. */
export async function keepResult(
  storage: Storage,
  result: JobResult,
  by: { readonly epoch: Epoch; readonly newId: () => string },
): Promise<void> {
  if ((await keptResult(storage, result.id)) !== undefined) return;
  // The epoch in the name is one that a new object of the job must begin above.
  const path = `${haDirectory(result.id)}/${KEPT_RESULT}-${by.epoch}-${by.newId()}`;
  await storage.write(path, new TextEncoder().encode(JSON.stringify({ version: 1, result })), { exclusive: true });
}

/** The result that was kept; undefined when there is none that can be read. */
export async function keptResult(storage: Storage, jobId: string): Promise<JobResult | undefined> {
  const start = `${haDirectory(jobId)}/${KEPT_RESULT}-`;
  for (const path of await storage.list(haDirectory(jobId))) {
    const bytes = path.startsWith(start) ? await storage.read(path) : undefined;
    const result = bytes === undefined ? undefined : decoded(bytes);
    if (result?.id === jobId) return result;
  }
  return undefined;
}

function decoded(bytes: Uint8Array): JobResult | undefined {
  try {
    const kept = JSON.parse(new TextDecoder().decode(bytes)) as { version?: unknown; result?: JobResult } | null;
    return kept?.version === 1 ? kept.result : undefined;
  } catch {
    // Damaged bytes say nothing; the object of the job, where it is there, does.
    return undefined;
  }
}
