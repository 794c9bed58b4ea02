/** Builds a `_metadata` from parts, written as a sentence of numbers and texts. */
import { DataOutput } from '../../../src/flink/wire/data-output.ts';

/** Bytes that are put together in order. */
export class Parts {
  readonly #output = new DataOutput();

  byte(...values: number[]): this {
    for (const value of values) this.#output.byte(value);
    return this;
  }

  int(...values: number[]): this {
    for (const value of values) this.#output.int32(value);
    return this;
  }

  long(...values: number[]): this {
    for (const value of values) this.#output.int64(BigInt(value));
    return this;
  }

  utf(...texts: string[]): this {
    for (const text of texts) this.#output.utf(text);
    return this;
  }

  hex(digits: string): this {
    this.#output.bytes(Buffer.from(digits, 'hex'));
    return this;
  }

  add(...others: Parts[]): this {
    for (const other of others) this.#output.bytes(other.bytes());
    return this;
  }

  bytes(): Uint8Array {
    return this.#output.written();
  }
}

export const parts = (): Parts => new Parts();

/** A file of a size at a URI. */
export const file = (sizeBytes: number, uri: string): Parts => parts().byte(2).long(sizeBytes).utf(uri);
/** No stream, and no keyed state. */
export const none = (): Parts => parts().byte(0);

/** A file with one operator that has one subtask: the body of the subtask is given. */
export function metadataOf(version: number, subtask: Parts, options: { parallelism?: number } = {}): Uint8Array {
  const operator = parts();
  if (version >= 5) operator.utf('an operator', 'its-uid');
  operator.hex('00112233445566778899aabbccddeeff').int(options.parallelism ?? 1, 128);
  if (version === 2) operator.int(1);
  else operator.add(none());
  operator.int(1).add(subtask);
  return wholeOf(version, operator);
}

/** A file with one operator, given from its name on. */
export function wholeOf(version: number, operator: Parts): Uint8Array {
  const whole = parts().int(0x4960672d, version).long(42).int(0, 1).add(operator);
  return (version >= 4 ? whole.hex('aced000570') : whole).bytes();
}

/** Subtask 0 with managed keyed state only. */
export const withKeyed = (keyed: Parts): Parts => parts().int(0, 0, 0).add(keyed, none()).int(0, 0);

/** Flink's description of a serializer of keys that are longs. */
export const LONG_SERIALIZER = 'org.apache.flink.api.common.typeutils.base.LongSerializer$LongSerializerSnapshot';

/** The head of a file of keyed state: the keys are longs, and the states have names. */
export const headOf = (...states: Parts[]): Parts =>
  parts()
    .int(6)
    .byte(0)
    .int(2)
    .utf(LONG_SERIALIZER)
    .int(3)
    .byte(0, states.length)
    .add(...states);

/** A state as a head names it, with the serializer of its values or with none. */
export function namedState(name: string, kind: string, serializer?: Parts): Parts {
  const state = parts().utf(name).int(0, 1).utf('KEYED_STATE_TYPE', kind);
  return serializer === undefined ? state.int(0) : state.int(1).utf('VALUE_SERIALIZER').int(2).add(serializer);
}
