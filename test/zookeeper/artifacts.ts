/**
 * What a ZooKeeper server is run from: Java, and the first of these that there is:
 *
 *     1. Debian's packages (`zookeeper` brings /usr/share/java/zookeeper.jar)
 *     2. the project's ignored folder, `.tools/zookeeper-<version>-<key>/`
 *     3. Maven, by pom.xml beside this file, checked against the sums below, into 2 (some 20 seconds, once)
 *
 * What Maven brings goes into a folder of its own and is moved into place whole. Its own downloads are kept nowhere else.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What `java` is called with, or why there is nothing to call it with. */
export type Artifacts =
  | { readonly found: true; readonly java: string; readonly classpath: string }
  | { readonly found: false; readonly reason: string };

/** Where to look, and whom to tell that it takes a while. */
export interface ArtifactFacts {
  /** The project's ignored folder. @default .tools */
  readonly tools?: string;
  /** @default /usr/share/java */
  readonly debian?: string;
  /** Where programs are looked for. @default the environment's PATH */
  readonly path?: string;
  /** @default the environment's JAVA_HOME */
  readonly javaHome?: string | undefined;
  readonly say?: (line: string) => void;
}

const here = import.meta.dirname;

const SHA256: Readonly<Record<string, string>> = {
  'metrics-core-4.2.37.jar': '3c70d19049d10f474ab803706b9c0677bcf5fd9e1afeb4f6c496f62e38b27678',
  'slf4j-api-2.0.17.jar': '7b751d952061954d5abfed7181c1f645d336091b679891591d63329c622eb832',
  'slf4j-nop-2.0.17.jar': '3716f83649ec66161a2edefd4f49df34d1dd1c51cdcf941996c6987260f0a829',
  'snappy-java-1.1.10.8.jar': '50485d06037fea3d6e40c968386feeca6338cc9872e25549593ff3eb352cefcc',
  'zookeeper-3.9.4.jar': '7bb3bb38bbddbc71424c59a7a0b170a1b2147313a84c972225ab0568dab513bf',
  'zookeeper-jute-3.9.4.jar': 'bd9750935add09b6cb920f7bcf0fa7b9a8165c45cdafd8ee1fc6808c46ec9094',
};

/** What Debian's server needs beside its own jar, as far as the release has it. */
const DEBIAN_JARS = [
  'zookeeper',
  'zookeeper-jute',
  'slf4j-api',
  'slf4j-nop',
  'metrics-core',
  'snappy-java',
  'netty-all',
];
const DEBIAN_NEEDED = ['zookeeper', 'zookeeper-jute', 'slf4j-api', 'metrics-core'];

/** Finds the server, and fetches it when it is nowhere. Throws when fetching was tried and failed. */
export async function findArtifacts(facts: ArtifactFacts = {}): Promise<Artifacts> {
  const { tools = join(here, '..', '..', '.tools'), debian = '/usr/share/java', say = () => {} } = facts;
  const java = findJava(facts);
  if (java === undefined) return { found: false, reason: 'no Java was found (JAVA_HOME, then the path)' };
  const jarOf = (name: string): string => join(debian, `${name}.jar`);
  if (DEBIAN_NEEDED.every((name) => existsSync(jarOf(name)))) {
    return { found: true, java, classpath: DEBIAN_JARS.map(jarOf).filter(existsSync).join(delimiter) };
  }
  const cache = join(tools, cacheName());
  if (!existsSync(cache)) {
    const mvn = findProgram('mvn', facts.path);
    if (mvn === undefined) {
      return {
        found: false,
        reason: "Debian's package zookeeper is not installed, and there is no Maven to fetch one",
      };
    }
    await fetchInto(cache, mvn, tools, say);
  }
  return { found: true, java, classpath: join(cache, '*') };
}

function findJava({ path, ...facts }: ArtifactFacts): string | undefined {
  const home = 'javaHome' in facts ? facts.javaHome : process.env.JAVA_HOME;
  const atHome = home === undefined || home === '' ? undefined : join(home, 'bin', 'java');
  return atHome !== undefined && existsSync(atHome) ? atHome : findProgram('java', path);
}

function findProgram(name: string, path = process.env.PATH ?? ''): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(existsSync);
}

/** Changes when anything changes that is fetched. */
function cacheName(): string {
  const pom = readFileSync(join(here, 'pom.xml'), 'utf8');
  const version = /<artifactId>zookeeper<\/artifactId>\s*<version>([^<]+)</.exec(pom)?.[1] ?? 'unpinned';
  const key = createHash('sha256').update(pom).update(JSON.stringify(SHA256)).digest('hex');
  return `zookeeper-${version}-${key.slice(0, 8)}`;
}

async function fetchInto(cache: string, mvn: string, tools: string, say: (line: string) => void): Promise<void> {
  const half = `${cache}.half-${process.pid}`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(tools, { recursive: true });
  say('fetching ZooKeeper with Maven (some 20 seconds, once)');
  try {
    const settings = [`-Dmaven.repo.local=${join(half, 'repository')}`, `-DoutputDirectory=${join(half, 'jars')}`];
    const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
    await run(mvn, ['-q', '-B', '--strict-checksums', '-f', join(here, 'pom.xml'), ...settings, plugin]);
    verify(join(half, 'jars'));
    // Should two runs fetch at once, the first one in place wins.
    if (!existsSync(cache)) renameSync(join(half, 'jars'), cache);
  } finally {
    rmSync(half, { recursive: true, force: true });
  }
}

/** Exactly the files that are pinned, and each of them with its sum. */
export function verify(folder: string): void {
  const sums = readdirSync(folder).map((name) => {
    const sum = createHash('sha256').update(readFileSync(join(folder, name)));
    return [name, sum.digest('hex')] as const;
  });
  const wrong = sums.filter(([name, sum]) => SHA256[name] !== sum).map(([name, sum]) => `${name} has ${sum}`);
  const missing = Object.keys(SHA256).filter((name) => !sums.some(([found]) => found === name));
  if (wrong.length + missing.length > 0) {
    throw new Error(
      `what Maven brought is not what is pinned: ${[...wrong, ...missing.map((m) => `${m} is missing`)]}`,
    );
  }
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let tail = '';
  const keep = (chunk: Buffer): void => {
    tail = (tail + chunk.toString()).slice(-4_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const status = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'gone'));
  });
  if (status !== 0) throw new Error(`${command} failed (${status}):\n${tail}`);
}
