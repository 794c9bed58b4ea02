/** What every backend owes the state handle store, faults included. A backend passes by calling this from a test file. */
import { afterEach } from 'vitest';
import type { HandleBackend } from '../../../src/ha/index.ts';
import { type FaultyBackend, faultyBackend } from '../../faults/faulty-backend.ts';
import { addingConformance } from './adding.ts';
import { backendConformance } from './backend.ts';
import { readingConformance } from './reading.ts';
import { removingConformance } from './removing.ts';
import { replacingConformance } from './replacing.ts';
import { subsumingConformance } from './subsuming.ts';
import { outcomesConformance } from './three-outcomes.ts';
import { writersConformance } from './who-may-write.ts';
import { World, type Worlds } from './world.ts';

/** The object of one job in a backend, empty at first, with epoch 0. */
export interface BackendFixture {
  /** A client of the object, whose requests can be made to fail: see `faultyBackend`. */
  readonly backend: FaultyBackend;
  /** Another client of the same object. */
  readonly other: HandleBackend;
  /** A removed object leaves nothing behind, so that whoever makes it anew has to say how high its epochs were. */
  readonly forgetsEpochs?: boolean;
  dispose?(): Promise<void> | void;
}

/** A fixture whose faults are made by wrapping a client; a backend with a network may rather make them there. */
export function wrappedFixture(
  backend: HandleBackend,
  other: HandleBackend,
  dispose?: () => Promise<void>,
): BackendFixture {
  return { backend: faultyBackend(backend), other, ...(dispose === undefined ? {} : { dispose }) };
}

export function stateHandleStoreConformance(
  name: string,
  makeBackendFixture: () => Promise<BackendFixture> | BackendFixture,
): void {
  const disposals: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const dispose of disposals.splice(0)) await dispose();
  });

  const setUp: Worlds['setUp'] = async () => {
    const fixture = await makeBackendFixture();
    disposals.push(() => fixture.dispose?.());
    await fixture.backend.create(0);
    return Object.assign(new World(fixture.backend, fixture.other), { forgetsEpochs: fixture.forgetsEpochs === true });
  };
  const leading: Worlds['leading'] = async () => {
    const world = await setUp();
    await world.lead();
    return world;
  };
  const worlds: Worlds = { setUp, leading };
  backendConformance(name, worlds);
  addingConformance(name, worlds);
  replacingConformance(name, worlds);
  readingConformance(name, worlds);
  removingConformance(name, worlds);
  writersConformance(name, worlds);
  outcomesConformance(name, worlds);
  subsumingConformance(name, worlds);
}
