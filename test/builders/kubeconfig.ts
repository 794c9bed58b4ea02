/** A kubeconfig for the test cluster, as a file for programs that read one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterAccess } from '../cluster/index.ts';

/** The text, of a user that may do everything. */
export function kubeconfigText({ server, ca, adminToken }: ClusterAccess, namespace: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace } }],
    users: [{ name: 'test', user: { token: adminToken } }],
  });
}

/** A file with it, until it is disposed of. */
export function kubeconfigFile(access: ClusterAccess, namespace: string): { path: string } & Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'flinkjob-kubeconfig-'));
  const path = join(folder, 'config');
  writeFileSync(path, kubeconfigText(access, namespace));
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}
