/**
 * A real Apache Flink for tests and measurements: the PyPI package that carries the whole distribution, fetched once into
 * an ignored folder. Java and, to compile a job, a JDK come from the machine.
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const FLINK_VERSION = '2.3.0';

const run = promisify(execFile);
const tools = join(import.meta.dirname, '../../.tools');
/** Where the distribution lies once it was fetched. */
export const FLINK_HOME = join(tools, `flink-${FLINK_VERSION}`);

/** Why this machine cannot run Flink, or undefined. Says nothing of the network, which only the first fetch needs. */
export function flinkMissing(): string | undefined {
  if (!runs('java', '-version')) return 'Java is not installed; Apache Flink needs a JDK 17 or 21';
  if (!runs('javac', '-version')) return 'javac is not installed; a job for Apache Flink needs a JDK, not only a JRE';
  if (!existsSync(FLINK_HOME) && !runs('python3', '-m', 'pip', '--version'))
    return 'python3 with pip is not installed; it fetches the Flink distribution from PyPI';
  return undefined;
}

/** Fetches the distribution where it is not there yet. Throws when PyPI does not give it. */
export async function installFlink(say: (line: string) => void): Promise<void> {
  if (existsSync(join(FLINK_HOME, 'lib'))) return;
  say(`fetching Apache Flink ${FLINK_VERSION} from PyPI (once)`);
  const fetched = join(tools, `flink-fetch-${process.pid}`);
  mkdirSync(fetched, { recursive: true });
  const what = ['--no-deps', '--no-binary', ':none:', '-d', fetched, `apache-flink-libraries==${FLINK_VERSION}`];
  try {
    await run('python3', ['-m', 'pip', 'download', '--quiet', ...what]);
    const [archive = ''] = readdirSync(fetched);
    await run('python3', ['-c', UNPACK, join(fetched, archive), fetched]);
    const lib = readdirSync(fetched, { recursive: true, encoding: 'utf8' }).find((path) =>
      path.endsWith('pyflink/lib'),
    );
    // Moved into place whole: an interrupted fetch leaves no half distribution. Another process may have been first.
    if (!existsSync(FLINK_HOME)) renameSync(join(fetched, lib ?? '', '..'), FLINK_HOME);
  } finally {
    rmSync(fetched, { recursive: true, force: true });
  }
}

/** Compiles one Java file into a jar, in a folder of its own. */
export function compileFlinkJob(source: string, folder: string, jar: string): void {
  const classes = join(folder, 'classes');
  mkdirSync(classes, { recursive: true });
  const options = ['-proc:none', '--release', '11', '-nowarn', '-cp', `${FLINK_HOME}/lib/*`, '-d', classes];
  execFileSync('javac', [...options, source], { stdio: ['ignore', 'inherit', 'ignore'] });
  execFileSync('jar', ['cf', jar, '-C', classes, '.']);
}

const UNPACK = `
import shutil, sys
name, target = sys.argv[1:]
shutil.unpack_archive(name, target, 'zip' if name.endswith('.whl') else None)
`;

function runs(command: string, ...args: string[]): boolean {
  return spawnSync(command, args).status === 0;
}
