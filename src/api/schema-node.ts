/**
 * The schema as plain data: what a Kubernetes structural schema can say, plus rules and examples. Made from the zod
 * schema once; the CRD, the reference page, the defaults and the words of error messages are all read from it. What a field
 * looks like in detail is found out when somebody asks: a process that reads a few jobs starts without knowing all of it.
 *
 * Constraints of single values come from zod's own JSON Schema; objects, lists and maps are walked here, so that whatever
 * Kubernetes could not express (unions of objects, tuples, recursion, nullable fields) fails at once.
 */
import * as z from 'zod';
import { type Rule, rulesOf } from './rules.ts';

/** One field, item or map value. */
export interface SchemaNode {
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'intOrString' | 'any';
  readonly description: string;
  readonly rules: readonly Rule[];
  readonly example?: unknown;
  readonly default?: unknown;
  /** `flinkjob run` takes no notice of it. */
  readonly clusterOnly?: true;
  /** Words of the requirement where the bounds do not speak for themselves. */
  readonly must?: string;
  /** Words of the remedy where the example does not speak for itself. */
  readonly remedy?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  /** Schema of the values of a map; `any` where they are kept as they are. */
  readonly values?: SchemaNode;
  /** Bounds, enum, pattern, format and list type, spelled as OpenAPI spells them. */
  readonly constraints: Readonly<Record<string, unknown>>;
}

/** Thrown at build and test time only, when somebody writes a schema that Kubernetes has no words for. */
function cannotExpress(path: string, what: string): never {
  throw new TypeError(`the schema at ${path} cannot become a CRD: ${what}`);
}

/** The node of a zod schema. `path` is for messages. */
export function schemaNode(schema: z.ZodType, path = 'FlinkJob'): SchemaNode {
  const layers = unwrap(schema);
  const meta: Meta = Object.assign({}, ...layers.map((layer) => z.globalRegistry.get(layer)).reverse());
  const core = layers.at(-1) ?? schema;
  const base = {
    description: meta.description ?? '',
    rules: layers.flatMap(rulesOf),
    ...(meta.example === undefined ? {} : { example: meta.example }),
    ...(meta.clusterOnly === undefined ? {} : { clusterOnly: meta.clusterOnly }),
    ...(meta.must === undefined ? {} : { must: meta.must }),
    ...(meta.remedy === undefined ? {} : { remedy: meta.remedy }),
    ...defaultOf(layers),
  };
  return withLater(base, shapeOf(core, meta, path));
}

/** The fields of `later` are made when they are first read. */
function withLater<Now extends object, Later extends object>(now: Now, later: Made<Later>): Now & Later {
  for (const [name, make] of Object.entries(later) as [string, () => unknown][]) {
    const get = () => {
      const value = make();
      Object.defineProperty(now, name, { value, enumerable: true });
      return value;
    };
    Object.defineProperty(now, name, { get, enumerable: true, configurable: true });
  }
  return now as Now & Later;
}

type Made<T> = { readonly [Name in keyof T]: () => T[Name] };

/** The node of a field, item or map entry, or undefined. Knows own names only: `toString` is no field. */
export function childNode(node: SchemaNode, step: string | number): SchemaNode | undefined {
  if (typeof step === 'number') return node.items;
  const { properties } = node;
  return properties !== undefined && Object.hasOwn(properties, step) ? properties[step] : node.values;
}

interface Meta {
  readonly description?: string;
  readonly example?: unknown;
  readonly clusterOnly?: true;
  readonly must?: string;
  readonly remedy?: string;
  readonly intOrString?: Record<string, unknown>;
  readonly maxProperties?: number;
}

type Shape = Omit<SchemaNode, 'description' | 'rules'>;

function shapeOf(core: z.ZodType, meta: Meta, path: string): Made<Shape> {
  const { intOrString, maxProperties } = meta;
  if (intOrString !== undefined) return { type: () => 'intOrString', constraints: () => intOrString };
  if (core instanceof z.ZodObject) return objectShape(core, path);
  if (core instanceof z.ZodArray) {
    const items = () => schemaNode(core.element as z.ZodType, `${path}[]`);
    return { type: () => 'array', items, constraints: () => leafConstraints(core) };
  }
  if (core instanceof z.ZodRecord) {
    const values = () => schemaNode(core.valueType as z.ZodType, `${path}{}`);
    return { type: () => 'object', values, constraints: () => ({ maxProperties }) };
  }
  if (core instanceof z.ZodUnknown) return { type: () => 'any', constraints: () => ({}) };
  return { type: () => leafType(core, path), constraints: () => leafConstraints(core) };
}

function objectShape(core: z.ZodObject, path: string): Made<Shape> {
  if (!(core.def.catchall instanceof z.ZodNever)) cannotExpress(path, 'objects must be strict');
  const entries = Object.entries(core.shape) as [string, z.ZodType][];
  return {
    type: () => 'object',
    properties: () => Object.fromEntries(entries.map(([name, field]) => [name, schemaNode(field, `${path}.${name}`)])),
    required: () => entries.filter(([, field]) => !field.safeParse(undefined).success).map(([name]) => name),
    constraints: () => ({}),
  };
}

const LEAVES = ['string', 'integer', 'number', 'boolean'] as const;

function leafType(core: z.ZodType, path: string): SchemaNode['type'] {
  const json = z.toJSONSchema(core, { target: 'openapi-3.0', io: 'input' });
  return LEAVES.find((leaf) => leaf === json.type) ?? cannotExpress(path, `${core.def.type} has no structural form`);
}

const KEPT = [
  'minimum',
  'exclusiveMinimum',
  'maximum',
  'exclusiveMaximum',
  'minLength',
  'maxLength',
  'pattern',
  'enum',
  'format',
  'minItems',
  'maxItems',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
];

function leafConstraints(core: z.ZodType): Record<string, unknown> {
  const json = z.toJSONSchema(core, { target: 'openapi-3.0', io: 'input' }) as Record<string, unknown>;
  const kept = Object.fromEntries(KEPT.filter((key) => json[key] !== undefined).map((key) => [key, json[key]]));
  // The pattern of a date is noise beside its format, and so are the bounds of a plain integer.
  if (kept.format !== undefined) delete kept.pattern;
  if (json.type === 'integer')
    kept.format = core instanceof z.ZodNumberFormat && core.format === 'int32' ? 'int32' : 'int64';
  if (kept.minimum === Number.MIN_SAFE_INTEGER) delete kept.minimum;
  if (kept.maximum === Number.MAX_SAFE_INTEGER) delete kept.maximum;
  return kept;
}

/** The schema and what it wraps, outermost first. */
function unwrap(schema: z.ZodType): z.ZodType[] {
  const layers = [schema];
  for (
    let last = schema;
    last instanceof z.ZodOptional || last instanceof z.ZodDefault || last instanceof z.ZodPrefault;
  ) {
    last = last.def.innerType as z.ZodType;
    layers.push(last);
  }
  return layers;
}

function defaultOf(layers: readonly z.ZodType[]): { default?: unknown } {
  const layer = layers.find((one) => one instanceof z.ZodDefault || one instanceof z.ZodPrefault);
  return layer === undefined ? {} : { default: layer.def.defaultValue };
}
