/**
 * The part of Kustomize's language that config/ is written in, so that manifests are rendered in a moment on any machine.
 * A test renders the same with the real `kustomize` and compares. What is not known here is refused, never passed over.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

/** JSON with named fields. */
export interface Fields {
  [field: string]: Json;
}

export type Json = string | number | boolean | null | Json[] | Fields;

/** One Kubernetes object. */
export interface KubeObject extends Fields {
  apiVersion: string;
  kind: string;
  metadata: Fields & { name: string; namespace?: string; labels?: Record<string, string> };
}

interface Kustomization {
  readonly resources?: readonly string[];
  readonly configMapGenerator?: readonly { readonly name: string; readonly files: readonly string[] }[];
  readonly patches?: readonly {
    readonly target: { readonly kind: string; readonly name: string };
    readonly patch: string;
  }[];
  readonly namespace?: string;
  readonly labels?: readonly { readonly pairs: Record<string, string>; readonly includeTemplates?: boolean }[];
}

const KNOWN = new Set(['apiVersion', 'kind', 'resources', 'configMapGenerator', 'patches', 'namespace', 'labels']);

/** Of the whole cluster; all else gets the namespace. */
const CLUSTER_KINDS = new Set(['ClusterRole', 'ClusterRoleBinding', 'PriorityClass']);

/** In the order in which they are applied: what others name comes before them. */
const ORDER = [
  'PriorityClass',
  'ServiceAccount',
  'Role',
  'ClusterRole',
  'RoleBinding',
  'ClusterRoleBinding',
  'NetworkPolicy',
  'ConfigMap',
  'Service',
  'Deployment',
  'PodDisruptionBudget',
];

/** The objects of a folder with a kustomization.yaml. Throws on anything that is not understood. */
export function renderFolder(folder: string): KubeObject[] {
  const placed = withHashes(build(folder)).map((object) => ({ object, place: ORDER.indexOf(object.kind) }));
  const homeless = placed.find(({ place }) => place < 0);
  if (homeless !== undefined)
    throw new Error(`${folder}: ${homeless.object.kind} has no place in the order of application; give it one`);
  return placed.toSorted((left, right) => left.place - right.place).map(({ object }) => object);
}

/** What was generated, by the object; its name gets a hash at the very end. */
const generated = new WeakSet<KubeObject>();

function build(folder: string): KubeObject[] {
  const file = join(folder, 'kustomization.yaml');
  const kustomization = parse(readFileSync(file, 'utf8')) as Kustomization;
  const unknown = Object.keys(kustomization).filter((key) => !KNOWN.has(key));
  if (unknown.length > 0) throw new Error(`${file}: ${unknown.join(', ')} is not understood by scripts/manifests`);
  const objects = [
    ...(kustomization.resources ?? []).flatMap((path) => resource(join(folder, path))),
    ...(kustomization.configMapGenerator ?? []).map((generator) => configMap(folder, generator)),
  ];
  for (const patch of kustomization.patches ?? []) apply(file, objects, patch);
  if (kustomization.namespace !== undefined)
    for (const object of objects) setNamespace(object, kustomization.namespace);
  for (const labels of kustomization.labels ?? []) for (const object of objects) setLabels(object, labels);
  return objects;
}

function resource(path: string): KubeObject[] {
  if (statSync(path).isDirectory()) return build(path);
  return parseAllDocuments(readFileSync(path, 'utf8')).map((document) => document.toJS() as KubeObject);
}

function configMap(folder: string, { name, files }: { name: string; files: readonly string[] }): KubeObject {
  const data = Object.fromEntries(files.map((file) => [basename(file), readFileSync(join(folder, file), 'utf8')]));
  const object: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
  generated.add(object);
  return object;
}

function setNamespace(object: KubeObject, namespace: string): void {
  if (!CLUSTER_KINDS.has(object.kind)) object.metadata.namespace = namespace;
  for (const subject of (object['subjects'] ?? []) as Fields[]) subject['namespace'] = namespace;
}

function setLabels(
  object: KubeObject,
  { pairs, includeTemplates }: { pairs: Record<string, string>; includeTemplates?: boolean },
): void {
  object.metadata.labels = { ...object.metadata.labels, ...pairs };
  const template = (object['spec'] as Fields | undefined)?.['template'] as Fields | undefined;
  if (includeTemplates !== true || template === undefined) return;
  const metadata = template['metadata'] as Fields;
  metadata['labels'] = { ...(metadata['labels'] as Fields), ...pairs };
}

interface Operation {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: string;
  readonly value?: Json;
}

function apply(
  file: string,
  objects: KubeObject[],
  { target, patch }: NonNullable<Kustomization['patches']>[number],
): void {
  const object = objects.find(({ kind, metadata }) => kind === target.kind && metadata.name === target.name);
  if (object === undefined) throw new Error(`${file}: there is no ${target.kind} ${target.name} to patch`);
  for (const operation of parse(patch) as Operation[]) {
    const steps = operation.path.split('/').slice(1);
    const last = steps.pop() ?? '';
    const parent = steps.reduce<Json | undefined>((at, step) => (at as Fields | undefined)?.[step], object);
    if (typeof parent !== 'object' || parent === null) throw new Error(`${file}: ${operation.path} leads nowhere`);
    change(parent, last, operation);
  }
}

function change(parent: Fields | Json[], last: string, { op, value }: Operation): void {
  if (op === 'remove') delete (parent as Fields)[last];
  else if (Array.isArray(parent) && last === '-') parent.push(value as Json);
  else if (Array.isArray(parent) && op === 'add') parent.splice(Number(last), 0, value as Json);
  else (parent as Fields)[last] = value as Json;
}

/** Generated objects are named after their content, and named so by those who mount them. */
function withHashes(objects: KubeObject[]): KubeObject[] {
  for (const object of objects.filter((each) => generated.has(each))) {
    const { name } = object.metadata;
    const hashed = `${name}-${contentHash(object)}`;
    object.metadata.name = hashed;
    for (const { kind, ...rest } of objects) {
      if (kind !== 'Deployment') continue;
      const pod = (((rest['spec'] as Fields)['template'] as Fields)['spec'] as Fields)['volumes'] as Fields[];
      for (const { configMap } of pod)
        if ((configMap as Fields | undefined)?.['name'] === name) (configMap as Fields)['name'] = hashed;
    }
  }
  return objects;
}

/** As Kustomize does it: ten digits, of which none can make a word. */
function contentHash(object: KubeObject): string {
  // The name has a place in it, and is left out.
  const text = goJson({ data: object['data'] ?? {}, kind: object.kind, name: '' });
  const digits = createHash('sha256').update(text).digest('hex').slice(0, 10);
  const spoken: Readonly<Record<string, string>> = { 0: 'g', 1: 'h', 3: 'k', a: 'm', e: 't' };
  return [...digits].map((digit) => spoken[digit] ?? digit).join('');
}

/** JSON as Go writes it: keys in order, and three characters of HTML spelled out. */
function goJson(value: Json): string {
  const sorted = (_key: string, field: Json): Json =>
    field !== null && typeof field === 'object' && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).sort(([left], [right]) => (left < right ? -1 : 1)))
      : field;
  return JSON.stringify(value, sorted).replaceAll(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
}
