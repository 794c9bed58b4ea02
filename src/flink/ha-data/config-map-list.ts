/** Finds the ConfigMaps in what `kubectl get -o json` or a YAML file says, and checks the parts that are used. */
import { FlinkDataError } from '../wire/errors.ts';
import type { ConfigMapShape } from './config-map.ts';

/** A list may hold a list, as when several outputs of kubectl are put together; more levels are nobody's output. */
const MOST_LEVELS = 4;

/**
 * The ConfigMaps in parsed JSON or YAML: one of them, a List, an array, or a document that has them under `configMaps`.
 * Objects of other kinds are passed over.
 * @param name what is read, for messages
 * @throws FlinkDataError FLINK_CONFIG_MAPS_MALFORMED when there are none, or one is not what Kubernetes has
 */
export function configMapsIn(document: unknown, name: string): ConfigMapShape[] {
  const found: ConfigMapShape[] = [];
  collect(document, { name, path: '', levels: 0, found });
  return found;
}

interface Place {
  readonly name: string;
  readonly path: string;
  readonly levels: number;
  readonly found: ConfigMapShape[];
}

function collect(value: unknown, place: Place): void {
  if (place.levels > MOST_LEVELS) throw malformed(place, `lists are nested more than ${MOST_LEVELS} levels deep`);
  if (Array.isArray(value)) {
    value.forEach((item, index) => {
      collect(item, { ...place, path: `${place.path}[${index}]`, levels: place.levels + 1 });
    });
    return;
  }
  const object = objectAt(value, place);
  const list = object.items === undefined ? 'configMaps' : 'items';
  if (object[list] !== undefined)
    collect(object[list], { ...place, path: join(place.path, list), levels: place.levels + 1 });
  else if (object.kind === 'ConfigMap') place.found.push(configMapAt(object, place));
  else if (typeof object.kind !== 'string') throw malformed(place, 'it is neither a ConfigMap nor a list of them');
}

function configMapAt({ metadata, data }: Record<string, unknown>, place: Place): ConfigMapShape {
  const at: Place = { ...place, path: join(place.path, 'metadata') };
  const { name, namespace, uid, resourceVersion, labels, annotations } = objectAt(metadata, at);
  if (typeof name !== 'string' || name === '') throw malformed(at, 'the name is missing');
  return {
    metadata: {
      name,
      ...(typeof namespace === 'string' ? { namespace } : {}),
      ...(typeof uid === 'string' ? { uid } : {}),
      ...(typeof resourceVersion === 'string' ? { resourceVersion } : {}),
      ...textsAt('labels', labels, at),
      ...textsAt('annotations', annotations, at),
    },
    ...textsAt('data', data, place),
  };
}

/** A map of texts under its own name; nothing when it is absent. */
function textsAt<K extends string>(key: K, value: unknown, place: Place): { [key in K]?: Record<string, string> } {
  if (value === undefined || value === null) return {};
  const at: Place = { ...place, path: join(place.path, key) };
  const texts = objectAt(value, at);
  for (const [each, text] of Object.entries(texts)) {
    if (typeof text !== 'string') throw malformed({ ...at, path: join(at.path, each) }, 'it is no text');
  }
  return { [key]: texts } as { [key in K]?: Record<string, string> };
}

function objectAt(value: unknown, place: Place): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw malformed(place, 'an object is expected');
}

function join(path: string, key: string): string {
  const name = /^[\w./-]+$/.test(key) ? key : JSON.stringify(key);
  return path === '' ? name : `${path}.${name}`;
}

function malformed({ name, path }: Place, reason: string): FlinkDataError {
  const where = path === '' ? '' : `at ${path.length > 200 ? `${path.slice(0, 200)}…` : path}: `;
  return new FlinkDataError('FLINK_CONFIG_MAPS_MALFORMED', name, `${where}${reason}`);
}
