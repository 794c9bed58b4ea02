/**
 * A Go that can build Kubernetes: the machine's own when it is new enough, else the pinned one from the Go module proxy
 * (the module `golang.org/toolchain`), verified by the checksum below and kept in the project's ignored folder.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { arch, platform, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { zipEntries } from './zip.ts';

/** The oldest Go that builds the pinned Kubernetes. */
const NEEDED = { major: 1, minor: 26 };

const PINNED = '1.26.8';

/** Checksums of the pinned toolchain's modules, as in a go.sum file. */
const CHECKSUMS: Readonly<Record<string, string>> = {
  'linux-amd64': 'h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM=',
  'linux-arm64': 'h1:sYL/O6MqS68ML0kjsQ36WoYIpJqkw60TxizWUYUKQMc=',
};

/** A `go` program, and what to add to its environment. */
export interface Go {
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** What decides which Go is taken. */
export interface GoFacts {
  /** The project's ignored folder. */
  readonly tools: string;
  /** Where to look for the machine's own. @default the search path, and /usr/local/go */
  readonly candidates?: readonly string[];
  /** @default that of this machine, as Go spells it */
  readonly machine?: string;
  /** Value of GOPROXY. @default that of the environment */
  readonly proxies?: string;
  readonly checksums?: Readonly<Record<string, string>>;
  readonly say?: (line: string) => void;
}

/** A Go that will do, or the reason why none can be had. Throws when what was fetched is not what was pinned. */
export async function findGo(facts: GoFacts): Promise<Go | { readonly missing: string }> {
  const seen: string[] = [];
  for (const command of facts.candidates ?? ['go', '/usr/local/go/bin/go']) {
    const version = await versionOf(command);
    // The machine's own Go is used with the machine's own caches.
    if (version !== undefined && isNewEnough(version)) return { command, environment: { GOTOOLCHAIN: 'local' } };
    if (version !== undefined) seen.push(version);
  }
  const found = seen.length === 0 ? 'no Go' : `${seen.join(', ')}, which is too old`;
  return fetchGo(facts, found);
}

/** Whether a version such as `go1.26.8` builds the pinned Kubernetes. */
export function isNewEnough(version: string): boolean {
  const [, major = '0', minor = '0'] = /^go(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > NEEDED.major || (Number(major) === NEEDED.major && Number(minor) >= NEEDED.minor);
}

async function versionOf(command: string): Promise<string | undefined> {
  try {
    const environment = { ...process.env, GOTOOLCHAIN: 'local' };
    const { stdout } = await promisify(execFile)(command, ['env', 'GOVERSION'], { cwd: tmpdir(), env: environment });
    return stdout.trim();
  } catch {
    // Not there, or too old to know the question.
    return undefined;
  }
}

async function fetchGo(facts: GoFacts, found: string): Promise<Go | { readonly missing: string }> {
  const machine = facts.machine ?? `${platform()}-${arch() === 'x64' ? 'amd64' : arch()}`;
  const checksum = (facts.checksums ?? CHECKSUMS)[machine];
  const why = `this machine has ${found}, and Kubernetes is built with Go ${NEEDED.major}.${NEEDED.minor} or later`;
  if (checksum === undefined) return { missing: `${why}; no Go is pinned for ${machine}: install one` };
  const folder = join(facts.tools, `go-${PINNED}-${machine}`);
  const command = join(folder, 'bin', 'go');
  if (!existsSync(command)) {
    const name = `golang.org/toolchain@v0.0.1-go${PINNED}.${machine}`;
    const archive = await download(`golang.org/toolchain/@v/v0.0.1-go${PINNED}.${machine}.zip`, facts);
    if ('failure' in archive) return { missing: `${why}; fetching ${name} failed: ${archive.failure}` };
    unpack(archive.bytes, { name, checksum, folder });
  }
  // Caches of its own: a machine without Go gets nothing outside the project, and the module cache can be deleted.
  const caches = join(facts.tools, 'go-cache');
  const environment = {
    GOTOOLCHAIN: 'local',
    GOROOT: folder,
    GOPATH: join(caches, 'path'),
    GOCACHE: join(caches, 'build'),
    GOFLAGS: '-modcacherw',
  };
  return { command, environment };
}

async function download(path: string, facts: GoFacts): Promise<{ bytes: Buffer } | { failure: string }> {
  const proxies = (facts.proxies ?? process.env.GOPROXY ?? '').split(/[,|]/).filter((entry) => /^https?:/.test(entry));
  if (proxies.length === 0) return { failure: 'GOPROXY names no module proxy; set it, or install Go' };
  const failures: string[] = [];
  for (const proxy of proxies) {
    facts.say?.(`fetching Go ${PINNED} from the Go module proxy (about 75 MB, once)`);
    try {
      const response = await fetch(`${proxy.replace(/\/$/, '')}/${path}`);
      if (response.ok) return { bytes: Buffer.from(await response.arrayBuffer()) };
      failures.push(`the Go module proxy answered ${response.status}`);
    } catch (error) {
      failures.push(`the Go module proxy could not be reached (${String((error as Error).cause ?? error)})`);
    }
  }
  return { failure: failures.join('; ') };
}

/** Verifies before it writes, and moves the folder into place last: an interrupted run leaves nothing that looks whole. */
function unpack(bytes: Buffer, what: { name: string; checksum: string; folder: string }): void {
  const entries = zipEntries(bytes).map((entry) => ({ name: entry.name, data: entry.read() }));
  const sum = moduleChecksum(entries);
  if (sum !== what.checksum) {
    throw new Error(`${what.name} has checksum ${sum}, and ${what.checksum} is pinned; nothing of it was used`);
  }
  const half = `${what.folder}.half-${process.pid}`;
  rmSync(half, { recursive: true, force: true });
  for (const { name, data } of entries) {
    const inside = name.slice(what.name.length + 1);
    const path = join(half, inside);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, data);
    // Archives of modules carry no permissions.
    if (/^(bin|pkg\/tool)\//.test(inside)) chmodSync(path, 0o755);
  }
  rmSync(what.folder, { recursive: true, force: true });
  renameSync(half, what.folder);
}

/** Go's `h1:` checksum of a module's files: SHA-256 over the sorted list of their SHA-256 sums and names. */
export function moduleChecksum(files: readonly { readonly name: string; readonly data: Buffer }[]): string {
  const lines = files
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
    .map(({ name, data }) => `${createHash('sha256').update(data).digest('hex')}  ${name}\n`);
  return `h1:${createHash('sha256').update(lines.join('')).digest('base64')}`;
}
