/**
 * The names and types of keyed states. They are not in a `_metadata` but at the head of each stream of keyed state, between
 * descriptions of serializers that have no length: one that is not known here cannot be skipped, and what comes after it
 * stays unknown. Names that were found before it are good, and the answer says where it ended and why.
 * Follows Flink's KeyedBackendSerializationProxy.
 */
import { DataInput } from '../wire/data-input.ts';
import { FlinkDataError } from '../wire/errors.ts';

/** One keyed state. */
export interface KeyedStateName {
  readonly name: string;
  /** `value`, `list`, `map`, `reducing`, `aggregating` as the descriptor says, or `timers`. */
  readonly kind: string;
  /** In words, as `map<String, Long>`; undefined where it is not known. */
  readonly type: string | undefined;
}

/** What the head of a stream says. */
export interface KeyedStateNames {
  readonly keyType: string | undefined;
  readonly states: readonly KeyedStateName[];
  /** Why there may be more states than these; undefined when these are all. */
  readonly endedBy: string | undefined;
}

/** Thrown inside this file when a serializer cannot be skipped. */
class UnknownSerializer extends Error {}

const CODE = 'FLINK_METADATA_CORRUPT';
/** Serializers hold serializers; deeper nesting is nobody's type. */
const MOST_LEVELS = 16;
/** Flink's CompositeTypeSerializerSnapshot, NestedSerializersSnapshotDelegate and LinkedOptionalMapSerializer. */
const COMPOSITE_MAGIC = 911108;
const LIST_MAGIC = 1333245;
const MAP_MAGIC = 0x4f2c69a3d70n;
const NO_BYTES = new Uint8Array();

/**
 * Reads as many names as can be known. Never throws for what stands in the bytes.
 * @param head the stream, or its beginning
 */
export function readKeyedStateNames(head: Uint8Array): KeyedStateNames {
  const input = new DataInput(head, { code: CODE, name: 'keyed state' });
  const states: KeyedStateName[] = [];
  let keyType: string | undefined;
  try {
    const version = input.int32();
    if (version < 5 || version > 6) return { keyType, states, endedBy: `the head has version ${version}` };
    input.boolean();
    keyType = readDescribedSerializer(input);
    for (let left = input.uint16(); left > 0; left--) readState(input, states);
    return { keyType, states, endedBy: undefined };
  } catch (error) {
    if (error instanceof UnknownSerializer) return { keyType, states, endedBy: error.message };
    if (error instanceof FlinkDataError) return { keyType, states, endedBy: 'the head is cut off or damaged' };
    throw error;
  }
}

/** Adds a state as soon as its name and kind are known, and its type when that could be read. */
function readState(input: DataInput, states: KeyedStateName[]): void {
  const name = input.utf();
  const isTimers = input.int32() === 3;
  const options = readOptions(input);
  const kind = isTimers ? 'timers' : (options.get('KEYED_STATE_TYPE')?.toLowerCase() ?? 'keyed');
  const at = states.push({ name, kind, type: undefined }) - 1;
  let type: string | undefined;
  for (let left = input.count('serializers', 10); left > 0; left--) {
    const role = input.utf();
    const described = readDescribedSerializer(input);
    if (role === 'VALUE_SERIALIZER') type = described;
  }
  states[at] = { name, kind, type };
}

function readOptions(input: DataInput): Map<string, string> {
  const options = new Map<string, string>();
  for (let left = input.count('options', 4); left > 0; left--) options.set(input.utf(), input.utf());
  return options;
}

/** With the version of the frame around it. */
function readDescribedSerializer(input: DataInput): string {
  const frame = input.int32();
  if (frame !== 2) throw new UnknownSerializer(`a serializer is framed in version ${frame}`);
  return readSerializer(input, 0);
}

/** A serializer in words. */
function readSerializer(input: DataInput, level: number): string {
  if (level > MOST_LEVELS) throw new UnknownSerializer(`serializers are nested more than ${MOST_LEVELS} levels deep`);
  const className = input.utf();
  const version = input.int32();
  const simple = SIMPLE.exec(className)?.[1];
  if (simple !== undefined && version === 3) return simple;
  const known = WITH_PARTS.get(className);
  if (known === undefined || known.version !== version) {
    throw new UnknownSerializer(`the serializer ${shown(className)}, version ${version}, is not known here`);
  }
  return known.read(input, level);
}

/** How a serializer that is made of others describes itself. */
interface Composite {
  readonly version: number;
  /** Reads what follows name and version, and tells the type. */
  readonly read: (input: DataInput, level: number) => string;
}

/** Of those that write nothing but the list of the serializers they are made of. */
function composite(type: (parts: readonly string[]) => string): Composite {
  return {
    version: 3,
    read: (input, level) => {
      if (input.int32() !== COMPOSITE_MAGIC) input.fail('a composite serializer has another form');
      input.int32();
      return type(readList(input, level));
    },
  };
}

function readList(input: DataInput, level: number): string[] {
  if (input.int32() !== LIST_MAGIC) input.fail('a composite serializer has another form');
  input.int32();
  const parts: string[] = [];
  for (let left = input.count('serializers', 6); left > 0; left--) parts.push(readSerializer(input, level + 1));
  return parts;
}

/** Fields, and subclasses that are known by now: maps whose keys and values have lengths. */
function readPojo(input: DataInput, level: number): string {
  input.utf();
  const fields = readFramedMap(input).map(({ name, value }) => `${name}: ${framedType(input, value, level)}`);
  readFramedMap(input);
  readFramedMap(input);
  return `{${fields.join(', ')}}`;
}

/** What has a length can be skipped, so one unknown field leaves the others known. */
function framedType(input: DataInput, value: Uint8Array, level: number): string {
  try {
    return readSerializer(new DataInput(value, input.subject), level + 1);
  } catch (error) {
    if (error instanceof UnknownSerializer || error instanceof FlinkDataError) return '?';
    throw error;
  }
}

function readFramedMap(input: DataInput): { readonly name: string; readonly value: Uint8Array }[] {
  if (input.int64() !== MAP_MAGIC) input.fail('a map has another form');
  const entries: { name: string; value: Uint8Array }[] = [];
  for (let left = input.count('entries', 4); left > 0; left--) {
    const name = input.utf();
    readFrame(input);
    entries.push({ name, value: readFrame(input) });
  }
  return entries;
}

function readFrame(input: DataInput): Uint8Array {
  return input.boolean() ? input.bytes(input.count('bytes', 1)) : NO_BYTES;
}

/** Logical types are Java objects without a length; behind them comes the list of as many serializers. */
function readRow(input: DataInput, level: number): string {
  const count = input.int32();
  const list = Buffer.alloc(12);
  list.writeInt32BE(LIST_MAGIC, 0);
  list.writeInt32BE(1, 4);
  list.writeInt32BE(count, 8);
  if (!input.skipTo(list)) throw new UnknownSerializer('the types of a row have another form');
  return `row<${readList(input, level).join(', ')}>`;
}

function readTimestamp(input: DataInput): string {
  return `Timestamp(${input.int32()})`;
}

/** Serializers without parameters: their description is their class. */
const SIMPLE =
  /^org\.apache\.flink\.(?:api\.common\.typeutils\.base\.(?:array\.)?|runtime\.state\.|table\.runtime\.typeutils\.)?(BigDec|BigInt|Boolean|Byte|Char|Date|Double|Float|Instant|Int|LocalDate|LocalDateTime|LocalTime|Long|Short|SqlDate|SqlTime|SqlTimestamp|String|Void|VoidNamespace|BooleanPrimitiveArray|BytePrimitiveArray|CharPrimitiveArray|DoublePrimitiveArray|FloatPrimitiveArray|IntPrimitiveArray|LongPrimitiveArray|ShortPrimitiveArray|StringArray|StringData)Serializer\$\1SerializerSnapshot$/;

const BASE = 'org.apache.flink.api.common.typeutils.base';
const TABLE = 'org.apache.flink.table.runtime.typeutils';
const WITH_PARTS: ReadonlyMap<string, Composite> = new Map<string, Composite>([
  [`${BASE}.ListSerializerSnapshot`, composite((parts) => `list<${parts.join(', ')}>`)],
  [`${BASE}.MapSerializerSnapshot`, composite((parts) => `map<${parts.join(', ')}>`)],
  ['org.apache.flink.streaming.api.operators.TimerSerializerSnapshot', composite(() => 'timer')],
  ['org.apache.flink.api.java.typeutils.runtime.PojoSerializerSnapshot', { version: 2, read: readPojo }],
  [`${TABLE}.RowDataSerializer$RowDataSerializerSnapshot`, { version: 3, read: readRow }],
  [`${TABLE}.TimestampDataSerializer$TimestampDataSerializerSnapshot`, { version: 1, read: readTimestamp }],
]);

/** A name from the stream, short enough for a message. */
function shown(className: string): string {
  return className.length > 200 ? `${className.slice(0, 200)}…` : className;
}
