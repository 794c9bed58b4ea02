import { expect, test } from 'vitest';
import {
  type LeaderContender,
  LeaderElectionException,
  type LeaderInformation,
  type LeaderSession,
  leaderElectionService,
} from '../../src/ha/index.ts';
import type { LeaderElectionDriver, LeaderElectionListener } from '../../src/ha/leader-election.ts';
import { IllegalStateException } from '../../src/lib/java-errors.ts';

const session: LeaderSession = { sessionId: 'session-1', epoch: 1 };

/** A driver that does what the test says, and what it was told. */
class FakeDriver implements LeaderElectionDriver {
  readonly listener: LeaderElectionListener;
  readonly published: [string, string | undefined][] = [];
  isClosed = false;
  leads = true;

  constructor(listener: LeaderElectionListener) {
    this.listener = listener;
  }

  start(): void {}
  hasLeadership(): boolean {
    return this.leads;
  }
  async publish(componentId: string, information: LeaderInformation | undefined): Promise<void> {
    this.published.push([componentId, information?.address]);
  }
  async close(): Promise<void> {
    this.isClosed = true;
  }
}

/** Says what it hears, in order. */
class Contender implements LeaderContender {
  readonly heard: string[] = [];
  readonly errors: Error[] = [];
  grantLeadership({ sessionId }: LeaderSession): void {
    this.heard.push(`granted ${sessionId}`);
  }
  revokeLeadership(cause: Error | undefined): void {
    this.heard.push(cause === undefined ? 'revoked' : `revoked: ${cause.message}`);
  }
  handleError(error: Error): void {
    this.errors.push(error);
  }
}

function aService(onMade: (listener: LeaderElectionListener) => void = () => {}) {
  const drivers: FakeDriver[] = [];
  const service = leaderElectionService((listener) => {
    const driver = new FakeDriver(listener);
    drivers.push(driver);
    onMade(listener);
    return driver;
  });
  const contend = (componentId: string) => {
    const contender = new Contender();
    const election = service.createLeaderElection(componentId);
    election.startLeaderElection(contender);
    return { contender, election };
  };
  return { service, drivers, contend };
}

/** Lets everything that was queued happen. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a driver that grants before it is even made is heard, once', async () => {
  const { contend } = aService((listener) => listener.granted(session));
  const { contender, election } = contend('job');
  await settled();
  expect(contender.heard).toEqual(['granted session-1']);
  expect(election.hasLeadership('session-1')).toBe(true);
});

test('all contenders share one driver; it is closed after the last, and the next round has its own', async () => {
  const { drivers, contend } = aService();
  for (let round = 1; round <= 2; round += 1) {
    const both = [contend('dispatcher'), contend('job')];
    expect(drivers).toHaveLength(round);
    await both[0]?.election.close();
    expect(drivers.at(-1)?.isClosed).toBe(false);
    await both[1]?.election.close();
    expect(drivers.at(-1)?.isClosed).toBe(true);
  }
});

test('of two that come while this process leads, the one that left again is granted nothing, the other once', async () => {
  const { drivers, contend } = aService();
  const first = contend('dispatcher');
  drivers[0]?.listener.granted(session);
  const staying = contend('job');
  const leaving = contend('restserver');
  const left = leaving.election.close();
  await settled();
  await left;
  expect(staying.contender.heard).toEqual(['granted session-1']);
  expect(leaving.contender.heard.filter((what) => what.startsWith('granted'))).toEqual([]);
  expect(first.contender.heard).toEqual(['granted session-1']);
});

test('a grant whose term is over before it is told is not told', async () => {
  const { drivers, contend } = aService();
  contend('dispatcher');
  drivers[0]?.listener.granted(session);
  const late = contend('job');
  drivers[0]?.listener.revoked(undefined);
  await settled();
  expect(late.contender.heard.filter((what) => what.startsWith('granted'))).toEqual([]);
});

test('a term ends once, whatever is reported after it, and says why', async () => {
  const { drivers, contend } = aService();
  const { contender, election } = contend('job');
  drivers[0]?.listener.granted(session);
  await settled();
  drivers[0]?.listener.revoked(new Error('lease lost'));
  drivers[0]?.listener.revoked(new Error('again'));
  await election.close();
  await settled();
  expect(contender.heard).toEqual(['granted session-1', 'revoked: lease lost']);
  // What was published stays for the next leader to replace.
  expect(drivers[0]?.published).toEqual([]);
});

test('who leads is asked of the driver too, and only the right session leads', async () => {
  const { drivers, contend } = aService();
  const { election } = contend('job');
  expect(election.hasLeadership('session-1')).toBe(false);
  drivers[0]?.listener.granted(session);
  expect([election.hasLeadership('session-1'), election.hasLeadership('session-2')]).toEqual([true, false]);
  Object.assign(drivers[0] ?? {}, { leads: false });
  expect(election.hasLeadership('session-1')).toBe(false);
  await election.confirmLeadership('session-1', 'here');
  expect(drivers[0]?.published).toEqual([]);
});

test('of what others find only wrong entries of confirmed components are written again', async () => {
  const { drivers, contend } = aService();
  const [dispatcher, job] = [contend('dispatcher'), contend('job')];
  contend('restserver');
  drivers[0]?.listener.granted(session);
  await dispatcher.election.confirmLeadership('session-1', 'a');
  await job.election.confirmLeadership('session-1', 'b');
  drivers[0]?.published.splice(0);
  drivers[0]?.listener.informationChanged(
    new Map([
      ['dispatcher', { sessionId: 'session-1', address: 'a' }],
      ['job', { sessionId: 'other', address: 'b' }],
      ['restserver', { sessionId: 'other', address: 'c' }],
      ['unknown', { sessionId: 'other', address: 'd' }],
    ]),
  );
  expect(drivers[0]?.published).toEqual([['job', 'b']]);
});

test('a component that leaves takes back its address only while this process leads', async () => {
  const { drivers, contend } = aService();
  const leading = contend('job');
  drivers[0]?.listener.granted(session);
  await leading.election.confirmLeadership('session-1', 'here');
  await leading.election.close();
  expect(drivers[0]?.published).toEqual([
    ['job', 'here'],
    ['job', undefined],
  ]);
  await leading.election.close();
  const waiting = contend('job');
  await waiting.election.close();
  expect(drivers[1]?.published).toEqual([]);
  expect(waiting.contender.heard).toEqual([]);
});

test('an error of the driver reaches every contender under one name, with its cause', () => {
  const { drivers, contend } = aService();
  const two = [contend('dispatcher'), contend('job')];
  const cause = new Error('the object is gone');
  drivers[0]?.listener.failed(cause);
  for (const { contender } of two) {
    expect(contender.errors).toEqual([expect.any(LeaderElectionException)]);
    expect(contender.errors[0]?.cause).toBe(cause);
  }
});

test('a contender may close, or start another, from within its grant', async () => {
  const { drivers, contend, service } = aService();
  const other = new Contender();
  const election = service.createLeaderElection('job');
  let closed: Promise<void> | undefined;
  election.startLeaderElection({
    grantLeadership: () => {
      service.createLeaderElection('restserver').startLeaderElection(other);
      closed = election.close();
    },
    revokeLeadership: () => {},
    handleError: () => {},
  });
  contend('dispatcher');
  drivers[0]?.listener.granted(session);
  await settled();
  await closed;
  expect(other.heard).toEqual(['granted session-1']);
  expect(drivers).toHaveLength(1);
});

test('a component contends once, and after its election was closed no more', async () => {
  const { service } = aService();
  const election = service.createLeaderElection('job');
  election.startLeaderElection(new Contender());
  expect(() => election.startLeaderElection(new Contender())).toThrow(IllegalStateException);
  await election.close();
  expect(() => election.startLeaderElection(new Contender())).toThrow(IllegalStateException);
  await service.close();
  expect(() => service.createLeaderElection('job')).toThrow('closed');
});
