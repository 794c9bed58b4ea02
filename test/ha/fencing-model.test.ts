/**
 * Every order in which two replicas can acquire, renew, run out of patience, pause and write, and in which their requests
 * can arrive, be lost on the way back, or arrive twice: twelve steps deep, without any assumption about clocks. The rules
 * that the replicas and the server follow are those of the product.
 */
import { expect, test } from 'vitest';
import { decideLease, heldRecord } from '../../src/election/lease-record.ts';
import { type HaPatch, type HaSnapshot, isExpected, patched } from '../../src/ha/handle-backend.ts';
import type { LeaseSpec } from '../../src/kube/index.ts';

const DURATION_MS = 15_000;

interface Replica {
  /** Grows with each restart: a process leads once. */
  readonly term: number;
  readonly phase: 'waiting' | 'holds' | 'leads' | 'over';
  readonly isPaused: boolean;
  /** The version of the lease that it watches, and whether that has not changed for too long. */
  readonly seen: number;
  readonly isPatienceOver: boolean;
  readonly epoch: number;
  readonly seq: number;
  /** What it has sent and has no answer to. */
  readonly sent: HaPatch | undefined;
}

interface World {
  readonly lease: { readonly version: number; readonly spec: LeaseSpec | undefined };
  readonly object: HaSnapshot;
  readonly replicas: readonly [Replica, Replica];
  /** Requests on their way. */
  readonly network: readonly Message[];
  /** The epoch of the last write that was accepted. */
  readonly written: number;
}

interface Message {
  readonly from: number;
  readonly term: number;
  readonly patch: HaPatch;
  /** Whether another copy of it was accepted before. */
  readonly wasAccepted: boolean;
}

const nameOf = (index: number, { term }: Replica): string => `replica-${index}-${term}`;

const fresh = (term: number): Replica => ({
  term,
  phase: 'waiting',
  isPaused: false,
  seen: -1,
  isPatienceOver: false,
  epoch: 0,
  seq: 0,
  sent: undefined,
});

const start: World = {
  lease: { version: 0, spec: undefined },
  object: { uid: 'u', epoch: 0, seq: 0, attempt: 0, leader: '', entries: new Map() },
  replicas: [fresh(0), fresh(0)],
  network: [],
  written: 0,
};

const withReplica = (world: World, index: number, change: Partial<Replica>): World => ({
  ...world,
  replicas: world.replicas.map((replica, i) => (i === index ? { ...replica, ...change } : replica)) as [
    Replica,
    Replica,
  ],
});

const put = (world: World, index: number): World => {
  const facts = { me: nameOf(index, world.replicas[index]!), now: 0, ownDurationMs: DURATION_MS, leastTransitions: 0 };
  return { ...world, lease: { version: world.lease.version + 1, spec: heldRecord(world.lease.spec, facts) } };
};

function acquire(world: World, index: number): World | undefined {
  const replica = world.replicas[index]!;
  // Whoever has lost exits; another process takes its place.
  if (replica.phase === 'over') return withReplica(world, index, fresh(replica.term + 1));
  if (replica.isPaused || replica.phase !== 'waiting') return undefined;
  const isPatienceOver = replica.isPatienceOver && replica.seen === world.lease.version;
  const decision = decideLease({
    record: world.lease.spec,
    me: nameOf(index, replica),
    unchangedMs: isPatienceOver ? 10 * DURATION_MS : 0,
    ownDurationMs: DURATION_MS,
  });
  if (decision.do === 'wait') return withReplica(world, index, { seen: world.lease.version, isPatienceOver });
  return withReplica(put(world, index), index, { phase: 'holds' });
}

function renew(world: World, index: number): World | undefined {
  const replica = world.replicas[index]!;
  if (replica.isPaused || (replica.phase !== 'holds' && replica.phase !== 'leads')) return undefined;
  const isMine = world.lease.spec?.holderIdentity === nameOf(index, replica);
  return isMine ? put(world, index) : withReplica(world, index, { phase: 'over' });
}

/** A standby's patience ends, a holder's gate closes: at any time, for clocks may be as wrong as they like. */
function expire(world: World, index: number): World | undefined {
  const { phase, isPaused, seen } = world.replicas[index]!;
  if (isPaused || phase === 'over' || (phase === 'waiting' && seen !== world.lease.version)) return undefined;
  return withReplica(world, index, phase === 'waiting' ? { isPatienceOver: true } : { phase: 'over' });
}

/** Stopped, it does nothing; what it has sent goes on its way. Its gate may have closed meanwhile, and nobody says so. */
function pause(world: World, index: number): World | undefined {
  const { phase, isPaused } = world.replicas[index]!;
  return phase === 'holds' || phase === 'leads' ? withReplica(world, index, { isPaused: !isPaused }) : undefined;
}

const send = (world: World, index: number, patch: HaPatch): World => {
  const sent = withReplica(world, index, { sent: patch });
  return {
    ...sent,
    network: [...world.network, { from: index, term: world.replicas[index]!.term, patch, wasAccepted: false }],
  };
};

/** Raises the epoch, or writes; with a request that nobody has answered, looks what became of it. */
function write(world: World, index: number): World | undefined {
  const replica = world.replicas[index]!;
  const { object } = world;
  if (replica.isPaused || (replica.phase !== 'holds' && replica.phase !== 'leads')) return undefined;
  if (replica.sent !== undefined) {
    return isExpected(object, replica.sent.expect) ? send(world, index, replica.sent) : settled(world, index);
  }
  const name = nameOf(index, replica);
  if (replica.phase === 'holds') {
    const epoch = Math.max(object.epoch + 1, world.lease.spec?.leaseTransitions ?? 0);
    const expected = { uid: object.uid, epoch: object.epoch, seq: object.seq };
    return send(world, index, { expect: expected, entries: new Map(), raise: { epoch, leader: name }, writer: name });
  }
  const expected = { uid: 'u', epoch: replica.epoch, seq: replica.seq };
  return send(world, index, { expect: expected, entries: new Map([['state', name]]), writer: name });
}

/** Another version is there: it tells whether the request was applied. */
function settled(world: World, index: number): World {
  const replica = world.replicas[index]!;
  const { epoch, seq, leader } = world.object;
  if (replica.phase === 'holds') {
    const isRaised = leader === nameOf(index, replica) && epoch === replica.sent?.raise?.epoch;
    return withReplica(world, index, { sent: undefined, ...(isRaised ? { phase: 'leads', epoch, seq } : {}) });
  }
  return withReplica(world, index, { sent: undefined, ...(epoch === replica.epoch ? { seq } : { phase: 'over' }) });
}

function deliver(world: World, index: number, isAnswered: boolean): World | undefined {
  const position = world.network.findIndex(({ from }) => from === index);
  const message = world.network[position];
  if (message === undefined) return undefined;
  const { patch, term } = message;
  let after: World = { ...world, network: world.network.filter((_, i) => i !== position) };
  const isAccepted = isExpected(world.object, patch.expect);
  if (isAccepted) {
    if (message.wasAccepted) throw new Error(`a request of ${patch.writer} is accepted twice`);
    const network = after.network.map((other) => (other.patch === patch ? { ...other, wasAccepted: true } : other));
    after = { ...after, network, object: patched(world.object, patch) };
  }
  if (isAccepted && patch.raise === undefined) {
    if (patch.expect.epoch < world.written)
      throw new Error(`epoch ${patch.expect.epoch} writes after ${world.written}`);
    if (patch.writer !== world.object.leader) throw new Error(`${patch.writer} writes, ${world.object.leader} leads`);
    after = { ...after, written: patch.expect.epoch };
  }
  const replica = world.replicas[index]!;
  const hears = isAnswered && !replica.isPaused && replica.term === term && replica.sent === patch;
  const canHear = replica.phase === 'holds' || replica.phase === 'leads';
  return hears && canHear ? settled(after, index) : after;
}

const ACTIONS: readonly (readonly [string, (world: World, index: number) => World | undefined])[] = [
  ['acquire', acquire],
  ['renew', renew],
  ['expire', expire],
  ['pause', pause],
  ['write', write],
  ['deliver', (world, index) => deliver(world, index, true)],
  ['deliver, answer lost', (world, index) => deliver(world, index, false)],
];

const patchKey = (patch: HaPatch | undefined): string =>
  patch === undefined ? '' : `${patch.writer}:${patch.expect.epoch}.${patch.expect.seq}>${patch.raise?.epoch ?? ''}`;

/** What tells worlds apart. Of versions of the lease only whether the newest was seen. */
function keyOf({ lease: { spec, version }, object, replicas, network, written }: World): string {
  const parts = [spec?.holderIdentity, spec?.leaseTransitions, object.epoch, object.seq, object.leader, written];
  for (const { term, phase, isPaused, seen, isPatienceOver, epoch, seq, sent } of replicas) {
    const patience = seen === version ? Number(isPatienceOver) : 2;
    parts.push(term, phase, Number(isPaused), patience, epoch, seq, patchKey(sent));
  }
  for (const { from, patch, wasAccepted } of network) parts.push(from, patchKey(patch), Number(wasAccepted));
  return parts.join();
}

/** At most so many restarts and requests on their way: more of the same shows nothing new. */
const isWorthwhile = ({ replicas, network }: World): boolean =>
  network.length <= 2 && replicas.every(({ term }) => term <= 1);

interface Step {
  readonly world: World;
  readonly action: string;
  readonly before: Step | undefined;
}

const pathTo = (step: Step | undefined): string => (step === undefined ? '' : `${pathTo(step.before)} ${step.action};`);

/** Every world that one action makes of this one. */
function* successors(step: Step): Generator<Step> {
  for (const index of [0, 1]) {
    for (const [name, act] of ACTIONS) {
      const action = `${name} ${index}`;
      try {
        const world = act(step.world, index);
        if (world === undefined || !isWorthwhile(world)) continue;
        const [one, two] = world.replicas;
        const bothLead = one.phase === 'leads' && two.phase === 'leads';
        if (bothLead && one.epoch === two.epoch) throw new Error(`two lead in epoch ${one.epoch}`);
        yield { world, action, before: step };
      } catch (error) {
        throw new Error(`${(error as Error).message}, after${pathTo(step)} ${action}`);
      }
    }
  }
}

test('in no order of twelve steps is a write of an epoch accepted after one of a later epoch, or twice, and no two lead in one epoch', () => {
  const seen = new Set([keyOf(start)]);
  let layer: Step[] = [{ world: start, action: 'start', before: undefined }];
  for (let depth = 0; depth < 12; depth += 1) {
    const next: Step[] = [];
    for (const step of layer) {
      for (const successor of successors(step)) {
        const key = keyOf(successor.world);
        if (seen.has(key)) continue;
        seen.add(key);
        next.push(successor);
      }
    }
    layer = next;
  }
  // Deep enough that a second leader has written, in many ways.
  expect(layer.some(({ world }) => world.written > 1)).toBe(true);
});
