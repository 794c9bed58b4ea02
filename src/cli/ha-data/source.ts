/** Where HA data is read from: the API server of a cluster, or a file with ConfigMaps. */
import { resolve } from 'node:path';
import { type ConfigMapShape, clusterConfigMapName, inspectHaData, jobConfigMapName } from '../../flink/index.ts';
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

/**
 * Opens the source, does the work, and closes what was opened.
 * @param name the cluster that is wanted; whoever may not list ConfigMaps may still read those of this name
 */
export async function withHaSource<R>(
  name: string | undefined,
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
    const cluster = { client, namespace: namespace ?? namespaceIn(name) ?? client.defaultNamespace };
    const say = sayOnce(io);
    return await work({
      name: `namespace ${cluster.namespace}`,
      cluster,
      read: () => configMapsIn(cluster, name, say),
    });
  } finally {
    await client.close();
  }
}

/**
 * All ConfigMaps of the namespace. Labels are not asked for: releases before 1.19 set them late, and data that somebody
 * stripped of them still decides what a JobManager does.
 */
async function configMapsIn(
  cluster: HaCluster,
  name: string | undefined,
  say: (line: string) => void,
): Promise<ConfigMapShape[]> {
  const { ApiError, CONFIG_MAPS } = await import('../../kube/index.ts');
  const { client, namespace } = cluster;
  try {
    const { items } = await client.list(CONFIG_MAPS, { namespace, limit: PAGE_SIZE, signal: NEVER });
    return items.map(shapeOf);
  } catch (error) {
    if (!(error instanceof ApiError && error.isForbidden) || name === undefined) throw error;
    const found = await namedConfigMaps(cluster, name.slice(name.lastIndexOf('/') + 1));
    if (found.length === 0) throw error;
    say(`ConfigMaps of namespace ${namespace} may not be listed: only those that ${name} names are looked at`);
    return found;
  }
}

/** Of `namespace/name`. */
function namespaceIn(name: string | undefined): string | undefined {
  return name?.includes('/') === true ? name.slice(0, name.indexOf('/')) : undefined;
}

/** On stderr, and not again when the same is found with the next read. */
function sayOnce(io: CliIo): (line: string) => void {
  const said = new Set<string>();
  return (line) => {
    if (!said.has(line)) io.stderr.write(`${line}\n`);
    said.add(line);
  };
}

/** Those whose names follow from that of the cluster: its own, the ones of the jobs it names, that of a TypeScript job. */
async function namedConfigMaps(cluster: HaCluster, clusterId: string): Promise<ConfigMapShape[]> {
  const own = await readable(cluster, `${clusterId}-ha`);
  const main = await readable(cluster, clusterConfigMapName(clusterId));
  const jobIds = inspectHaData(main).flatMap(({ jobs }) => jobs.map(({ jobId }) => jobId));
  const found: ConfigMapShape[] = [...own, ...main];
  for (const jobId of jobIds) found.push(...(await readable(cluster, jobConfigMapName(clusterId, jobId))));
  return found;
}

/** The ConfigMap, or nothing where there is none, or it may not be read. */
async function readable({ client, namespace }: HaCluster, name: string): Promise<ConfigMapShape[]> {
  const { ApiError, CONFIG_MAPS } = await import('../../kube/index.ts');
  try {
    const found = await client.get(CONFIG_MAPS, { namespace, name }, { signal: NEVER });
    return found === undefined ? [] : [shapeOf(found)];
  } catch (error) {
    if (error instanceof ApiError && error.isForbidden) return [];
    throw error;
  }
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
