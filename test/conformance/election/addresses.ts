import { describe, expect, test } from 'vitest';
import { eventually } from '../../builders/eventually.ts';
import type { ElectionWorld } from './index.ts';
import { patch } from './processes.ts';

/** How a leader is found: where it has said to be, as long as it leads. */
export function addressesConformance(name: string, setUp: () => Promise<ElectionWorld>): void {
  describe(`election: ${name}`, () => {
    test('a confirmed leader is found by retrievers that started before and after', async () => {
      const { process, newRetriever } = await setUp();
      const early = newRetriever();
      const leading = process().contend('job');
      await eventually(() => leading.isLeading);
      await leading.confirm('http://leader:8081/a,b');
      const late = newRetriever();
      const expected = ['http://leader:8081/a,b', leading.session?.sessionId];
      await eventually(() => early.found.length > 0 && late.found.length > 0);
      expect(early.found.at(-1)).toEqual(expected);
      expect(late.found).toEqual([expected]);
    });

    test('a session that is not this one, or no longer, is not confirmed', async () => {
      const { process, handles } = await setUp();
      const candidate = process();
      const leading = candidate.contend('job');
      await eventually(() => leading.isLeading);
      await leading.election.confirmLeadership('another-session', 'nowhere');
      expect((await handles.read())?.entries.has('leader.job')).toBe(false);
      expect(leading.election.hasLeadership('another-session')).toBe(false);
      const { sessionId } = leading.session ?? { sessionId: '' };
      await candidate.stop();
      await leading.election.confirmLeadership(sessionId, 'nowhere');
      expect((await handles.read())?.entries.has('leader.job')).toBe(false);
    });

    test('confirming twice is a mistake of the caller', async () => {
      const { process } = await setUp();
      const leading = process().contend('job');
      await eventually(() => leading.isLeading);
      await leading.confirm('here');
      await expect(leading.confirm('there')).rejects.toThrow('confirmed already');
    });

    test('an address that somebody edits is put right, those of other components are left alone', async () => {
      const { process, handles } = await setUp();
      const leading = process().contend('job');
      await eventually(() => leading.isLeading);
      await leading.confirm('here');
      await patch(handles, { 'leader.job': 'x,elsewhere', 'leader.unknown': 'y,there' });
      await eventually(
        async () => (await handles.read())?.entries.get('leader.job') === `${leading.session?.sessionId},here`,
      );
      expect((await handles.read())?.entries.get('leader.unknown')).toBe('y,there');
    });

    test('a component that leaves takes its address with it; the others go on leading', async () => {
      const { process, handles } = await setUp();
      const candidate = process();
      const staying = candidate.contend('dispatcher');
      const leaving = candidate.contend('job');
      await eventually(() => staying.isLeading && leaving.isLeading);
      await leaving.confirm('here');
      await leaving.election.close();
      expect((await handles.read())?.entries.has('leader.job')).toBe(false);
      await eventually(() => leaving.revocations.length === 1);
      expect(staying.isLeading).toBe(true);
    });

    test('a leader that ended without a word leaves its address to the next one to replace', async () => {
      const { process, handles, newRetriever } = await setUp();
      await patch(handles, { 'leader.job': 'old-session,old-address' });
      const leading = process().contend('job');
      const retriever = newRetriever();
      await eventually(() => leading.isLeading && retriever.found.length === 1);
      await leading.confirm('new-address');
      await eventually(() => retriever.found.length === 2);
      expect(retriever.found.map(([address]) => address)).toEqual(['old-address', 'new-address']);
    });

    test('a retriever tells only changes, and that there is no leader any more', async () => {
      const { process, newRetriever } = await setUp();
      const retriever = newRetriever();
      const candidate = process();
      const leading = candidate.contend('job');
      await eventually(() => leading.isLeading);
      await leading.confirm('here');
      await eventually(() => retriever.found.length === 1);
      for (let i = 0; i < 5; i += 1) await candidate.write(`${i}`);
      await candidate.stop();
      await eventually(() => retriever.found.length === 2);
      expect(retriever.found.map(([address]) => address)).toEqual(['here', null]);
    });
  });
}
