/** Which fields of a job ask for something that only a cluster can give: `flinkjob run` says so of them. */
import { isDeepStrictEqual } from 'node:util';
import { withDefaults } from './defaults.ts';
import { isObject } from './plain-values.ts';
import type { SchemaNode } from './schema-node.ts';
import { formatPath } from './violation.ts';

/** Paths of the fields that differ from their defaults and take effect on a cluster only; of an object its name alone. */
export function clusterOnlyFields(root: SchemaNode, job: unknown): readonly string[] {
  return below(root, job, []).map(formatPath);
}

function below(node: SchemaNode, value: unknown, path: readonly string[]): (readonly string[])[] {
  if (value === undefined) return [];
  if (node.clusterOnly) return isDeepStrictEqual(value, withDefaults(node, undefined)) ? [] : [path];
  if (!isObject(value)) return [];
  return Object.entries(node.properties ?? {}).flatMap(([name, field]) => below(field, value[name], [...path, name]));
}
