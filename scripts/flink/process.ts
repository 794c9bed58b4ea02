/** A JobManager or a TaskManager of Apache Flink as a child process, with what Flink's own start scripts compute. */
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FLINK_HOME } from './distribution.ts';

/** A program of Flink's with its memory. */
export interface FlinkProgram {
  readonly jvm: readonly string[];
  readonly main: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** What the start scripts, which the package leaves out, compute for a TaskManager of 1728 MB. */
export const TASK_MANAGER: FlinkProgram = {
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
};

/** A JobManager of a session, of 1600 MB. */
export const JOB_MANAGER: FlinkProgram = {
  jvm: ['-XX:+UseG1GC', '-Xms1073741824', '-Xmx1073741824', '-XX:MaxMetaspaceSize=268435456'],
  main: 'org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint',
  settings: { 'jobmanager.memory.heap.size': '1073741824b', 'jobmanager.memory.off-heap.size': '134217728b' },
};

/** Parts of the JDK that Flink reaches into. */
export const OPENED_PACKAGES = [
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
].map((each) => `--add-opens=${each}=ALL-UNNAMED`);

/** Where and how a program runs. */
export interface FlinkLaunch {
  /** Holds `conf/config.yaml` and `conf/log4j-console.properties`; the log of the program is written here. */
  readonly folder: string;
  /** Name of the log file. @default the program's class */
  readonly log?: string;
  /** What stands before `java`: `['taskset', '-c', '0']`. @default nothing */
  readonly before?: readonly string[];
}

/** Starts a program; what it prints goes into its log. */
export function launchFlink({ jvm, main, settings }: FlinkProgram, launch: FlinkLaunch): ChildProcess {
  const { folder, log = `${main.split('.').at(-1)}.log`, before = [] } = launch;
  const dynamic = Object.entries(settings).flatMap(([key, value]) => ['-D', `${key}=${value}`]);
  const java = ['java', ...jvm, ...javaOptions(folder, 'log4j-console'), main, '--configDir', join(folder, 'conf')];
  const [command = '', ...args] = [...before, ...java, ...dynamic];
  const output = openSync(join(folder, log), 'a');
  return spawn(command, args, { env: flinkEnvironment(folder), stdio: ['ignore', output, output] });
}

/** Options of every JVM of Flink's, its command line among them. */
export function javaOptions(folder: string, logging: string): string[] {
  const configuration = join(folder, 'conf', `${logging}.properties`);
  return [...OPENED_PACKAGES, `-Dlog4j.configurationFile=file:${configuration}`, '-cp', `${FLINK_HOME}/lib/*`];
}

export function flinkEnvironment(folder: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    FLINK_CONF_DIR: join(folder, 'conf'),
    FLINK_LOG_DIR: folder,
    FLINK_HOME,
    FLINK_PLUGINS_DIR: join(FLINK_HOME, 'plugins'),
  };
}

/** Writes what log4j of these programs reads. */
export function writeLogging(folder: string, names: readonly string[], level: 'INFO' | 'WARN'): void {
  for (const name of names) writeFileSync(join(folder, `conf/${name}.properties`), logging(level));
}

function logging(level: string): string {
  return `
rootLogger.level = ${level}
rootLogger.appenderRef.console.ref = Console
appender.console.type = CONSOLE
appender.console.name = Console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %-5p %c{1} - %m%n
`;
}
