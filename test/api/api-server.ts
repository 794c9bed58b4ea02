/**
 * What the API server answers for a resource, computed from the rendered CustomResourceDefinition alone: defaults,
 * structural schema with strict field validation, then CEL. As there, CEL runs only when the schema has no complaint.
 */
import { readFileSync } from 'node:fs';
import { Environment, Optional } from '@marcbachmann/cel-js';
import { parse } from 'yaml';
import { parseQuantity } from '../../src/lib/quantities.ts';

/** A structural schema as it stands in the definition. */
export interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema;
  enum?: unknown[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
  maxProperties?: number;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-validations'?: CelRule[];
  [key: string]: unknown;
}

export interface CelRule {
  rule: string;
  message: string;
  fieldPath?: string;
  optionalOldSelf?: boolean;
  reason?: string;
}

export interface Complaint {
  by: 'schema' | 'cel';
  path: string;
  message: string;
}

export const CRD_FILE = new URL('../../crds/flinkjobs.flinkjob.dev.yaml', import.meta.url);
export const crdText = readFileSync(CRD_FILE, 'utf8');
export const crd = parse(crdText);
export const rootSchema: Schema = crd.spec.versions[0].schema.openAPIV3Schema;

/** Complaints of the API server about a resource; `old` makes it an update. */
export function apiServer(resource: Json, old?: unknown): Complaint[] {
  const filled = defaulted(rootSchema, { ...resource, metadata: resource.metadata ?? {} });
  const bySchema = [...structural(rootSchema, filled, '')];
  return bySchema.length > 0 ? bySchema : [...celComplaints(rootSchema, filled, defaulted(rootSchema, old), '')];
}

/** Every node of a schema, with a readable path. */
export function* nodes(schema: Schema, path = ''): Generator<[string, Schema]> {
  yield [path, schema];
  for (const [name, field] of Object.entries(schema.properties ?? {})) yield* nodes(field, `${path}.${name}`);
  if (schema.items) yield* nodes(schema.items, `${path}[]`);
  if (schema.additionalProperties) yield* nodes(schema.additionalProperties, `${path}{}`);
}

/** JSON that nobody has checked. */
type Json = Record<string, unknown>;

function defaulted(schema: Schema, value: unknown): unknown {
  if (value === undefined) {
    return schema.default === undefined ? undefined : defaulted(schema, structuredClone(schema.default));
  }
  if (Array.isArray(value)) return value.map((item) => defaulted(schema.items ?? {}, item));
  if (value === null || typeof value !== 'object') return value;
  const result: Record<string, unknown> = { ...value };
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const filled = defaulted(field, result[name]);
    if (filled !== undefined) result[name] = filled;
  }
  return result;
}

function* structural(schema: Schema, value: unknown, path: string): Generator<Complaint> {
  const complain = (message: string): Complaint => ({ by: 'schema', path: path.replace(/^\./, ''), message });
  if (!isOfType(schema, value)) {
    yield complain(`must be of type ${schema.type}`);
    return;
  }
  if (schema.enum && !schema.enum.includes(value)) yield complain('unsupported value');
  if (typeof value === 'string') {
    const length = [...value].length;
    if (length < (schema.minLength ?? 0) || length > (schema.maxLength ?? 1e9)) yield complain('length');
    if (schema.pattern && !new RegExp(schema.pattern, 'u').test(value)) yield complain('pattern');
  }
  if (typeof value === 'number') {
    const { minimum = -1e18, maximum = 1e18 } = schema;
    if (value < minimum || value > maximum || (schema.exclusiveMinimum && value === minimum)) yield complain('range');
  }
  if (Array.isArray(value)) {
    if (value.length > (schema.maxItems ?? 1e9)) yield complain('too many items');
    for (const [index, item] of value.entries()) yield* structural(schema.items ?? {}, item, `${path}[${index}]`);
  } else if (value !== null && typeof value === 'object') yield* structuralObject(schema, value as Json, path);
}

function* structuralObject(schema: Schema, value: Json, path: string): Generator<Complaint> {
  const at = (name: string) => `${path}.${name}`.replace(/^\./, '');
  if (Object.keys(value).length > (schema.maxProperties ?? 1e9))
    yield { by: 'schema', path: path.slice(1), message: 'size' };
  for (const name of schema.required ?? []) {
    if (value[name] === undefined) yield { by: 'schema', path: at(name), message: 'required' };
  }
  for (const [name, child] of Object.entries(value)) {
    const next = childSchema(schema, name);
    // Kubernetes knows the fields of metadata by itself.
    if (path === '.metadata' && name !== 'name') continue;
    if (next) yield* structural(next, child, `${path}.${name}`);
    else if (!schema['x-kubernetes-preserve-unknown-fields'])
      yield { by: 'schema', path: at(name), message: 'unknown' };
  }
}

function childSchema(schema: Schema, name: string): Schema | undefined {
  return Object.hasOwn(schema.properties ?? {}, name) ? schema.properties?.[name] : schema.additionalProperties;
}

function isOfType(schema: Schema, value: unknown): boolean {
  if (schema['x-kubernetes-int-or-string']) return typeof value === 'string' || Number.isSafeInteger(value);
  switch (schema.type) {
    case undefined:
      return true;
    case 'integer':
      return Number.isSafeInteger(value) && (schema.format !== 'int32' || Math.abs(value as number) < 2 ** 31);
    case 'array':
      return Array.isArray(value);
    case 'object':
      return value !== null && typeof value === 'object' && !Array.isArray(value);
    default:
      return typeof value === schema.type;
  }
}

function* celComplaints(schema: Schema, value: unknown, old: unknown, path: string): Generator<Complaint> {
  for (const rule of schema['x-kubernetes-validations'] ?? []) {
    if (!keeps(rule, schema, value, old)) {
      yield { by: 'cel', path: `${path}${rule.fieldPath ?? ''}`.replace(/^\./, ''), message: rule.message };
    }
  }
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries())
      yield* celComplaints(schema.items ?? {}, item, undefined, `${path}[${index}]`);
  } else if (value !== null && typeof value === 'object') {
    for (const [name, child] of Object.entries(value)) {
      const next = childSchema(schema, name);
      if (next) yield* celComplaints(next, child, (old as Json | undefined)?.[name], `${path}.${name}`);
    }
  }
}

function keeps({ rule, optionalOldSelf = false }: CelRule, schema: Schema, value: unknown, old: unknown): boolean {
  const self = celValue(schema, value);
  const oldSelf = celValue(schema, old);
  const environment = celEnvironment(schema, optionalOldSelf);
  if (optionalOldSelf) {
    return environment.evaluate(rule, { self, oldSelf: old === undefined ? Optional.none() : Optional.of(oldSelf) });
  }
  if (!/\boldSelf\b/.test(rule)) return environment.evaluate(rule, { self });
  return old === undefined || environment.evaluate(rule, { self, oldSelf });
}

const environments = { plain: new Map<Schema, Environment>(), optional: new Map<Schema, Environment>() };

/** Variables typed by the schema, and the functions that Kubernetes adds to CEL. */
export function celEnvironment(schema: Schema, optionalOldSelf = false): Environment {
  const made = optionalOldSelf ? environments.optional : environments.plain;
  const known = made.get(schema);
  if (known) return known;
  const environment = new Environment({ enableOptionalTypes: true })
    .registerType('Quantity', { ctor: Quantity })
    .registerFunction('quantity(string): Quantity', (text: string) => new Quantity(text))
    .registerFunction('isQuantity(string): bool', (text: string) => parseQuantity(text) !== undefined)
    .registerFunction('Quantity.isGreaterThan(Quantity): bool', (a: Quantity, b: Quantity) => a.value > b.value)
    .registerFunction('Quantity.compareTo(Quantity): int', (a: Quantity, b: Quantity) =>
      BigInt(Number(a.value > b.value) - Number(a.value < b.value)),
    );
  for (const name of ['self', 'oldSelf']) {
    const type = name === 'oldSelf' && optionalOldSelf ? { type: 'optional<dyn>' } : celType(schema);
    environment.registerVariable({ name, ...type } as Parameters<Environment['registerVariable']>[0]);
  }
  made.set(schema, environment);
  return environment;
}

class Quantity {
  readonly value: bigint;
  constructor(text: string) {
    const value = parseQuantity(text);
    if (value === undefined) throw new Error(`no quantity: ${text}`);
    this.value = value;
  }
}

function celType(schema: Schema): { type: string } | { schema: object } {
  if (schema.properties) {
    const fields = Object.entries(schema.properties).filter(([, field]) => !isInvisible(field));
    return { schema: Object.fromEntries(fields.map(([name, field]) => [name, nestedType(field)])) };
  }
  return { type: plainType(schema) };
}

function nestedType(schema: Schema): unknown {
  const type = celType(schema);
  return 'schema' in type ? type.schema : type.type;
}

function plainType(schema: Schema): string {
  if (schema.additionalProperties) return `map<string, ${plainType(schema.additionalProperties)}>`;
  const types: Record<string, string> = {
    string: 'string',
    integer: 'int',
    number: 'double',
    boolean: 'bool',
    array: 'list',
    object: 'map',
  };
  return types[schema.type ?? ''] ?? 'dyn';
}

/** CEL sees nothing of data that is kept as it is; of an object that is, only that it is there. */
function isInvisible(schema: Schema): boolean {
  return schema['x-kubernetes-preserve-unknown-fields'] === true && schema.type === undefined;
}

function celValue(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => celValue(schema.items ?? {}, item));
  if (typeof value === 'number') return schema.type === 'number' ? value : BigInt(value);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).flatMap(([name, child]) => {
    const next = childSchema(schema, name);
    return next && !isInvisible(next) ? [[name, celValue(next, child)]] : [];
  });
  return Object.fromEntries(entries);
}
