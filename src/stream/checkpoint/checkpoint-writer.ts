/**
 * The asynchronous part of a capture: one subtask's state becomes one file.
 *
 * Order: encode (sliced) → let go of the capture → write the file (temporary name, sync, rename: the storage's promise)
 * → wait for what must be durable besides (a sink's files) → answer. Nothing refers to the file until the coordinator
 * has put its name, size and hash into the manifest, and nothing refers to the manifest until its handle is committed.
 * A crash anywhere before leaves a file that nobody points to: garbage, never wrong.
 */
import { type FaultPoint, noFaults } from '../../lib/fault-point.ts';
import type { Storage } from '../../storage/index.ts';
import type { OperatorSnapshot } from '../operators/operator.ts';
import { type EncodedSubtaskState, encodeSubtaskState } from './encode-subtask-state.ts';
import { filePath, stateFileName } from './locations.ts';
import type { StateFile } from './manifest.ts';
import type { SubtaskRef, SubtaskStateResult } from './subtask-state.ts';

/** Where a crash of the writing subtask would matter. */
export const SUBTASK_FAULT_POINTS = ['state-encoded', 'state-uploaded', 'state-durable'] as const;

export interface WriteSubtaskState extends SubtaskRef {
  readonly storage: Pick<Storage, 'write' | 'delete'>;
  /** Of the checkpoint, handed out with the barrier. */
  readonly directory: string;
  /** Of the operators of the chain, in order. */
  readonly snapshots: readonly OperatorSnapshot[];
  /** Fires when the checkpoint is given up. */
  readonly signal: AbortSignal;
  /** Awaited between slices of the encoding, so that records flow. */
  readonly breathe: () => Promise<void>;
  readonly faults?: FaultPoint;
}

/**
 * Writes the state of one subtask. The keyed captures are released in every case, as early as possible. When it fails,
 * the file is gone again as far as the storage allows; the error is the first failure.
 */
export async function writeSubtaskState(request: WriteSubtaskState): Promise<SubtaskStateResult> {
  const { storage, directory, vertexId, subtaskIndex, snapshots, signal, faults = noFaults } = request;
  // Collected before anything else can fail: a rejection nobody waits for would end the process.
  const durable = Promise.allSettled(snapshots.map((snapshot) => snapshot.durable));
  const encoded = await encodeAndRelease(request);
  await faults('state-encoded');
  const file = await writeFile(request, encoded);
  try {
    await faults('state-uploaded');
    const failure = (await durable).find((outcome) => outcome.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
    signal.throwIfAborted();
  } catch (error) {
    // Best effort: the directory of a checkpoint that was given up is removed as a whole anyway.
    if (file !== undefined) await Promise.allSettled([storage.delete(filePath(directory, file.path))]);
    throw error;
  }
  await faults('state-durable');
  return { directory, vertexId, subtaskIndex, file, operators: encoded.operators };
}

async function encodeAndRelease({ snapshots, signal, breathe }: WriteSubtaskState): Promise<EncodedSubtaskState> {
  const encoding = encodeSubtaskState(snapshots);
  try {
    for (;;) {
      signal.throwIfAborted();
      const step = encoding.next();
      if (step.done === true) return step.value;
      await breathe();
    }
  } finally {
    releaseAll(snapshots);
  }
}

async function writeFile(
  { storage, directory, vertexId, subtaskIndex }: WriteSubtaskState,
  { chunks }: EncodedSubtaskState,
): Promise<StateFile | undefined> {
  if (chunks.length === 0) return undefined;
  const path = stateFileName(vertexId, subtaskIndex);
  const written = await storage.write(filePath(directory, path), chunks, { exclusive: true });
  return { path, sizeBytes: written.sizeBytes, sha256: written.sha256 };
}

function releaseAll(snapshots: readonly OperatorSnapshot[]): void {
  for (const snapshot of snapshots) snapshot.keyed?.release();
}
