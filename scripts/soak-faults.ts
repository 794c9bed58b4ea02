/**
 * Tries on a job, behind a proxy, what `make test` takes samples of: every field of the resource given everything it must not
 * have; every request of the operator answered with every fault; its pod killed again and again. The oracles judge each world.
 *
 *     make soak-faults
 *
 * EVERY    take every n-th field, request and fault only   @default 1
 * FROM     the first of them                               @default 1
 * AT_ONCE  worlds at the same time                         @default 3
 * KILLS    of a leader, one after the other                @default 20
 *
 * Ends with one line that counts.
 */
import { isDeepStrictEqual } from 'node:util';
import { definedFlinkJobs } from '../test/builders/flinkjob-operator.ts';
import { startCluster, TestCluster } from '../test/cluster/index.ts';
import type { Fault } from '../test/faults/api/rules.ts';
import { FaultWorld } from '../test/soak/fault-world.ts';
import { fieldEdits, tryEdit } from '../test/soak/field-edits.ts';
import { numberFromEnvironment } from './number-from-environment.ts';

const every = numberFromEnvironment('EVERY', 1);
const from = numberFromEnvironment('FROM', 1) - 1;
const atOnce = numberFromEnvironment('AT_ONCE', 3);
const kills = numberFromEnvironment('KILLS', 20);

const FAULTS: readonly Fault[] = [
  { do: 'dropBefore' },
  { do: 'dropAfter' },
  { do: 'delay', ms: 2_000 },
  { do: 'answer', status: 409, reason: 'Conflict' },
  { do: 'answer', status: 429, retryAfterS: 2 },
  { do: 'answer', status: 500, reason: 'InternalError' },
  { do: 'answer', status: 503, retryAfterS: 1 },
  { do: 'truncate', bytes: 40 },
];
const REQUESTS = ['get', 'create', 'update', 'patch', 'apply', 'delete', 'deletecollection'] as const;
const FIELDS_PER_WORLD = 40;

interface Trial {
  readonly name: string;
  readonly body: (world: FaultWorld) => Promise<readonly string[]>;
}

const started = await startCluster();
if ('unavailable' in started) {
  console.error(`error: ${started.unavailable}`);
  process.exit(1);
}
const failures: string[] = [];
let trials = 0;
try {
  const cluster = new TestCluster(started.access);
  await definedFlinkJobs(cluster);
  const undisturbed = await inWorld(cluster, async (world) => {
    const end = await world.shortLife();
    return { end, made: world.creationsAndDeletions, requests: world.requests.length };
  });
  console.log(`a life takes ${undisturbed.requests} requests`);
  const plans = chosen([
    ...Array.from({ length: undisturbed.requests }, (_, at) =>
      FAULTS.map((fault) => atRequest(at + 1, fault, undisturbed)),
    ).flat(),
    ...groupsOf(fieldEdits(), FIELDS_PER_WORLD).map(fieldTrial),
    burst(),
  ]);
  const work = async (): Promise<void> => {
    for (let plan = plans.shift(); plan !== undefined; plan = plans.shift()) {
      const { name, body } = plan;
      const found = await inWorld(cluster, async (world) => [...(await body(world)), ...(await world.holds())]).catch(
        (error: Error) => [error.message],
      );
      trials++;
      failures.push(...found.map((each) => `${name}: ${each}`));
      console.log(`${name}: ${failures.length} failures so far`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
} finally {
  await started.stop();
}
for (const failure of failures) console.log(failure);
console.log(`soak-faults: ${trials} trials, ${failures.length} failures`);
process.exit(failures.length === 0 ? 0 : 1);

async function inWorld<R>(cluster: TestCluster, body: (world: FaultWorld) => Promise<R>): Promise<R> {
  const world = await FaultWorld.start(cluster);
  try {
    return await body(world);
  } finally {
    await world.stop();
  }
}

/** One fault at one request of a short life, which comes to the same end all the same. */
function atRequest(
  request: number,
  fault: Fault,
  { end, made }: { readonly end: unknown; readonly made: unknown },
): Trial {
  return {
    name: `request ${request}, ${JSON.stringify(fault)}`,
    body: async (world) => {
      world.proxy.inject({ verb: REQUESTS, from: request, fault });
      const now = await world.shortLife();
      return [
        ...(isDeepStrictEqual(now, end) ? [] : ['another end']),
        ...(isDeepStrictEqual(world.creationsAndDeletions, made) ? [] : ['made or removed something else']),
      ];
    },
  };
}

function fieldTrial(edits: ReturnType<typeof fieldEdits>): Trial {
  return {
    name: `fields from ${edits[0]?.path.join('.')}`,
    body: async (world) => {
      await world.apply({ upgrade: { mode: 'LastState' } });
      const { revision } = await world.runs(1);
      for (const edit of edits) await tryEdit(world, edit);
      await world.until(
        'the job as it was',
        ({ phase, revision: now, upgrade }) => phase === 'Running' && now === revision && upgrade === undefined,
      );
      return [];
    },
  };
}

function burst(): Trial {
  return {
    name: `${kills} kills of the leader`,
    body: async (world) => {
      await world.apply({ restart: { fixedDelay: { attempts: kills, delay: '50ms' } } });
      for (let attempt = 1; attempt <= kills; attempt++) {
        await world.until('its leader', ({ attempt: now, phase }) => now?.number === attempt && phase === 'Running');
        (await world.simulator.pod(`counts-${attempt}-0`)).kill();
      }
      const { restarts } = await world.runs(kills + 1);
      return restarts?.count === kills ? [] : [`${restarts?.count} restarts were counted`];
    },
  };
}

function groupsOf<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));
}

function chosen<T>(all: readonly T[]): T[] {
  return all.filter((_, at) => at >= from && (at - from) % every === 0);
}
