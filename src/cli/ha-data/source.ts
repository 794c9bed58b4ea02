/** Where HA data is read from: the API server of a cluster, or a file with ConfigMaps. */
import { resolve } from 'node:path';
import type { ConfigMapShape } from '../../flink/index.ts';
import type { ApiClient, ConfigMap } from '../../kube/index.ts';
import type { CliIo } from '../command.ts';
import { configMapsInFile } from './config-map-file.ts';

/** What says where the data is. */
export interface HaSourceOptions {
  /** ConfigMaps in a file; without it a cluster is asked. */
  readonly file?: string;
  readonly namespace?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** HA data that can be read, and read again. */
export interface HaSource {
  /** `namespace flights`, or the name of the file. */
  readonly name: string;
  /** A cluster that may change meanwhile; undefined for a file. */
  readonly cluster: HaCluster | undefined;
  read(): Promise<ConfigMapShape[]>;
}

/** The namespace that is looked at, and the client for it. */
export interface HaCluster {
  readonly client: ApiClient;
  readonly namespace: string;
}

/** ConfigMaps may have a megabyte each, and a page is held in memory as a whole. */
const PAGE_SIZE = 50;
/** Signals end the whole process. */
const NEVER = new AbortController().signal;

/** Opens the source, does the work, and closes what was opened. */
export async function withHaSource<R>(
  options: HaSourceOptions,
  io: CliIo,
  work: (source: HaSource) => Promise<R>,
): Promise<R> {
  const { file, namespace, kubeconfig, context } = options;
  if (file !== undefined) {
    // Once: standard input is not there a second time.
    const shapes = await configMapsInFile(file, io);
    return work({ name: file, cluster: undefined, read: async () => shapes });
  }
  // The Kubernetes client is loaded where a cluster is asked.
  const { ApiClient, openConnection } = await import('../../kube/index.ts');
  const connection = await openConnection({
    environment: io.env,
    ...(kubeconfig === undefined ? {} : { kubeconfig: resolve(io.cwd, kubeconfig) }),
    ...(context === undefined ? {} : { context }),
  });
  const client = ApiClient.for(connection, { fieldManager: 'flinkjob-cli' });
  try {
    const cluster = { client, namespace: namespace ?? client.defaultNamespace };
    return await work({ name: `namespace ${cluster.namespace}`, cluster, read: () => configMapsIn(cluster) });
  } finally {
    await client.close();
  }
}

/**
 * All ConfigMaps of the namespace. Labels are not asked for: releases before 1.19 set them late, and data that somebody
 * stripped of them still decides what a JobManager does.
 */
async function configMapsIn({ client, namespace }: HaCluster): Promise<ConfigMapShape[]> {
  const { CONFIG_MAPS } = await import('../../kube/index.ts');
  const { items } = await client.list(CONFIG_MAPS, { namespace, limit: PAGE_SIZE, signal: NEVER });
  return items.map(shapeOf);
}

/** The parts of a ConfigMap that HA data lives in. */
function shapeOf({ metadata = {}, data }: ConfigMap): ConfigMapShape {
  const { name = '', namespace, uid, resourceVersion, labels, annotations } = metadata;
  return {
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    ...(data === undefined ? {} : { data }),
  };
}
