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
/** `CompositeTypeSerializerSnapshot` and the list of the serializers it is made of. */
const COMPOSITE_MAGIC = 911108;
const NESTED_MAGIC = 1333245;

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
  const composite = COMPOSITES.get(className);
  if (composite === undefined) throw new UnknownSerializer(`the serializer ${shown(className)} is not known here`);
  return composite(readNested(input, level));
}

/** The serializers that a composite one is made of. Those known here write nothing else. */
function readNested(input: DataInput, level: number): string[] {
  if (input.int32() !== COMPOSITE_MAGIC) input.fail('a composite serializer has another form');
  input.int32();
  if (input.int32() !== NESTED_MAGIC) input.fail('a composite serializer has another form');
  input.int32();
  const nested: string[] = [];
  for (let left = input.count('serializers', 6); left > 0; left--) nested.push(readSerializer(input, level + 1));
  return nested;
}

/** Serializers without parameters: their description is their class. */
const SIMPLE =
  /^org\.apache\.flink\.(?:api\.common\.typeutils\.base\.(?:array\.)?|runtime\.state\.|table\.runtime\.typeutils\.)?(BigDec|BigInt|Boolean|Byte|Char|Date|Double|Float|Instant|Int|LocalDate|LocalDateTime|LocalTime|Long|Short|SqlDate|SqlTime|SqlTimestamp|String|Void|VoidNamespace|BooleanPrimitiveArray|BytePrimitiveArray|CharPrimitiveArray|DoublePrimitiveArray|FloatPrimitiveArray|IntPrimitiveArray|LongPrimitiveArray|ShortPrimitiveArray|StringArray|StringData)Serializer\$\1SerializerSnapshot$/;

const BASE = 'org.apache.flink.api.common.typeutils.base';
const COMPOSITES: ReadonlyMap<string, (nested: readonly string[]) => string> = new Map([
  [`${BASE}.ListSerializerSnapshot`, (nested: readonly string[]) => `list<${nested.join(', ')}>`],
  [`${BASE}.MapSerializerSnapshot`, (nested: readonly string[]) => `map<${nested.join(', ')}>`],
  ['org.apache.flink.streaming.api.operators.TimerSerializerSnapshot', () => 'timer'],
]);

/** A name from the stream, short enough for a message. */
function shown(className: string): string {
  return className.length > 200 ? `${className.slice(0, 200)}…` : className;
}
