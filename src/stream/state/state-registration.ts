/**
 * What a descriptor asks for, in the words of the manifest, and whether that fits what is there: a state registered
 * before under the same name, or one that was restored. Pure.
 */
import { assertNever } from '../../lib/assert-never.ts';
import { IllegalStateException, StateMigrationException } from '../../lib/java-errors.ts';
import type { TypeInformation, TypeSchema } from '../types/type-information.ts';
import type { KeyedStateMeta, NamespaceKind } from './backend.ts';
import type {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  StateDescriptor,
  StateTtlConfig,
  ValueStateDescriptor,
} from './descriptors.ts';
import { describeSchema, sameSchema } from './schema-compatibility.ts';
import { enabledTtl } from './ttl.ts';

/** The types in a descriptor: of the value, element, accumulator or map value, and of the user keys of a map. */
export interface DescriptorTypes {
  readonly value: TypeInformation<unknown>;
  readonly mapKey: TypeInformation<unknown> | undefined;
}

export function typesOf(descriptor: StateDescriptor): DescriptorTypes {
  switch (descriptor.kind) {
    case 'value':
      return { value: (descriptor as ValueStateDescriptor<unknown>).type, mapKey: undefined };
    case 'list':
      return { value: (descriptor as ListStateDescriptor<unknown>).elementType, mapKey: undefined };
    case 'map': {
      const { keyType, valueType } = descriptor as MapStateDescriptor<unknown, unknown>;
      return { value: valueType, mapKey: keyType };
    }
    case 'reducing':
      return { value: (descriptor as ReducingStateDescriptor<unknown>).type, mapKey: undefined };
    case 'aggregating':
      return {
        value: (descriptor as AggregatingStateDescriptor<unknown, unknown, unknown>).accumulatorType,
        mapKey: undefined,
      };
    default:
      return assertNever(descriptor.kind);
  }
}

/** The entry of a descriptor in the manifest. */
export function metaOf(descriptor: StateDescriptor, namespace: NamespaceKind): KeyedStateMeta {
  const { value, mapKey } = typesOf(descriptor);
  return {
    name: descriptor.name,
    kind: descriptor.kind,
    namespace,
    type: value.schema,
    ...(mapKey === undefined ? {} : { mapKeyType: mapKey.schema }),
    ttl: enabledTtl(descriptor.ttl) !== undefined,
  };
}

/** A registered state as far as a second request for its name is compared with it. */
export interface Registration {
  readonly meta: KeyedStateMeta;
  readonly ttl: StateTtlConfig | undefined;
}

/** @throws IllegalStateException when one name is asked for in two ways */
export function checkSameRegistration(first: Registration, second: Registration): void {
  const differences = [
    ...structuralDifferences(first.meta, second.meta),
    ...typeDifference('type', first.meta.type, second.meta.type),
    ...typeDifference('key type', first.meta.mapKeyType, second.meta.mapKeyType),
    ...(sameTtl(first.ttl, second.ttl) ? [] : [`TTL: ${describeTtl(first.ttl)} and ${describeTtl(second.ttl)}`]),
  ];
  if (differences.length === 0) return;
  throw new IllegalStateException(
    `State "${first.meta.name}" is asked for twice in one operator, by descriptors that differ in ${differences.join('; ')}. ` +
      'Give one of the two states another name.',
  );
}

/** What cannot be migrated whatever the types are. @throws StateMigrationException */
export function checkRestoredMeta(stored: KeyedStateMeta, declared: KeyedStateMeta): void {
  const differences = structuralDifferences(stored, declared);
  if (stored.ttl !== declared.ttl) differences.push(`TTL: ${onOff(stored.ttl)} before and ${onOff(declared.ttl)} now`);
  if (differences.length > 0) throw migrationRefused(stored.name, differences);
}

/** The refusal of a restored state. */
export function migrationRefused(name: string, differences: readonly string[]): StateMigrationException {
  return new StateMigrationException(
    `State "${name}" was stored in a way that its descriptor cannot read: ${differences.join('; ')}. ` +
      'Declare it as it was stored, or use another name and convert in the job.',
  );
}

function structuralDifferences(first: KeyedStateMeta, second: KeyedStateMeta): string[] {
  const differences: string[] = [];
  if (first.kind !== second.kind) differences.push(`kind: ${first.kind} and ${second.kind}`);
  if (first.namespace !== second.namespace) {
    differences.push(`namespace: ${first.namespace} and ${second.namespace}`);
  }
  return differences;
}

function typeDifference(what: string, first: TypeSchema | undefined, second: TypeSchema | undefined): string[] {
  if (first === undefined || second === undefined || sameSchema(first, second)) return [];
  return [`${what}: ${describeSchema(first)} and ${describeSchema(second)}`];
}

function sameTtl(first: StateTtlConfig | undefined, second: StateTtlConfig | undefined): boolean {
  return JSON.stringify(completeTtl(first)) === JSON.stringify(completeTtl(second));
}

function completeTtl(config: StateTtlConfig | undefined): unknown[] {
  const ttl = enabledTtl(config);
  if (ttl === undefined) return [];
  return [
    ttl.ttlMs,
    ttl.updateType ?? 'OnCreateAndWrite',
    ttl.visibility ?? 'NeverReturnExpired',
    ttl.cleanupInFullSnapshot ?? false,
    ttl.incrementalCleanupSize ?? 5,
  ];
}

function describeTtl(config: StateTtlConfig | undefined): string {
  const ttl = enabledTtl(config);
  if (ttl === undefined) return 'none';
  return `${ttl.ttlMs} ms (${ttl.updateType ?? 'OnCreateAndWrite'}, ${ttl.visibility ?? 'NeverReturnExpired'})`;
}

function onOff(ttl: boolean): string {
  return ttl ? 'on' : 'off';
}
