/** Tests of one fault each: a world of its own, and after it every oracle. Several at a time, as they mostly wait. */
import { test as anyTest, expect } from 'vitest';
import { definedFlinkJobs } from '../../builders/flinkjob-operator.ts';
import { clusterForTests } from '../../cluster/index.ts';
import { FaultWorld, type FaultWorldOptions } from '../../soak/fault-world.ts';

const cluster = await clusterForTests();
let defined: Promise<void> | undefined;
let undisturbed: Promise<Life> | undefined;

/** How a short life ended, and what was made and removed in it. */
export interface Life {
  readonly end: unknown;
  readonly made: Readonly<Record<string, number>>;
}

const TIMEOUT_MS = 180_000;

/** A test in a world of its own, with an operator that works and no job yet. After the body all oracles must hold. */
export function faultTest(
  name: string,
  body: (world: FaultWorld) => Promise<void>,
  options: FaultWorldOptions = {},
): void {
  anyTest.skipIf(cluster === undefined).concurrent(name, { timeout: TIMEOUT_MS }, async () => {
    const world = await aWorld(options);
    try {
      await body(world);
      expect(await world.holds()).toEqual([]);
    } finally {
      await world.stop();
    }
  });
}

/** The short life of a job that nobody disturbs: what one under a fault has to come to. */
export function undisturbedLife(): Promise<Life> {
  undisturbed ??= aWorld({}).then(async (world) => {
    try {
      return await lifeIn(world);
    } finally {
      await world.stop();
    }
  });
  return undisturbed;
}

/** Lives it. */
export async function lifeIn(world: FaultWorld): Promise<Life> {
  return { end: await world.shortLife(), made: world.creationsAndDeletions };
}

async function aWorld(options: FaultWorldOptions): Promise<FaultWorld> {
  if (cluster === undefined) throw new Error('there is no cluster');
  defined ??= definedFlinkJobs(cluster);
  await defined;
  return FaultWorld.start(cluster, options);
}
