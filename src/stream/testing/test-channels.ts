/**
 * The channels of a test run: as many as in a real one, all inside this thread. What would cross threads is written and
 * read back, so that a record that cannot be written, or is changed after it was emitted, shows as it would in a real run.
 * How much fits into a channel is drawn from the seed, so that backpressure comes at other places with each.
 */
import { LocalChannel } from '../exchange/local-channel.ts';
import type { JobEdge } from '../graph/job-graph.ts';
import { type ChannelFactory, channelKey, recordTypeOf } from '../task/connect-subtasks.ts';
import { DataInput, DataOutput, type TypeInformation } from '../types/index.ts';
import type { SeededRandom } from './seeded-random.ts';

const LARGEST_CAPACITY = 64;

/** Joins the subtasks of all slots of one attempt. */
export class TestChannels implements ChannelFactory {
  readonly #random: SeededRandom;
  readonly #channels = new Map<string, LocalChannel>();

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  output(edge: JobEdge, from: number, to: number): LocalChannel {
    return this.#channel(edge, from, to);
  }

  input(edge: JobEdge, from: number, to: number): LocalChannel {
    return this.#channel(edge, from, to);
  }

  #channel(edge: JobEdge, from: number, to: number): LocalChannel {
    const key = channelKey(edge.id, from, to);
    const known = this.#channels.get(key);
    if (known !== undefined) return known;
    const capacity = this.#random.between(1, LARGEST_CAPACITY);
    const made = from === to ? new LocalChannel(capacity) : new SerializingChannel(capacity, recordTypeOf(edge));
    this.#channels.set(key, made);
    return made;
  }
}

/** A channel whose reader gets copies made from bytes. */
class SerializingChannel extends LocalChannel {
  readonly #type: TypeInformation<unknown>;
  readonly #bytes = new DataOutput(256);

  constructor(capacity: number, type: TypeInformation<unknown>) {
    super(capacity);
    this.#type = type;
  }

  override write(value: unknown, timestamp: number): void {
    // A control event has no timestamp and is no record.
    if (Number.isNaN(timestamp)) {
      super.write(value, timestamp);
      return;
    }
    this.#bytes.reset();
    this.#type.write(this.#bytes, value);
    super.write(this.#type.read(new DataInput(this.#bytes.toBytes())), timestamp);
  }
}
