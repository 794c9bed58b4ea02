/** Clients of the test cluster, and small objects for them. */
import { onTestFinished } from 'vitest';
import { ApiClient, type ApiClientOptions, type ClusterConnection, type ConfigMap } from '../../src/kube/index.ts';
import type { TestCluster } from '../cluster/index.ts';
import { ApiProxy } from '../faults/api/api-proxy.ts';

/** A connection with a token that is asked for each time, so that tests can change it. */
export function tokenConnection(
  cluster: TestCluster,
  {
    server = cluster.access.server,
    token = () => cluster.access.adminToken,
  }: { server?: string; token?: () => string | Promise<string> } = {},
): ClusterConnection {
  return {
    origin: 'a test',
    server,
    namespace: 'default',
    credentials: async () => ({
      headers: { authorization: `Bearer ${await token()}` },
      ca: cluster.access.ca,
      verifiesServer: true,
    }),
  };
}

/** A client that is closed after the test. */
export function aClient(connection: ClusterConnection, options: Partial<ApiClientOptions> = {}): ApiClient {
  const client = ApiClient.for(connection, { fieldManager: 'test', ...options });
  onTestFinished(() => client.close());
  return client;
}

/** A fault proxy that is stopped after the test. */
export async function aProxy(cluster: TestCluster): Promise<ApiProxy> {
  const proxy = await ApiProxy.start(cluster.access);
  onTestFinished(() => proxy.stop());
  return proxy;
}

export function aConfigMap(namespace: string, name: string, data: Record<string, string> = {}): ConfigMap {
  return { metadata: { namespace, name }, data };
}
