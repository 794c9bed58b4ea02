/** What the tests of this suite are written with: processes of one job over a backend, and somebody else who writes. */
import {
  decodeHandle,
  type Entries,
  encodeMarked,
  FencedWriter,
  type HandleBackend,
  type HandlePointer,
  type StateHandleStore,
  StringResourceVersion,
  stateHandleStore,
  stateStorage,
} from '../../../src/ha/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { type CountingStorage, countingStorage } from '../../faults/counting-storage.ts';
import type { FaultyBackend } from '../../faults/faulty-backend.ts';

/** Makes the world of one test over the backend of the suite. It goes with the test. */
export interface Worlds {
  /** Nobody leads yet. */
  setUp(): Promise<World & { readonly forgetsEpochs: boolean }>;
  /** Its process leads. */
  leading(): Promise<World>;
}

/** A replacement looks at no version; it has to be given one. */
export const ANY_VERSION = StringResourceVersion.valueOf('1.1');

/** Changes entries as somebody else would, from the newest version. */
export async function change(
  backend: HandleBackend,
  entries: Record<string, string | undefined>,
  raise?: { epoch?: number; attempt?: number; leader?: string },
) {
  const seen = await backend.read();
  return backend.patch({
    expect: { uid: seen?.uid ?? '', epoch: seen?.epoch ?? 0, seq: seen?.seq ?? 0 },
    entries: new Map(Object.entries(entries)),
    ...(raise === undefined ? {} : { raise }),
    writer: 'somebody else',
  });
}

let nextId = 0;

/** A process with its store, the object it shares with others, and the storage behind. */
export class World {
  readonly backend: FaultyBackend;
  readonly other: HandleBackend;
  readonly storage: CountingStorage;
  readonly warnings: string[] = [];
  readonly lost: unknown[] = [];
  writer!: FencedWriter;
  store!: StateHandleStore<string>;
  /** The same entries, read by a process that does not lead. */
  reader!: StateHandleStore<string>;

  constructor(backend: FaultyBackend, other: HandleBackend, storage = countingStorage()) {
    this.backend = backend;
    this.other = other;
    this.storage = storage;
  }

  open(limitBytes = 16 * 1024): void {
    const newWriter = (backend: HandleBackend) =>
      new FencedWriter({ backend, limitBytes, clock: systemClock, random: () => 0.01, retries: 5 });
    this.writer = newWriter(this.backend);
    this.store = this.storeOver(this.writer);
    this.reader = this.storeOver(newWriter(this.other));
  }

  async lead(
    options: { limitBytes?: number; atLeast?: number; gate?: () => boolean } = {},
  ): Promise<number | undefined> {
    this.open(options.limitBytes);
    const taken = await this.writer.takeOver({
      identity: `process ${nextId++}`,
      atLeast: options.atLeast ?? 0,
      lost: (cause) => this.lost.push(cause),
      ...(options.gate === undefined ? {} : { gate: options.gate }),
    });
    return taken.taken ? taken.epoch : undefined;
  }

  /** Another process of the same job. */
  client(): World {
    const client = new World(this.backend, this.other, this.storage);
    client.open();
    return client;
  }

  /** Adds, hides, and discards what is hidden now. */
  async subsume(key: string, state: string, subsumed: readonly string[]): Promise<void> {
    await this.store.addAndSubsume(key, state, subsumed, []);
    for (const name of subsumed) await this.store.discardSubsumed(name);
  }

  async usurp(): Promise<void> {
    const seen = await this.other.read();
    await change(this.other, {}, { epoch: (seen?.epoch ?? 0) + 1, leader: 'usurper' });
  }

  /** An entry as a crash between marking and removing leaves it. */
  async addMarked(key: string, state: string): Promise<void> {
    const { pointer } = await this.store.addAndLock(key, state);
    await change(this.other, { [key]: encodeMarked(pointer) });
  }

  async all(): Promise<string[]> {
    const handles = await this.reader.getAllAndLock();
    const states = await Promise.all(
      handles.filter(([, key]) => key.startsWith('state-')).map(([handle]) => handle.retrieveState()),
    );
    return states.sort();
  }

  async entries(): Promise<Entries> {
    return (await this.other.read())?.entries ?? new Map();
  }

  async entry(key: string) {
    return decodeHandle((await this.entries()).get(key));
  }

  files(): string[] {
    return this.storage.written.filter((path) => !this.storage.deleted.includes(path));
  }

  /** Every live pointer leads to its bytes. */
  async expectNoDanglingPointer(): Promise<void> {
    for (const text of (await this.entries()).values()) {
      const stored = decodeHandle(text);
      if (stored.kind === 'live') await this.opened(stored.pointer).retrieveState();
    }
  }

  private opened(pointer: HandlePointer) {
    return this.states().open(pointer);
  }

  private storeOver(writer: FencedWriter): StateHandleStore<string> {
    return stateHandleStore({
      writer,
      storage: this.states(),
      keyFilter: (key) => key.startsWith('state-'),
      warn: (message) => this.warnings.push(message),
    });
  }

  private states() {
    return stateStorage<string>({
      storage: this.storage,
      directory: 'ha',
      kind: 'state',
      epoch: () => this.writer?.epoch,
      newId: () => `id${nextId++}`,
    });
  }
}
