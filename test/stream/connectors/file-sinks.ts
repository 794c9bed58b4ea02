/** File sinks in directories of their own, what they are told of the job, and what stands in the directory afterwards. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileSink, type FileSinkOptions, type FileTransaction } from '../../../src/stream/connectors/file-sink.ts';
import type { TransactionContext } from '../../../src/stream/connectors/sink.ts';
import type { RestoredOrigin } from '../../../src/stream/functions/attempt-origin.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';

const JOB_ID = '9f0c3a5e71b24c61a0d2f3b4c5d6e7f8';
export const aContext = (changes: Partial<TransactionContext> = {}): TransactionContext => ({
  jobId: JOB_ID,
  uid: 'out',
  subtaskIndex: 0,
  parallelism: 1,
  epoch: 5,
  origin: { from: 'nothing' },
  checkpointId: 812,
  ...changes,
});
export const NAME = 'part-9f0c3a5e71b2-out-0-5-812.ndjson';

export const restored = (
  checkpointId: number,
  epoch: number,
  changes: Partial<RestoredOrigin> = {},
): RestoredOrigin => ({
  from: 'checkpoint',
  jobId: JOB_ID,
  checkpointId,
  epoch,
  ...changes,
});

export const visible = (directory: string) =>
  readdirSync(directory)
    .filter((name) => !name.startsWith('.'))
    .toSorted();
export const hidden = (directory: string) =>
  readdirSync(directory)
    .filter((name) => name.startsWith('.'))
    .toSorted();
export const text = (directory: string) =>
  visible(directory)
    .map((name) => readFileSync(join(directory, name), 'utf8'))
    .join('');

/** Writes the records into a pre-committed, durable transaction. */
export const pending = async <T>(
  sink: FileSink<T>,
  records: readonly T[],
  context = aContext(),
): Promise<FileTransaction> => {
  const transaction = sink.beginTransaction(context);
  for (const record of records) sink.invoke(transaction, record);
  const handle = sink.preCommit(transaction);
  if (handle === undefined) throw new Error('nothing was written');
  await sink.makeDurable(handle);
  return handle;
};
export const aSink = <T = unknown>(options: Partial<FileSinkOptions<T>> = {}) => {
  const directory = join(aTemporaryDirectory(), 'out');
  const sink = new FileSink<T>({ path: directory, ...options });
  sink.open();
  return { directory, sink };
};
