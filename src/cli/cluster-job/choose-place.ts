/**
 * Where the job is that a command is for: on this machine, or on a cluster. The same verbs serve both; who says nothing
 * reads what is there, and changes nothing on a cluster that he did not name. See docs/adr/0016-one-verb-two-places.md.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command as Commander } from 'commander';
import { parseFlinkJob } from '../../api/index.ts';
import { type CliIo, EXIT } from '../command.ts';
import { hasLocalJob } from '../local-job/find-local-job.ts';
import { JobFileError, readJobFile } from '../run/job-file.ts';

/** The facts of the choice. */
export interface PlaceFacts {
  /** One of `-n`, `--context`, `--kubeconfig` was given. */
  readonly namesCluster: boolean;
  /** `--home` was given. */
  readonly namesHome: boolean;
  /** Called as `kubectl flinkjob`. */
  readonly isPlugin: boolean;
  /** Whether the command changes the job. */
  readonly isChange: boolean;
  readonly isLocalJob: boolean;
  /** There is a kubeconfig, or this is a pod. */
  readonly isClusterKnown: boolean;
}

/** Where a command goes. */
export type Place = 'machine' | 'cluster';

/** The first that speaks decides: an option, the name of the command, a job of this name here, and for reading a cluster that is known. */
export function placeOf(facts: PlaceFacts): Place {
  if (facts.namesCluster) return 'cluster';
  if (facts.namesHome) return 'machine';
  if (facts.isPlugin) return 'cluster';
  if (facts.isLocalJob || facts.isChange) return 'machine';
  return facts.isClusterKnown ? 'cluster' : 'machine';
}

/** A command that both places have. */
export interface TwoSided {
  readonly isChange: boolean;
  /** Names of options, as commander has them, that only one place understands. */
  readonly onlyHere?: readonly string[];
  readonly onlyCluster?: readonly string[];
  /** Given the name of the job. */
  readonly here: (name: string) => Promise<number>;
  readonly onCluster: (name: string) => Promise<number>;
}

/**
 * Does a command where its job is. The job is named, or the file that holds it is. An option of the other place is wrong
 * usage.
 * @throws JobFileError, InvalidFlinkJobError where a file is named and holds no job
 */
export async function whereTheJobIs(
  named: string,
  { command, io }: { readonly command: Commander; readonly io: CliIo },
  sides: TwoSided,
): Promise<number> {
  const name = MANIFEST.test(named) ? await nameInFile(named, io) : named;
  const given = (option: string): boolean => command.getOptionValueSource(option) === 'cli';
  const facts = {
    namesCluster: ['namespace', 'context', 'kubeconfig'].some(given),
    namesHome: given('home'),
    isPlugin: io.isPlugin === true,
    isChange: sides.isChange,
    isLocalJob: hasLocalJob(name, resolve(io.cwd, String(command.opts().home))),
    isClusterKnown: isClusterKnown(io),
  };
  const place = placeOf(facts);
  const strange = (place === 'cluster' ? [...(sides.onlyHere ?? []), 'home'] : (sides.onlyCluster ?? [])).find(given);
  if (strange !== undefined) {
    io.stderr.write(`error: --${dashed(strange)} ${OF_THE_OTHER[place]}\n`);
    return EXIT.usage;
  }
  if (place === 'cluster') return sides.onCluster(name);
  const code = await sides.here(name);
  if (!facts.isLocalJob && facts.isClusterKnown && !facts.namesHome) {
    io.stderr.write(
      `For a FlinkJob on a cluster, name its namespace: flinkjob ${command.name()} -n NAMESPACE ${name}\n`,
    );
  }
  return code;
}

/** No job's name has a dot. */
const MANIFEST = /\.ya?ml$/;

/** `namespace/name`, or only the name where the file says no namespace: then it is that of the context, or `default`. */
async function nameInFile(path: string, io: CliIo): Promise<string> {
  const { text, name: source } = await readJobFile(path, io);
  const { name, namespace } = parseFlinkJob(text, source).metadata;
  if (name === undefined) {
    throw new JobFileError('JOB_FILE_UNREADABLE', `${path} names no job: it has metadata.generateName. Give the name.`);
  }
  return namespace === undefined ? name : `${namespace}/${name}`;
}

const OF_THE_OTHER: Readonly<Record<Place, string>> = {
  cluster: 'is for jobs on this machine; leave it out, or leave out -n, --context and --kubeconfig',
  machine: 'is for jobs on a cluster; add -n NAMESPACE',
};

function dashed(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Whether kubectl would know a cluster here. */
function isClusterKnown({ env }: CliIo): boolean {
  if (env.KUBECONFIG || env.KUBERNETES_SERVICE_HOST) return true;
  return env.HOME !== undefined && existsSync(join(env.HOME, '.kube', 'config'));
}
