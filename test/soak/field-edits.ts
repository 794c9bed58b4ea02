/** Every field of a FlinkJob's spec given everything that it must not have, and much that it may, as the schema names them. */
import { shippedDefinition } from '../integration/crd/definition.ts';
import type { FaultWorld } from './fault-world.ts';

/** One field, and what somebody writes there. */
export interface FieldEdit {
  readonly path: readonly string[];
  readonly value: unknown;
}

interface SchemaNode {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

const LONG = 'x'.repeat(65_536);
const STRANGE = '\u{1f980} ключ \u202e ""\\';

/** All of them, in the order of the schema. */
export function fieldEdits(): readonly FieldEdit[] {
  const { spec } = shippedDefinition().spec.versions[0].schema.openAPIV3Schema.properties as Record<string, SchemaNode>;
  return fieldsOf(spec ?? {}, []);
}

function fieldsOf(node: SchemaNode, path: readonly string[]): readonly FieldEdit[] {
  const own = path.length === 0 ? [] : valuesFor(node).map((value) => ({ path, value }));
  const below = Object.entries(node.properties ?? {}).flatMap(([name, child]) => fieldsOf(child, [...path, name]));
  return [...own, ...below];
}

/** Nothing, empty, the ends of a range, another type, strange letters, far too much. */
function valuesFor({ type, enum: choices = [], maximum }: SchemaNode): readonly unknown[] {
  switch (type) {
    case 'string':
      return [null, '', STRANGE, LONG, 7, ...choices];
    case 'integer':
      return [null, 0, -1, 1, maximum ?? 2_147_483_647, 1.5, 'seven'];
    case 'boolean':
      return [null, true, false, 'yes'];
    case 'array':
      return [null, [], [null], [{}], 'one'];
    default:
      return [null, {}, [], 'one', { __proto__: null, unknown: 1 }];
  }
}

/**
 * Writes it, waits until the operator has looked where the server took it, and takes it back.
 * @returns whether the server took it
 */
export async function tryEdit(world: FaultWorld, { path, value }: FieldEdit): Promise<boolean> {
  const body = path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
  const { namespace, name } = world.ref;
  const url = `/apis/flinkjob.dev/v1alpha1/namespaces/${namespace}/flinkjobs/${name}`;
  const before = await world.job();
  const refusal = await world.cluster.call('PATCH', url, { spec: body } as object, 'application/merge-patch+json').then(
    () => undefined,
    (error: Error) => error.message,
  );
  const what = `${path.join('.')} = ${JSON.stringify(value)?.slice(0, 40)}`;
  if (refusal !== undefined) {
    if (!/answered with (400|413|422)/.test(refusal)) throw new Error(`${what}: ${refusal.slice(0, 500)}`);
    return false;
  }
  await world.until(`a look at ${what}`, () => true);
  const back = [{ op: 'replace', path: '/spec', value: before?.spec }];
  await world.cluster.call('PATCH', url, back, 'application/json-patch+json').catch((error: Error) => {
    throw new Error(`${what} cannot be taken back: ${error.message.slice(0, 500)}`);
  });
  await world.until(`a look after ${what}`, () => true);
  return true;
}
