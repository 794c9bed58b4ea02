import { afterEach, describe, expect, test } from 'vitest';
import {
  FencedWriter,
  type HaBackend,
  type HandleBackend,
  type LeaderContender,
  type LeaderElection,
  type LeaderElectionService,
  type LeaderSession,
  LeaseElectionDriver,
  type LeaseTimes,
  leaderElectionService,
  leaderRetrievalService,
} from '../../src/ha/index.ts';
import { putOperation } from '../../src/ha/state-handle-operations.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';

/** One job's object and lease, and how processes come to contend for it. Lease times are short: see `ELECTION_TIMES`. */
export interface ElectionFixture {
  /** The backend as one process of the job opens it, with that process's clock. */
  open(clock: Clock): HaBackend;
  /** Makes the lease look as if its holder had gone without a word, and could not be seen to have. */
  abandonLease(holder: string): Promise<void>;
  /** Empties the lease, as somebody who saw its holder end would. */
  emptyLease(): Promise<void>;
  dispose?(): Promise<void> | void;
}

/** What the fixture's leases are to use, unless its backend needs longer ones. */
export const ELECTION_TIMES = { durationMs: 600, renewDeadlineMs: 400, retryMs: 60 };

/** What every backend owes the election. A backend passes by calling this from a test file. */
export function electionConformance(
  name: string,
  makeFixture: () => Promise<ElectionFixture>,
  times: LeaseTimes = ELECTION_TIMES,
): void {
  const disposals: (() => Promise<unknown> | unknown)[] = [];
  afterEach(async () => {
    for (const dispose of disposals.splice(0).reverse()) await dispose();
  });

  const setUp = async () => {
    const fixture = await makeFixture();
    disposals.push(() => fixture.dispose?.());
    await fixture.open(systemClock).handles.create(0);
    let count = 0;
    const process = (clock: Clock = systemClock, attempt?: number): Candidate => {
      count += 1;
      const candidate = new Candidate(fixture.open(clock), `process-${count}`, clock, attempt);
      disposals.push(() => candidate.stop());
      return candidate;
    };
    return { fixture, process, handles: fixture.open(systemClock).handles };
  };

  describe(`election: ${name}`, () => {
    test('of three that contend one leads, and when it stops another one does, with a higher epoch', async () => {
      const { process } = await setUp();
      const candidates = [process(), process(), process()];
      const contenders = candidates.map((candidate) => candidate.contend('job'));
      const epochs: number[] = [];
      for (let round = 0; round < 3; round += 1) {
        await until(() => contenders.some(({ isLeading }) => isLeading));
        expect(contenders.filter(({ isLeading }) => isLeading)).toHaveLength(1);
        const leader = contenders.findIndex(({ isLeading }) => isLeading);
        epochs.push(contenders[leader]?.session?.epoch ?? 0);
        await candidates[leader]?.stop();
        expect(contenders[leader]?.isLeading).toBe(false);
      }
      expect(epochs).toEqual([1, 2, 3]);
    });

    test('a released lease is taken at once, not after it would have run out', async () => {
      const { process } = await setUp();
      const first = process();
      const leading = first.contend('job');
      await until(() => leading.isLeading);
      const waiting = process().contend('job');
      const startedAt = performance.now();
      await first.stop();
      await until(() => waiting.isLeading);
      expect(performance.now() - startedAt).toBeLessThan(times.durationMs);
    });

    test('a lease that is emptied from outside ends the term for good, and another takes over', async () => {
      const { fixture, process } = await setUp();
      const first = process();
      const leading = first.contend('job');
      await until(() => leading.isLeading);
      const waiting = process().contend('job');
      await fixture.emptyLease();
      await until(() => waiting.isLeading);
      await until(() => leading.revocations.length === 1);
      expect(first.writer.epoch).toBeUndefined();
      expect(await first.write('late')).toMatchObject({ outcome: 'notDone', reason: 'notLeader' });
      expect(leading.grants).toHaveLength(1);
    });

    test('a lease that nobody renews is taken after its whole duration, by the clock of who waits', async () => {
      const { fixture, process } = await setUp();
      await fixture.abandonLease('gone');
      const startedAt = performance.now();
      const waiting = process().contend('job');
      await until(() => waiting.isLeading);
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(times.durationMs);
    });

    test('a leader that is renewed in time keeps leading', async () => {
      const { process } = await setUp();
      const leading = process().contend('job');
      await until(() => leading.isLeading);
      const waiting = process().contend('job');
      const end = performance.now() + 2 * times.durationMs;
      await until(() => performance.now() > end);
      expect(leading.isLeading).toBe(true);
      expect(waiting.grants).toEqual([]);
    });

    test('a leader whose clock jumps past its deadline writes nothing more, before anyone has told it', async () => {
      const { process } = await setUp();
      let ahead = 0;
      const jumping: Clock = { ...systemClock, monotonic: () => performance.now() + ahead };
      const stopped = process(jumping);
      const leading = stopped.contend('job');
      await until(() => leading.isLeading);
      ahead = times.renewDeadlineMs + 1;
      expect(leading.election.hasLeadership(leading.session?.sessionId ?? '')).toBe(false);
      expect(await stopped.write('late')).toMatchObject({ outcome: 'notDone', reason: 'notLeader' });
      await until(() => leading.revocations.length === 1);
    });

    test('an old leader that still believes it leads is refused by the epoch', async () => {
      const { fixture, process, handles } = await setUp();
      // Its clock stands still, so its deadline never comes; its timers too, so it never looks at the lease.
      const frozen: Clock = { now: Date.now, monotonic: () => 0, setTimer: () => () => {} };
      const old = process(frozen);
      const leading = old.contend('job');
      await until(() => leading.isLeading);
      expect(await old.write('first')).toEqual({ outcome: 'done' });
      await fixture.abandonLease('frozen');
      const next = process();
      const taking = next.contend('job');
      await until(() => taking.isLeading);
      expect(await old.write('late')).toMatchObject({ outcome: 'notDone', reason: 'notLeader' });
      expect(await next.write('second')).toEqual({ outcome: 'done' });
      expect((await handles.read())?.entries.get('value')).toBe('second');
      await until(() => leading.revocations.length === 1);
    });

    test('a process of an attempt that is not open does not lead, and says why', async () => {
      const { process, handles } = await setUp();
      await patch(handles, {}, { attempt: 2, epoch: 1 });
      const contender = process(systemClock, 1).contend('job');
      await until(() => contender.errors.length === 1);
      expect(contender.errors[0]?.message).toContain('attempt 1 is not the open one');
      const right = process(systemClock, 2).contend('job');
      await until(() => right.isLeading);
      expect(contender.grants).toEqual([]);
    });

    test('a leader learns of a later epoch without writing', async () => {
      const { process, handles } = await setUp();
      const leading = process().contend('job');
      await until(() => leading.isLeading);
      await patch(handles, {}, { epoch: 50, attempt: 4 });
      await until(() => leading.revocations.length === 1);
      expect(leading.revocations[0]?.message).toContain('epoch 50');
    });

    test('two contenders of one process share the session, and one that comes late gets it too', async () => {
      const { process } = await setUp();
      const candidate = process();
      const first = candidate.contend('dispatcher');
      const second = candidate.contend('restserver');
      await until(() => first.isLeading && second.isLeading);
      const late = candidate.contend('job');
      await until(() => late.isLeading);
      expect(second.session).toEqual(first.session);
      expect(late.session).toEqual(first.session);
      expect(late.grants).toHaveLength(1);
    });

    test('a confirmed leader is found by retrievers that started before and after', async () => {
      const { process, handles } = await setUp();
      const early = new Retriever(handles, 'job');
      disposals.push(() => early.stop());
      const leading = process().contend('job');
      await until(() => leading.isLeading);
      await leading.confirm('http://leader:8081/a,b');
      const late = new Retriever(handles, 'job');
      disposals.push(() => late.stop());
      const expected = ['http://leader:8081/a,b', leading.session?.sessionId];
      await until(() => early.found.length > 0 && late.found.length > 0);
      expect(early.found.at(-1)).toEqual(expected);
      expect(late.found).toEqual([expected]);
    });

    test('a session that is not this one, or no longer, is not confirmed', async () => {
      const { process, handles } = await setUp();
      const candidate = process();
      const leading = candidate.contend('job');
      await until(() => leading.isLeading);
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
      await until(() => leading.isLeading);
      await leading.confirm('here');
      await expect(leading.confirm('there')).rejects.toThrow('confirmed already');
    });

    test('an address that somebody edits is put right, those of other components are left alone', async () => {
      const { process, handles } = await setUp();
      const leading = process().contend('job');
      await until(() => leading.isLeading);
      await leading.confirm('here');
      await patch(handles, { 'leader.job': 'x,elsewhere', 'leader.unknown': 'y,there' });
      await until(
        async () => (await handles.read())?.entries.get('leader.job') === `${leading.session?.sessionId},here`,
      );
      expect((await handles.read())?.entries.get('leader.unknown')).toBe('y,there');
    });

    test('a component that leaves takes its address with it; the others go on leading', async () => {
      const { process, handles } = await setUp();
      const candidate = process();
      const staying = candidate.contend('dispatcher');
      const leaving = candidate.contend('job');
      await until(() => staying.isLeading && leaving.isLeading);
      await leaving.confirm('here');
      await leaving.election.close();
      expect((await handles.read())?.entries.has('leader.job')).toBe(false);
      await until(() => leaving.revocations.length === 1);
      expect(staying.isLeading).toBe(true);
    });

    test('a leader that ended without a word leaves its address to the next one to replace', async () => {
      const { process, handles } = await setUp();
      await patch(handles, { 'leader.job': 'old-session,old-address' });
      const leading = process().contend('job');
      const retriever = new Retriever(handles, 'job');
      disposals.push(() => retriever.stop());
      await until(() => leading.isLeading && retriever.found.length === 1);
      await leading.confirm('new-address');
      await until(() => retriever.found.length === 2);
      expect(retriever.found.map(([address]) => address)).toEqual(['old-address', 'new-address']);
    });

    test('a retriever tells only changes, and that there is no leader any more', async () => {
      const { process, handles } = await setUp();
      const retriever = new Retriever(handles, 'job');
      disposals.push(() => retriever.stop());
      const candidate = process();
      const leading = candidate.contend('job');
      await until(() => leading.isLeading);
      await leading.confirm('here');
      await until(() => retriever.found.length === 1);
      for (let i = 0; i < 5; i += 1) await candidate.write(`${i}`);
      await candidate.stop();
      await until(() => retriever.found.length === 2);
      expect(retriever.found.map(([address]) => address)).toEqual(['here', null]);
    });

    test('a contender that leaves again at once is granted nothing', async () => {
      const { process } = await setUp();
      const candidate = process();
      const leading = candidate.contend('dispatcher');
      await until(() => leading.isLeading);
      const fleeting = candidate.contend('job');
      await fleeting.election.close();
      const next = candidate.contend('restserver');
      await until(() => next.isLeading);
      expect(fleeting.grants).toEqual([]);
    });

    test('a contender that never answers keeps nobody waiting', async () => {
      const { process } = await setUp();
      const candidate = process();
      const stuck = candidate.contend('dispatcher', () => new Promise(() => {}));
      const other = candidate.contend('job');
      await until(() => other.isLeading && stuck.grants.length === 1);
      await candidate.stop();
    });

    test('a contender that throws hears of it', async () => {
      const { process } = await setUp();
      const contender = process().contend('job', () => {
        throw new Error('cannot start');
      });
      await until(() => contender.errors.length === 1);
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

    test('starting and stopping at once leaves no lease behind', async () => {
      const { process } = await setUp();
      for (let i = 0; i < 5; i += 1) {
        const candidate = process();
        candidate.contend('job');
        await candidate.stop();
      }
      const startedAt = performance.now();
      const last = process().contend('job');
      await until(() => last.isLeading);
      expect(performance.now() - startedAt).toBeLessThan(times.durationMs);
    });

    test('after 20 terms every epoch was higher than the one before, and each leader wrote under its own', async () => {
      const { process, handles } = await setUp();
      const epochs: number[] = [];
      for (let term = 0; term < 20; term += 1) {
        const candidate = process();
        const contender = candidate.contend('job');
        await until(() => contender.isLeading);
        epochs.push(contender.session?.epoch ?? 0);
        expect(await candidate.write(`${term}`)).toEqual({ outcome: 'done' });
        expect(await handles.read()).toMatchObject({ epoch: contender.session?.epoch, leader: candidate.identity });
        await candidate.stop();
      }
      expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
    });
  });
}

/** A process of the job: its own writer, elector and service. */
class Candidate {
  readonly identity: string;
  readonly writer: FencedWriter;
  readonly service: LeaderElectionService;
  private readonly elections: LeaderElection[] = [];

  constructor(backend: HaBackend, identity: string, clock: Clock, attempt: number | undefined) {
    this.identity = identity;
    this.writer = new FencedWriter({ backend: backend.handles, clock: systemClock, random: () => 0.1, retries: 10 });
    this.service = leaderElectionService(
      (listener) =>
        new LeaseElectionDriver({
          writer: this.writer,
          elector: backend.createElector(identity),
          identity,
          attempt,
          clock,
          newSessionId: () => crypto.randomUUID(),
          listener,
        }),
    );
  }

  contend(componentId: string, onGrant: () => void | Promise<void> = () => {}): RecordingContender {
    const election = this.service.createLeaderElection(componentId);
    this.elections.push(election);
    const contender = new RecordingContender(election, onGrant);
    election.startLeaderElection(contender);
    return contender;
  }

  write(value: string) {
    return this.writer.submit(putOperation('value', value, { grows: false }));
  }

  async stop(): Promise<void> {
    for (const election of this.elections) await election.close();
    await this.service.close();
  }
}

class RecordingContender implements LeaderContender {
  readonly election: LeaderElection;
  readonly grants: LeaderSession[] = [];
  readonly revocations: (Error | undefined)[] = [];
  readonly errors: Error[] = [];
  private readonly onGrant: () => void | Promise<void>;

  constructor(election: LeaderElection, onGrant: () => void | Promise<void>) {
    this.election = election;
    this.onGrant = onGrant;
  }

  get session(): LeaderSession | undefined {
    return this.grants.at(-1);
  }

  get isLeading(): boolean {
    return this.session !== undefined && this.election.hasLeadership(this.session.sessionId);
  }

  grantLeadership(session: LeaderSession): void | Promise<void> {
    this.grants.push(session);
    return this.onGrant();
  }

  revokeLeadership(cause: Error | undefined): void {
    this.revocations.push(cause);
  }

  handleError(error: Error): void {
    this.errors.push(error);
  }

  confirm(address: string): Promise<void> {
    return this.election.confirmLeadership(this.session?.sessionId ?? '', address);
  }
}

class Retriever {
  readonly found: [string | null, string | null][] = [];
  private readonly service;

  constructor(handles: HandleBackend, componentId: string) {
    this.service = leaderRetrievalService(handles, componentId);
    this.service.start({
      notifyLeaderAddress: (address, sessionId) => this.found.push([address, sessionId]),
      handleError: () => {},
    });
  }

  stop(): Promise<void> {
    return this.service.stop();
  }
}

const until = (isTrue: () => boolean | Promise<boolean>): Promise<void> =>
  expect.poll(isTrue, { timeout: 30_000, interval: 5 }).toBe(true) as unknown as Promise<void>;

async function patch(
  handles: HandleBackend,
  entries: Record<string, string>,
  raise: { epoch?: number; attempt?: number } = {},
): Promise<void> {
  for (;;) {
    const seen = await handles.read();
    const answer = await handles.patch({
      expect: { uid: seen?.uid ?? '', epoch: seen?.epoch ?? 0, seq: seen?.seq ?? 0 },
      entries: new Map(Object.entries(entries)),
      raise,
      writer: 'somebody',
    });
    if (answer.answer === 'done') return;
  }
}
