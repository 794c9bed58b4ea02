import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { POD_VARIABLES } from '../../../src/api/index.ts';
import { runPod } from '../../../src/cli/run-job/run-job.ts';
import type { Logger } from '../../../src/lib/logger.ts';
import { encodeStorageOrder } from '../../../src/lib/storage-work.ts';
import { openStorage } from '../../../src/storage/index.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';

const JOB_ID = 'a'.repeat(32);
const order = encodeStorageOrder({ do: 'removeBytes', uid: 'uid', attempts: 1, jobIds: [JOB_ID], keep: [] });

/** A pod that was told this, and what it left. */
async function aPodToldOf(text: string, { uri, stop = new AbortController().signal }: PodFacts = {}) {
  const directory = aTemporaryDirectory();
  const stored = join(directory, 'storage');
  const storageUri = uri ?? pathToFileURL(stored).href;
  if (uri === undefined) {
    await openStorage(storageUri).write(`${JOB_ID}/chk-1-2-abcdef/_metadata`, new Uint8Array(5), { exclusive: true });
  }
  const [resource, terminationLog] = [join(directory, 'job.yaml'), join(directory, 'termination-log')];
  const spec = { typescript: { module: 'job.js' }, storage: { uri: storageUri } };
  const job = { apiVersion: 'flinkjob.dev/v1alpha1', kind: 'FlinkJob', metadata: { name: 'flights' }, spec };
  writeFileSync(resource, JSON.stringify(job));
  writeFileSync(terminationLog, '');
  const { resource: file, terminationLog: log, storageOrder } = POD_VARIABLES;
  const variables = { [file]: resource, [log]: terminationLog, [storageOrder]: text };
  const exitCode = await runPod({ variables, workingDirectory: directory, stop, log: silent });
  const left = uri === undefined ? readdirSync(stored) : [];
  return { exitCode, left, message: readFileSync(terminationLog, 'utf8') };
}

interface PodFacts {
  readonly uri?: string;
  readonly stop?: AbortSignal;
}

const say = (): void => undefined;
const silent: Logger = { debug: say, info: say, warn: say, error: say, with: () => silent };

test('a pod that is there for work in the storage does it, answers, and runs no job', async () => {
  const { exitCode, left, message } = await aPodToldOf(order);
  expect([exitCode, left]).toEqual([0, []]);
  expect(JSON.parse(message)).toEqual({ did: 'removeBytes', isWhole: true, files: 1, bytes: 5 });
});

test('a storage that cannot be opened is the answer', async () => {
  const { exitCode, message } = await aPodToldOf(order, { uri: 's3://bucket/jobs' });
  expect(exitCode).toBe(10);
  expect(JSON.parse(message)).toMatchObject({ isWhole: false, files: 0, error: expect.stringContaining('s3://') });
});

test('one that is stopped says that it has not done all of it', async () => {
  const { exitCode, left, message } = await aPodToldOf(order, { stop: AbortSignal.abort() });
  expect([exitCode, left]).toEqual([10, [JOB_ID]]);
  expect(JSON.parse(message)).toMatchObject({ isWhole: false });
});

test('an order of another version is not guessed at', async () => {
  expect(await aPodToldOf('{"do":"somethingElse"}')).toEqual({ exitCode: 13, left: [JOB_ID], message: '' });
});
