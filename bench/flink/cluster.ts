/**
 * A real Apache Flink on this machine: one JobManager and one TaskManager, from the PyPI package that carries the whole
 * distribution, kept in an ignored folder. CPU time is read from /proc.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const FLINK_VERSION = '2.3.0';
const root = join(import.meta.dirname, '../..');
const home = join(root, '.tools', `flink-${FLINK_VERSION}`);
const work = join(root, '.bench-flink');
const REST = 'http://127.0.0.1:18081';
const TICKS_PER_SECOND = 100;

/** Why the comparison cannot run here, or undefined. */
export function missing(): string | undefined {
  if (spawnSync('java', ['-version']).status !== 0)
    return 'Java is not installed; the comparison with Apache Flink needs a JDK 17 or 21.';
  if (spawnSync('javac', ['-version']).status !== 0)
    return 'javac is not installed; the comparison with Apache Flink needs a JDK, not only a JRE.';
  if (!existsSync(home) && spawnSync('python3', ['-m', 'pip', '--version']).status !== 0)
    return 'python3 with pip is not installed; it fetches the Flink distribution from PyPI.';
  return undefined;
}

export interface FlinkRun {
  readonly records: number;
  readonly keys: number;
  readonly json: boolean;
  readonly parallelism: number;
}

export interface FlinkResult {
  readonly wallMs: number;
  /** User and system time of the TaskManager. */
  readonly cpuMs: number;
}

export class FlinkCluster {
  #jobManager: ChildProcess | undefined;
  #taskManager: ChildProcess | undefined;

  /** @param cpus cores of the TaskManager, as for taskset; the JobManager gets the last one */
  async start(slots: number, cpus: string): Promise<void> {
    install();
    rmSync(work, { recursive: true, force: true });
    mkdirSync(join(work, 'conf'), { recursive: true });
    writeFileSync(join(work, 'conf/config.yaml'), configuration(slots));
    for (const file of readdirSync(join(home, 'conf'))) {
      if (file.startsWith('log4j') || file.startsWith('logback'))
        copyFileSync(join(home, 'conf', file), join(work, 'conf', file));
    }
    this.#jobManager = launch('jobmanager.sh', cpus.split(',').at(-1) ?? '0');
    this.#taskManager = launch('taskmanager.sh', cpus);
    await until(
      async () => ((await get('/overview')) as { 'slots-available'?: number })['slots-available'] === slots,
      90_000,
      'Flink is up',
    );
  }

  async run({ records, keys, json, parallelism }: FlinkRun): Promise<FlinkResult> {
    const pid = this.#taskManager?.pid ?? 0;
    const before = cpuMsOf(pid);
    const output = execFileSync(
      join(home, 'bin/flink'),
      [
        'run',
        '-d',
        '-c',
        'BenchJob',
        join(work, 'bench.jar'),
        '--n',
        String(records),
        '--keys',
        String(keys),
        '--json',
        String(json),
        '--parallelism',
        String(parallelism),
        '--every',
        '1000000000',
      ],
      { env: environment(), encoding: 'utf8' },
    );
    const jobId = /JobID ([0-9a-f]{32})/.exec(output)?.[1];
    if (jobId === undefined) throw new Error(`Flink took no job: ${output}`);
    let job: { state?: string; duration?: number } = {};
    await until(
      async () => {
        job = (await get(`/jobs/${jobId}`)) as typeof job;
        if (job.state === 'FAILED') throw new Error('the Flink job failed');
        return job.state === 'FINISHED';
      },
      600_000,
      'the Flink job has finished',
    );
    return { wallMs: job.duration ?? Number.NaN, cpuMs: cpuMsOf(pid) - before };
  }

  async stop(): Promise<void> {
    for (const child of [this.#taskManager, this.#jobManager]) {
      if (child === undefined || child.exitCode !== null) continue;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
  }
}

/** Fetches the distribution and compiles the job; both are kept. */
function install(): void {
  if (!existsSync(join(home, 'lib'))) {
    console.log(`fetching Apache Flink ${FLINK_VERSION} from PyPI (once)`);
    const fetched = join(root, '.tools/flink-fetch');
    rmSync(fetched, { recursive: true, force: true });
    mkdirSync(fetched, { recursive: true });
    execFileSync(
      'python3',
      [
        '-m',
        'pip',
        'download',
        '--quiet',
        '--no-deps',
        '--no-binary',
        ':none:',
        '-d',
        fetched,
        `apache-flink-libraries==${FLINK_VERSION}`,
      ],
      { stdio: 'inherit' },
    );
    const [archive = ''] = readdirSync(fetched);
    execFileSync('python3', ['-c', UNPACK, join(fetched, archive), fetched], { stdio: 'inherit' });
    execFileSync('sh', [
      '-c',
      `mv "$(find '${fetched}' -type d -path '*pyflink/lib' | head -n 1 | xargs dirname)" '${home}'`,
    ]);
    rmSync(fetched, { recursive: true, force: true });
    execFileSync('sh', ['-c', `chmod +x '${home}'/bin/*`]);
  }
  mkdirSync(join(root, '.tools/flink-job'), { recursive: true });
}

const UNPACK = `
import shutil, sys
name, target = sys.argv[1:]
shutil.unpack_archive(name, target, 'zip' if name.endswith('.whl') else None)
`;

/** Compiles BenchJob into a jar. */
export function compileJob(): void {
  const classes = join(work, 'classes');
  mkdirSync(classes, { recursive: true });
  execFileSync(
    'javac',
    [
      '-proc:none',
      '--release',
      '11',
      '-nowarn',
      '-cp',
      `${home}/lib/*`,
      '-d',
      classes,
      join(import.meta.dirname, 'BenchJob.java'),
    ],
    { stdio: ['ignore', 'inherit', 'ignore'] },
  );
  execFileSync('jar', ['cf', join(work, 'bench.jar'), '-C', classes, '.']);
}

function launch(script: string, cpus: string): ChildProcess {
  const log = join(work, `${script}.log`);
  const command = `exec taskset -c ${cpus} bash '${join(home, 'bin', script)}' start-foreground > '${log}' 2>&1`;
  return spawn('sh', ['-c', command], { env: environment(), stdio: 'ignore' });
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, FLINK_CONF_DIR: join(work, 'conf'), FLINK_LOG_DIR: work, FLINK_HOME: home };
}

function configuration(slots: number): string {
  return [
    'jobmanager.rpc.address: localhost',
    'jobmanager.rpc.port: 16123',
    'jobmanager.bind-host: localhost',
    'jobmanager.memory.process.size: 1600m',
    'taskmanager.bind-host: localhost',
    'taskmanager.host: localhost',
    'taskmanager.memory.process.size: 1728m',
    `taskmanager.numberOfTaskSlots: ${slots}`,
    'rest.address: localhost',
    'rest.bind-address: localhost',
    'rest.port: 18081',
    'state.backend.type: hashmap',
    'execution.checkpointing.interval: 1s',
    `execution.checkpointing.dir: file://${work}/checkpoints`,
    `env.java.opts.all: ${OPENS.map((each) => `--add-opens=${each}=ALL-UNNAMED`).join(' ')}`,
    '',
  ].join('\n');
}

const OPENS = [
  'java.base/java.util',
  'java.base/java.lang',
  'java.base/java.net',
  'java.base/java.nio',
  'java.base/java.time',
  'java.base/sun.nio.ch',
  'java.base/java.util.concurrent',
  'java.base/java.text',
  'java.base/java.lang.reflect',
  'java.base/java.util.concurrent.atomic',
  'java.base/java.util.concurrent.locks',
];

function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND;
}

async function get(path: string): Promise<unknown> {
  const response = await fetch(`${REST}${path}`);
  return response.json();
}

/** Waits for a condition; errors of the condition's own requests count as not yet. */
async function until(condition: () => Promise<boolean>, deadlineMs: number, what: string): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (Date.now() < end) {
    const holds = await condition().catch((error: unknown) => {
      if (error instanceof TypeError) return false;
      throw error;
    });
    if (holds) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`waited ${deadlineMs} ms until ${what}`);
}
