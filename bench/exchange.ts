/**
 * Records per second through a ring between two worker threads, one way, for a tuple and for self-describing objects.
 * Run: node bench/exchange.ts [records]
 */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import {
  type ChannelHandler,
  createRing,
  FrameInputChannel,
  FrameOutputChannel,
  LocalChannel,
  NO_TIMESTAMP,
  RingReader,
  RingWriter,
  WAKE_UP_BYTES,
  WakeUp,
} from '../src/stream/exchange/index.ts';
import {
  DataInput,
  DataOutput,
  ShapeReader,
  ShapeWriter,
  type TypeInformation,
  Types,
} from '../src/stream/types/index.ts';

interface Case {
  readonly type: TypeInformation<unknown>;
  make(index: number): unknown;
}

const CASES: Readonly<Record<string, Case>> = {
  'TUPLE(INT, INT)': {
    type: Types.TUPLE(Types.INT, Types.INT) as unknown as TypeInformation<unknown>,
    make: (index) => [index % 100_000, index | 0],
  },
  'ANY {a: int, b: string, c: float}': {
    type: Types.ANY,
    make: (index) => ({ a: index | 0, b: KEYS[index % KEYS.length], c: index + 0.5 }),
  },
  'ANY tuple [int, int]': { type: Types.ANY, make: (index) => [index % 100_000, index | 0] },
  'STRING of 8 to 10': {
    type: Types.STRING as unknown as TypeInformation<unknown>,
    make: (index) => KEYS[index % KEYS.length],
  },
  INT: { type: Types.INT as unknown as TypeInformation<unknown>, make: (index) => index | 0 },
};
const KEYS = Array.from({ length: 1000 }, (_, index) => `airport-${index}`);

interface Setup {
  readonly role: 'send' | 'receive';
  readonly name: string;
  readonly records: number;
  readonly ring: SharedArrayBuffer;
  readonly sender: SharedArrayBuffer;
  readonly receiver: SharedArrayBuffer;
}

class Counter implements ChannelHandler {
  records = 0;
  ended = false;
  onRecord(): void {
    this.records++;
  }
  onWatermark(): void {}
  onIdle(): void {}
  onBarrier(): void {}
  onCancelBarrier(): void {}
  onEnd(): void {
    this.ended = true;
  }
}

async function send({ name, records, ring, sender, receiver }: Setup): Promise<void> {
  const { type, make } = CASES[name] as Case;
  const channel = new FrameOutputChannel(new RingWriter(ring), type, new WakeUp(receiver));
  const self = new WakeUp(sender);
  for (let index = 0; index < records; index++) {
    channel.write(make(index), NO_TIMESTAMP);
    while (index % 512 === 0 && !channel.isAvailable) {
      self.prepareToSleep();
      if (!channel.isAvailable) await self.sleep(100);
    }
  }
  channel.writeEnd();
  while (!channel.isAvailable) await self.sleep(1);
}

async function receive({ name, records, ring, sender, receiver }: Setup): Promise<void> {
  const { type } = CASES[name] as Case;
  const channel = new FrameInputChannel(new RingReader(ring), type, new WakeUp(sender));
  const self = new WakeUp(receiver);
  const counter = new Counter();
  const start = performance.now();
  while (!counter.ended) {
    if (channel.poll(counter, 512) > 0) continue;
    self.prepareToSleep();
    if (!channel.hasData) await self.sleep(100);
  }
  if (counter.records !== records) throw new Error(`${counter.records} of ${records} records arrived`);
  parentPort?.postMessage(performance.now() - start);
}

async function acrossThreads(name: string, records: number): Promise<number> {
  const memory = {
    name,
    records,
    ring: createRing(),
    sender: new SharedArrayBuffer(WAKE_UP_BYTES),
    receiver: new SharedArrayBuffer(WAKE_UP_BYTES),
  };
  const file = fileURLToPath(import.meta.url);
  const receiver = new Worker(file, { workerData: { ...memory, role: 'receive' } });
  const sender = new Worker(file, { workerData: { ...memory, role: 'send' } });
  const exits = Promise.all([once(sender, 'exit'), once(receiver, 'exit')]);
  const [ms] = (await once(receiver, 'message')) as [number];
  await exits;
  return ms;
}

/** CPU time of this thread in milliseconds: other load on the machine does not count. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Writing and reading alone, in one thread, per record. */
function codecNs(name: string, records: number): { writeNs: number; readNs: number } {
  const { type, make } = CASES[name] as Case;
  const values = Array.from({ length: 100_000 }, (_, index) => make(index));
  const out = new DataOutput(1 << 23);
  let writeMs = 0;
  let readMs = 0;
  for (let done = 0; done < records; done += values.length) {
    out.reset();
    out.shapes = new ShapeWriter();
    out.shapes.startSession();
    const start = cpuMs();
    for (const value of values) type.write(out, value);
    const written = cpuMs();
    const input = new DataInput(out.view());
    input.shapes = new ShapeReader();
    for (let index = 0; index < values.length; index++) type.read(input);
    readMs += cpuMs() - written;
    writeMs += written - start;
  }
  return { writeNs: (writeMs * 1e6) / records, readNs: (readMs * 1e6) / records };
}

function localNs(records: number): number {
  const channel = new LocalChannel();
  const counter = new Counter();
  const value = { a: 1 };
  const start = cpuMs();
  for (let index = 0; index < records; index++) {
    channel.write(value, index);
    if (!channel.isAvailable) channel.poll(counter, 4096);
  }
  return ((cpuMs() - start) * 1e6) / records;
}

async function main(): Promise<void> {
  const records = Number(process.argv[2] ?? 5_000_000);
  localNs(records);
  console.log(`local channel: ${localNs(records).toFixed(1)} ns per record`);
  for (const name of Object.keys(CASES)) {
    codecNs(name, 1_000_000);
    const { writeNs, readNs } = codecNs(name, 2_000_000);
    const ms = await acrossThreads(name, records);
    const rate = (records / ms / 1000).toFixed(1);
    console.log(`${name}: write ${writeNs.toFixed(0)} ns, read ${readNs.toFixed(0)} ns; two threads ${rate} M/s`);
  }
}

if (isMainThread) await main();
else if ((workerData as Setup).role === 'send') await send(workerData as Setup);
else await receive(workerData as Setup);
