/**
 * Starts and stops the programs of one control plane: etcd, kube-apiserver and, when asked for, kube-controller-manager. All
 * on loopback, on ports that were free, with everything they write below one folder.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterAccess } from './access.ts';
import { certificateAuthority, issueCertificate, signingKeyPair } from './certificates.ts';
import type { ProgramName } from './programs.ts';

/** Static tokens of users that need no certificate; the API server reads them once, when it starts. */
export const ADMIN_TOKEN_USER = 'test-admin';

export interface ControlPlaneFacts {
  /** Exists and is empty. Everything is written below it. */
  readonly folder: string;
  readonly programs: Readonly<Partial<Record<ProgramName, string>>>;
}

/** A server that does not answer within this time will not. */
const START_DEADLINE_MS = 90_000;

export class ControlPlane {
  private readonly facts: ControlPlaneFacts;
  private readonly children: ChildProcess[] = [];
  private access: ClusterAccess | undefined;

  constructor(facts: ControlPlaneFacts) {
    this.facts = facts;
  }

  /** Resolves when the API server is ready. A port that somebody else took first is chosen again. */
  async start(): Promise<ClusterAccess> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        this.access = await this.tryStart();
        return this.access;
      } catch (error) {
        await this.stop();
        if (attempt === 3 || !/address already in use/.test(String(error))) throw error;
      }
    }
  }

  /** Adds garbage collection, namespaces that end, service accounts and Jobs. */
  async startControllerManager(program: string): Promise<void> {
    if (this.access === undefined) throw new Error('the API server does not run');
    const { folder } = this.facts;
    const [port = 0] = await freePorts(1);
    const manager = certificate(folder, 'controller-manager', this.access.authority, 'system:kube-controller-manager');
    const kubeconfig = join(folder, 'controller-manager.kubeconfig');
    writeFileSync(kubeconfig, JSON.stringify(kubeconfigOf(this.access, manager)));
    const child = this.run(program, [
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      `--cert-dir=${join(folder, 'controller-manager-certificates')}`,
      `--kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      '--leader-elect=false',
      // All but the one that puts a ConfigMap of its own into every namespace, under the eyes of tests that count them.
      '--controllers=*,-root-ca-certificate-publisher-controller',
      '--use-service-account-credentials=false',
      `--service-account-private-key-file=${join(folder, 'service-account.key')}`,
      `--root-ca-file=${join(folder, 'ca.crt')}`,
      '--concurrent-gc-syncs=20',
      '-v=1',
    ]);
    await this.until(child, 'kube-controller-manager', () => answers(port, '/healthz', this.access?.ca ?? '', {}));
  }

  /** Ends every process at once; what they wrote is not needed any more. */
  async stop(): Promise<void> {
    await Promise.all(this.children.splice(0).map(killed));
  }

  private async tryStart(): Promise<ClusterAccess> {
    const { folder } = this.facts;
    const [etcdPort = 0, peerPort = 0, port = 0] = await freePorts(3);
    const access = prepare(folder, port);
    const etcd = `http://127.0.0.1:${etcdPort}`;
    const peer = `http://127.0.0.1:${peerPort}`;
    const store = this.run(this.program('etcd'), [
      `--data-dir=${join(folder, 'etcd')}`,
      '--unsafe-no-fsync',
      '--log-level=warn',
      `--listen-client-urls=${etcd}`,
      `--advertise-client-urls=${etcd}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      '--initial-election-tick-advance=true',
      '--heartbeat-interval=50',
      '--election-timeout=500',
    ]);
    const server = this.run(this.program('kube-apiserver'), [
      ...apiServerFlags(folder),
      `--etcd-servers=${etcd}`,
      `--secure-port=${port}`,
    ]);
    await this.until([store, server], 'kube-apiserver', () =>
      answers(port, '/readyz', access.ca, { authorization: `Bearer ${access.adminToken}` }),
    );
    return access;
  }

  private program(name: ProgramName): string {
    const path = this.facts.programs[name];
    if (path === undefined) throw new Error(`no ${name} was found`);
    return path;
  }

  private run(program: string, args: readonly string[]): ChildProcess {
    const name = program.split('/').at(-1) ?? program;
    const log = openSync(join(this.facts.folder, `${name}.log`), 'a');
    const child = spawn(program, args, { cwd: this.facts.folder, stdio: ['ignore', log, log] });
    child.on('error', () => {});
    this.children.push(child);
    return child;
  }

  /** Waits for an answer, and says why when a program ends instead. */
  private async until(of: ChildProcess | ChildProcess[], what: string, isUp: () => Promise<boolean>): Promise<void> {
    const stop = performance.now() + START_DEADLINE_MS;
    const children = [of].flat();
    for (;;) {
      if (await isUp()) return;
      const gone = children.find(
        (child) => child.exitCode !== null || child.signalCode !== null || child.pid === undefined,
      );
      if (gone === undefined && performance.now() < stop) {
        await pause(20);
        continue;
      }
      const why = gone === undefined ? `did not answer within ${START_DEADLINE_MS / 1000} s` : 'could not be started';
      throw new Error(`${what} ${why}:\n${this.lastLines()}`);
    }
  }

  private lastLines(): string {
    const logs = ['etcd', 'kube-apiserver', 'kube-controller-manager'].map((name) => {
      try {
        return readFileSync(join(this.facts.folder, `${name}.log`), 'utf8').slice(-1_500);
      } catch {
        // That program was not started.
        return '';
      }
    });
    return logs.join('\n').trim();
  }
}

/** Writes certificates, tokens and the audit policy. */
function prepare(folder: string, port: number): ClusterAccess {
  mkdirSync(join(folder, 'audit'), { recursive: true });
  const authority = certificateAuthority('flinkjob-test-ca');
  writeFileSync(join(folder, 'ca.crt'), authority.cert);
  const hosts = ['localhost', '127.0.0.1', 'kubernetes.default.svc'];
  const server = issueCertificate(authority, { commonName: 'kube-apiserver', hosts });
  writeFileSync(join(folder, 'server.crt'), server.cert);
  writeFileSync(join(folder, 'server.key'), server.key, { mode: 0o600 });
  const tokens = signingKeyPair();
  writeFileSync(join(folder, 'service-account.key'), tokens.privateKey, { mode: 0o600 });
  writeFileSync(join(folder, 'service-account.pub'), tokens.publicKey);
  const adminToken = crypto.randomUUID();
  writeFileSync(join(folder, 'tokens.csv'), `${adminToken},${ADMIN_TOKEN_USER},1,"system:masters"\n`, { mode: 0o600 });
  writeFileSync(join(folder, 'audit-policy.json'), JSON.stringify(AUDIT_POLICY));
  const auditLog = join(folder, 'audit', 'audit.log');
  return {
    server: `https://127.0.0.1:${port}`,
    ca: authority.cert,
    adminToken,
    auditLog,
    folder,
    authority,
    frontProxy: issueCertificate(authority, { commonName: 'front-proxy' }),
    serviceAccountKey: tokens.privateKey,
  };
}

/** Who did what and when, but not what the control plane does for itself. */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', users: ['system:apiserver', 'system:kube-controller-manager'] },
    { level: 'None', nonResourceURLs: ['/readyz*', '/livez*', '/healthz*'] },
    // Of these the record shows what they became: tests judge by it who wrote when.
    {
      level: 'RequestResponse',
      verbs: ['patch'],
      resources: [{ group: '', resources: ['configmaps'] }],
      omitManagedFields: true,
    },
    { level: 'Metadata' },
  ],
};

function apiServerFlags(folder: string): string[] {
  return [
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    '--endpoint-reconciler-type=none',
    `--cert-dir=${folder}`,
    `--tls-cert-file=${join(folder, 'server.crt')}`,
    `--tls-private-key-file=${join(folder, 'server.key')}`,
    `--client-ca-file=${join(folder, 'ca.crt')}`,
    // The fault proxy ends the TLS connection of a client with a certificate; it tells the server who that was.
    `--requestheader-client-ca-file=${join(folder, 'ca.crt')}`,
    '--requestheader-allowed-names=front-proxy',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    `--token-auth-file=${join(folder, 'tokens.csv')}`,
    '--authorization-mode=Node,RBAC',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${join(folder, 'service-account.pub')}`,
    `--service-account-signing-key-file=${join(folder, 'service-account.key')}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    '--allow-privileged=true',
    // Pods are only looked at here, so nobody makes the service account that this plugin would ask for.
    '--disable-admission-plugins=ServiceAccount',
    `--audit-policy-file=${join(folder, 'audit-policy.json')}`,
    `--audit-log-path=${join(folder, 'audit', 'audit.log')}`,
    '--audit-log-mode=blocking',
    '--audit-log-maxsize=100000',
    '--shutdown-delay-duration=0s',
    '-v=1',
  ];
}

function certificate(folder: string, name: string, authority: ClusterAccess['authority'], user: string): string[] {
  // One user with every right, instead of one service account per controller.
  const issued = issueCertificate(authority, { commonName: user, organizations: ['system:masters'] });
  const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  writeFileSync(cert, issued.cert);
  writeFileSync(key, issued.key, { mode: 0o600 });
  return [cert, key];
}

function kubeconfigOf(access: ClusterAccess, [cert, key]: readonly string[]): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'test', cluster: { server: access.server, 'certificate-authority': join(access.folder, 'ca.crt') } },
    ],
    users: [{ name: 'user', user: { 'client-certificate': cert, 'client-key': key } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'user' } }],
    'current-context': 'test',
  };
}

/** Ports that were free a moment ago, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, '127.0.0.1', resolve);
      });
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function answers(port: number, path: string, ca: string, headers: Record<string, string>): Promise<boolean> {
  return new Promise((resolve) => {
    // The controller manager makes its own certificate; only whether it answers is asked.
    const trust = path === '/healthz' ? { rejectUnauthorized: false } : { ca };
    const call = request(
      { host: '127.0.0.1', port, path, headers, agent: false, timeout: 2_000, ...trust },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode === 200);
      },
    );
    call.once('timeout', () => call.destroy());
    call.once('error', () => resolve(false));
    call.end();
  });
}

function killed(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
      resolve();
      return;
    }
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
