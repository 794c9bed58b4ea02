/**
 * The programs of a Kubernetes control plane, from the first place that has them:
 *
 *   1. `KUBEBUILDER_ASSETS`, the folder that every Kubernetes developer already has
 *   2. the project's ignored folder, `.tools/kubernetes-<version>-<key>/`
 *   3. a build from the public Go modules pinned by go.mod and go.sum beside this file, into 2 (a few minutes, once)
 *
 * A build goes into a folder of its own and is moved into place whole, so an interrupted one leaves no half program.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { buildOnce, goBuild } from './go-build.ts';
import { findGo, type Go } from './go-toolchain.ts';

/** A program of the control plane, and the Go package it is built from. */
const PACKAGES = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
} as const;

export type ProgramName = keyof typeof PACKAGES;
const NAMES = Object.keys(PACKAGES) as ProgramName[];

export type ProgramPaths = Readonly<Partial<Record<ProgramName, string>>>;

/** Where the programs lie, or why they cannot be had on this machine. */
export type Programs =
  | { readonly found: true; readonly paths: ProgramPaths; readonly built: boolean }
  | { readonly found: false; readonly reason: string };

/** Where to look, and whom to tell that it takes a while. */
export interface ProgramFacts {
  /** What is needed; KUBEBUILDER_ASSETS holds no controller manager, as a rule. @default all */
  readonly wanted?: readonly ProgramName[];
  /** The project's ignored folder. @default .tools */
  readonly tools?: string;
  /** @default the environment's KUBEBUILDER_ASSETS */
  readonly assets?: string | undefined;
  /** @default what `findGo` finds */
  readonly go?: () => Promise<Go | { readonly missing: string }>;
  readonly say?: (line: string) => void;
}

const here = import.meta.dirname;

/** Finds the programs, and builds them when they are nowhere. Throws when a build was tried and failed. */
export async function findPrograms(facts: ProgramFacts = {}): Promise<Programs> {
  const wanted = facts.wanted ?? NAMES;
  const tools = facts.tools ?? join(here, '..', '..', '.tools');
  const assets = 'assets' in facts ? facts.assets : process.env.KUBEBUILDER_ASSETS;
  const inAssets = assets === undefined ? {} : present(assets, wanted);
  const cache = join(tools, cacheName());
  const paths = { ...present(cache, wanted), ...inAssets };
  const unbuilt = wanted.filter((name) => paths[name] === undefined);
  if (unbuilt.length === 0) return { found: true, paths, built: false };
  const go = await (facts.go ?? (() => findGo({ tools, ...(facts.say && { say: facts.say }) })))();
  if ('missing' in go) {
    return { found: false, reason: `KUBEBUILDER_ASSETS names no folder with ${unbuilt.join(', ')}; ${go.missing}` };
  }
  mkdirSync(tools, { recursive: true });
  const built = await buildOnce(cache, (half) => build(half, go, facts.say ?? (() => {})));
  return { found: true, paths: { ...present(cache, wanted), ...inAssets }, built };
}

/** The version of Kubernetes that go.mod pins, as `1.36.3`. */
export function pinnedVersion(): string {
  const version = /k8s\.io\/kubernetes v(\S+)/.exec(readFileSync(join(here, 'go.mod'), 'utf8'))?.[1];
  if (version === undefined) throw new Error('go.mod pins no k8s.io/kubernetes');
  return version;
}

/** Changes when anything changes that the programs are made from. */
function cacheName(): string {
  const key = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) key.update(readFileSync(join(here, file)));
  key.update(JSON.stringify([platform(), arch(), buildFlags(), PACKAGES]));
  return `kubernetes-${pinnedVersion()}-${key.digest('hex').slice(0, 8)}`;
}

function present(folder: string, names: readonly ProgramName[]): Partial<Record<ProgramName, string>> {
  const entries = names.map((name) => [name, join(folder, name)] as const).filter(([, path]) => existsSync(path));
  return Object.fromEntries(entries);
}

function buildFlags(): string[] {
  const version = pinnedVersion();
  const [major = '', minor = ''] = version.split('.');
  const set = (name: string, value: string) => `-X k8s.io/component-base/version.${name}=${value}`;
  const stamps = [set('gitVersion', `v${version}`), set('gitMajor', major), set('gitMinor', minor)];
  return ['-mod=readonly', '-buildvcs=false', '-trimpath', '-tags=providerless', `-ldflags=-s -w ${stamps.join(' ')}`];
}

async function build(half: string, go: Go, say: (line: string) => void): Promise<void> {
  const started = performance.now();
  say(`building Kubernetes ${pinnedVersion()} from its Go modules (about four minutes on two cores, once)`);
  for (const name of NAMES) {
    await goBuild(go, { module: here, package: PACKAGES[name], flags: buildFlags(), output: join(half, name) });
  }
  say(`built Kubernetes in ${Math.round((performance.now() - started) / 1000)} s`);
}
