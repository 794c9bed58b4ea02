/** Random lives of a job: whatever happens to it and to its operator, it comes to rest, and nothing happens that must not. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { World } from './world.ts';
import { BAD_ARGS, Violated } from './world-parts.ts';

type Deed = (world: World) => void;
const named = (name: string, deed: Deed): Deed => Object.assign(deed, { toString: () => name });
const index = fc.integer({ min: 0, max: 3 });
const edit = (fields: Readonly<Record<string, unknown>>) =>
  fc.constant(named(`edit ${JSON.stringify(fields)}`, (world) => world.edit(fields)));

const edits = fc.oneof(
  edit({ args: ['one'] }),
  edit({ args: ['two'] }),
  edit({ args: BAD_ARGS }),
  edit({ parallelism: 2 }),
  edit({ parallelism: 0 }),
  edit({ parallelism: 4 }),
  edit({ upgrade: { mode: 'Savepoint' } }),
  edit({ upgrade: { mode: 'Savepoint', fallback: false } }),
  edit({ upgrade: { mode: 'Stateless' } }),
  edit({ upgrade: { mode: 'LastState' } }),
  edit({ upgrade: { mode: 'LastState', restorePolicy: 'Ask' } }),
  edit({ highAvailability: { standbys: 1 } }),
  edit({ highAvailability: { standbys: 0 } }),
  edit({ restart: { none: {} } }),
  edit({ restart: undefined }),
  edit({ state: 'Suspended' }),
  edit({ state: 'Running' }),
  edit({ deletion: { mode: 'Orphan' } }),
  edit({ deletion: { mode: 'Cancel' } }),
  edit({ deletion: { storage: 'Delete' } }),
  edit({ deletion: { mode: 'Cancel', storage: 'Delete' } }),
);
const triggers = fc
  .constantFrom('savepoint' as const, 'restart' as const, 'restore' as const)
  .map((name) => named(`trigger ${name}`, (world) => world.trigger(name)));
const ends = fc
  .tuple(index, fc.constantFrom('killed' as const, 'evicted', 'failed', 'suppressed', 'invalid', 'stopped'))
  .map(([at, how]) => named(`end pod ${at}: ${how}`, (world) => world.endPod(at, how)));
const podFaults = fc.oneof(
  index.map((at) => named(`delete pod ${at}`, (world) => world.deletePod(at))),
  index.map((at) => named(`cut off pod ${at}`, (world) => world.cutOff(at))),
  index.map((at) => named(`hold pod ${at}`, (world) => world.hold(at))),
  fc.constant(named('finish', (world) => world.finish())),
);
const operatorFaults = fc.oneof(
  fc.constant(named('restart the operator', (world) => world.forget())),
  index.map((after) => named(`killed after ${after}`, (world) => void world.reconcile({ killedAfter: after }))),
  index.map((at) => named(`moved at ${at}`, (world) => void world.reconcile({ movedAt: at }))),
);
const jobFaults = fc.oneof(
  fc.boolean().map((isSilent) => named(`silent: ${isSilent}`, (world) => Object.assign(world, { isSilent }))),
  fc
    .constantFrom('complete' as const, 'fail', 'hang')
    .map((how) => named(`savepoints ${how}`, (world) => Object.assign(world, { savepoints: how }))),
  fc.constant(named('delete the handles', (world) => world.removeHandles())),
  fc.constant(named('copy the handles', (world) => world.copy())),
  fc
    .boolean()
    .map((isAnother) => named(`put the handles back, another: ${isAnother}`, (world) => world.putBack(isAnother))),
);
const evictions = fc.constant(named('evict storage work', (world) => world.evictStorageWork()));
const storageFaults = fc.oneof(
  fc
    .constantFrom('complete' as const, 'fail', 'hang', 'refused')
    .map((how) => named(`storage work: ${how}`, (world) => Object.assign(world, { storageWork: how }))),
  evictions,
);
const namespaceGoes = fc.oneof(
  fc.constant(named('terminate the namespace', (world) => world.terminateNamespace())),
  fc
    .constantFrom('job' as const, 'pods', 'handles')
    .map((what) => named(`the namespace takes the ${what}`, (world) => world.takeAway(what))),
);
const time = fc.oneof(
  fc
    .constantFrom(100, 1_000, 11_000, 70_000, 700_000)
    .map((ms) => named(`${ms} ms`, (world) => Object.assign(world, { now: world.now + ms }))),
  fc.constant(named('the clock is set back', (world) => Object.assign(world, { now: world.now - 30_000 }))),
);
const deletion = fc.boolean().map((forced) => named(`delete, forced: ${forced}`, (world) => world.delete(forced)));
const goesOn = fc.constant(
  named('all goes on', (world) => {
    world.reconcile();
    world.live();
    world.now += 100;
  }),
);

/** Half of the lives begin with a job that runs. */
const aWorld = fc.boolean().map((runs) =>
  named(runs ? 'runs' : 'is new', (world) => {
    if (runs) settle(world);
  }),
);

const deeds = fc
  .tuple(
    aWorld,
    fc.array(
      fc.oneof(
        { arbitrary: goesOn, weight: 12 },
        { arbitrary: edits, weight: 4 },
        { arbitrary: triggers, weight: 2 },
        { arbitrary: ends, weight: 3 },
        { arbitrary: podFaults, weight: 2 },
        { arbitrary: operatorFaults, weight: 3 },
        { arbitrary: jobFaults, weight: 2 },
        { arbitrary: storageFaults, weight: 1 },
        { arbitrary: namespaceGoes, weight: 1 },
        { arbitrary: time, weight: 2 },
        { arbitrary: deletion, weight: 1 },
      ),
      { maxLength: 40 },
    ),
  )
  .map(([first, others]) => [first, ...others]);

/** LIVES=20000 looks for what is rarer. */
const RUNS = Number(process.env['LIVES'] ?? 300);
const TIMEOUT_MS = 60_000 + RUNS * 100;
/** Two minutes, half a minute for what is forced, and as much for a clock that was set back. */
const DELETION_MS = 185_000;
const MOST_ROUNDS = 300;

/** The world without faults, until nothing changes any more. Time passes as the operator asks to be woken. */
function settle(world: World): void {
  world.isSilent = false;
  world.savepoints = 'complete';
  let quiet = 0;
  for (let round = 0; quiet < 3; round++) {
    if (round === MOST_ROUNDS) throw new Violated('never comes to rest');
    const before = fingerprint(world);
    const { steps, untilMs } = world.reconcile();
    world.live();
    const isQuiet = steps === 0 && fingerprint(world) === before;
    world.now = isQuiet && untilMs !== undefined ? untilMs : world.now + 100;
    quiet = isQuiet && untilMs === undefined ? quiet + 1 : 0;
    if (world.isGone) return;
  }
}

/** What the next decision could depend on. */
function fingerprint(world: World): string {
  const { handles, status, processes, storagePod } = world;
  return JSON.stringify([handles?.seq, handles?.uid, status, processes, storagePod, world.statusWrites]);
}

const life = (seed: number, numRuns: number) => ({ seed, numRuns, verbose: 1 as const });

test(
  'from wherever a job is it comes to rest, and stays there',
  () => {
    fc.assert(
      fc.property(deeds, (todo) => {
        const world = new World({});
        try {
          for (const deed of todo) {
            if (world.isGone) return;
            deed(world);
          }
          if (!world.isGone) settle(world);
        } catch (error) {
          throw new Error(`${(error as Error).message}\n${world.log.slice(-40).join('\n')}`, { cause: error });
        }
      }),
      life(20_261_121, RUNS),
    );
  },
  TIMEOUT_MS,
);

/** Whatever changes the handles, and who notices. */
const meanwhile = fc.array(
  fc.oneof(
    { arbitrary: goesOn, weight: 4 },
    { arbitrary: edits, weight: 2 },
    { arbitrary: triggers, weight: 1 },
    { arbitrary: ends, weight: 3 },
    { arbitrary: podFaults, weight: 2 },
    { arbitrary: operatorFaults, weight: 3 },
  ),
  { maxLength: 12 },
);

test(
  'of a job whose pointers are put back from an older copy no epoch, attempt, pod or checkpoint comes twice',
  () => {
    fc.assert(
      fc.property(meanwhile, meanwhile, fc.boolean(), meanwhile, (before, between, isAnother, after) => {
        const world = new World({});
        settle(world);
        for (const deed of before) deed(world);
        world.copy();
        for (const deed of between) deed(world);
        world.putBack(isAnother);
        for (const deed of after) deed(world);
        settle(world);
      }),
      life(7, RUNS),
    );
  },
  TIMEOUT_MS,
);

test(
  'a job that is deleted is gone within its deadline, whatever stands in the way',
  () => {
    fc.assert(
      fc.property(deeds, (todo) => {
        const world = new World({});
        for (const deed of todo) {
          if (world.isGone) return;
          deed(world);
        }
        if (world.isGone) return;
        world.delete(false);
        world.savepoints = 'hang';
        const since = world.now;
        while (!world.isGone) {
          world.reconcile();
          world.live();
          world.now += 1_000;
          expect(world.now - since).toBeLessThan(DELETION_MS);
        }
      }),
      life(42, RUNS / 4),
    );
  },
  TIMEOUT_MS,
);

test(
  'what a job has stored goes with it where that is asked for, whoever is killed and evicted on the way',
  () => {
    fc.assert(
      fc.property(
        fc.nat(8),
        fc.array(fc.oneof(goesOn, operatorFaults, evictions), { maxLength: 12 }),
        (steps, todo) => {
          const world = new World({
            highAvailability: { standbys: 0 },
            deletion: { mode: 'Cancel', storage: 'Delete' },
          });
          // Its operator dies before it could report on what it has begun; the job goes on without, and is lost.
          world.reconcile({ killedAfter: steps });
          for (let round = 0; round < 5; round++) world.live();
          world.endPod(0, 'evicted');
          world.delete(false);
          for (const deed of todo) if (!world.isGone) deed(world);
          if (!world.isGone) settle(world);
          expect([world.isGone, world.hasBytes]).toEqual([true, false]);
        },
      ),
      life(7, RUNS / 3),
    );
  },
  TIMEOUT_MS,
);

test(
  'in a namespace that goes everything ends, and nothing is made any more once that is known',
  () => {
    fc.assert(
      fc.property(deeds, fc.array(namespaceGoes, { maxLength: 6 }), (todo, goes) => {
        const world = new World({});
        for (const deed of todo) if (!world.isGone) deed(world);
        world.terminateNamespace();
        for (const deed of goes) {
          if (world.isGone) return;
          deed(world);
          world.reconcile();
          world.live();
        }
        for (const what of ['handles', 'pods', 'job'] as const) if (!world.isGone) world.takeAway(what);
        if (!world.isGone) settle(world);
        expect(world.isGone).toBe(true);
      }),
      life(11, RUNS / 3),
    );
  },
  TIMEOUT_MS,
);
