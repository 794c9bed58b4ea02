import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeJobPlace } from '../../../src/cli/run/job-home.ts';
import { lockSupervision, supervisorOf } from '../../../src/cli/run/supervision-lock.ts';
import { currentProcess, VersionedFile } from '../../../src/ha/index.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';

const aPlace = () => makeJobPlace(aTemporaryDirectory(), 'team', 'job');
const me = { ...currentProcess(), machine: hostname(), term: 'a term' };

/** Writes into the lock what another process would have written. */
async function heldBy(place: { readonly directory: string }, holder: unknown): Promise<void> {
  const lock = new VersionedFile<unknown>({
    directory: join(place.directory, 'supervisor'),
    parse: (json) => json,
    newId: randomUUID,
    durable: false,
  });
  expect(await lock.compareAndSet(await lock.read(), holder)).toEqual({ answer: 'done' });
}

test('one process has a job at a time, and gives it back', async () => {
  const place = aPlace();
  expect(await supervisorOf(place)).toBeUndefined();
  const unlock = await lockSupervision(place);
  expect((await supervisorOf(place))?.pid).toBe(process.pid);
  await expect(lockSupervision(place)).rejects.toThrow(
    `job job is already run by process ${process.pid}. Stop that one first.`,
  );
  await unlock();
  expect(await supervisorOf(place)).toBeUndefined();
  await lockSupervision(place);
});

test.each([
  ['a process that has ended', { ...me, startedAt: 'another time' }],
  ['a process from before the machine was restarted', { ...me, host: 'another-boot pid:[1]' }],
  ['nobody: what stands there is no lock', { pid: 'one' }],
])('a lock of %s is taken over', async (_who, holder) => {
  const place = aPlace();
  await heldBy(place, holder);
  expect(await supervisorOf(place)).toBeUndefined();
  await lockSupervision(place);
  expect((await supervisorOf(place))?.startedAt).toBe(me.startedAt);
});

test('a lock of another machine is respected, and the message says how to get rid of it', async () => {
  const place = aPlace();
  await heldBy(place, { ...me, host: 'another-boot pid:[1]', machine: 'elsewhere' });
  await expect(lockSupervision(place)).rejects.toThrow(
    /of another machine or container.*remove .*job\/supervisor when/,
  );
});

test('who gives a job back that another has taken meanwhile changes nothing', async () => {
  const place = aPlace();
  const unlock = await lockSupervision(place);
  await heldBy(place, { ...me, term: 'of the next one' });
  await unlock();
  expect((await supervisorOf(place))?.pid).toBe(process.pid);
});
