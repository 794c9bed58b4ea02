/**
 * Every interleaving of two processes, one lease and one object, up to a number of steps: what the product decides is asked
 * of the product; requests may be on their way for as long as they like; a process that does nothing for many ticks is one
 * that is stopped. Time is counted in whole ticks.
 */
import { expect, test } from 'vitest';
import { decideLease, heldRecord } from '../../src/election/lease-record.ts';
import { type HaPatch, type HaSnapshot, isExpected, patched } from '../../src/ha/handle-backend.ts';
import type { LeaseSpec } from '../../src/kube/index.ts';

const TICK_MS = 1_000;
const DURATION_MS = 3_000;
/** Leads no longer by its own clock. */
const DEADLINE_TICKS = 2;
const STEPS = 12;

interface Lease {
  readonly version: number;
  readonly record: LeaseSpec | undefined;
}

/** One process. */
interface Replica {
  /** The version of the lease it has seen, and for how many ticks. */
  readonly seen: Lease;
  readonly seenTicks: number;
  /** Ticks since it last renewed; undefined when it does not hold the lease. */
  readonly heldTicks: number | undefined;
  /** It has read the object and may write with this epoch, on this version. */
  readonly copy: HaSnapshot | undefined;
}

interface Request {
  readonly by: number;
  readonly patch: HaPatch;
}

interface World {
  readonly lease: Lease;
  readonly object: HaSnapshot;
  readonly replicas: readonly [Replica, Replica];
  readonly onTheirWay: readonly Request[];
  /** Who wrote, in order, and with which epoch. */
  readonly accepted: readonly { readonly by: number; readonly epoch: number }[];
}

const start: World = {
  lease: { version: 0, record: undefined },
  object: { uid: 'u', epoch: 0, seq: 0, attempt: 0, leader: '', entries: new Map() },
  replicas: [0, 1].map(() => ({
    seen: { version: 0, record: undefined },
    seenTicks: 0,
    heldTicks: undefined,
    copy: undefined,
  })) as unknown as World['replicas'],
  onTheirWay: [],
  accepted: [],
};

interface Rules {
  readonly isFenced: boolean;
  readonly isGated: boolean;
}

/** All that can happen next. */
function next(world: World, rules: Rules): World[] {
  const worlds: World[] = [tick(world)];
  for (const by of [0, 1]) worlds.push(...look(world, by), ...takeOrRenew(world, by), ...send(world, by, rules));
  for (const request of world.onTheirWay) worlds.push(deliver(world, request, rules));
  return worlds;
}

function tick(world: World): World {
  const replicas = world.replicas.map((replica) => ({
    ...replica,
    seenTicks: Math.min(replica.seenTicks + 1, 9),
    heldTicks: replica.heldTicks === undefined ? undefined : Math.min(replica.heldTicks + 1, 9),
  }));
  return { ...world, replicas: replicas as unknown as World['replicas'] };
}

function look(world: World, by: number): World[] {
  const replica = world.replicas[by]!;
  if (replica.seen.version === world.lease.version) return [];
  const isMine = world.lease.record?.holderIdentity === String(by);
  const heldTicks = isMine ? replica.heldTicks : undefined;
  return [withReplica(world, by, { ...replica, seen: world.lease, seenTicks: 0, heldTicks })];
}

function takeOrRenew(world: World, by: number): World[] {
  const replica = world.replicas[by]!;
  const facts = { record: replica.seen.record, me: String(by), ownDurationMs: DURATION_MS };
  const decision = decideLease({ ...facts, unchangedMs: replica.seenTicks * TICK_MS });
  // The put is conditional on the version that was seen.
  if (decision.do === 'wait' || replica.seen.version !== world.lease.version) return [];
  const held = { me: String(by), now: 0, ownDurationMs: DURATION_MS, leastTransitions: 0 };
  const lease = { version: world.lease.version + 1, record: heldRecord(replica.seen.record, held) };
  return [withReplica({ ...world, lease }, by, { ...replica, seen: lease, seenTicks: 0, heldTicks: 0 })];
}

/** Sends the next patch: the one that raises the epoch first. */
function send(world: World, by: number, { isGated }: Rules): World[] {
  const { heldTicks, copy } = world.replicas[by]!;
  const mayWrite = heldTicks !== undefined && (!isGated || heldTicks < DEADLINE_TICKS);
  const isWaiting = world.onTheirWay.some((request) => request.by === by);
  if (!mayWrite || isWaiting) return [];
  const before = copy ?? world.object;
  const patch: HaPatch = {
    expect: { uid: before.uid, epoch: before.epoch, seq: before.seq },
    entries: new Map(),
    ...(copy === undefined ? { raise: { epoch: before.epoch + 1, leader: String(by) } } : {}),
    writer: String(by),
  };
  return [{ ...world, onTheirWay: [...world.onTheirWay, { by, patch }] }];
}

function deliver(world: World, request: Request, { isFenced }: Rules): World {
  const onTheirWay = world.onTheirWay.filter((other) => other !== request);
  const { by, patch } = request;
  if (isFenced && !isExpected(world.object, patch.expect)) return { ...world, onTheirWay };
  const object = patched(world.object, patch);
  const epoch = patch.raise?.epoch ?? patch.expect.epoch;
  const copy = { ...object, epoch };
  const replica = { ...world.replicas[by]!, copy };
  return withReplica({ ...world, object, onTheirWay, accepted: [...world.accepted, { by, epoch }] }, by, replica);
}

function withReplica(world: World, by: number, replica: Replica): World {
  const replicas = world.replicas.map((other, index) => (index === by ? replica : other));
  return { ...world, replicas: replicas as unknown as World['replicas'] };
}

/** A write of an epoch after the first one of a later epoch, or one epoch in two hands. */
function isViolated({ accepted }: World): boolean {
  return accepted.some(({ by, epoch }, at) =>
    accepted.slice(0, at).some((earlier) => earlier.epoch > epoch || (earlier.epoch === epoch && earlier.by !== by)),
  );
}

function explore(rules: Rules): { readonly worlds: number; readonly violations: number; readonly epochs: number } {
  const known = new Set<string>();
  let frontier = [start];
  let violations = 0;
  let epochs = 0;
  for (let step = 0; step < STEPS; step += 1) {
    const found: World[] = [];
    for (const world of frontier.flatMap((each) => next(each, rules))) {
      const key = keyOf(world);
      if (known.has(key)) continue;
      known.add(key);
      if (isViolated(world)) violations += 1;
      else found.push(world);
      epochs = Math.max(epochs, world.object.epoch);
    }
    frontier = found;
  }
  return { worlds: known.size, violations, epochs };
}

/** What decides about the future, and about the past whether it was in order. */
function keyOf({ lease, object, replicas, onTheirWay, accepted }: World): string {
  const last = accepted.at(-1);
  const processes = replicas.map(({ seen, seenTicks, heldTicks, copy }) => [
    seen.version,
    seenTicks,
    heldTicks,
    copy?.epoch,
    copy?.seq,
  ]);
  const requests = onTheirWay.map(({ by, patch }) => [by, patch.expect, patch.raise]);
  return JSON.stringify([lease.version, object.epoch, object.seq, processes, requests, last]);
}

test('in no interleaving of twelve steps is a write of an old epoch accepted after one of a newer', {
  timeout: 120_000,
}, () => {
  const { worlds, violations, epochs } = explore({ isFenced: true, isGated: true });
  expect(violations).toBe(0);
  expect(worlds).toBeGreaterThan(5_000);
  // Both have led, so there was something to go wrong.
  expect(epochs).toBeGreaterThanOrEqual(2);
});

test('the fence alone is enough: a clock that stands still opens the gate for ever', { timeout: 120_000 }, () => {
  expect(explore({ isFenced: true, isGated: false }).violations).toBe(0);
});

test('the lease and the gate alone are not: a write may be on its way for longer than a lease', {
  timeout: 120_000,
}, () => {
  expect(explore({ isFenced: false, isGated: true }).violations).toBeGreaterThan(0);
});
