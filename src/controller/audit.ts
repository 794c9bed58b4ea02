/**
 * Looks whether a copy is what the server has, as an independent witness: lists everything once more, waits until the copy has
 * come as far, and asks the server for each object about which the two disagree. What was different is drift: an event that was
 * lost, by whosever fault. It is put right, and counted.
 *
 * Costs a list of metadata, and waits for a bookmark of the watch: a look every ten minutes.
 */
import { isNewer, type KubeObject } from '../kube/index.ts';
import type { Clock } from '../lib/clock.ts';
import { type Metrics, noMetrics } from '../lib/metrics.ts';
import { waitFor, waitUntil } from '../lib/waiting.ts';
import type { Informer } from './informer.ts';
import { keyOf, type ObjectKey } from './object-key.ts';
import type { View } from './own-writes.ts';

export interface AuditOptions {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Bookmarks come every minute or two; without one the copy may not come so far. @default 180000 */
  readonly patienceMs?: number;
  /** @default nobody looks */
  readonly metrics?: Metrics;
}

const PATIENCE_MS = 180_000;

/** The keys that were wrong, and are right now; undefined when the copy did not come far enough to say. Throws ApiError. */
export async function audit<T extends KubeObject>(
  informer: Informer<T>,
  options: AuditOptions,
): Promise<readonly ObjectKey[] | undefined> {
  const { signal, metrics = noMetrics } = options;
  const { items, resourceVersion } = await informer.listAnew(signal);
  const listed = new Map(items.map((object) => [keyOf(object), object]));
  if (!(await hasSeen(informer, resourceVersion, options))) return undefined;
  const drifted: ObjectKey[] = [];
  for (const key of suspects(informer, listed, resourceVersion)) {
    const before = informer.store.get(key);
    await informer.refresh(key, signal);
    if (informer.store.get(key) !== before) drifted.push(key);
  }
  const help = 'Objects that a copy had otherwise than the server, and that were put right.';
  const counter = metrics.counter({ name: 'informer_cache_drift_total', help, labels: ['resource'] });
  counter.add({ resource: informer.resource.plural }, drifted.length);
  return drifted;
}

/** How often copies are looked at, and who is told. */
export interface AuditRounds extends AuditOptions {
  /** From one round to the next, spread by half of it either way. @default 600000 */
  readonly everyMs?: number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Told of what was wrong, and is right now. */
  readonly found: (resource: string, keys: readonly ObjectKey[]) => void;
  /** Told of a copy that could not be looked at; the next round looks again. */
  readonly trouble: (resource: string, error: unknown) => void;
}

const EVERY_MS = 600_000;

/** Looks at copies one after the other, round by round, until the signal fires. Never throws. */
export async function auditInRounds(informers: readonly Informer[], rounds: AuditRounds): Promise<void> {
  const { clock, signal, everyMs = EVERY_MS, random } = rounds;
  while (!signal.aborted) {
    await waitFor(clock, everyMs * (0.5 + random()), signal);
    for (const informer of informers) if (!signal.aborted) await lookAt(informer, rounds);
  }
}

async function lookAt(informer: Informer, rounds: AuditRounds): Promise<void> {
  const { plural } = informer.resource;
  try {
    const drifted = (await audit(informer, rounds)) ?? [];
    if (drifted.length > 0) rounds.found(plural, drifted);
  } catch (error) {
    if (!rounds.signal.aborted) rounds.trouble(plural, error);
  }
}

async function hasSeen(
  informer: Pick<View, 'hasSeen' | 'onProgress'>,
  resourceVersion: string,
  { signal, clock, patienceMs = PATIENCE_MS }: AuditOptions,
): Promise<boolean> {
  if (informer.hasSeen(resourceVersion)) return true;
  await waitUntil(signal, (done) => {
    const cancel = clock.setTimer(patienceMs, done);
    const leave = informer.onProgress(() => {
      if (informer.hasSeen(resourceVersion)) done();
    });
    return () => {
      cancel();
      leave();
    };
  });
  return informer.hasSeen(resourceVersion);
}

/** Objects that either side has in a version that the other should have, too, or a newer one. */
function suspects<T extends KubeObject>(
  { store }: Informer<T>,
  listed: ReadonlyMap<ObjectKey, T>,
  listedAt: string,
): readonly ObjectKey[] {
  const found: ObjectKey[] = [];
  for (const [key, object] of listed) {
    const here = store.get(key);
    if (here === undefined || isNewer(versionOf(object), versionOf(here))) found.push(key);
  }
  for (const object of store.values()) {
    if (!listed.has(keyOf(object)) && !isNewer(versionOf(object), listedAt)) found.push(keyOf(object));
  }
  return found;
}

function versionOf({ metadata }: KubeObject): string {
  return metadata?.resourceVersion ?? '';
}
