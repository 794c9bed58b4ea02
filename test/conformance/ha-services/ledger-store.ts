import { describe, expect, test } from 'vitest';
import {
  closeAttempt,
  jobResultKey,
  ledgerAfterLoss,
  NotLeaderException,
  openAttempt,
  openAttemptOf,
  reportFailure,
} from '../../../src/ha/index.ts';
import { type AJob, granted, JOB } from '../../builders/ha.ts';

/** What every backend owes the ledger. */
export function ledgerStoreConformance(name: string, newJob: () => Promise<AJob>): void {
  describe(`the ledger: ${name}`, () => {
    const supervised = async () => {
      const job = await newJob();
      const ledgers = (await job.services({ identity: 'supervisor' })).getLedgerStore();
      const open = async () => {
        const view = (await ledgers.read()) ?? expect.fail('no object');
        return ledgers.write(view, openAttempt(view.ledger, { at: 1, epoch: view.nextEpoch }), 'supervisor');
      };
      const close = async () => {
        const view = (await ledgers.read()) ?? expect.fail('no object');
        const end = { how: 'replaced', at: 2, cause: 'upgrade' } as const;
        return ledgers.write(view, closeAttempt(view.ledger, end), 'supervisor');
      };
      return { job, ledgers, open, close };
    };

    test('opening and closing an attempt changes the attempt and raises the epoch in one write', async () => {
      const { job, open, close } = await supervised();
      expect(await open()).toMatchObject({ outcome: 'done', view: { attempt: 1, epoch: 1, nextEpoch: 2 } });
      expect(await job.backend.read()).toMatchObject({ attempt: 1, epoch: 1, seq: 1 });
      expect(await close()).toMatchObject({ outcome: 'done', view: { attempt: 0, epoch: 2, nextEpoch: 3 } });
      expect(await job.backend.read()).toMatchObject({ attempt: 0, epoch: 2, seq: 2 });
    });

    test('a ledger that starts over takes the place of all that was there, above the epoch that is named, in one write', async () => {
      const { job, ledgers, open } = await supervised();
      await open();
      const leader = await job.leader({ attempt: 1 });
      const counter = leader.getCheckpointRecoveryFactory().createCheckpointIdCounter(JOB);
      await counter.getAndIncrement();
      await leader
        .getJobResultStore()
        .createDirtyResult({ id: JOB, 'application-status': 'SUCCEEDED', 'net-runtime': 1 });
      const view = (await ledgers.read()) ?? expect.fail('no object');
      const next = ledgerAfterLoss({ lastAttempt: 7, epoch: 20, at: 3, restarts: 2 });
      const written = await ledgers.startOver(view, next, { writer: 'supervisor', above: 20 });
      expect(written).toMatchObject({ outcome: 'done', view: { attempt: 0, epoch: 21, ledger: { restarts: 2 } } });
      const { entries, ...object } = (await job.backend.read()) ?? expect.fail('no object');
      expect(object).toMatchObject({ attempt: 0, epoch: 21, seq: view.snapshot.seq + 1 });
      expect([...entries.keys()].sort()).toEqual([
        ...[jobResultKey(JOB), ...(entries.has('layout') ? ['layout'] : []), 'ledger'],
      ]);
      await expect(counter.getAndIncrement()).rejects.toThrow(NotLeaderException);
      expect(await ledgers.startOver(view, next, { writer: 'supervisor', above: 0 })).toMatchObject({
        outcome: 'notDone',
        reason: 'moved',
      });
    });

    test('the leader of an attempt that was closed writes nothing more', async () => {
      const { job, open, close } = await supervised();
      await open();
      const leader = await job.leader({ attempt: 1 });
      const counter = leader.getCheckpointRecoveryFactory().createCheckpointIdCounter(JOB);
      await counter.getAndIncrement();
      await close();
      await expect(counter.getAndIncrement()).rejects.toThrow(NotLeaderException);
      await expect(leader.getLedgerStore().amend((ledger) => ({ ...ledger, restarts: 9 }))).rejects.toThrow(
        NotLeaderException,
      );
    });

    test('a process of an earlier attempt does not lead the later one', async () => {
      const { job, open, close } = await supervised();
      await open();
      await close();
      await open();
      await expect(granted(await job.services({ attempt: 1 }))).rejects.toThrow('attempt 1 is not the open one');
      expect((await granted(await job.services({ attempt: 2 }))).epoch).toBe(4);
    });

    test('a write computed from an older version is refused, and changes nothing', async () => {
      const { job, ledgers } = await supervised();
      const old = (await ledgers.read()) ?? expect.fail('no object');
      await ledgers.write(old, openAttempt(old.ledger, { at: 1, epoch: 1 }), 'first');
      expect(await ledgers.write(old, openAttempt(old.ledger, { at: 2, epoch: 1 }), 'second')).toMatchObject({
        outcome: 'notDone',
        reason: 'moved',
      });
      expect((await ledgers.read())?.ledger.attempts).toMatchObject([{ startedAt: 1 }]);
      expect(job.backend.patches).toBe(2);
    });

    test.each(['appliedThenLost', 'lost', 'late'] as const)(
      'a write whose request went %s happens once',
      async (fault) => {
        const { job, ledgers, open } = await supervised();
        job.backend.failPatches(fault);
        expect(await open()).toMatchObject({ outcome: 'done', view: { attempt: 1, epoch: 1, nextEpoch: 2 } });
        expect(await ledgers.read()).toMatchObject({ attempt: 1, epoch: 1 });
      },
    );

    test('a write whose outcome cannot be found out is unknown', async () => {
      const { job, ledgers } = await supervised();
      const view = (await ledgers.read()) ?? expect.fail('no object');
      job.backend.failPatches('lost');
      job.backend.failReads(100);
      const outcome = await ledgers.write(view, openAttempt(view.ledger, { at: 1, epoch: 1 }), 'supervisor');
      expect(outcome).toMatchObject({ outcome: 'unknown' });
    });

    test('a leader reports its failure under its epoch, beside what the supervisor writes', async () => {
      const { job, ledgers, open } = await supervised();
      await open();
      const leader = await job.leader({ attempt: 1 });
      const counter = leader.getCheckpointRecoveryFactory().createCheckpointIdCounter(JOB);
      await counter.getAndIncrement();
      const view = (await ledgers.read()) ?? expect.fail('no object');
      await ledgers.write(view, { ...view.ledger, restarts: 7 }, 'supervisor');
      await leader
        .getLedgerStore()
        .amend((ledger) => reportFailure(ledger, 1, { at: 5, epoch: 2, cause: 'bad record' }));
      const after = (await ledgers.read())?.ledger;
      expect(after?.restarts).toBe(7);
      expect(after === undefined ? undefined : openAttemptOf(after)?.reported?.cause).toBe('bad record');
    });

    test('a leader neither opens nor closes attempts', async () => {
      const { job, open } = await supervised();
      await open();
      const leader = await job.leader({ attempt: 1 });
      const closing = leader
        .getLedgerStore()
        .amend((ledger) => closeAttempt(ledger, { how: 'finished', at: 1, cause: 'done' }));
      await expect(closing).rejects.toThrow('a leader neither opens nor closes attempts');
    });
  });
}
