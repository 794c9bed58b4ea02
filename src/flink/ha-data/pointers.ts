/** The pointers in HA data: what has to lead to a file. */
import type { ConfigMapShape } from './config-map.ts';
import { readFlinkConfigMap } from './config-map.ts';
import type { FlinkHaEntry } from './entries.ts';

/** One key whose value leads to a file. */
export interface HaPointer {
  readonly namespace: string | null;
  readonly configMap: string;
  readonly key: string;
  /** The value as it stands there. */
  readonly text: string;
  readonly of: 'checkpoint' | 'plan';
  /** Of a checkpoint. */
  readonly checkpointId: number | undefined;
  /** Undefined where the bytes stand in the pointer itself. */
  readonly uri: string | undefined;
  /** What Flink noted when it wrote the file. */
  readonly sizeBytes: number;
  readonly deleting: boolean;
}

/** All pointers that can be read, in the order of the ConfigMaps and their keys. */
export function pointersIn(shapes: readonly ConfigMapShape[]): HaPointer[] {
  return shapes.flatMap((shape) =>
    (readFlinkConfigMap(shape)?.entries ?? []).flatMap((entry) =>
      entry.kind === 'checkpoint' || entry.kind === 'plan' ? [pointerOf(entry, shape)] : [],
    ),
  );
}

function pointerOf(entry: Extract<FlinkHaEntry, { kind: 'checkpoint' | 'plan' }>, shape: ConfigMapShape): HaPointer {
  const { marker, stream } = entry.handle;
  return {
    namespace: shape.metadata.namespace ?? null,
    configMap: shape.metadata.name,
    key: entry.key,
    text: shape.data?.[entry.key] ?? '',
    of: entry.kind,
    checkpointId: entry.kind === 'checkpoint' ? entry.checkpointId : undefined,
    uri: stream.in === 'file' ? stream.uri : undefined,
    sizeBytes: stream.in === 'file' ? Number(stream.sizeBytes) : stream.data.length,
    deleting: marker?.deleting ?? false,
  };
}

/** Whether these ConfigMaps still have the pointer, unchanged. */
export function stillStands(pointer: HaPointer, shapes: readonly ConfigMapShape[]): boolean {
  return shapes.some(
    ({ metadata, data }) =>
      metadata.name === pointer.configMap &&
      (metadata.namespace ?? null) === pointer.namespace &&
      data?.[pointer.key] === pointer.text,
  );
}
