import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runJobProcess } from '../../../src/cli/job-process/job-process.ts';
import { embeddedBackend } from '../../../src/ha/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { aJobOrder } from '../../builders/job-order.ts';

test('a process whose first write finds that another leads has lost leadership; the job has not failed', async () => {
  const { order, ledgers, directory } = await aJobOrder();
  const { handles } = embeddedBackend({
    directory,
    jobId: order.jobId,
    clock: systemClock,
    newId: () => crypto.randomUUID(),
  });
  // It stood still after it was granted, for longer than its lease, and another has raised the epoch meanwhile.
  const faults = async (point: string): Promise<void> => {
    if (point !== 'job-leads') return;
    const { uid, epoch, seq } = (await handles.read())!;
    const patch = { expect: { uid, epoch, seq }, entries: new Map(), raise: { epoch: epoch + 1, leader: 'another' } };
    expect(await handles.patch({ ...patch, writer: 'another' })).toEqual({ answer: 'done' });
  };
  const exitCode = await runJobProcess(order, { tell: () => {}, stop: new AbortController().signal, faults });
  expect(exitCode).toBe(12);
  expect(JSON.parse(readFileSync(order.terminationLog, 'utf8'))).toMatchObject({ outcome: 'lostLeadership' });
  expect((await ledgers.read())?.ledger.attempts.at(-1)?.reported).toBeUndefined();
});
