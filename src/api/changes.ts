/**
 * What a change of the spec does to the job. Fields say it of themselves here, in one table: a Hot one takes effect while
 * the job runs, a Rescale one asks for another parallelism, every other one needs a restart.
 *
 * The semantic spec is what a restart would be for: no Hot fields, and nothing that equals its default. So it is the same
 * whether a default is written out or not, and another version of the operator, with new fields, changes no job.
 */
import { isDeepStrictEqual } from 'node:util';
import { withDefaults } from './defaults.ts';
import type { FlinkJob, FlinkJobSpec } from './flink-job.ts';
import { API_VERSION, KIND } from './names.ts';
import { isObject, valueAt } from './plain-values.ts';
import type { SchemaNode } from './schema-node.ts';
import { flinkJobNode } from './validate.ts';

/** What a change does: nothing to the running job, another parallelism, a restart. */
export type ChangeClass = 'Hot' | 'Rescale' | 'Restart';

/** What fields that need no restart do. Paths below `spec`. A field is of the class of the nearest one above it that is named here. */
export const CHANGE_CLASSES: Readonly<Record<string, Exclude<ChangeClass, 'Restart'>>> = {
  state: 'Hot',
  'highAvailability.standbys': 'Hot',
  restart: 'Hot',
  'upgrade.mode': 'Hot',
  'upgrade.deadline': 'Hot',
  'upgrade.fallback': 'Hot',
  'upgrade.maxCheckpointAge': 'Hot',
  'upgrade.restorePolicy': 'Hot',
  restoreFrom: 'Hot',
  deletion: 'Hot',
  triggers: 'Hot',
  cleanupPolicy: 'Hot',
  ttlSecondsAfterFinished: 'Hot',
  revisionHistoryLimit: 'Hot',
  ingress: 'Hot',
  parallelism: 'Rescale',
  'taskManager.replicas': 'Rescale',
};

/** One field that differs. */
export interface FieldChange {
  /** Below `spec`. */
  readonly path: string;
  readonly change: ChangeClass;
}

/** The part of a spec that its revision is named after. */
export type SemanticSpec = Readonly<Record<string, unknown>>;

/** What of a spec is in its semantic part. */
export function semanticSpec(spec: FlinkJobSpec): SemanticSpec {
  return withoutHotAndDefaults(specNode(), spec, []) as SemanticSpec;
}

/** A whole spec from a semantic one, with the Hot fields of another: what runs, under the rules that hold now. */
export function specOf(semantic: SemanticSpec, hot: FlinkJobSpec | undefined): FlinkJobSpec {
  const built = hot === undefined ? builtAlone : builtWithHot;
  const known = built.get(semantic);
  if (known !== undefined && known.hot === hot) return known.spec;
  const spec = buildSpec(semantic, hot);
  built.set(semantic, { hot, spec });
  return spec;
}

interface BuiltSpec {
  readonly hot: FlinkJobSpec | undefined;
  readonly spec: FlinkJobSpec;
}

/** What was built last from a semantic spec: it is asked for at every look at a job, and no spec ever changes. */
const builtAlone = new WeakMap<SemanticSpec, BuiltSpec>();
const builtWithHot = new WeakMap<SemanticSpec, BuiltSpec>();

function buildSpec(semantic: SemanticSpec, hot: FlinkJobSpec | undefined): FlinkJobSpec {
  const whole: Record<string, unknown> = structuredClone(semantic as Record<string, unknown>);
  for (const [path, change] of Object.entries(CHANGE_CLASSES)) {
    const value = change === 'Hot' && hot !== undefined ? valueAt(hot, path.split('.')) : undefined;
    if (value !== undefined) put(whole, path.split('.'), value);
  }
  return withDefaults(specNode(), whole) as FlinkJobSpec;
}

/** The fields in which two specs differ, the Hot ones too. */
export function changedFields(from: FlinkJobSpec, to: FlinkJobSpec): readonly FieldChange[] {
  const paths: string[][] = [];
  collectChanges(specNode(), from, to, [], paths);
  return paths.map((path) => ({ path: path.join('.'), change: classOf(path) }));
}

/** What a change of several fields does: the heaviest counts. Undefined: nothing differs. */
export function classOfChange(fields: readonly FieldChange[]): ChangeClass | undefined {
  const classes = new Set(fields.map(({ change }) => change));
  return classes.has('Restart')
    ? 'Restart'
    : classes.has('Rescale')
      ? 'Rescale'
      : classes.has('Hot')
        ? 'Hot'
        : undefined;
}

function specNode(): SchemaNode {
  const node = flinkJobNode().properties?.['spec'];
  if (node === undefined) throw new TypeError('the schema has no spec');
  return node;
}

function classOf(path: readonly string[]): ChangeClass {
  for (let length = path.length; length > 0; length--) {
    const named = CHANGE_CLASSES[path.slice(0, length).join('.')];
    if (named !== undefined) return named;
  }
  return 'Restart';
}

function withoutHotAndDefaults(node: SchemaNode, value: unknown, path: readonly string[]): unknown {
  if (CHANGE_CLASSES[path.join('.')] === 'Hot') return undefined;
  if (isDeepStrictEqual(value, withDefaults(node, undefined))) return undefined;
  if (!isObject(value) || node.properties === undefined) return value;
  const entries = Object.entries(value).flatMap(([name, field]) => {
    const below = node.properties?.[name];
    const kept = below === undefined ? field : withoutHotAndDefaults(below, field, [...path, name]);
    return kept === undefined ? [] : [[name, kept] as const];
  });
  // An object that says nothing more is as good as one that is not there, unless its being there says something.
  if (entries.length === 0 && path.length > 0 && node.default !== undefined) return undefined;
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function collectChanges(node: SchemaNode, from: unknown, to: unknown, path: string[], into: string[][]): void {
  if (isDeepStrictEqual(from, to)) return;
  const { properties } = node;
  if (properties === undefined || !isObject(from) || !isObject(to)) {
    into.push(path);
    return;
  }
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const below = properties[name];
    if (below === undefined) continue;
    collectChanges(below, from[name], to[name], [...path, name], into);
  }
}

function put(whole: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [first = '', ...rest] = path;
  if (rest.length === 0) {
    whole[first] = value;
    return;
  }
  const below = whole[first];
  const inside = isObject(below) ? below : {};
  whole[first] = inside;
  put(inside, rest, value);
}

/** A job whose spec is that of a revision. */
export function jobOfRevision(
  metadata: FlinkJob['metadata'],
  revision: { readonly semantic: SemanticSpec; readonly image: string },
  hot: FlinkJobSpec | undefined,
): FlinkJob {
  const spec = specOf(revision.semantic, hot);
  return { apiVersion: API_VERSION, kind: KIND, metadata, spec: { ...spec, image: revision.image } };
}
