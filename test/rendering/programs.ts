/** Where the real kustomize and helm are, on this machine. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { buildOnce, goBuild } from '../cluster/go-build.ts';
import { findGo, type Go } from '../cluster/go-toolchain.ts';

const PACKAGES = {
  kustomize: 'sigs.k8s.io/kustomize/kustomize/v5',
  helm: 'helm.sh/helm/v4/cmd/helm',
} as const;

export type RenderingProgram = keyof typeof PACKAGES;

/** Where to look, and whom to tell that it takes a while. */
export interface ProgramFacts {
  /** The project's ignored folder. @default .tools */
  readonly tools?: string;
  /** @default that of this process */
  readonly searchPath?: string;
  /** @default what `findGo` finds */
  readonly go?: () => Promise<Go | { readonly missing: string }>;
  /** Whether it may be built where it is not there. */
  readonly build: boolean;
  readonly say?: (line: string) => void;
}

const here = import.meta.dirname;
const FLAGS = ['-mod=readonly', '-buildvcs=false', '-trimpath', '-ldflags=-s -w'];

/** The path of a program, or why there is none. Throws when a build was tried and failed. */
export async function findProgram(
  name: RenderingProgram,
  facts: ProgramFacts,
): Promise<{ readonly path: string } | { readonly missing: string }> {
  const { searchPath = process.env.PATH ?? '', tools = join(here, '..', '..', '.tools'), build } = facts;
  const installed = searchPath.split(delimiter).find((folder) => folder !== '' && existsSync(join(folder, name)));
  if (installed !== undefined) return { path: join(installed, name) };
  const folder = join(tools, `${name}-${key(name)}`);
  const path = join(folder, name);
  if (existsSync(path)) return { path };
  if (!build) return { missing: `this machine has no ${name}; make ${name} builds it` };
  const { say = () => {} } = facts;
  const go = await (facts.go ?? (() => findGo({ tools, say })))();
  if ('missing' in go) return { missing: `this machine has no ${name}, and ${go.missing}` };
  mkdirSync(tools, { recursive: true });
  await buildOnce(folder, async (half) => {
    say(`building ${name} from its Go modules, once`);
    await goBuild(go, { module: join(here, name), package: PACKAGES[name], flags: FLAGS, output: join(half, name) });
  });
  return { path };
}

/** Runs a program that was found; throws with what it said when it fails. */
export async function outputOf(program: { readonly path: string }, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program.path, [...args], { maxBuffer: 1 << 26 });
  return stdout;
}

/** Changes when anything changes that the program is made from. */
function key(name: RenderingProgram): string {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(here, name, file)));
  return hash
    .update(JSON.stringify([platform(), arch(), FLAGS, PACKAGES[name]]))
    .digest('hex')
    .slice(0, 8);
}
