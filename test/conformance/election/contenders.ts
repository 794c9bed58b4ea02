import { describe, expect, test } from 'vitest';
import { eventually } from '../../builders/eventually.ts';
import type { ElectionWorld } from './index.ts';

/** What the components of one process are told: the same session, once each, and nothing that keeps others waiting. */
export function contendersConformance(name: string, setUp: () => Promise<ElectionWorld>): void {
  describe(`election: ${name}`, () => {
    test('two contenders of one process share the session, and one that comes late gets it too', async () => {
      const { process } = await setUp();
      const candidate = process();
      const first = candidate.contend('dispatcher');
      const second = candidate.contend('restserver');
      await eventually(() => first.isLeading && second.isLeading);
      const late = candidate.contend('job');
      await eventually(() => late.isLeading);
      expect(second.session).toEqual(first.session);
      expect(late.session).toEqual(first.session);
      expect(late.grants).toHaveLength(1);
    });

    test('a contender that leaves again at once is granted nothing', async () => {
      const { process } = await setUp();
      const candidate = process();
      const leading = candidate.contend('dispatcher');
      await eventually(() => leading.isLeading);
      const fleeting = candidate.contend('job');
      await fleeting.election.close();
      const next = candidate.contend('restserver');
      await eventually(() => next.isLeading);
      expect(fleeting.grants).toEqual([]);
    });

    test('a contender that never answers keeps nobody waiting', async () => {
      const { process } = await setUp();
      const candidate = process();
      const stuck = candidate.contend('dispatcher', () => new Promise(() => {}));
      const other = candidate.contend('job');
      await eventually(() => other.isLeading && stuck.grants.length === 1);
      await candidate.stop();
    });

    test('a contender that throws hears of it', async () => {
      const { process } = await setUp();
      const contender = process().contend('job', () => {
        throw new Error('cannot start');
      });
      await eventually(() => contender.errors.length === 1);
      expect(contender.errors[0]?.cause).toMatchObject({ message: 'cannot start' });
    });

    test('one election per component, none after closing, and no closing while somebody contends', async () => {
      const { process } = await setUp();
      const candidate = process();
      candidate.contend('job');
      expect(() => candidate.service.createLeaderElection('job')).toThrow('already');
      await expect(candidate.service.close()).rejects.toThrow('contenders');
      await candidate.stop();
      expect(() => candidate.service.createLeaderElection('job')).toThrow('closed');
    });
  });
}
