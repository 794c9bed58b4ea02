/**
 * Writes test/fixtures/state-v1: a savepoint with every kind of state, and what it holds. Every later version must read
 * it, so it is written once per version of the format, on purpose: an existing one is replaced only with `--replace`.
 */
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../src/lib/clock.ts';
import { filesystemStorage } from '../src/storage/index.ts';
import { writeSubtaskState } from '../src/stream/checkpoint/checkpoint-writer.ts';
import { buildManifest } from '../src/stream/checkpoint/manifest-builder.ts';
import { writeManifest } from '../src/stream/checkpoint/manifest-codec.ts';
import type { SubtaskStateResult } from '../src/stream/checkpoint/subtask-state.ts';
import { fixtureJob, openFixtureOperator, plain } from '../test/builders/state-fixture.ts';

const PARALLELISM = 2;
const directory = fileURLToPath(new URL('../test/fixtures/state-v1', import.meta.url));

if (existsSync(directory)) {
  if (!process.argv.includes('--replace')) {
    console.error(
      `${directory} exists. Replacing it means that state of this version is no longer read: add --replace.`,
    );
    process.exit(1);
  }
  await rm(directory, { recursive: true });
}

const storage = filesystemStorage({ directory, clock: systemClock });
const job = fixtureJob(PARALLELISM);
const results: SubtaskStateResult[] = [];
const expected: Record<string, unknown[]> = {};
for (const { vertexId, name } of job.vertices) {
  for (let subtaskIndex = 0; subtaskIndex < PARALLELISM; subtaskIndex++) {
    const operator = openFixtureOperator(name, { subtask: subtaskIndex, parallelism: PARALLELISM });
    operator.fill();
    const snapshots = [operator.snapshot()];
    const signal = new AbortController().signal;
    const breathe = async () => {};
    results.push(
      await writeSubtaskState({ storage, directory: '', vertexId, subtaskIndex, snapshots, signal, breathe }),
    );
    expected[name] = [...(expected[name] ?? []), ...operator.dump().map(plain)];
  }
}
const manifest = buildManifest({
  kind: 'savepoint',
  job,
  checkpointId: 42,
  epoch: 5,
  timestamp: 1_700_000_000_000,
  results,
  finished: new Set(),
});
const { sizeBytes } = await writeManifest(storage, '', manifest);
await writeFile(`${directory}/expected.json`, `${JSON.stringify(expected, undefined, 1)}\n`);
console.log(`wrote ${directory}: ${manifest.files.length} state files, _metadata of ${sizeBytes} bytes`);
