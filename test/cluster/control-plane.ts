/**
 * Starts and stops the programs of one control plane: etcd, kube-apiserver and, when asked for, kube-controller-manager. All
 * on loopback, with everything they write below one folder.
 */
import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { freePorts } from '../servers/ports.ts';
import { ServerPrograms } from '../servers/server-programs.ts';
import type { ClusterAccess } from './access.ts';
import { certificateAuthority, issueCertificate, signingKeyPair } from './certificates.ts';
import type { ProgramPaths } from './programs.ts';

/** Static token of a user that needs no certificate; the API server reads it once, when it starts. */
const ADMIN_TOKEN_USER = 'test-admin';

/** One of its programs, and how it was started. */
interface Program {
  readonly path: string;
  readonly args: readonly string[];
  readonly child: ChildProcess;
}

export class ControlPlane {
  private readonly programs: ServerPrograms;
  private access: ClusterAccess | undefined;
  private storage: Program | undefined;
  private server: Program | undefined;

  /** The folder exists and is empty. Everything is written below it. */
  constructor(folder: string) {
    this.programs = new ServerPrograms(folder);
  }

  /** Resolves when the API server is ready. */
  async start(paths: ProgramPaths): Promise<ClusterAccess> {
    const { etcd, 'kube-apiserver': apiServer } = paths;
    if (etcd === undefined || apiServer === undefined) throw new Error('etcd and kube-apiserver are needed');
    this.access = await this.programs.onFreePorts(3, (ports) => this.tryStart(etcd, apiServer, ports));
    return this.access;
  }

  /** Ends the API server as a crash does, and starts it again under its address. */
  async restartServer(): Promise<void> {
    const server = this.running(this.server);
    await this.programs.end(server.child);
    this.server = this.again(server);
    await this.untilReady();
  }

  /** Keeps all that is stored as it is now. The API server is without its storage meanwhile. */
  async backUp(): Promise<void> {
    const storage = this.running(this.storage);
    await this.programs.end(storage.child);
    cpSync(this.stored, this.backup, { recursive: true });
    this.storage = this.again(storage);
    await this.untilReady();
  }

  /** Everything is as it was at the backup, versions of objects included, and both programs begin anew. */
  async restore(): Promise<void> {
    const [storage, server] = [this.running(this.storage), this.running(this.server)];
    await Promise.all([this.programs.end(server.child), this.programs.end(storage.child)]);
    rmSync(this.stored, { recursive: true });
    cpSync(this.backup, this.stored, { recursive: true });
    this.storage = this.again(storage);
    this.server = this.again(server);
    await this.untilReady();
  }

  private get stored(): string {
    return join(this.programs.folder, 'etcd');
  }

  private get backup(): string {
    return join(this.programs.folder, 'etcd-backup');
  }

  private running(program: Program | undefined): Program {
    if (program === undefined) throw new Error('the control plane does not run');
    return program;
  }

  private again({ path, args }: Program): Program {
    return { path, args, child: this.programs.run(path, args) };
  }

  private async untilReady(): Promise<void> {
    const { ca = '', adminToken, server = '' } = this.access ?? {};
    const children = [this.running(this.storage).child, this.running(this.server).child];
    const port = Number(new URL(server).port);
    await this.programs.until(children, 'kube-apiserver', () =>
      answers(port, '/readyz', ca, { authorization: `Bearer ${adminToken}` }),
    );
  }

  /** Adds garbage collection, namespaces that end, service accounts and Jobs. */
  async startControllerManager(program: string): Promise<void> {
    if (this.access === undefined) throw new Error('the API server does not run');
    const { folder } = this.programs;
    const [port = 0] = await freePorts(1);
    const manager = certificate(folder, 'controller-manager', this.access.authority, 'system:kube-controller-manager');
    const kubeconfig = join(folder, 'controller-manager.kubeconfig');
    writeFileSync(kubeconfig, JSON.stringify(kubeconfigOf(this.access, manager)));
    const child = this.programs.run(program, [
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
    const isUp = (): Promise<boolean> => answers(port, '/healthz', this.access?.ca ?? '', {});
    await this.programs.until([child], 'kube-controller-manager', isUp);
  }

  /** Ends every process at once; what they wrote is not needed any more. */
  stop(): Promise<void> {
    return this.programs.stop();
  }

  private async tryStart(
    etcdProgram: string,
    apiServerProgram: string,
    [etcdPort = 0, peerPort = 0, port = 0]: readonly number[],
  ): Promise<ClusterAccess> {
    const { folder } = this.programs;
    const access = prepare(folder, port);
    const etcd = `http://127.0.0.1:${etcdPort}`;
    const peer = `http://127.0.0.1:${peerPort}`;
    const storeArgs = [
      `--data-dir=${this.stored}`,
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
    ];
    const serverArgs = [...apiServerFlags(folder), `--etcd-servers=${etcd}`, `--secure-port=${port}`];
    const store = this.programs.run(etcdProgram, storeArgs);
    const server = this.programs.run(apiServerProgram, serverArgs);
    this.storage = { path: etcdProgram, args: storeArgs, child: store };
    this.server = { path: apiServerProgram, args: serverArgs, child: server };
    await this.programs.until([store, server], 'kube-apiserver', () =>
      answers(port, '/readyz', access.ca, { authorization: `Bearer ${access.adminToken}` }),
    );
    return access;
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
