import {
  AlreadyExistException,
  FencedWriter,
  NotExistException,
  NotLeaderException,
  PossibleInconsistentStateException,
  StringResourceVersion,
  stateHandleStore,
  stateStorage,
} from '../../src/ha/index.ts';
import { ConfigMapHandleBackend } from '../../src/ha/kubernetes/index.ts';
import { ApiClient } from '../../src/kube/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { filesystemStorage } from '../../src/storage/index.ts';
import { SeededRandom } from '../builders/seeded-random.ts';
import type { Operation } from '../oracles/linearizability.ts';

/** What a process of a history is told, as JSON on its command line. */
export interface HistoryOrder {
  readonly server: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly directory: string;
  readonly identity: string;
  readonly seed: number;
  /** Names in use at the same time, and for how long one set of them is. */
  readonly names: number;
  readonly eraMs: number;
  /** By the monotonic clock of the machine, in milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  /** It goes on beyond its end until so many operations are done. */
  readonly leastDone: number;
  readonly callers: number;
}

/** One operation, as the process prints it. */
export interface Recorded extends Operation {
  readonly name: string;
}

/**
 * Several callers on one state handle store, who add, replace, remove and get states under the names that other processes
 * use at the same time. Leadership is taken from whoever has it, without asking a lease, so that only the fence keeps
 * order. Each operation is printed when it is answered.
 */
const order = JSON.parse(process.argv[2] ?? '') as HistoryOrder;
const random = new SeededRandom(order.seed);
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

const { server, namespace, name, identity } = order;
const credentials = async () => ({ headers: {}, ca: order.ca, cert: order.cert, key: order.key, verifiesServer: true });
const client = ApiClient.for({ origin: 'a test', server, namespace, credentials }, { fieldManager: identity });
const backend = new ConfigMapHandleBackend({ client, namespace, name, deadlineMs: 400 });
const writer = new FencedWriter({
  backend,
  clock: systemClock,
  random: () => random.next(),
  retries: 3,
  limitBytes: 2 ** 17,
});
const storage = filesystemStorage({ directory: order.directory, clock: systemClock });
const states = stateStorage<string>({
  storage,
  directory: 'ha',
  kind: 'state',
  epoch: () => writer.epoch,
  newId: () => crypto.randomUUID().replaceAll('-', ''),
});
const store = stateHandleStore({ writer, storage: states, keyFilter: (key) => key.startsWith('name-') });
let count = 0;
let done = 0;
let terms = 0;

await Promise.all(Array.from({ length: order.callers }, () => caller()));
await client.close();

async function caller(): Promise<void> {
  while (nowMs() < order.endMs || done < order.leastDone) {
    if (writer.epoch === undefined && random.chance(0.15)) {
      terms += 1;
      await writer.takeOver({ identity: `${identity}-${terms}`, atLeast: 1 });
    }
    const era = Math.floor((nowMs() - order.startMs) / order.eraMs);
    const key = `name-${era}-${random.between(1, order.names)}`;
    const kind = random.oneOf(['add', 'replace', 'remove', 'get', 'get'] as const);
    count += 1;
    await record(key, kind, `${identity}-${count}`);
  }
}

async function record(key: string, kind: Operation['kind'], value: string): Promise<void> {
  const calledAt = nowMs();
  const answer = await answered(key, kind, value);
  if (answer === 'nothing') return;
  if (answer.outcome === 'done') done += 1;
  const recorded: Recorded = { name: key, kind, value, calledAt, answeredAt: nowMs(), ...answer };
  process.stdout.write(`${JSON.stringify(recorded)}\n`);
}

type Answer = Pick<Operation, 'outcome'> & { readonly value?: string };

/** What came of it; `nothing` where it is certain that nothing did. */
async function answered(key: string, kind: Operation['kind'], value: string): Promise<Answer | 'nothing'> {
  const wasLeading = writer.epoch !== undefined;
  try {
    switch (kind) {
      case 'add':
        await store.addAndLock(key, value);
        return { outcome: 'done' };
      case 'replace':
        await store.replace(key, StringResourceVersion.valueOf('1'), value);
        return { outcome: 'done' };
      case 'remove':
        // Who does not lead would be told so. Who loses the lead on the way may have hidden the name.
        if (writer.epoch === undefined) return 'nothing';
        return { outcome: (await store.releaseAndTryRemove(key)) ? 'done' : 'unknown' };
      case 'get': {
        const handle = await store.getAndLock(key);
        // Its state may be removed while it is being read.
        const seen = await handle.retrieveState().catch(() => undefined);
        return seen === undefined ? 'nothing' : { outcome: 'done', value: seen };
      }
    }
  } catch (error) {
    return whatFailed(error, kind, wasLeading);
  }
}

function whatFailed(error: unknown, kind: Operation['kind'], wasLeading: boolean): Answer | 'nothing' {
  if (error instanceof AlreadyExistException) return { outcome: 'exists' };
  if (error instanceof NotExistException) return { outcome: 'absent' };
  if (error instanceof PossibleInconsistentStateException) return { outcome: 'unknown' };
  // A write may have stood until the next leader wrote over it, and then nobody can tell any more that it did.
  if (error instanceof NotLeaderException && wasLeading) return { outcome: 'unknown' };
  // A removal may have hidden the name before it failed. Anything else that failed has changed nothing.
  return kind === 'remove' ? { outcome: 'unknown' } : 'nothing';
}
