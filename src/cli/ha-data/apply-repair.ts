/** Carries out a plan: one JSON Patch for each ConfigMap, which tests every value that the plan was made from. */
import type { ConfigMapShape, RepairStep } from '../../flink/index.ts';
import { LEADER_ANNOTATION, roleOfConfigMap } from '../../flink/index.ts';
import type { JsonPatchOperation } from '../../kube/index.ts';
import { messageOf } from '../../lib/errors.ts';
import { RepairRefusedError } from './errors.ts';
import type { HaCluster } from './source.ts';

/** A key as a part of a JSON Pointer. */
const pointerPart = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

const NO_ANNOTATIONS = { op: 'add', path: '/metadata/annotations', value: {} } as const;

function pathOf({ action, key }: RepairStep): string {
  return `/${action === 'releaseLease' ? 'metadata/annotations' : 'data'}/${pointerPart(key)}`;
}

/**
 * The patch for one ConfigMap: all of its steps, or none. `fenced`: nobody may have taken the lease since the ConfigMap
 * was read.
 */
export function repairPatch(
  { metadata }: ConfigMapShape,
  steps: readonly RepairStep[],
  fenced: boolean,
): JsonPatchOperation[] {
  const test = (path: string, value: string | undefined): JsonPatchOperation[] =>
    value === undefined ? [] : [{ op: 'test', path, value }];
  const lease = fenced ? metadata.annotations?.[LEADER_ANNOTATION] : undefined;
  const isLease = steps.some(({ action }) => action === 'releaseLease');
  // A patch cannot test that a key is absent; the version of the whole object says that much and more.
  const version = steps.some(({ before }) => before === undefined) ? metadata.resourceVersion : undefined;
  return [
    ...test('/metadata/uid', metadata.uid),
    ...test('/metadata/resourceVersion', version),
    ...test(`/metadata/annotations/${pointerPart(LEADER_ANNOTATION)}`, lease),
    ...steps.flatMap((step) => test(pathOf(step), step.before)),
    // An object has no annotations at all before the first one.
    ...(isLease && metadata.annotations === undefined ? [NO_ANNOTATIONS] : []),
    ...steps.map((step): JsonPatchOperation => {
      const path = pathOf(step);
      return step.after === undefined ? { op: 'remove', path } : { op: 'add', path, value: step.after };
    }),
  ];
}

/**
 * Applies the plan to the ConfigMaps that it was made from. A crash leaves some ConfigMaps repaired and some not; the same
 * command then plans what is left.
 * @throws RepairRefusedError when a ConfigMap has changed meanwhile, or cannot be written
 */
export async function applyRepair(
  cluster: HaCluster,
  shapes: readonly ConfigMapShape[],
  steps: readonly RepairStep[],
  fenced: boolean,
): Promise<void> {
  const done: string[] = [];
  // The one with the lease first: a leader that appeared meanwhile makes its patch fail, and the others are left alone.
  const isOfJob = ({ metadata: { name } }: ConfigMapShape): number => (roleOfConfigMap(name)?.role === 'job' ? 1 : 0);
  for (const shape of shapes.toSorted((a, b) => isOfJob(a) - isOfJob(b))) {
    const { name } = shape.metadata;
    const own = steps.filter(({ configMap }) => configMap === name);
    if (own.length === 0) continue;
    try {
      await patch(cluster, name, repairPatch(shape, own, fenced), own);
    } catch (cause) {
      const before = done.length === 0 ? 'Nothing was changed' : `${done.join(', ')} was repaired before`;
      throw new RepairRefusedError(`${name} was not repaired: ${messageOf(cause)}. ${before}; run this again`, {
        cause,
      });
    }
    done.push(name);
  }
}

async function patch(
  { client, namespace }: HaCluster,
  name: string,
  operations: readonly JsonPatchOperation[],
  steps: readonly RepairStep[],
): Promise<void> {
  const { ApiError, CONFIG_MAPS } = await import('../../kube/index.ts');
  const { signal } = new AbortController();
  try {
    await client.jsonPatch(CONFIG_MAPS, { namespace, name }, operations, { signal });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.isInvalid) throw new Error('it changed while the repair was planned', { cause: error });
    if (error.outcome !== 'unknown') throw error;
    const found = await client.get(CONFIG_MAPS, { namespace, name }, { signal });
    const valueIn = ({ action, key }: RepairStep): string | undefined =>
      (action === 'releaseLease' ? found?.metadata?.annotations : found?.data)?.[key];
    if (!steps.every((step) => valueIn(step) === step.after)) throw error;
  }
}
