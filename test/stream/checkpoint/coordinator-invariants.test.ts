import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CoordinatorDecision, CoordinatorEvent } from '../../../src/stream/checkpoint/coordinator-events.ts';
import { CoordinatorMachine } from '../../../src/stream/checkpoint/coordinator-machine.ts';
import { completeSettings } from '../../../src/stream/checkpoint/coordinator-settings.ts';
import type { CheckpointKind } from '../../../src/stream/exchange/channel.ts';
import { aJob, aVertex } from './builders.ts';

const VERTEX = aVertex(['a']).vertexId;
const KINDS: CheckpointKind[] = ['checkpoint', 'checkpoint', 'savepoint', 'stop-with-savepoint'];

/** What the world does next; numbers pick among what is possible. */
const move = fc.record({
  what: fc.constantFrom(
    'request',
    'ack',
    'ack',
    'ack',
    'decline',
    'store',
    'store',
    'id',
    'id',
    'pass',
    'clean',
    'gone',
    'stop',
  ),
  pick: fc.nat(1_000),
});

/** Checks after every event what must hold whatever happens. */
class Witness {
  readonly committed = new Set<string>();
  readonly undecided = new Set<string>();
  readonly discarded = new Set<string>();
  readonly answered = new Map<number, number>();
  readonly idRequests: number[] = [];
  readonly notified: number[] = [];
  storing: number | undefined;

  see(decision: CoordinatorDecision): void {
    switch (decision.do) {
      case 'takeId':
        this.idRequests.push(decision.request.token);
        expect(this.idRequests.length, 'one triggering at a time').toBe(1);
        return;
      case 'finalize':
        expect(this.storing, 'one is stored at a time').toBeUndefined();
        this.storing = decision.checkpoint.checkpointId;
        return;
      case 'discard':
      case 'discardFile':
        expect(this.committed.has(decision.directory), 'committed files stay').toBe(false);
        expect(this.undecided.has(decision.directory), 'undecided files stay').toBe(false);
        if (decision.do === 'discard') this.discarded.add(decision.directory);
        return;
      case 'notifyComplete':
        expect(this.committed.has(`chk-${decision.checkpointId}`), 'told only after the commit').toBe(true);
        expect(this.notified.at(-1) ?? 0, 'told in order, once').toBeLessThan(decision.checkpointId);
        this.notified.push(decision.checkpointId);
        return;
      case 'notifyAborted':
        expect(this.committed.has(`chk-${decision.checkpointId}`), 'a committed one is not aborted').toBe(false);
        return;
      case 'answer':
      case 'refuse':
        this.answered.set(decision.token, (this.answered.get(decision.token) ?? 0) + 1);
        return;
      case 'trigger':
      case 'failJob':
      case 'report':
        return;
    }
  }
}

test('whatever happens, commits stay, are told once and in order, and every request gets one answer', () => {
  const history = fc.record({
    maxConcurrent: fc.integer({ min: 1, max: 3 }),
    moves: fc.array(move, { maxLength: 120 }),
  });
  fc.assert(
    fc.property(history, ({ maxConcurrent, moves }) => {
      const settings = { maxConcurrent, intervalMs: 50, minPauseMs: 20, timeoutMs: 200, tolerableFailures: 3 };
      const machine = new CoordinatorMachine(completeSettings(settings), aJob(aVertex(['a'])));
      const witness = new Witness();
      let now = 0;
      let requests = 0;
      let nextId = 1;
      const tell = (event: CoordinatorEvent) => {
        for (const decision of machine.handle(event, { now, monotonic: now })) witness.see(decision);
      };
      const giveId = () => {
        const token = witness.idRequests.shift();
        if (token === undefined) return;
        const checkpointId = nextId++;
        tell({ type: 'idTaken', token, checkpointId, directory: `chk-${checkpointId}` });
      };
      const store = (pick: number) => {
        const checkpointId = witness.storing;
        if (checkpointId === undefined) return;
        witness.storing = undefined;
        expect(witness.discarded.has(`chk-${checkpointId}`), 'files stay while they are being stored').toBe(false);
        const outcome = (['done', 'done', 'notDone', 'unknown'] as const)[pick % 4]!;
        if (outcome === 'done') witness.committed.add(`chk-${checkpointId}`);
        if (outcome === 'unknown') witness.undecided.add(`chk-${checkpointId}`);
        tell({ type: 'finalized', checkpointId, result: outcome === 'done' ? { outcome } : { outcome, cause: 'x' } });
      };
      const ack = (pick: number) => {
        const checkpointId = Math.max(1, nextId - 1 - (pick % 4));
        const subtaskIndex = (pick >> 2) % 2;
        const file = { path: `${subtaskIndex}`, sizeBytes: 9, sha256: '' };
        const result = { vertexId: VERTEX, subtaskIndex, directory: `chk-${checkpointId}`, file, operators: [] };
        const times = { syncMs: 0, asyncMs: 0, alignmentMs: 0, finished: false };
        tell({ type: 'acknowledged', ack: { checkpointId, vertexId: VERTEX, subtaskIndex, result, ...times } });
      };
      const subtask = (pick: number) => ({ vertexId: VERTEX, subtaskIndex: pick % 2 });
      tell({ type: 'tasksRunning', random: 0.5 });
      for (const { what, pick } of moves) {
        if (what === 'request') {
          const kind = KINDS[pick % KINDS.length]!;
          tell({ type: 'requested', request: { token: ++requests, kind, periodic: false } });
        } else if (what === 'ack') ack(pick);
        else if (what === 'store') store(pick);
        else if (what === 'id') giveId();
        else if (what === 'decline') {
          const checkpointId = Math.max(1, nextId - 1 - (pick % 3));
          tell({ type: 'declined', checkpointId, subtask: subtask(pick), reason: 'CHECKPOINT_DECLINED', message: '' });
        } else if (what === 'pass') {
          now += pick % 120;
          tell({ type: 'tick' });
        } else if (what === 'gone' && pick % 5 === 0) tell({ type: 'taskGone', subtask: subtask(pick) });
        else if (what === 'stop' && pick % 10 === 0) tell({ type: 'stopped' });
      }
      // At the end everything that is under way comes to its end.
      tell({ type: 'stopped' });
      giveId();
      while (witness.storing !== undefined) store(0);
      const answers = Array.from({ length: requests }, (_, index) => witness.answered.get(index + 1) ?? 0);
      expect(answers, 'one answer each').toEqual(answers.map(() => 1));
      expect(machine.statistics.view().counts.inProgress).toBe(0);
      expect(machine.nextTickAt()).toBeUndefined();
    }),
    { numRuns: 2_000, seed: 20_240_607 },
  );
});
