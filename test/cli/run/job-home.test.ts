import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findJobHome, makeJobPlace, openJobHome, renewJobHome } from '../../../src/cli/run/job-home.ts';
import { readLastRun, writeLastRun } from '../../../src/cli/run/last-run.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';

const aPlace = (home = aTemporaryDirectory()) => makeJobPlace(home, 'team', 'job');
const aRun = {
  version: 1,
  file: { name: 'job.yaml', text: 'kind: FlinkJob', directory: '/jobs' },
  restPort: '0',
} as const;

test('a job keeps its id for as long as it has its directory', () => {
  const home = aTemporaryDirectory();
  const first = openJobHome(aPlace(home));
  expect(first.jobId).toMatch(/^[0-9a-f]{32}$/);
  expect(openJobHome(aPlace(home))).toEqual(first);
  expect(findJobHome(home, 'team', 'job')).toEqual(first);
  expect(findJobHome(home, 'team', 'other')).toBeUndefined();
});

test('a job that begins anew has another id and none of its checkpoints, and keeps its savepoints', () => {
  const place = aPlace();
  const before = openJobHome(place);
  const storage = join(place.directory, 'storage');
  mkdirSync(join(storage, before.jobId, 'chk-1-1-abcdef'), { recursive: true });
  mkdirSync(join(storage, 'savepoint-abcdef-012345'));
  writeFileSync(join(before.haDirectory, 'pointer'), 'x');
  writeLastRun(before, aRun);
  const after = renewJobHome(place);
  expect(after.jobId).not.toBe(before.jobId);
  expect(readdirSync(storage)).toEqual(['savepoint-abcdef-012345']);
  expect(readdirSync(after.haDirectory)).toEqual([]);
  expect(readLastRun(after)).toBeUndefined();
});

test('a damaged record names the file and what to do, and does not keep a job from beginning anew', () => {
  const place = aPlace();
  openJobHome(place);
  writeFileSync(join(place.directory, 'job.json'), '{');
  expect(() => openJobHome(place)).toThrow(/job\.json cannot be read: .*Move .* away to start anew/);
  expect(openJobHome({ ...place, directory: renewJobHome(place).directory }).jobId).toMatch(/^[0-9a-f]{32}$/);
});

test('how a job was run is kept whole, and a damaged record of it says how to mend it', () => {
  const home = openJobHome(aPlace());
  expect(readLastRun(home)).toBeUndefined();
  writeLastRun(home, { ...aRun, storage: 'file:///x' });
  expect(readLastRun(home)).toEqual({ ...aRun, storage: 'file:///x' });
  expect(readdirSync(home.directory).filter((name) => name.startsWith('.'))).toEqual([]);
  writeFileSync(join(home.directory, 'last-run.json'), '{"version":2}');
  expect(() => readLastRun(home)).toThrow(/not written by this version.*flinkjob run/);
});

test('a file in the way of a directory is named, with the remedy', () => {
  const home = aTemporaryDirectory();
  writeFileSync(join(home, 'team'), '');
  expect(() => aPlace(home)).toThrow(/team\/job of the job cannot be written: a part of the path is a file .*--home/);
});
