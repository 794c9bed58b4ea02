/** The state handle store on a ConfigMap of a real API server: faults made at the client, and on the way to the server. */
import { randomBytes } from 'node:crypto';
import { test as anyTest, expect } from 'vitest';
import { ConfigMapHandleBackend } from '../../src/ha/kubernetes/index.ts';
import { ApiClient } from '../../src/kube/index.ts';
import { tokenConnection } from '../builders/kube.ts';
import { clusterForTests } from '../cluster/index.ts';
import { ApiProxy } from '../faults/api/api-proxy.ts';
import { networkFaultyBackend } from '../faults/network-faulty-backend.ts';
import { stateHandleStoreConformance, wrappedFixture } from './state-handle-store/index.ts';

const cluster = await clusterForTests();

if (cluster === undefined) anyTest.skip('no Kubernetes API server can be had here', () => expect.unreachable());
else {
  const namespace = await cluster.namespace();
  stateHandleStoreConformance('ConfigMap', () => {
    const name = `job-${randomBytes(4).toString('hex')}-ha`;
    const clients = [1, 2].map(() => ApiClient.for(tokenConnection(cluster), { fieldManager: 'test' }));
    const [one, two] = clients.map((client) => new ConfigMapHandleBackend({ client, namespace, name }));
    const close = async (): Promise<void> => void (await Promise.all(clients.map((client) => client.close())));
    return { ...wrappedFixture(one!, two!, close), forgetsEpochs: true };
  });

  stateHandleStoreConformance('ConfigMap behind a bad network', async () => {
    const object = { namespace, name: `job-${randomBytes(4).toString('hex')}-ha` };
    const proxy = await ApiProxy.start(cluster.access);
    const far = ApiClient.for(tokenConnection(cluster, { server: proxy.url }), { fieldManager: 'test' });
    const near = ApiClient.for(tokenConnection(cluster), { fieldManager: 'test' });
    const inner = new ConfigMapHandleBackend({ client: far, ...object });
    const impatient = new ConfigMapHandleBackend({ client: far, ...object, deadlineMs: 100 });
    return {
      backend: networkFaultyBackend({ inner, impatient }, proxy, object),
      other: new ConfigMapHandleBackend({ client: near, ...object }),
      forgetsEpochs: true,
      dispose: async () => {
        await Promise.all([far.close(), near.close()]);
        await proxy.stop();
      },
    };
  });
}
