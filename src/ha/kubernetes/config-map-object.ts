/**
 * The object of a job as a ConfigMap: the numbers that fence it are annotations, its entries are data. Reading never runs
 * anything, and an object that is not what this program wrote is said to be so.
 */
import type { ConfigMap, JsonPatchOperation } from '../../kube/index.ts';
import { pointerPart } from '../../kube/index.ts';
import { HaObjectCorruptException } from '../errors.ts';
import type { HaBeginning, HaPatch, HaSnapshot } from '../handle-backend.ts';
import { LAYOUT, LAYOUT_KEY } from '../keys.ts';

export const EPOCH_ANNOTATION = 'flinkjob.dev/epoch';
export const SEQ_ANNOTATION = 'flinkjob.dev/seq';
export const ATTEMPT_ANNOTATION = 'flinkjob.dev/attempt';
/** Who raised the epoch last. */
export const LEADER_ANNOTATION = 'flinkjob.dev/leader';
/** Who wrote this version, for people. */
export const WRITER_ANNOTATION = 'flinkjob.dev/writer';

const REMEDY = 'or delete the ConfigMap to have it made anew from what storage holds';

/** @throws HaObjectCorruptException for a ConfigMap without the annotations of a job's object, or in another layout */
export function snapshotOf({ metadata, data = {} }: ConfigMap, name: string): HaSnapshot {
  const annotations = metadata?.annotations ?? {};
  const numberIn = (annotation: string): number => {
    const text = annotations[annotation] ?? '';
    if (/^\d{1,15}$/.test(text)) return Number(text);
    throw new HaObjectCorruptException(
      name,
      `its annotation ${annotation} is ${shown(text)} and must be a number; restore the annotation, ${REMEDY}`,
    );
  };
  // The first entry that is made and the last one to go: without it somebody has emptied the object, and a job that went
  // on would begin from nothing.
  const layout = data[LAYOUT_KEY] ?? '';
  if (layout !== LAYOUT) {
    const why = `its entry ${LAYOUT_KEY} is ${shown(layout)} and must be "${LAYOUT}"; restore the entries, ${REMEDY}`;
    throw new HaObjectCorruptException(name, why);
  }
  return {
    uid: metadata?.uid ?? '',
    epoch: numberIn(EPOCH_ANNOTATION),
    seq: numberIn(SEQ_ANNOTATION),
    attempt: numberIn(ATTEMPT_ANNOTATION),
    leader: annotations[LEADER_ANNOTATION] ?? '',
    entries: new Map(Object.entries(data)),
  };
}

const shown = (text: string): string => (text === '' ? 'missing' : JSON.stringify(text.slice(0, 40)));

/** A new object: nobody has led. The layout entry keeps `data` from ever being empty, and so absent. */
export function newObject(
  where: { readonly namespace: string; readonly name: string; readonly labels: Readonly<Record<string, string>> },
  { epoch, attempt, entries, writer }: HaBeginning,
): ConfigMap {
  return {
    metadata: {
      namespace: where.namespace,
      name: where.name,
      labels: where.labels,
      annotations: {
        [EPOCH_ANNOTATION]: String(epoch),
        [SEQ_ANNOTATION]: '0',
        [ATTEMPT_ANNOTATION]: String(attempt),
        [LEADER_ANNOTATION]: '',
        [WRITER_ANNOTATION]: writer,
      },
    },
    data: { [LAYOUT_KEY]: LAYOUT, ...Object.fromEntries(entries) },
  };
}

/**
 * A patch as one JSON Patch without a resource version: the server applies it again when an edit of somebody else came in
 * between, and refuses it as a whole when uid, epoch or seq are no longer those it was computed from.
 */
export function jsonPatchOf({ expect, entries, raise, writer }: HaPatch): JsonPatchOperation[] {
  const operations: JsonPatchOperation[] = [
    { op: 'test', path: '/metadata/uid', value: expect.uid },
    { op: 'test', path: annotation(EPOCH_ANNOTATION), value: String(expect.epoch) },
    { op: 'test', path: annotation(SEQ_ANNOTATION), value: String(expect.seq) },
    { op: 'replace', path: annotation(SEQ_ANNOTATION), value: String(expect.seq + 1) },
    // Adding replaces what is there, and does not mind when nothing is.
    { op: 'add', path: annotation(WRITER_ANNOTATION), value: writer },
  ];
  const set = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) operations.push({ op: 'add', path: annotation(name), value: String(value) });
  };
  set(EPOCH_ANNOTATION, raise?.epoch === undefined ? undefined : Math.max(raise.epoch, expect.epoch));
  set(ATTEMPT_ANNOTATION, raise?.attempt);
  set(LEADER_ANNOTATION, raise?.leader);
  for (const [key, value] of entries) {
    const path = `/data/${pointerPart(key)}`;
    operations.push({ op: 'add', path, value: value ?? '' });
    // Removing what is not there would fail the whole patch; now it is there.
    if (value === undefined) operations.push({ op: 'remove', path });
  }
  return operations;
}

const annotation = (name: string): string => `/metadata/annotations/${pointerPart(name)}`;
