/**
 * A real Apache Flink on this machine: one JobManager and one TaskManager, from the PyPI package that carries the whole
 * distribution, kept in an ignored folder. CPU time is read from /proc.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
    for (const name of ['log4j-console', 'log4j-cli']) writeFileSync(join(work, `conf/${name}.properties`), LOGGING);
    this.#jobManager = launch(JOB_MANAGER, cpus.split(',').at(-1) ?? '0');
    this.#taskManager = launch(TASK_MANAGER, cpus);
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
      'java',
      [
        ...javaOptions('log4j-cli'),
        'org.apache.flink.client.cli.CliFrontend',
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

/** What Flink's own start scripts (which the package leaves out) compute for a TaskManager of 1728 MB. */
const TASK_MANAGER = {
  jvm: [
    '-XX:+UseG1GC',
    '-Xms536870902',
    '-Xmx536870902',
    '-XX:MaxDirectMemorySize=268435458',
    '-XX:MaxMetaspaceSize=268435456',
  ],
  main: 'org.apache.flink.runtime.taskexecutor.TaskManagerRunner',
  settings: {
    'taskmanager.cpu.cores': '1.0',
    'taskmanager.memory.network.min': '134217730b',
    'taskmanager.memory.network.max': '134217730b',
    'taskmanager.memory.framework.heap.size': '134217728b',
    'taskmanager.memory.framework.off-heap.size': '134217728b',
    'taskmanager.memory.managed.size': '536870920b',
    'taskmanager.memory.task.heap.size': '402653174b',
    'taskmanager.memory.task.off-heap.size': '0b',
    'taskmanager.memory.jvm-metaspace.size': '268435456b',
    'taskmanager.memory.jvm-overhead.min': '201326592b',
    'taskmanager.memory.jvm-overhead.max': '201326592b',
  },
} as const;

const JOB_MANAGER = {
  jvm: ['-XX:+UseG1GC', '-Xms1073741824', '-Xmx1073741824', '-XX:MaxMetaspaceSize=268435456'],
  main: 'org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint',
  settings: { 'jobmanager.memory.heap.size': '1073741824b', 'jobmanager.memory.off-heap.size': '134217728b' },
} as const;

function launch({ jvm, main, settings }: typeof TASK_MANAGER | typeof JOB_MANAGER, cpus: string): ChildProcess {
  const log = join(work, `${main.split('.').at(-1)}.log`);
  const dynamic = Object.entries(settings).map(([key, value]) => `-D${key}=${value}`);
  const args = [...jvm, ...javaOptions('log4j-console'), main, '--configDir', join(work, 'conf')];
  return spawn('taskset', ['-c', cpus, 'java', ...args, ...dynamicArguments(dynamic)], {
    env: environment(),
    stdio: ['ignore', openSync(log, 'w'), openSync(log, 'a')],
  });
}

/** `-D key=value` after the main class. */
function dynamicArguments(settings: readonly string[]): string[] {
  return settings.flatMap((setting) => ['-D', setting.slice(2)]);
}

function javaOptions(logging: string): string[] {
  return [
    ...OPENS.map((each) => `--add-opens=${each}=ALL-UNNAMED`),
    `-Dlog4j.configurationFile=file:${join(work, 'conf', `${logging}.properties`)}`,
    '-cp',
    `${home}/lib/*`,
  ];
}

function environment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    FLINK_CONF_DIR: join(work, 'conf'),
    FLINK_LOG_DIR: work,
    FLINK_HOME: home,
    FLINK_PLUGINS_DIR: join(home, 'plugins'),
  };
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

const LOGGING = `
rootLogger.level = WARN
rootLogger.appenderRef.console.ref = Console
appender.console.type = CONSOLE
appender.console.name = Console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %-5p %c{1} - %m%n
`;

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
